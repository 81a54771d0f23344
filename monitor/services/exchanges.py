"""Exchanges from any JSON line: a native event, a pair of bodies, or fields named one by one. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from detectors.types import Answer, Exchange, Failure, Message, Outcome, Request, Timing, ToolCall
from monitor.errors import ValidationError
from monitor.intake.completions import read_reply, read_request
from monitor.intake.content import amount, calls_of, count, finish, messages, schema_of, tools_of

__all__ = ["FIELDS", "Mapped", "exchange_of", "mapping_of"]

Mapped = Mapping[str, tuple[str, ...]]
"""Field names with the way to each field's value: keys, and places in arrays."""

FIELDS: Final = (
    "id", "request", "response", "text", "prompt", "dialogue", "turn", "schema", "json_object", "tools", "tool_calls",
    "max_tokens", "temperature", "finish_reason", "refusal", "completion_tokens", "prompt_tokens", "mean_logprob",
    "status", "failure", "ttft_ms", "duration_ms", "queue_ms", "baseline",
)  # fmt: skip
"""What ``--map`` can name. ``baseline`` is the other leg's answer, for signals that compare two."""
_AS_NAMED: Final[Mapped] = {name: (name,) for name in FIELDS}


def mapping_of(pairs: Mapping[str, str]) -> Mapped:
    """Return the ways to the fields: ``a.b.0`` or the JSON pointer ``/a/b/0``; a field not named is looked for by name.

    Raises:
        ValidationError: there is no such field.
    """
    unknown = sorted(set(pairs) - set(FIELDS))
    if unknown:
        raise ValidationError(f"there is no field {unknown[0]!r}; fields: {', '.join(FIELDS)}")
    return {**_AS_NAMED, **{name: _way(path) for name, path in pairs.items()}}


def exchange_of(line: Mapping[str, Any], fields: Mapped) -> Exchange:
    """Return the exchange a line describes. Whole bodies come first; single fields add to them or replace a part."""

    def find(name: str) -> Any:
        return _at(line, fields[name])

    return Exchange(
        request=_request(find),
        answer=_answer(find),
        outcome=Outcome(count(find("status")), _failure(find("failure"))),
        timing=Timing(amount(find("ttft_ms")), amount(find("duration_ms")), amount(find("queue_ms"))),
    )


def _request(find: Callable[[str], Any]) -> Request | None:
    body = find("request")
    if isinstance(body, dict):
        return read_request(body)
    turns = _turns(find)
    schema, json_object, tools = schema_of(find("schema")), find("json_object") is True, find("tools")
    if not turns and schema is None and not json_object and not tools:
        return None
    return Request(
        messages=turns,
        response_schema=schema,
        json_object=json_object,
        tools=tools_of([tool for tool in tools if isinstance(tool, dict)]) if isinstance(tools, list) else {},
        max_tokens=count(find("max_tokens")),
        temperature=amount(find("temperature")),
    )


def _turns(find: Callable[[str], Any]) -> tuple[Message, ...]:
    """Return the conversation up to and with the turn that is asked about."""
    dialogue, prompt = find("dialogue"), find("prompt")
    if isinstance(dialogue, list):
        last = count(find("turn"))
        spoken = [
            {**each, "content": each.get("content", each.get("text"))} for each in dialogue if isinstance(each, dict)
        ]
        return messages(spoken if last is None else spoken[: last + 1])
    return (Message("user", prompt),) if isinstance(prompt, str) else ()


def _answer(find: Callable[[str], Any]) -> Answer | None:
    body = find("response")
    if isinstance(body, dict):
        return read_reply(body).answer
    text = body if isinstance(body, str) else find("text")
    refusal, calls = find("refusal"), find("tool_calls")
    if not isinstance(text, str) and not isinstance(refusal, str) and not calls:
        return None
    return Answer(
        text=text if isinstance(text, str) else None,
        tool_calls=_calls(calls),
        finish_reason=finish(find("finish_reason")),
        refusal=refusal if isinstance(refusal, str) else None,
        completion_tokens=count(find("completion_tokens")),
        prompt_tokens=count(find("prompt_tokens")),
        mean_logprob=amount(find("mean_logprob")),
    )


def _calls(given: Any) -> tuple[ToolCall, ...]:
    return calls_of({"tool_calls": given}) if isinstance(given, list) else ()


def _failure(given: Any) -> Failure | None:
    return Failure(given) if isinstance(given, str) and given in set(Failure) else None


def _way(path: str) -> tuple[str, ...]:
    if path.startswith("/"):
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/"))
    return tuple(path.split("."))


def _at(value: Any, way: tuple[str, ...]) -> Any:
    for step in way:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value

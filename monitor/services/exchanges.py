"""Exchanges from any JSON line: a native event, a pair of bodies, or fields named one by one; one leg or two. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from detectors.types import Answer, Exchange, Failure, Message, Outcome, Request, Timing, ToolCall
from monitor.errors import ValidationError
from monitor.intake.completions import read_reply, read_request
from monitor.intake.content import amount, calls_of, count, finish, messages, schema_of, tools_of

__all__ = ["CHAT", "FIELDS", "Mapped", "exchange_of", "legs_of", "mapping_of"]

Mapped = Mapping[str, tuple[str, ...]]
"""Field names with the way to each field's value: keys, and places in arrays."""

FIELDS: Final = (
    "id", "request", "response", "text", "prompt", "dialogue", "turn", "schema", "json_object", "tools", "tool_calls",
    "max_tokens", "temperature", "finish_reason", "refusal", "completion_tokens", "prompt_tokens", "mean_logprob",
    "status", "failure", "ttft_ms", "duration_ms", "queue_ms", "candidate", "baseline",
)  # fmt: skip
"""What ``--map`` can name. ``candidate`` and ``baseline`` are two legs' answers, for signals that compare them."""
CHAT: Final = Request(messages=(Message("user", None),))
"""A chat request of which nothing was logged, to stand in for one."""
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


def legs_of(line: Mapping[str, Any], fields: Mapped) -> tuple[Exchange, Exchange] | None:
    """Return the candidate's and the baseline's exchange of one request; None if the line has no second answer.

    ``candidate`` is the line's own answer where it is not named. A leg is a text, a response body, or an object with
    fields of its own (``text``, ``tool_calls``, ``status`` ...); what it does not say of the request the line says.
    Answers put side by side are taken as greedy ones of a chat unless a request or a temperature says otherwise.
    """
    given = _at(line, fields["baseline"])
    if given is None:
        return None
    shared = exchange_of(line, fields)
    request = shared.request or CHAT
    if request.temperature is None and not isinstance(_at(line, fields["request"]), dict):
        stated = amount(_at(line, fields["temperature"]))
        request = replace(request, temperature=0.0 if stated is None else stated)
    shared = replace(shared, request=request)
    own = _at(line, fields["candidate"])
    return shared if own is None else _leg(own, request), _leg(given, request)


def _leg(given: Any, request: Request) -> Exchange:
    if isinstance(given, int | float) and not isinstance(given, bool):
        given = msgspec.json.encode(given).decode()
    if not isinstance(given, dict):
        return Exchange(request=request, answer=Answer(text=given) if isinstance(given, str) else None)
    own = exchange_of(given, _AS_NAMED)
    return replace(own, request=own.request or request, answer=own.answer or read_reply(given).answer)


def _request(find: Callable[[str], Any]) -> Request | None:
    body = find("request")
    if isinstance(body, dict):
        return read_request(body)
    turns = _turns(find)
    schema, json_object, tools = _schema(find("schema")), find("json_object") is True, find("tools")
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


def _schema(given: Any) -> Mapping[str, Any] | bool | None:
    """Return a schema that is an object or the JSON text of one."""
    if not isinstance(given, str):
        return schema_of(given)
    try:
        return schema_of(msgspec.json.decode(given))
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None


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

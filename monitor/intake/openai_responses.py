"""The OpenAI Responses API: items in, items out."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from detectors.types import Answer, Message, Request, ToolCall
from monitor.intake.content import (
    amount,
    count,
    finish,
    label,
    messages,
    objects,
    record,
    schema_of,
    text_of,
    tool_call,
    tools_of,
)
from monitor.intake.reasoning import asks_reasoning
from monitor.intake.reply import Reply

__all__ = ["read_body", "read_chunks", "read_request"]

CALLS: Final = {"function_call": "arguments", "custom_tool_call": "input"}
RESULTS: Final = frozenset({"function_call_output", "custom_tool_call_output"})
ENDS: Final = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})


def read_request(body: Mapping[str, Any]) -> Request:
    """Read the body of a request."""
    form = record(record(body.get("text")).get("format"))
    return Request(
        messages=tuple(_input(body)),
        response_schema=schema_of(form.get("schema")) if form.get("type") == "json_schema" else None,
        json_object=form.get("type") == "json_object",
        tools=tools_of(objects(body.get("tools"))),
        max_tokens=count(body.get("max_output_tokens")),
        stream=body.get("stream") is True,
        temperature=amount(body.get("temperature")),
        reasoning=asks_reasoning(body),
    )


def read_body(body: Mapping[str, Any]) -> Reply:
    """Read the body of a response."""
    items = list(objects(body.get("output")))
    parts = [
        part for item in items if item.get("type", "message") == "message" for part in objects(item.get("content"))
    ]
    refusals = [part["refusal"] for part in parts if isinstance(part.get("refusal"), str)]
    found = (tool_call(item.get("name"), item.get(CALLS[item["type"]])) for item in items if _is_call(item))
    calls = tuple(call for call in found if call)
    usage = record(body.get("usage"))
    reason = _finish(body, calls)
    answer = Answer(
        text=text_of(parts, ""),
        tool_calls=calls,
        finish_reason=reason,
        refusal="".join(refusals) or None,
        completion_tokens=count(usage.get("output_tokens")),
        prompt_tokens=count(usage.get("input_tokens")),
    )
    return Reply(answer, label(body.get("model")), label(body.get("system_fingerprint")), reason == "error")


def read_chunks(chunks: Iterable[Mapping[str, Any]]) -> Reply:
    """Read the events of a stream: its last one holds the whole response; without it, what had come."""
    head: Mapping[str, Any] = {}
    text: list[str] = []
    refusal: list[str] = []
    names: dict[int, str] = {}
    given: dict[int, list[str]] = {}
    failed = False
    for chunk in chunks:
        kind = chunk.get("type")
        head = record(chunk.get("response")) or head
        if isinstance(kind, str) and kind in ENDS and head:
            return read_body(head)
        failed |= kind == "error" or "error" in chunk
        delta = chunk.get("delta")
        index = count(chunk.get("output_index")) or 0
        item = record(chunk.get("item"))
        if kind == "response.output_item.added" and _is_call(item) and label(item.get("name")):
            names[index] = item["name"]
        elif isinstance(delta, str):
            if kind == "response.output_text.delta":
                text.append(delta)
            elif kind == "response.refusal.delta":
                refusal.append(delta)
            elif kind in {"response.function_call_arguments.delta", "response.custom_tool_call_input.delta"}:
                given.setdefault(index, []).append(delta)
    answer = Answer(
        text="".join(text),
        tool_calls=tuple(ToolCall(name, "".join(given.get(index, ()))) for index, name in sorted(names.items())),
        finish_reason="error" if failed else None,
        refusal="".join(refusal) or None,
    )
    return Reply(answer, label(head.get("model")), label(head.get("system_fingerprint")), failed)


def _input(body: Mapping[str, Any]) -> Iterator[Message]:
    if isinstance(body.get("instructions"), str):
        yield Message("system", body["instructions"])
    given = body.get("input")
    if isinstance(given, str):
        yield Message("user", given)
    for item in objects(given):
        if str(item.get("type")) in RESULTS:
            yield Message("tool", text_of(item.get("output")))
        else:
            yield from messages([item])


def _is_call(item: Mapping[str, Any]) -> bool:
    return str(item.get("type")) in CALLS


def _finish(body: Mapping[str, Any], calls: tuple[ToolCall, ...]) -> str | None:
    status = body.get("status")
    if status == "incomplete":
        return finish(record(body.get("incomplete_details")).get("reason")) or "length"
    if status == "failed" or body.get("error"):
        return "error"
    if status == "cancelled":
        return "abort"
    if status == "completed" and "output" in body:
        return "tool_calls" if calls else "stop"
    return None

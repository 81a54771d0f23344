"""The Anthropic messages API: content blocks."""

from collections.abc import Iterable, Mapping
from typing import Any

from detectors.types import Answer, Message, Request, ToolCall
from monitor.intake.content import (
    amount,
    arguments,
    calls_of,
    count,
    finish,
    label,
    messages,
    objects,
    record,
    schema_of,
    text_of,
    tools_of,
)
from monitor.intake.reasoning import asks_reasoning
from monitor.intake.reply import Reply

__all__ = ["read_body", "read_chunks", "read_request"]


def read_request(body: Mapping[str, Any]) -> Request:
    """Read the body of a request."""
    system = text_of(body.get("system"))
    head = (Message("system", system),) if system is not None else ()
    form = record(body.get("output_format")) or record(record(body.get("output_config")).get("format"))
    return Request(
        messages=head + messages(body.get("messages")),
        response_schema=schema_of(form.get("schema")) if form.get("type") == "json_schema" else None,
        tools=tools_of(objects(body.get("tools"))),
        max_tokens=count(body.get("max_tokens")),
        stream=body.get("stream") is True,
        temperature=amount(body.get("temperature")),
        reasoning=asks_reasoning(body),
    )


def read_body(body: Mapping[str, Any]) -> Reply:
    """Read the body of a response. A refusal is told by the stop reason; what was said then is its text."""
    content = body.get("content")
    blocks = list(objects(content))
    text = content if isinstance(content, str) else text_of(blocks, "")
    return Reply(
        _answer(body, text if "content" in body else None, calls_of(body)),
        label(body.get("model")),
    )


def read_chunks(chunks: Iterable[Mapping[str, Any]]) -> Reply:
    """Read the events of a stream; one that was cut off has no finish reason."""
    head: dict[str, Any] = {}
    usage: dict[str, Any] = {}
    text: list[str] = []
    names: dict[int, tuple[str, Any]] = {}
    given: dict[int, list[str]] = {}
    failed = False
    for chunk in chunks:
        message, delta, block = (
            record(chunk.get("message")),
            record(chunk.get("delta")),
            record(chunk.get("content_block")),
        )
        index = count(chunk.get("index")) or 0
        failed |= chunk.get("type") == "error"
        if chunk.get("type") == "message_start":
            head.update(message)
        if chunk.get("type") == "message_delta":
            head.update(delta)
        usage.update({**record(message.get("usage")), **record(chunk.get("usage"))})
        if block.get("type") == "tool_use" and label(block.get("name")):
            names[index] = (block["name"], block.get("input"))
        text.extend(part for part in (block.get("text"), delta.get("text")) if isinstance(part, str))
        if isinstance(part := delta.get("partial_json"), str):
            given.setdefault(index, []).append(part)
    calls = tuple(
        ToolCall(name, "".join(given.get(index, ())) or arguments(start))
        for index, (name, start) in sorted(names.items())
    )
    if failed:
        head["stop_reason"] = "error"
    return Reply(_answer({**head, "usage": usage}, "".join(text), calls), label(head.get("model")), None, failed)


def _answer(body: Mapping[str, Any], text: str | None, calls: tuple[ToolCall, ...]) -> Answer:
    usage = record(body.get("usage"))
    prompt = [count(usage.get(f"{kind}input_tokens")) for kind in ("", "cache_creation_", "cache_read_")]
    return Answer(
        text=text,
        tool_calls=calls,
        finish_reason=finish(body.get("stop_reason")),
        refusal=(text or "refusal") if body.get("stop_reason") == "refusal" else None,
        completion_tokens=count(usage.get("output_tokens")),
        prompt_tokens=None if prompt[0] is None else sum(part or 0 for part in prompt),
    )

"""Chat completions as streams: taken apart into chunks and put together again."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

__all__ = ["assemble", "from_stream", "split"]


def split(completion: Mapping[str, Any], pieces: int, *, include_usage: bool) -> Iterator[dict[str, Any]]:
    """Yield a completion as chunks, its text or its tool call's arguments in up to so many pieces."""
    common = {key: completion[key] for key in ("id", "created", "model", "system_fingerprint")}
    common["object"] = "chat.completion.chunk"
    choice = completion["choices"][0]
    calls = choice["message"].get("tool_calls")
    text = calls[0]["function"]["arguments"] if calls else choice["message"]["content"]
    for delta in _deltas(text, calls, pieces):
        yield {**common, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**common, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]}
    if include_usage:
        yield {**common, "choices": [], "usage": completion["usage"]}


def _deltas(text: str, calls: Any, pieces: int) -> Iterator[dict[str, Any]]:
    size = max(1, -(-len(text) // pieces))
    parts = (text[at : at + size] for at in range(0, len(text), size))
    if not calls:
        yield {"role": "assistant", "content": next(parts, "")}
        yield from ({"content": part} for part in parts)
        return
    call = {"index": 0, **calls[0], "function": {**calls[0]["function"], "arguments": next(parts, "")}}
    yield {"role": "assistant", "content": None, "tool_calls": [call]}
    yield from ({"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in parts)


def from_stream(body: bytes) -> Iterator[dict[str, Any]]:
    """Yield the chunks in the bytes of a server-sent event stream."""
    for line in body.split(b"\n"):
        if line.startswith(b"data: {"):
            yield msgspec.json.decode(line[6:])


def assemble(chunks: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the ``chat.completion`` that a stream of chunks amounts to.

    Raises:
        LookupError: the stream has no chunks.
    """
    whole: dict[str, Any] = {}
    message: dict[str, Any] = {"role": "assistant", "content": None}
    finish_reason = None
    for chunk in chunks:
        whole = {**whole, **{key: value for key, value in chunk.items() if value is not None}}
        for choice in chunk.get("choices") or ():
            _add(message, choice.get("delta") or {})
            finish_reason = choice.get("finish_reason") or finish_reason
    if not whole:
        raise LookupError("a stream without chunks")
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return {**whole, "object": "chat.completion", "choices": [choice]}


def _add(message: dict[str, Any], delta: dict[str, Any]) -> None:
    if delta.get("content") is not None:
        message["content"] = (message["content"] or "") + delta["content"]
    for part in delta.get("tool_calls") or ():
        _add_call(message.setdefault("tool_calls", []), part)


def _add_call(calls: list[dict[str, Any]], part: dict[str, Any]) -> None:
    while len(calls) <= part["index"]:
        calls.append({"id": None, "type": "function", "function": {"name": "", "arguments": ""}})
    call, function = calls[part["index"]], part.get("function") or {}
    call["id"] = part.get("id") or call["id"]
    call["function"]["name"] += function.get("name") or ""
    call["function"]["arguments"] += function.get("arguments") or ""

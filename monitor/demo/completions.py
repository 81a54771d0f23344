"""Chat completions: as an engine writes them, taken apart into the chunks of a stream, and put together again."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from monitor.demo.answers import Answer

__all__ = ["assemble", "completion_of", "from_stream", "split"]


def completion_of(request: Mapping[str, Any], answer: Answer, fingerprint: str, now: datetime) -> dict[str, Any]:
    """Return an answer as a ``chat.completion``, with log-probabilities if the request asks for them."""
    prompt_tokens = sum(len(message.get("content") or "") for message in request["messages"]) // 4
    choice = {"index": 0, "message": answer.message, "finish_reason": answer.finish_reason}
    if request.get("logprobs"):
        choice["logprobs"] = {"content": _logprobs(answer)}
    return {
        "id": f"chatcmpl-{now.timestamp():.6f}",
        "object": "chat.completion",
        "created": int(now.timestamp()),
        "model": request.get("model"),
        "system_fingerprint": fingerprint,
        "choices": [choice],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": answer.tokens,
            "total_tokens": prompt_tokens + answer.tokens,
        },
    }


def _logprobs(answer: Answer) -> list[dict[str, Any]]:
    """Return one entry for each token, sure and unsure ones in turn, that have the answer's surprise as their mean."""
    pieces = max(2, 2 * (answer.tokens // 2))
    text = answer.text
    return [
        {"token": text[4 * at : 4 * at + 4], "logprob": round(-answer.surprise * (0.5 + at % 2), 4)}
        for at in range(pieces)
    ]


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

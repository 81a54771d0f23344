"""Bodies of the completion APIs to what signals read; the API is told by the body's own fields."""

from collections.abc import Mapping
from itertools import chain, islice
from typing import Any

from detectors.types import Answer, Request
from monitor.intake import anthropic, openai_chat, openai_responses
from monitor.intake.content import objects, record
from monitor.intake.depth import decode_shallow
from monitor.intake.reply import Reply
from monitor.intake.sse import data_objects

__all__ = ["endpoint_of", "read_answer", "read_reply", "read_request", "read_stream", "read_stream_reply"]


def endpoint_of(body: Mapping[str, Any]) -> str | None:
    """Return the API that a request's body is of; None if its form does not tell."""
    if "messages" in body:
        return "messages" if _is_anthropic(body) else "chat"
    if "prompt" in body:
        return "completions"
    return "responses" if "input" in body or "instructions" in body else None


def read_request(body: Mapping[str, Any]) -> Request:
    """Read a request of chat completions, legacy completions, Responses or Anthropic messages."""
    match endpoint_of(body):
        case "messages":
            return anthropic.read_request(body)
        case "chat" | "completions":
            return openai_chat.read_request(body)
        case "responses":
            return openai_responses.read_request(body)
        case _:
            return Request(stream=body.get("stream") is True)


def read_answer(body: Mapping[str, Any]) -> Answer | None:
    """Read the answer of a response body; None for an error body and for one that holds no answer."""
    return read_reply(body).answer


def read_stream(text: str) -> Answer | None:
    """Read the answer of a raw event stream, as far as it came; None if it holds no event of an answer."""
    return read_stream_reply(text).answer


def read_reply(body: Mapping[str, Any]) -> Reply:
    """Read a response body: the answer and who gave it."""
    if isinstance(body.get("choices"), list):
        return openai_chat.read_body(body) if body["choices"] else Reply(failed=bool(body.get("error")))
    if "output" in body or body.get("object") == "response":
        return openai_responses.read_body(body)
    if "error" in body and body["error"] is not None:
        return Reply(failed=True)
    if "content" in body or "stop_reason" in body:
        return anthropic.read_body(body)
    return Reply()


def read_stream_reply(text: str) -> Reply:
    """Read a raw event stream: the answer, as far as it came, and who gave it."""
    events = data_objects(text)
    head = list(islice(events, 1))
    if not head:
        return _unstreamed(text)
    first = head[0]
    if "error" in first and "choices" not in first:
        return Reply(failed=True)
    kind = str(first.get("type", ""))
    chunks = chain(head, events)
    if "choices" in first:
        return openai_chat.read_chunks(chunks)
    if kind.startswith("response."):
        return openai_responses.read_chunks(chunks)
    if kind in {"message_start", "ping", "content_block_start", "content_block_delta", "message_delta"}:
        return anthropic.read_chunks(chunks)
    return Reply()


def _unstreamed(text: str) -> Reply:
    """Read a stream that is a plain body, which is how servers answer a refused request."""
    if not text.lstrip().startswith("{"):
        return Reply()
    return read_reply(record(decode_shallow(text)))


def _is_anthropic(body: Mapping[str, Any]) -> bool:
    """Tell Anthropic's requests by fields that OpenAI's do not have."""
    marked = any(name in body for name in ("system", "anthropic_version", "output_format", "output_config"))
    return marked or any("input_schema" in tool for tool in objects(body.get("tools")))

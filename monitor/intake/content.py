"""Reading bodies that anyone may have written: what is well-formed is taken, the rest is passed over."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from detectors.types import Message, ToolCall

__all__ = [
    "amount",
    "arguments",
    "calls_of",
    "count",
    "finish",
    "label",
    "mean",
    "messages",
    "objects",
    "record",
    "schema_of",
    "text_of",
    "tool_call",
    "tools_of",
]

EMPTY: Final[Mapping[str, Any]] = {}
MAX_COUNT: Final = 2**31 - 1
MAX_LABEL: Final = 256
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
TEXT_PARTS: Final = frozenset({"text", "input_text", "output_text"})
FINISHES: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "refusal": "content_filter",
}


def record(value: Any) -> Mapping[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else EMPTY


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list."""
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def label(value: Any) -> str | None:
    """Return a short name such as a model's, if it is one."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_LABEL:
        return None
    return value if value.isprintable() or not CONTROL.search(value) else None


def count(value: Any) -> int | None:
    """Return a number of tokens, if it is one."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT:
        return value
    return None


def amount(value: Any) -> float | None:
    """Return a number that is no count, such as a temperature, if it is one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def mean(values: Iterable[Any]) -> float | None:
    """Return the mean of the finite numbers among the values; None if there is none."""
    found = [value for value in map(amount, values) if value is not None and math.isfinite(value)]
    return math.fsum(found) / len(found) if found else None


def finish(value: Any) -> str | None:
    """Return the reason why an answer ended in one spelling for all APIs; unknown reasons as received."""
    reason = label(value)
    return FINISHES.get(reason, reason) if reason else None


def text_of(content: Any, glue: str = "\n") -> str | None:
    """Return the text of a string, of a list of parts or of one part; None if there is none."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return None
    return glue.join(_part_texts(content))


def messages(value: Any) -> tuple[Message, ...]:
    """Return the messages ; a user turn that only brings tool results has the role ``tool``."""
    return tuple(
        Message(_role(item), _message_text(item), calls_of(item))
        for item in objects(value)
        if isinstance(item.get("role"), str)
    )


def tools_of(items: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any] | None]:
    """Return the tools offered, with the schema of their arguments, in the spelling of any API."""
    tools: dict[str, Mapping[str, Any] | None] = {}
    for item in items:
        inner = next((item[key] for key in ("function", "custom") if isinstance(item.get(key), dict)), item)
        name = inner.get("name")
        if isinstance(name, str) and name:
            schema = inner.get("parameters", inner.get("input_schema"))
            tools[name] = schema if isinstance(schema, dict) else None
    return tools


def schema_of(value: Any) -> Mapping[str, Any] | bool | None:
    """Return a JSON Schema, if it is one."""
    return value if isinstance(value, (dict, bool)) else None


def tool_call(name: Any, given: Any) -> ToolCall | None:
    """Return a call of a tool, if it has a name."""
    return ToolCall(name, arguments(given)) if isinstance(name, str) and name else None


def calls_of(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    """Return the calls of a message of chat completions or of Anthropic's messages."""
    found = [record(message.get("function_call"))] if message.get("function_call") else []
    for call in objects(message.get("tool_calls")):
        custom = record(call.get("custom"))
        found.append(
            {"name": custom.get("name"), "arguments": custom.get("input")} if custom else record(call.get("function"))
        )
    used = [block for block in objects(message.get("content")) if block.get("type") == "tool_use"]
    found += [{"name": block.get("name"), "arguments": block.get("input")} for block in used]
    calls = (tool_call(call.get("name"), call.get("arguments")) for call in found)
    return tuple(call for call in calls if call)


def arguments(given: Any) -> str:
    """Return the arguments of a call as the string they are sent as."""
    if given is None:
        return ""
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, separators=(",", ":"))


def _part_texts(parts: list[Any]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif str(record(part).get("type", "text")) in TEXT_PARTS and isinstance(record(part).get("text"), str):
            yield part["text"]


def _role(item: Mapping[str, Any]) -> str:
    content = item.get("content")
    results = [record(part).get("type") == "tool_result" for part in content] if isinstance(content, list) else []
    if item["role"] == "user" and results and all(results):
        return "tool"
    return label(item["role"]) or "unknown"


def _message_text(item: Mapping[str, Any]) -> str | None:
    """Return the text of one message; null beside tool calls is an empty text, not an unlogged one."""
    text = text_of(item.get("content"))
    if text is None and item.get("tool_calls"):
        return ""
    return text

"""A bound on nesting, so that nothing downstream runs out of stack on a hostile document."""

from typing import Any, Final

import msgspec

__all__ = ["MAX_DEPTH", "decode_shallow", "is_deep"]

MAX_DEPTH: Final = 128
"""Objects and arrays inside one another."""


def is_deep(doc: Any) -> bool:
    """Tell whether a document is nested deeper than ``MAX_DEPTH``, level by level."""
    level = [doc] if isinstance(doc, (dict, list)) else []
    for _ in range(MAX_DEPTH):
        level = [
            item
            for holder in level
            for item in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return False
    return True


def decode_shallow(text: str) -> Any:
    """Decode JSON inside a string; None if it is not JSON or too deep."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    return None if text.count("{") + text.count("[") > MAX_DEPTH and is_deep(value) else value

"""Server-sent events: the JSON objects on a stream's data lines."""

from collections.abc import Iterator
from typing import Any

from monitor.intake.depth import decode_shallow

__all__ = ["data_objects"]


def data_objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the object of each event, in order; what is not a JSON object is passed over."""
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.startswith("data:"):
            lines.append(line[5:])
        elif not line:
            yield from _object(lines)
            lines = []
    yield from _object(lines)


def _object(lines: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the object of one event, or of each line where a logger dropped the blank ones between events."""
    whole = decode_shallow("\n".join(lines)) if lines else None
    if isinstance(whole, dict):
        yield whole
    elif len(lines) > 1:
        for line in lines:
            value = decode_shallow(line)
            if isinstance(value, dict):
                yield value

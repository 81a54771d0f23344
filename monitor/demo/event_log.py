"""The JSONL access log of a model server: one native Fullback event a line."""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec

__all__ = ["JsonLines", "event_record", "headers_of", "milliseconds_since", "rfc3339"]


def rfc3339(moment: datetime) -> str:
    """Write a UTC moment with milliseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of an ASGI request by lower-case name."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def milliseconds_since(began: float) -> float:
    """Return the time since a reading of ``perf_counter``."""
    return round((perf_counter() - began) * 1000, 2)


def event_record(headers: Mapping[str, str], variant: str, started_at: datetime, request: Any) -> dict[str, Any]:
    """Return a native event with what is known before the answer."""
    known = request if isinstance(request, dict) else {}
    return {
        "request_id": headers.get("x-request-id"),
        "session_id": headers.get("x-session-id"),
        "host": headers.get("host"),
        "backend": variant,
        "attempt": 1,
        "started_at": rfc3339(started_at),
        "requested_model": known.get("model"),
        "stream": bool(known.get("stream")),
        "request": request,
    }


class JsonLines:
    """Appends records to a file, each whole line in one write.

    Args:
        path: the file; it is created.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def write(self, record: Mapping[str, Any]) -> None:
        """Append one record."""
        os.write(self._file, msgspec.json.encode(record) + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

"""Subsets of traffic that a request belongs to and that can hide a regression."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from detectors.types import Request

__all__ = ["slices_of"]

PROMPT_BUCKETS: Final = ((1_000, "prompt:1k"), (8_000, "prompt:8k"), (32_000, "prompt:32k"))
"""Most characters of the whole prompt in each bucket."""
LONGEST_PROMPT: Final = "prompt:over32k"


def slices_of(request: Request) -> tuple[str, ...]:
    """Return the slices of a request: a function of the request alone.

    ``first_turn`` when it has exactly one user message, ``schema:<hash>`` when it asks for a JSON Schema,
    and the bucket of its prompt's length when any of its text was logged.
    """
    found = []
    if sum(message.role == "user" for message in request.messages) == 1:
        found.append("first_turn")
    if request.response_schema is not None:
        found.append(f"schema:{hashlib.sha256(_canonical(request.response_schema)).hexdigest()[:8]}")
    texts = [message.text for message in request.messages if message.text is not None]
    if texts:
        size = sum(map(len, texts))
        found.append(next((name for most, name in PROMPT_BUCKETS if size <= most), LONGEST_PROMPT))
    return tuple(found)


def _canonical(schema: Mapping[str, Any] | bool) -> bytes:
    """Return one spelling of a schema, whatever the order of its keys."""
    try:
        return msgspec.json.encode(schema, order="sorted")
    except OverflowError:  # an integer of more than 64 bits
        return json.dumps(schema, sort_keys=True, separators=(",", ":")).encode()

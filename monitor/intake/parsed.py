"""What a dialect makes of one record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitor.intake.fields import FieldError
from monitor.intake.skeleton import skeleton
from monitor.models.event import Event, Rejection

__all__ = ["Parsed", "rejected"]


@dataclass(frozen=True, slots=True)
class Parsed:
    """An event, or why there is none, with the names of the top-level fields that were not understood."""

    result: Event | Rejection
    unknown_fields: tuple[str, ...] = ()
    request_body: Mapping[str, Any] | None = None
    """The request as it was sent, for the text policy; it is no part of the event."""
    response_body: Mapping[str, Any] | None = None


def rejected(raw: bytes, index: int, error: FieldError) -> Parsed:
    """Return the rejection of a record."""
    return Parsed(Rejection(index, error.code.value, error.detail, error.pointer, len(raw), skeleton(raw)))

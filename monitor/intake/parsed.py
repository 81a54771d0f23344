"""What a dialect makes of one record."""

from collections.abc import Mapping
from typing import Any

import msgspec

from monitor.intake.fields import FieldError
from monitor.intake.skeleton import skeleton
from monitor.models.event import Event, Rejection

__all__ = ["Body", "Parsed", "rejected"]

Body = Mapping[str, Any] | msgspec.Raw
"""A body as sent: decoded, or the JSON of an object."""


class Parsed(msgspec.Struct, frozen=True, gc=False):
    """An event, or why there is none, with the names of the top-level fields that were not understood."""

    result: Event | Rejection
    unknown_fields: tuple[str, ...] = ()
    request_body: Body | None = None
    """The request as it was sent, for the text policy; it is no part of the event."""
    response_body: Body | None = None


def rejected(raw: bytes, index: int, error: FieldError) -> Parsed:
    """Return the rejection of a record."""
    return Parsed(Rejection(index, error.code.value, error.detail, error.pointer, len(raw), skeleton(raw)))

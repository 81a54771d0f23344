"""What a dialect makes of one record."""

from dataclasses import dataclass

from monitor.intake.fields import FieldError
from monitor.intake.skeleton import skeleton
from monitor.models.event import Event, Rejection

__all__ = ["Parsed", "rejected"]


@dataclass(frozen=True, slots=True)
class Parsed:
    """An event, or why there is none, with the names of the top-level fields that were not understood."""

    result: Event | Rejection
    unknown_fields: tuple[str, ...] = ()


def rejected(raw: bytes, index: int, error: FieldError) -> Parsed:
    """Return the rejection of a record."""
    return Parsed(Rejection(index, error.code.value, error.detail, error.pointer, len(raw), skeleton(raw)))

"""A finding: something on-call should know that is no incident, because no candidate did harm."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["Finding", "FindingKind"]


class FindingKind(StrEnum):
    """What was found."""

    FINGERPRINT_CHANGED = "fingerprint_changed"
    """A variant's model server changed its ``system_fingerprint`` and nobody had said so; subject: route/variant."""
    SHIPPER_SILENT = "shipper_silent"
    """A source that used to send sends nothing; subject: the source."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; of a kind and subject at most one is open."""

    id: int
    kind: FindingKind
    subject: str
    detail: str
    opened_at: datetime
    closed_at: datetime | None = None

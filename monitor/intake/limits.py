"""How much of what is sent is taken."""

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one request body and of the records in it.

    Raises:
        ValueError: a limit is not positive.
    """

    max_body_bytes: int = 16 * 1024 * 1024
    """As received."""
    max_decoded_bytes: int = 64 * 1024 * 1024
    """After decompression."""
    max_record_bytes: int = 1024 * 1024
    max_batch_records: int = 100_000
    max_age: timedelta = timedelta(days=7)
    """Events that started longer ago are rejected."""
    max_lead: timedelta = timedelta(minutes=10)
    """Events that start further in the future are rejected."""

    def __post_init__(self) -> None:
        for name in ("max_body_bytes", "max_decoded_bytes", "max_record_bytes", "max_batch_records"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be >= 1, got {getattr(self, name)!r}")
        for name in ("max_age", "max_lead"):
            if getattr(self, name) <= timedelta(0):
                raise ValueError(f"{name} must be > 0, got {getattr(self, name)!r}")

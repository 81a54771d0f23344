"""Slices by name: single ones, families of them, and who of a family has a stream of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

__all__ = ["ALL", "FAMILIES", "OTHER", "SINGLE", "VALUES", "Seat", "family_of", "value_of"]

ALL: Final = "all"
"""The slice every request belongs to."""
SINGLE: Final = (ALL, "first_turn")
"""Slices that stand alone."""
FAMILIES: Final[Mapping[str, int]] = MappingProxyType(
    {"kind": 5, "prompt": 4, "lang": 12, "endpoint": 8, "schema": 16, "tag": 16}
)
"""Families of slices, named ``family:value``, with their seats: how many values have a stream of their own where a
policy watches the whole family. The other values share ``family:other``."""
VALUES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"kind": ("structured", "tools", "chat", "reasoning", "code"), "prompt": ("1k", "8k", "32k", "over32k")}
)
"""Every value of the families that have a fixed set."""
OTHER: Final = "other"
"""The value that stands for all values without a seat; it never has one itself."""


def family_of(entry: str) -> str | None:
    """Return the family that an entry such as ``schema:*`` names; None if it names one slice."""
    family, _, rest = entry.partition(":")
    return family if rest == "*" and family in FAMILIES else None


def value_of(slice_: str, family: str) -> str | None:
    """Return the value of a slice of that family; None if it is of another."""
    found, colon, value = slice_.partition(":")
    return value if colon and found == family else None


@dataclass(frozen=True, slots=True)
class Seat:
    """A value that has a stream of its own within a family, on one route."""

    family: str
    value: str
    turn: int
    """How many values had this seat before."""
    since: datetime
    seen_at: datetime
    """When the value was last seen in a pair, give or take an hour."""

    @property
    def slice(self) -> str:
        """The name of the value's slice."""
        return f"{self.family}:{self.value}"

"""What is stored of the rule for broken variants."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["StoredBreakage"]


@dataclass(frozen=True, slots=True)
class StoredBreakage:
    """One candidate's row."""

    candidate_id: int
    fingerprint: str
    """Digest of everything that starts the rule afresh when it changes."""
    state: Mapping[str, Any]

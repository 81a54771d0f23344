"""Streams and what is known about each."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from detectors.types import Verdict

__all__ = ["Evidence", "Stream"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The numbers behind a verdict, as shown everywhere."""

    pairs: int = 0
    """Pairs; or the candidate's sessions, where arms are compared."""
    candidate_rate: float | None = None
    baseline_rate: float | None = None
    log_statistic: float | None = None
    log_threshold: float = 0.0
    phi: float = 1.0
    one_sided_share: float = 0.0
    smallest_detectable: float | None = None
    """Smallest candidate rate that would have been seen by now."""
    baseline_n: int | None = None
    """The baseline's sessions, where arms are compared; None for pairs."""

    @property
    def counted(self) -> str:
        """What it rests on, for people."""
        if self.baseline_n is None:
            return f"{self.pairs} pairs"
        return f"{self.pairs} candidate and {self.baseline_n} baseline sessions"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Evidence":
        """Inverse of ``to_json``."""
        return cls(**document)


@dataclass(frozen=True, slots=True)
class Stream:
    """One tested stream with its detector state."""

    id: int
    route_id: int
    candidate_id: int
    signal: str
    slice: str
    fingerprint: str
    """Digest of everything that restarts the stream when it changes."""
    threshold: float
    state: Mapping[str, Any]
    last_tick: int
    verdict: Verdict
    reason: str
    evidence: Evidence
    updated_at: datetime

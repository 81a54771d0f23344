"""A question of the promotion gate: was this candidate proved not harmful?"""

from dataclasses import dataclass

__all__ = ["Promotion"]


@dataclass(frozen=True, slots=True)
class Promotion:
    """Asked once, never changed: the level of each later question follows from those before it."""

    candidate_id: int
    log_e: float
    """Log e-value against "harmful"."""
    log_threshold: float
    opened: bool

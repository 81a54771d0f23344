"""Conversations: turns as they were stored, and what became of a session's answers."""

from dataclasses import dataclass

from detectors.reactions import Attempt, Reaction
from monitor.models.turn import Turn

__all__ = ["SessionRecord", "TurnRecord"]


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One primary attempt that belongs to a session. Times are seconds since the epoch."""

    session: str
    """Session id, or whom the request was about where there is none."""
    id: str
    variant_id: int
    started_s: float
    ended_s: float
    failed: bool
    turn: Turn
    said: frozenset[Reaction]
    """What its user turn says about the answer before, read off the request itself."""
    slices: tuple[str, ...]

    def attempt(self) -> Attempt:
        """Return it as the library judges it."""
        return Attempt(
            id=self.id,
            started_s=self.started_s,
            ended_s=self.ended_s,
            failed=self.failed,
            turn=self.turn.asked,
            answer=self.turn.answer,
            said=self.said,
        )


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What users did about the answers that one variant gave in one session: the unit of the reaction signals."""

    variant_id: int
    slices: frozenset[str]
    """Those of the variant's first request in the session."""
    reactions: frozenset[Reaction]

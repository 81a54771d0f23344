"""Sessions: which turns belong together, and what became of their answers once they are mature. Pure."""

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from detectors.reactions import MAX_LOOK_BACK, Reaction, judge
from monitor.models.conversation import SessionRecord, TurnRecord
from monitor.models.slices import ALL

__all__ = ["MOST_SESSIONS", "Sessions"]

MOST_SESSIONS: Final = 200_000
"""Followed at a time on one route. Beyond it new ones are not counted; which these are depends on no answer."""
_PRUNED_EVERY: Final = 16


@dataclass(slots=True)
class _Session:
    matures_s: float
    last_end_s: float
    turns: list[TurnRecord] = field(default_factory=list)


class Sessions:
    """Follows the sessions of one route.

    A session begins with its first turn and ends with a pause of ``matures_after_s``. It is watched for
    ``matures_after_s`` from the end of its first answer, whatever its users do, so that every session has the same time
    to show something; then it counts, once for each variant that answered in it.

    Args:
        matures_after_s: seconds, above 0.
        known_from_s: sessions seen first before this instant may have begun earlier: they do not count.
    """

    def __init__(self, matures_after_s: float, known_from_s: float) -> None:
        self.matures_after_s = matures_after_s
        self._known_from_s = known_from_s
        self._latest: dict[str, _Session] = {}
        self._waiting: list[tuple[float, int, _Session]] = []
        self._opened: list[TurnRecord] = []
        self._begun = 0
        self._rounds = 0

    def __len__(self) -> int:
        return len(self._latest)

    def add(self, turns: Iterable[TurnRecord]) -> None:
        """Take the turns of a period, in the order in which they started; none may be older than the last period."""
        for turn in turns:
            session = self._latest.get(turn.session)
            if session is None or turn.started_s - session.last_end_s >= self.matures_after_s:
                if session is None and len(self._latest) >= MOST_SESSIONS:
                    continue
                session = self._begin(turn)
            session.last_end_s = max(session.last_end_s, turn.ended_s)
            if turn.started_s < session.matures_s and len(session.turns) < MAX_LOOK_BACK:
                session.turns.append(turn)

    def _begin(self, turn: TurnRecord) -> _Session:
        session = _Session(turn.ended_s + self.matures_after_s, turn.ended_s)
        self._latest[turn.session] = session
        if turn.started_s >= self._known_from_s:
            self._begun += 1
            self._opened.append(turn)
            heapq.heappush(self._waiting, (session.matures_s, self._begun, session))
        return session

    def opened(self) -> list[TurnRecord]:
        """Return the turns that began a session since the last call."""
        found, self._opened = self._opened, []
        return found

    def matured(self, until_s: float) -> list[SessionRecord]:
        """Return the sessions that became mature before an instant up to which all turns were added."""
        found: list[SessionRecord] = []
        while self._waiting and self._waiting[0][0] < until_s:
            _, _, session = heapq.heappop(self._waiting)
            found += _judged(session, self.matures_after_s)
            session.turns.clear()
        self._rounds += 1
        if self._rounds % _PRUNED_EVERY == 0:
            self._forget(until_s)
        return found

    def _forget(self, now_s: float) -> None:
        over = [key for key, one in self._latest.items() if now_s - one.last_end_s >= self.matures_after_s]
        for key in over:
            del self._latest[key]


def _judged(session: _Session, matures_after_s: float) -> list[SessionRecord]:
    turns = session.turns
    reactions: defaultdict[int, set[Reaction]] = defaultdict(set)
    first: dict[int, TurnRecord] = {}
    for turn, judged in zip(turns, judge([turn.attempt() for turn in turns], matures_after_s), strict=True):
        first.setdefault(turn.variant_id, turn)
        reactions[turn.variant_id] |= judged.reactions
    return [
        SessionRecord(variant_id, frozenset({ALL, *turn.slices}), frozenset(reactions[variant_id]))
        for variant_id, turn in first.items()
    ]

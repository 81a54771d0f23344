"""Conversations: the sessions of every route, followed in memory between ticks and read back after a restart."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from monitor.models.conversation import SessionRecord, TurnRecord
from monitor.services.sessions import Sessions
from monitor.storage.turns import TurnStore

__all__ = ["Conversations"]

_LONGEST_ANSWER: Final = timedelta(minutes=10)
"""Sessions whose first answer took longer may be missed by a restart."""


@dataclass(slots=True)
class _Followed:
    sessions: Sessions
    last_tick: int


class Conversations:
    """What users did, tick by tick. Each tick's turns are read once; a tick that was not the next one starts anew.

    Turns older than two times the maturity do not matter any more, so that is all a new start reads.
    """

    def __init__(self) -> None:
        self._known: dict[int, _Followed] = {}

    def matured(
        self, store: TurnStore, route_id: int, tick: int, start: datetime, end: datetime, matures_after_s: float
    ) -> list[SessionRecord]:
        """Take the turns of a tick, [start, end), and return the sessions that matured in it."""
        followed = self._known.pop(route_id, None)  # put back at the end: what breaks off is read again
        if followed is None or followed.last_tick != tick - 1 or followed.sessions.matures_after_s != matures_after_s:
            followed = _Followed(_read_back(store, route_id, start, matures_after_s), tick - 1)
        followed.sessions.opened()  # those that nobody asked for
        followed.sessions.add(store.between(route_id, start, end))
        found = followed.sessions.matured(end.timestamp())
        followed.last_tick = tick
        self._known[route_id] = followed
        return found

    def opened(self, route_id: int) -> list[TurnRecord]:
        """Return the turns that began a session in the tick taken last; once."""
        followed = self._known.get(route_id)
        return [] if followed is None else followed.sessions.opened()


def _read_back(store: TurnStore, route_id: int, until: datetime, matures_after_s: float) -> Sessions:
    matures_after = timedelta(seconds=matures_after_s)
    since = until - 2 * matures_after - _LONGEST_ANSWER
    sessions = Sessions(matures_after_s, (since + matures_after).timestamp())
    sessions.add(store.between(route_id, since, until))
    sessions.matured(until.timestamp())  # they counted when their ticks were closed
    return sessions

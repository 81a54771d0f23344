"""Roll-up: counts of closed ticks are put together by minute and hour, so that a long chart reads few rows."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from time import monotonic
from types import MappingProxyType
from typing import Final

import structlog
from sqlalchemy.orm import Session

from monitor.models.count_history import ROLLED, WIDTHS, Resolution, begin_of, together
from monitor.models.tick import RouteClock, tick_start
from monitor.storage.clocks import ClockStore
from monitor.storage.rolled_counts import RolledCountStore
from monitor.storage.session import Database

__all__ = ["RollUpService"]

_AT_ONCE: Final[Mapping[Resolution, timedelta]] = MappingProxyType(
    {Resolution.MINUTE: timedelta(minutes=10), Resolution.HOUR: timedelta(hours=1)}
)
"""Most time put together in one transaction: a route of 500 streams has 30,000 rows in either."""
_FINER: Final[Mapping[Resolution, Resolution]] = MappingProxyType(
    {Resolution.MINUTE: Resolution.TICK, Resolution.HOUR: Resolution.MINUTE}
)
_WITHIN_S: Final = 5.0
"""How long one run works: what is left is for the next."""
_log = structlog.get_logger("fullback.roll_up")


class RollUpService:
    """Puts ticks together to minutes, and minutes to hours, each once.

    Only whole minutes and hours of closed ticks are put together, and a closed tick never changes: a sum that is stored
    is final. The mark that says how far a route has come is moved in the transaction that stores the sums, and held
    while it runs: a crash leaves both undone, and of two workers one passes on.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def run(self) -> int:
        """Put together what is due on every route; return how many minutes and hours of streams were stored."""
        with self._database.reading() as session:
            clocks = ClockStore(session).all()
        stored, deadline = 0, monotonic() + _WITHIN_S
        for clock in clocks:
            for resolution in ROLLED:
                while monotonic() < deadline:
                    with self._database.transaction() as session:
                        n = _step(session, clock, resolution)
                    if n is None:
                        break
                    stored += n
        return stored


def _step(session: Session, clock: RouteClock, resolution: Resolution) -> int | None:
    """Put together the next stretch of a route; return how many entries were stored, None when nothing is due."""
    store, width = RolledCountStore(session), WIDTHS[resolution]
    closed = _closed_until(store, clock, resolution)
    if closed is None:
        return None
    begin = store.mark(clock.route_id, resolution)
    if begin is None:
        oldest = store.oldest(clock.route_id, _FINER[resolution])
        if oldest is None:
            return None
        begin = begin_of(oldest, width)
    if begin + width > closed:
        return None
    held = store.take(clock.route_id, resolution, begin)
    if held is None or held + width > closed:
        return None
    until = min(begin_of(closed, width), held + _AT_ONCE[resolution])
    if resolution is Resolution.MINUTE:
        finer, damaged = store.ticks(clock.route_id, held, until)
        if damaged:
            _log.warning("damaged tick counts left out", route=clock.route_id, rows=damaged, since=held.isoformat())
    else:
        finer = store.of_route(clock.route_id, Resolution.MINUTE, held, until)
    if not finer:  # nothing was counted for long: go to where there is something
        after = store.oldest(clock.route_id, _FINER[resolution], until)
        until = begin_of(closed if after is None else min(after, closed), width)
    buckets = together(finer, width)
    store.add(clock.route_id, resolution, buckets)
    store.move(clock.route_id, resolution, until)
    return len(buckets)


def _closed_until(store: RolledCountStore, clock: RouteClock, resolution: Resolution) -> datetime | None:
    """Return until when everything is known that a resolution is made of."""
    if resolution is Resolution.MINUTE:
        return tick_start(clock.last_tick + 1, clock.tick_s)
    return store.mark(clock.route_id, Resolution.MINUTE)

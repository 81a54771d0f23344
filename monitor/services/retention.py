"""Retention: old events and texts go by dropping whole days; audit, incidents and detector state stay."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

import structlog

from monitor.clock import Clock
from monitor.models.count_history import ROLLED, Resolution
from monitor.models.route import Route
from monitor.services.count_history import Kept
from monitor.storage.faults import FaultStore
from monitor.storage.late_events import LateEventStore
from monitor.storage.partitions import DailyTable, PartitionStore
from monitor.storage.probes import ProbeStore
from monitor.storage.rolled_counts import RolledCountStore
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database
from monitor.storage.streams import StreamStore

__all__ = ["RetentionService"]

_AT_ONCE: Final[Mapping[Resolution, timedelta]] = MappingProxyType(
    {Resolution.TICK: timedelta(hours=1), Resolution.MINUTE: timedelta(hours=6), Resolution.HOUR: timedelta(days=30)}
)
"""How much is deleted in one transaction: some 200,000 rows of a route with 500 streams."""
_log = structlog.get_logger("fullback.retention")


class RetentionService:
    """Forgets what is older than the retention. Nothing that detection needs is ever that old."""

    def __init__(self, database: Database, clock: Clock, days: int, kept: Kept) -> None:
        self._database = database
        self._clock = clock
        self._days = days
        self._kept = kept

    def run(self) -> int:
        """Drop what is older than its retention; return how many days of events were dropped."""
        limit = self._clock.now() - timedelta(days=self._days)
        self._forget_texts()
        dropped = self._drop(DailyTable.EVENTS, limit.date())
        with self._database.transaction() as session:
            FaultStore(session).forget(limit.date())
            LateEventStore(session).forget(self._clock.now() - self._kept[Resolution.TICK])
            ProbeStore(session).forget(limit)
        with self._database.reading() as session:
            routes = RouteStore(session).all()
        for route in routes:
            self._forget_counts(route)
        return dropped

    def _forget_counts(self, route: Route) -> None:
        """Drop counts that are too old for their resolution, in portions, and none that a coarser one still lacks."""
        now = self._clock.now()
        with self._database.reading() as session:
            store = RolledCountStore(session)
            marks = {one: store.mark(route.id, one) for one in ROLLED}
            oldest = {one: store.oldest(route.id, one) for one in Resolution}
        for resolution in Resolution:
            begin, limit = oldest[resolution], now - self._kept[resolution]
            coarser = [marks[one] for one in ROLLED if one != resolution and resolution is not Resolution.HOUR]
            if begin is None or None in coarser:
                continue
            limit = min([limit, *(mark for mark in coarser if mark is not None)])
            while begin < limit:
                begin = min(begin + _AT_ONCE[resolution], limit)
                with self._database.transaction() as session:
                    if resolution is Resolution.TICK:
                        StreamStore(session).forget_ticks(route.id, begin)
                    else:
                        RolledCountStore(session).forget(route.id, resolution, begin)

    def _forget_texts(self) -> None:
        """Drop days that are too old for every route, and in the younger ones the rows of routes that keep less."""
        with self._database.reading() as session:
            routes = RouteStore(session).all()
        self._drop(DailyTable.TEXTS, self._today() - timedelta(days=self._longest(routes)))
        for route in routes:
            if self._text_days(route) < self._longest(routes):
                with self._database.transaction() as session:
                    store = PartitionStore(session, DailyTable.TEXTS)
                    gone = store.forget(route.id, self._today() - timedelta(days=self._text_days(route)))
                if gone:
                    _log.info("texts deleted", route=route.name, blobs=gone)

    def _drop(self, table: DailyTable, before: date) -> int:
        with self._database.reading() as session:
            old = [day for day in PartitionStore(session, table).days() if day < before]
        for day in old:
            with self._database.transaction() as session:
                PartitionStore(session, table).drop(day)
            _log.info("day dropped", table=table.value, day=str(day))
        return len(old)

    def _longest(self, routes: Sequence[Route]) -> int:
        return max(map(self._text_days, routes), default=0)

    def _text_days(self, route: Route) -> int:
        """Return how long a route's texts are kept: never longer than the events they belong to."""
        return min(route.text_storage.retention_days, self._days)

    def _today(self) -> date:
        return self._clock.now().date()

"""Retention: old events go by dropping whole days; audit, incidents and detector state stay."""

from datetime import timedelta

import structlog

from monitor.clock import Clock
from monitor.storage.partitions import PartitionStore
from monitor.storage.session import Database
from monitor.storage.streams import StreamStore

__all__ = ["RetentionService"]

_log = structlog.get_logger("fullback.retention")


class RetentionService:
    """Forgets what is older than the retention. Nothing that detection needs is ever that old."""

    def __init__(self, database: Database, clock: Clock, days: int) -> None:
        self._database = database
        self._clock = clock
        self._keep = timedelta(days=days)

    def run(self) -> int:
        """Drop partitions and per-tick counts older than the retention; return how many days were dropped."""
        limit = self._clock.now() - self._keep
        with self._database.reading() as session:
            old = [day for day in PartitionStore(session).days() if day < limit.date()]
        for day in old:
            with self._database.transaction() as session:
                PartitionStore(session).drop(day)
            _log.info("events dropped", day=str(day))
        with self._database.transaction() as session:
            StreamStore(session).forget_ticks(limit)
        return len(old)

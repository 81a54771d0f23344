"""Silent shippers: a source that sent regularly and stopped is a finding until its records come again."""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from alerts.types import Fact
from monitor.clock import Clock
from monitor.models.finding import FindingKind
from monitor.services.findings import About, FindingService
from monitor.storage.findings import FindingStore
from monitor.storage.session import Database
from monitor.storage.sources import SourceSeen, SourceStore

__all__ = ["Gaps", "SilenceService", "limit_by_hours"]

_DAY: Final = timedelta(days=1)
_LEAST: Final = timedelta(seconds=60)
_TIMES: Final = 5
_GAPS_KEPT = 64
_GAPS_NEEDED = 5
_USUAL: Final = 0.9


class Gaps:
    """The times between one source's deliveries, as the worker saw its account move."""

    def __init__(self, last_at: datetime) -> None:
        self.last_at = last_at
        self._gaps: deque[timedelta] = deque(maxlen=_GAPS_KEPT)

    def observe(self, last_at: datetime) -> None:
        """Take note of the newest delivery."""
        if last_at > self.last_at:
            self._gaps.append(last_at - self.last_at)
            self.last_at = last_at

    def usual(self) -> timedelta | None:
        """Return the gap that nine in ten do not exceed; None until enough were seen."""
        if len(self._gaps) < _GAPS_NEEDED:
            return None
        return sorted(self._gaps)[math.ceil(_USUAL * len(self._gaps)) - 1]

    def limit(self, hours: Sequence[datetime]) -> timedelta:
        """Return how long the source may send nothing before it counts as silent."""
        usual = self.usual()
        return limit_by_hours(hours) if usual is None else max(_LEAST, _TIMES * usual)


def limit_by_hours(hours: Sequence[datetime]) -> timedelta:
    """Return the limit by the hours in which records came, coarse: all there is just after a start.

    One hour for a source that sent in every hour; else five times the usual distance of its hours.
    """
    steps = sorted(later - earlier for earlier, later in pairwise(hours))
    usual = steps[len(steps) // 2] if steps else timedelta(hours=1)
    return usual if usual <= timedelta(hours=1) else _TIMES * usual


class SilenceService:
    """Compares every source's last record with its own rhythm."""

    def __init__(self, database: Database, findings: FindingService, clock: Clock) -> None:
        self._database = database
        self._findings = findings
        self._clock = clock
        self._gaps: dict[str, Gaps] = {}

    def run(self) -> None:
        """Open a finding for each source that went silent; close those of sources that send again or have no key."""
        now = self._clock.now()
        kind = FindingKind.SHIPPER_SILENT
        with self._database.transaction() as session:
            store = FindingStore(session)
            seen = {one.source: one for one in SourceStore(session).seen(now - _DAY)}
            self._observe(seen.values())
            found = store.open_of(kind)
            for source, finding in found.items():
                if source not in seen:
                    if not SourceStore(session).has_key(source):
                        self._findings.end(session, finding, "no active key may send for the source", now)
                elif seen[source].last_at >= finding.opened_at:
                    self._findings.end(session, finding, "the source sends again", now)
            for source, one in seen.items():
                limit = self._gaps[source].limit(one.hours)
                if source in found or not limit < now - one.last_at < _DAY:
                    continue
                last = store.last_of(kind, source)
                if last is None or last.opened_at <= one.last_at:
                    self._findings.open(session, kind, source, _detail(one, limit, now), _about(one), now)

    def _observe(self, seen: Iterable[SourceSeen]) -> None:
        known = {}
        for one in seen:
            gaps = self._gaps.get(one.source) or Gaps(one.last_at)
            gaps.observe(one.last_at)
            known[one.source] = gaps
        self._gaps = known


def _detail(one: SourceSeen, limit: timedelta, now: datetime) -> str:
    quiet = (now - one.last_at).total_seconds()
    return (
        f"source {one.source!r} sent its last record at {one.last_at:%Y-%m-%d %H:%M:%S} UTC, {quiet:.0f} s ago; "
        f"it counts as silent after {limit.total_seconds():.0f} s"
    )


def _about(one: SourceSeen) -> About:
    return About(one.source, facts=(Fact("Last record", f"{one.last_at:%Y-%m-%d %H:%M:%S} UTC"),))

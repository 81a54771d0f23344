"""Gauges that show what Postgres holds: phases, statistics against thresholds, waiting alerts."""

from monitor.models.route import Phase
from monitor.storage.controls import ControlStore
from monitor.storage.findings import FindingStore
from monitor.storage.outbox import OutboxStore
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database
from monitor.storage.sources import SourceStore
from monitor.storage.streams import StreamStore
from monitor.telemetry import (
    FINDING_OPEN,
    OUTBOX_PENDING,
    ROUTE_PHASE,
    SOURCE_LAST_SEEN,
    STREAM_STATISTIC,
    STREAM_THRESHOLD,
)

__all__ = ["GaugeService"]

_MOST_FINDINGS = 500
_NOTHING_YET = -50.0
"""Shown for a statistic of zero, whose logarithm is minus infinity."""


class GaugeService:
    """Sets the gauges of the process that leads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run(self) -> None:
        """Read the state of every route and set its gauges; label sets of vanished streams go away."""
        with self._database.reading() as session:
            routes = RouteStore(session).all()
            phases = {route.name: ControlStore(session).get(route.id).phase for route in routes}
            streams = [(route.name, one) for route in routes for one in StreamStore(session).of_route(route.id)]
            names = {variant.id: variant.name for variant in RouteStore(session).variants()}
            OUTBOX_PENDING.set(OutboxStore(session).pending())
            findings = FindingStore(session).newest(_MOST_FINDINGS, only_open=True)
            last_seen = SourceStore(session).last_seen()
        for gauge in (ROUTE_PHASE, STREAM_STATISTIC, STREAM_THRESHOLD, FINDING_OPEN, SOURCE_LAST_SEEN):
            gauge.clear()
        for finding in findings:
            FINDING_OPEN.labels(finding.kind.value, finding.subject).set(1)
        for source, at in last_seen.items():
            SOURCE_LAST_SEEN.labels(source).set(at.timestamp())
        for route, current in phases.items():
            for phase in Phase:
                ROUTE_PHASE.labels(route, phase.value).set(phase is current)
        for route, one in streams:
            labels = (route, names[one.candidate_id], one.signal, one.slice)
            statistic = one.evidence.log_statistic
            STREAM_STATISTIC.labels(*labels).set(_NOTHING_YET if statistic is None else statistic)
            STREAM_THRESHOLD.labels(*labels).set(one.evidence.log_threshold)

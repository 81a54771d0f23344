"""Gauges that show what Postgres holds: phases, freezes, rehearsals, statistics against thresholds, waiting alerts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.models.policy import Policy
from monitor.models.route import Phase, Route
from monitor.services.timelines import timeline_of
from monitor.storage.controls import ControlStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.findings import FindingStore
from monitor.storage.freezes import FreezeStore
from monitor.storage.incidents import IncidentStore
from monitor.storage.outbox import OutboxStore
from monitor.storage.rehearsals import RehearsalStore
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database
from monitor.storage.sources import SourceStore
from monitor.storage.streams import StreamStore
from monitor.telemetry import (
    BREAKER_OPEN,
    FINDING_OPEN,
    FROZEN,
    OUTBOX_PENDING,
    REHEARSAL_AT,
    REHEARSAL_OK,
    ROUTE_PHASE,
    SOURCE_LAST_SEEN,
    STREAM_STATISTIC,
    STREAM_THRESHOLD,
    TIME_TO_EFFECTIVE,
)

__all__ = ["GaugeService"]

_MOST_FINDINGS = 500
_NOTHING_YET = -50.0
"""Shown for a statistic of zero, whose logarithm is minus infinity."""
_CONTROLLER = "controller"


class GaugeService:
    """Sets the gauges of the process that leads."""

    def __init__(self, database: Database, policy_of: Callable[[str], Policy], clock: Clock) -> None:
        self._database = database
        self._policy_of = policy_of
        self._clock = clock

    def run(self) -> None:
        """Read the state of every route and set its gauges; label sets of vanished streams go away."""
        with self._database.reading() as session:
            routes = RouteStore(session).all()
            streams = [(route.name, one) for route in routes for one in StreamStore(session).of_route(route.id)]
            names = {variant.id: variant.name for variant in RouteStore(session).variants()}
            OUTBOX_PENDING.set(OutboxStore(session).pending())
            findings = FindingStore(session).newest(_MOST_FINDINGS, only_open=True)
            last_seen = SourceStore(session).last_seen()
            _set_phases(session, routes)
            self._set_frozen(session, routes)
            _set_rehearsals(session, routes)
            _set_times(session, routes)
        for gauge in (STREAM_STATISTIC, STREAM_THRESHOLD, FINDING_OPEN, SOURCE_LAST_SEEN):
            gauge.clear()
        for finding in findings:
            FINDING_OPEN.labels(finding.kind.value, finding.subject).set(1)
        for source, at in last_seen.items():
            SOURCE_LAST_SEEN.labels(source).set(at.timestamp())
        for route, one in streams:
            labels = (route, names[one.candidate_id], one.signal, one.slice)
            statistic = one.evidence.log_statistic
            STREAM_STATISTIC.labels(*labels).set(_NOTHING_YET if statistic is None else statistic)
            STREAM_THRESHOLD.labels(*labels).set(one.evidence.log_threshold)

    def _set_frozen(self, session: Session, routes: Sequence[Route]) -> None:
        """Show what holds automatic moves: a person's freeze, the breaker, or a window of the route's policy."""
        now = self._clock.now()
        standing = FreezeStore(session).standing(now)
        fleet = any(one.route_id is None for one in standing)
        held = {one.route_id for one in standing}
        BREAKER_OPEN.set(any(one.of_breaker for one in standing))
        FROZEN.clear()
        for route in routes:
            FROZEN.labels(route.name).set(fleet or route.id in held or self._in_window(route, now))

    def _in_window(self, route: Route, now: datetime) -> bool:
        return any(window.covers(now) for window in self._policy_of(route.policy).freeze)


def _set_phases(session: Session, routes: Sequence[Route]) -> None:
    controls = {control.route_id: control for control in ControlStore(session).all()}
    ROUTE_PHASE.clear()
    for route in routes:
        for phase in Phase:
            ROUTE_PHASE.labels(route.name, phase.value).set(phase is controls[route.id].phase)


def _set_rehearsals(session: Session, routes: Sequence[Route]) -> None:
    REHEARSAL_OK.clear()
    REHEARSAL_AT.clear()
    for route in routes:
        for one in RehearsalStore(session).of_route(route.id):
            REHEARSAL_OK.labels(route.name, one.target).set(not one.problems)
            REHEARSAL_AT.labels(route.name).set(one.at.timestamp())


def _set_times(session: Session, routes: Sequence[Route]) -> None:
    """Show how long the last automatic rollback took; a person's flip says nothing of that."""
    found: Mapping[str, Mapping[str, float]] = {route.name: _times(session, route) for route in routes}
    TIME_TO_EFFECTIVE.clear()
    for route, times in found.items():
        for step, seconds in times.items():
            TIME_TO_EFFECTIVE.labels(route, step).set(seconds)


def _times(session: Session, route: Route) -> dict[str, float]:
    flip = DecisionStore(session).last_of(route.id, ("flip",))
    if flip is None or flip.actor != _CONTROLLER or flip.incident_id is None:
        return {}
    incident = IncidentStore(session).get(flip.incident_id)
    if incident is None:
        return {}
    timeline = timeline_of(incident, DecisionStore(session).of_incident(route.id, incident.id))
    return {step.value: seconds for step, seconds in timeline.effective_s.items()}

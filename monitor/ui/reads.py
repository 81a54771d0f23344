"""What each page reads from the stores, in one read-only transaction."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from monitor.models.decision import Audit
from monitor.models.evidence import Stream
from monitor.models.fault import FaultCount
from monitor.models.finding import Finding
from monitor.models.freeze import Freeze
from monitor.models.incident import Incident
from monitor.models.route import Phase, Route, RouteControl
from monitor.models.tick import RouteClock
from monitor.models.variant import Role, Variant
from monitor.services.count_history import Counted, Kept, count_history
from monitor.storage.clocks import ClockStore
from monitor.storage.controls import ControlStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.faults import FaultStore
from monitor.storage.findings import FindingStore
from monitor.storage.freezes import FreezeStore
from monitor.storage.incidents import IncidentStore
from monitor.storage.late_events import LateEventStore
from monitor.storage.rehearsals import RehearsalStore, StoredRehearsal
from monitor.storage.routes import RouteStore
from monitor.storage.streams import Standing, StreamStore

__all__ = [
    "Fleet",
    "RouteFacts",
    "audit_of",
    "counts_of",
    "faults_of",
    "findings_of",
    "fleet_of",
    "late_of",
    "route_facts",
]

_MOST_OPEN = 500
_FAULT_DAYS = 7
_MOST_FAULTS = 200


@dataclass(frozen=True, slots=True)
class Fleet:
    """Every route as it stands."""

    routes: list[Route]
    controls: Mapping[int, RouteControl]
    clocks: Mapping[int, RouteClock]
    newest_data: Mapping[int, datetime]
    variants: list[Variant]
    standings: list[Standing]
    incidents: list[Incident]
    findings: list[Finding]
    """The open ones, newest first."""
    freezes: list[Freeze]
    """Those that stand."""


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """One route with its evidence."""

    route: Route
    control: RouteControl
    clock: RouteClock | None
    newest_data: datetime | None
    variants: list[Variant]
    streams: list[Stream]
    open_incidents: list[Incident]
    incident: Incident | None
    """The one the page is about: what the controller acts on, else the oldest open one, else the last."""
    timeline: list[Audit]
    findings: list[Finding]
    """The open ones."""
    freezes: list[Freeze]
    """Those that hold it now."""
    rehearsals: list[StoredRehearsal]

    @property
    def baseline(self) -> Variant | None:
        """The route's baseline."""
        return next((variant for variant in self.variants if variant.role is Role.BASELINE), None)

    def is_aa(self, stream: Stream) -> bool:
        """Tell whether a stream compares the baseline with itself."""
        return self.baseline is not None and stream.candidate_id == self.baseline.id


def fleet_of(session: Session, now: datetime) -> Fleet:
    """Read every route; the number of queries does not grow with the fleet."""
    return Fleet(
        routes=RouteStore(session).all(),
        controls={control.route_id: control for control in ControlStore(session).all()},
        clocks={clock.route_id: clock for clock in ClockStore(session).all()},
        newest_data=StreamStore(session).newest_data(),
        variants=RouteStore(session).variants(),
        standings=StreamStore(session).standings(),
        incidents=IncidentStore(session).all_open(),
        findings=FindingStore(session).newest(_MOST_OPEN, only_open=True),
        freezes=FreezeStore(session).standing(now),
    )


def route_facts(session: Session, route: Route, now: datetime) -> RouteFacts:
    """Read one route."""
    control = ControlStore(session).get(route.id)
    open_incidents = IncidentStore(session).open_of(route.id)
    incident = _incident(session, control, open_incidents)
    return RouteFacts(
        route=route,
        control=control,
        clock=ClockStore(session).get(route.id),
        newest_data=StreamStore(session).newest_data().get(route.id),
        variants=RouteStore(session).variants(route.id),
        streams=StreamStore(session).of_route(route.id),
        open_incidents=open_incidents,
        incident=incident,
        timeline=[] if incident is None else DecisionStore(session).of_incident(route.id, incident.id),
        findings=[one for one in FindingStore(session).newest(_MOST_OPEN, only_open=True) if one.route == route.name],
        freezes=FreezeStore(session).standing(now, route.id),
        rehearsals=RehearsalStore(session).of_route(route.id),
    )


def _incident(session: Session, control: RouteControl, open_incidents: list[Incident]) -> Incident | None:
    if control.phase is not Phase.ARMED and control.incident_id is not None:
        found = IncidentStore(session).get(control.incident_id)
        if found is not None:
            return found
    if open_incidents:
        return open_incidents[0]
    return next(iter(IncidentStore(session).newest(control.route_id, 1)), None)


def counts_of(session: Session, stream: Stream, tick_s: float, now: datetime, window: timedelta, kept: Kept) -> Counted:
    """Read what a stream counted in a window that ends now, as coarse as its chart allows."""
    return count_history(session, stream, tick_s, now - window, now, now, kept)


def late_of(session: Session, route: Route, now: datetime) -> int:
    """Read how many events came too late in the last hour."""
    return LateEventStore(session).since(route.id, now - timedelta(hours=1))


def faults_of(session: Session, stream: Stream, now: datetime) -> list[FaultCount]:
    """Read where the answers of a stream's signal failed in the last seven days."""
    since = now.date() - timedelta(days=_FAULT_DAYS - 1)
    return FaultStore(session).top(stream.route_id, since, stream.signal, _MOST_FAULTS)


def audit_of(session: Session, route_ids: Collection[int], limit: int, before: int | None) -> list[Audit]:
    """Read the newest audit rows of some routes."""
    return DecisionStore(session).newest_among(route_ids, limit, before)


def findings_of(session: Session, limit: int, before: int | None, *, only_open: bool) -> list[Finding]:
    """Read the newest findings."""
    return FindingStore(session).newest(limit, before, only_open=only_open)

"""A transition: the new state, its audit row and its alert, in one transaction that only one writer wins."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from alerts.types import AlertKind
from monitor.clock import Clock
from monitor.controller.announce import Announcer
from monitor.controller.phases import may_follow
from monitor.errors import ConflictError
from monitor.models.decision import Audit
from monitor.models.incident import Incident
from monitor.models.policy import Policy
from monitor.models.route import Phase, Route, RouteControl
from monitor.models.variant import Role, Variant
from monitor.storage.controls import ControlStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.incidents import IncidentStore
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database

__all__ = ["CONTROLLER", "Situation", "Transitions"]

CONTROLLER = "controller"
"""The actor of everything that no person asked for."""


@dataclass(frozen=True, slots=True)
class Situation:
    """A route with all that a step of the controller looks at."""

    route: Route
    control: RouteControl
    variants: list[Variant]
    incidents: list[Incident]
    policy: Policy

    @property
    def baseline(self) -> Variant | None:
        """The route's baseline."""
        return next((variant for variant in self.variants if variant.role is Role.BASELINE), None)

    @property
    def candidates(self) -> list[Variant]:
        """The route's candidates."""
        return [variant for variant in self.variants if variant.role is Role.CANDIDATE]

    @property
    def incident(self) -> Incident | None:
        """The incident the control row is about, or the oldest open one."""
        wanted = self.control.incident_id
        return next((i for i in self.incidents if i.id == wanted), self.incidents[0] if self.incidents else None)


class Transitions:
    """Reads situations and writes transitions."""

    def __init__(self, database: Database, clock: Clock, announcer: Announcer) -> None:
        self._database = database
        self._clock = clock
        self._announcer = announcer

    def situation(self, route: Route, policy: Policy) -> Situation:
        """Read a route's situation."""
        with self._database.reading() as session:
            control = ControlStore(session).get(route.id)
            incidents = IncidentStore(session).open_of(route.id)
            if control.incident_id is not None and all(i.id != control.incident_id for i in incidents):
                own = IncidentStore(session).get(control.incident_id)
                incidents += [own] if own is not None and own.closed_at is None else []
            return Situation(route, control, RouteStore(session).variants(route.id), incidents, policy)

    def move(
        self,
        seen: Situation,
        to: Phase,
        *,
        action: str,
        reason: str,
        actor: str = CONTROLLER,
        alert: AlertKind | None = None,
        incident: Incident | None = None,
        false_alarm: Incident | None = None,
        evidence: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> bool:
        """Move a route to another phase; False if someone else changed it first, and then nothing is written.

        An incident that turned out to be a ``false_alarm`` is closed, and audited so, in the same transaction.

        Raises:
            ConflictError: the state table does not allow it.
        """
        if not may_follow(seen.control.phase, to):
            raise ConflictError(f"{seen.route.name}: {to.value} cannot follow {seen.control.phase.value}")
        now = self._clock.now()
        new = replace(seen.control, phase=to, phase_since=now, actor=actor, **changes)
        with self._database.transaction() as session:
            if not ControlStore(session).replace(seen.control, new):
                return False
            if false_alarm is not None and IncidentStore(session).close(false_alarm.id, now, f"{actor}: false_alarm"):
                self._record(session, seen, seen.control, "false_alarm", reason, actor, None, false_alarm, None)
            self._record(session, seen, new, action, reason, actor, alert, incident or seen.incident, evidence)
        return True

    def note(
        self,
        seen: Situation,
        *,
        action: str,
        reason: str,
        actor: str = CONTROLLER,
        alert: AlertKind | None = None,
        incident: Incident | None = None,
        close: bool = False,
        **changes: Any,
    ) -> bool:
        """Audit something that leaves the phase as it is; ``incident`` is marked with the action, or closed.

        False if someone else was first: the route changed, or the incident is closed or marked so already.
        """
        now = self._clock.now()
        new = replace(seen.control, **changes)
        with self._database.transaction() as session:
            if not ControlStore(session).replace(seen.control, new):
                return False
            if (
                incident is not None
                and close
                and not IncidentStore(session).close(incident.id, now, f"{actor}: {action}")
            ):
                return False
            if incident is not None and not close and not _mark(session, incident, action):
                return False
            self._record(session, seen, new, action, reason, actor, alert, incident, None)
        return True

    def _record(
        self,
        session: Session,
        seen: Situation,
        new: RouteControl,
        action: str,
        reason: str,
        actor: str,
        alert: AlertKind | None,
        incident: Incident | None,
        evidence: Mapping[str, Any] | None,
    ) -> None:
        now = self._clock.now()
        DecisionStore(session).add(
            Audit(
                route_id=seen.route.id,
                at=now,
                actor=actor,
                action=action,
                from_phase=seen.control.phase,
                to_phase=new.phase,
                reason=reason,
                epoch=new.epoch,
                incident_id=None if incident is None else incident.id,
                policy_name=seen.policy.name,
                policy_version=seen.policy.version,
                evidence=evidence if evidence is not None else (None if incident is None else incident.evidence),
                before=None if new.before is None else new.before.to_json(),
                after=None if new.desired is None else new.desired.to_json(),
            )
        )
        if alert is not None:
            self._announcer.announce(session, alert, seen.route, new, seen.variants, incident, reason, now)


def _mark(session: Session, incident: Incident, action: str) -> bool:
    """Note the action decided for an incident; False if it was noted already.

    The route's control row, locked by the caller's update, lets one writer in at a time.
    """
    store = IncidentStore(session)
    found = store.get(incident.id)
    if found is None or found.closed_at is not None or found.decided == action:
        return False
    store.set_decided(incident.id, action)
    return True

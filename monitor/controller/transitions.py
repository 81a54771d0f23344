"""A transition: the new state, its audit row and its alert, in one transaction that only one writer wins."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.controller.announce import Announcer
from monitor.controller.moves import Move
from monitor.controller.phases import DECIDED, may_follow
from monitor.controller.situation import CONTROLLER, Situation
from monitor.errors import ConflictError
from monitor.models.decision import Audit
from monitor.models.freeze import BREAKER
from monitor.models.incident import Incident
from monitor.models.policy import Policy
from monitor.models.route import Phase, Route, RouteControl
from monitor.storage.controls import ControlStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.freezes import FreezeStore
from monitor.storage.incidents import IncidentStore
from monitor.storage.promotions import PromotionStore
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database
from monitor.telemetry import FLIPS

__all__ = ["Transitions"]


class Transitions:
    """Reads situations and writes transitions."""

    def __init__(self, database: Database, clock: Clock, announcer: Announcer) -> None:
        self._database = database
        self._clock = clock
        self._announcer = announcer

    def situation(self, route: Route, policy: Policy) -> Situation:
        """Read a route's situation, the route itself included."""
        with self._database.reading() as session:
            route = RouteStore(session).by_name(route.name) or route
            control = ControlStore(session).get(route.id)
            incidents = IncidentStore(session).open_of(route.id)
            if control.incident_id is not None and all(i.id != control.incident_id for i in incidents):
                own = IncidentStore(session).get(control.incident_id)
                incidents += [own] if own is not None and own.closed_at is None else []
            return Situation(route, control, RouteStore(session).variants(route.id), incidents, policy)

    def carry_out(self, seen: Situation, move: Move) -> bool:
        """Write a move with its audit row and its alert; False if someone else was first, and then nothing is written.

        Someone else was first if the row changed, or the incident is closed, or marked with the action already; and,
        for a move that begins something by itself, if a person has changed what it was decided on.

        Raises:
            ConflictError: the state table does not allow it.
        """
        to = move.to or seen.control.phase
        if move.to is not None and not may_follow(seen.control.phase, move.to):
            raise ConflictError(f"{seen.route.name}: {move.to.value} cannot follow {seen.control.phase.value}")
        now = self._clock.now()
        entered: dict[str, Any] = {"phase": to, "phase_since": now, "actor": move.actor} if move.to is not None else {}
        new = replace(seen.control, **entered, **move.changes)
        incident = move.incident or (seen.incident if move.to is not None else None)
        with self._database.transaction() as session:
            if not _stored(session, seen, new, move, incident, now):
                session.rollback()
                return False
            incidents, false_alarm = IncidentStore(session), move.false_alarm
            if false_alarm is not None and incidents.close(false_alarm.id, now, f"{move.actor}: false_alarm"):
                told = replace(move, action="false_alarm", alert=None, evidence=None)
                self._record(session, seen, seen.control, told, false_alarm)
            if move.breaker is not None and not any(one.of_breaker for one in FreezeStore(session).standing(now)):
                FreezeStore(session).add(None, BREAKER, move.breaker, now, None)
            if move.promotion is not None:
                PromotionStore(session).add(seen.route.id, move.promotion, now)
            self._record(session, seen, new, move, incident)
        if move.to is Phase.APPLYING:
            FLIPS.labels(seen.route.name, move.action).inc()
        return True

    def _record(
        self, session: Session, seen: Situation, new: RouteControl, move: Move, incident: Incident | None
    ) -> None:
        now = self._clock.now()
        evidence = move.evidence
        DecisionStore(session).add(
            Audit(
                route_id=seen.route.id,
                at=now,
                actor=move.actor,
                action=move.action,
                from_phase=seen.control.phase,
                to_phase=new.phase,
                reason=move.reason,
                epoch=new.epoch,
                incident_id=None if incident is None else incident.id,
                policy_name=seen.policy.name,
                policy_version=seen.policy.version,
                evidence=evidence if evidence is not None else (None if incident is None else incident.evidence),
                before={name: one.to_json() for name, one in new.before.items()} or None,
                after={name: one.to_json() for name, one in new.desired.items()} or None,
            )
        )
        if move.alert is not None:
            told = (seen.route, new, seen.variants, incident)
            self._announcer.announce(session, move.alert, *told, move.reason, now)


def _stored(
    session: Session, seen: Situation, new: RouteControl, move: Move, incident: Incident | None, now: datetime
) -> bool:
    """Store the row and what the incident keeps of the move; False if someone else was first."""
    if not ControlStore(session).replace(seen.control, new):
        return False
    if _begins(seen, move) and _overtaken(session, seen, move, incident, now):
        return False
    if move.incident is None:
        return True
    if move.close:
        return IncidentStore(session).close(move.incident.id, now, f"{move.actor}: {move.action}")
    return not move.mark or _mark(session, move.incident, move.action)


def _begins(seen: Situation, move: Move) -> bool:
    """Tell whether a move begins a rollback by itself, or takes a candidate a step up on evidence.

    All else finishes or defends what was committed, which no mode and no freeze holds, or is a person's act.
    """
    phase = seen.control.phase
    if move.to is not Phase.APPLYING:
        return move.to in {Phase.TRIGGERED, Phase.PREFLIGHT}
    rollback = move.actor == CONTROLLER and phase in DECIDED
    up = phase is Phase.RAMPING and move.changes.get("stage", 0) > seen.control.stage
    return rollback or up or (phase is Phase.RECOVERING and move.promotion is not None)


def _overtaken(session: Session, seen: Situation, move: Move, incident: Incident | None, now: datetime) -> bool:
    """Tell whether a person changed the route, closed the incident or froze the route while the step looked.

    Asked under the lock of the control row. A freeze holds nothing yet where a rollback is only decided on: it is asked
    for in the phase that follows.
    """
    if RouteStore(session).by_name(seen.route.name) != seen.route:
        return True
    found = None if incident is None else IncidentStore(session).get(incident.id)
    if incident is not None and (found is None or found.closed_at is not None):
        return True
    return move.to is not Phase.TRIGGERED and bool(FreezeStore(session).standing(now, seen.route.id))


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

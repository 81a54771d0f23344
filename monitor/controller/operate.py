"""What people do: flip, restore, bring back, pin, close. They win over the controller, and every act is audited."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from alerts.types import AlertKind
from monitor.clock import Clock
from monitor.controller.foreign import Standing
from monitor.controller.look import Look
from monitor.controller.moves import Move
from monitor.controller.overview import Overview, overview_of
from monitor.controller.plan import AT_ONCE, desired_at, toward_baseline, toward_snapshot
from monitor.controller.readings import Readings, RouterReading
from monitor.controller.rehearse import rehearsal_of
from monitor.controller.returning import begin_ramp
from monitor.controller.situation import Situation
from monitor.controller.transitions import Transitions
from monitor.controller.writing import standing
from monitor.errors import ConflictError, NotFoundError
from monitor.models.policy import Policy
from monitor.models.rehearsal import FlipRehearsal
from monitor.models.route import Goal, Phase, Route, RouteControl, RouteSnapshot

__all__ = ["Operator"]

_PIN_AFTER_RESTORE = timedelta(hours=24)
_NO_FLIP_STANDS = frozenset({Phase.ARMED, Phase.TRIGGERED, Phase.PREFLIGHT, Phase.BLOCKED})


class Operator:
    """Manual operations on one route."""

    def __init__(self, policy_of: Callable[[str], Policy], transitions: Transitions, look: Look, clock: Clock) -> None:
        self._policy_of = policy_of
        self._transitions = transitions
        self._look = look
        self._clock = clock

    def flip(self, route: Route, goal: Goal, actor: str, reason: str) -> RouteControl:
        """Start a flip by a person; the controller applies and verifies it like its own.

        It goes over every limit that holds the controller: freezes, the breaker, the preflight. ``Goal.RESTORE`` undoes
        the last flip: it closes the incident as a false alarm and pins the route for a day, so that the same evidence
        cannot flip it again.

        Raises:
            ConflictError: a flip is being applied, the route changed meanwhile, or there is nothing to restore.
        """
        seen = self.see(route)
        return self._carried(seen, self._planned(seen, goal, actor, reason))

    def rehearse(self, route: Route, goal: Goal) -> FlipRehearsal:
        """Return what ``flip`` would do now, and what would hold a rollback of the controller's own; write nothing.

        Raises:
            ConflictError: as ``flip``.
            RoutingError: as ``flip``.
        """
        seen = self.see(route)
        move = self._planned(seen, goal, "rehearsal", "rehearsal")
        rehearsed = self._look.rehearse(seen, move.changes["desired"])
        return rehearsal_of(seen, self._look.overview(seen), move, rehearsed)

    def overview(self, route: Route) -> Overview:
        """Return how the route's routers stand now, what holds it, and what the proof says so far."""
        seen = self.see(route)
        return overview_of(seen, self._look.overview(seen))

    def _planned(self, seen: Situation, goal: Goal, actor: str, reason: str) -> Move:
        name = seen.route.name
        if seen.control.phase is Phase.APPLYING:
            raise ConflictError(f"{name}: a flip is being applied now (epoch {seen.control.epoch}); try again")
        if seen.baseline is None or not seen.candidates:
            raise ConflictError(f"{name}: a flip needs a baseline and a candidate variant")
        return self._restore(seen, actor, reason) if goal is Goal.RESTORE else self._to_baseline(seen, actor, reason)

    def _to_baseline(self, seen: Situation, actor: str, reason: str) -> Move:
        """Flip even when a router cannot be read from here: a person in need is not turned away.

        What it did before is then read by the controller, right before it is written.
        """
        control, routers = seen.control, self._look.routers(seen)
        found = _read(routers)
        keep = control.before and (control.phase not in _NO_FLIP_STANDS or seen.between)
        epoch = max(control.epoch, *(one.epoch or 0 for one in found.values()), 0) + 1
        end = toward_baseline(seen.variants, None if seen.harmful is None else seen.harmful.backend, epoch)
        changes = {
            **_one_step(epoch, Goal.BASELINE),
            "desired": {
                label: desired_at(found.get(label), end, AT_ONCE[0], epoch, one.capabilities)
                for label, one in routers.items()
            },
            "before": control.before if keep else found,
            "condemned": {one.name: one.digest for one in seen.candidates if seen.harmful in {None, one}},
        }
        return Move("flip", reason, Phase.APPLYING, actor=actor, alert=AlertKind.MANUAL_FLIP, changes=changes)

    def _restore(self, seen: Situation, actor: str, reason: str) -> Move:
        control = seen.control
        if not control.before:
            raise ConflictError(f"{seen.route.name}: there is no earlier routing to restore")
        if control.phase in _NO_FLIP_STANDS and not seen.between:
            raise ConflictError(f"{seen.route.name}: no flip stands, so there is none to undo; look at its decisions")
        routers = self._look.routers(seen)
        found = _read(routers)
        epoch = max(control.epoch, *(one.epoch or 0 for one in found.values()), 0) + 1
        changes = {
            **_one_step(epoch, Goal.RESTORE),
            "desired": {
                label: toward_snapshot(before, epoch)
                for label in routers
                if (before := control.before.get(label, found.get(label))) is not None
            },
            "incident_id": None,
            "condemned": {},
            "pinned_by": actor,
            "pinned_until": self._clock.now() + _PIN_AFTER_RESTORE,
        }
        return Move(
            "restore",
            reason,
            Phase.APPLYING,
            actor=actor,
            alert=AlertKind.MANUAL_FLIP,
            false_alarm=seen.incident,
            changes=changes,
        )

    def recover(self, route: Route, actor: str, reason: str, *, at_once: bool = False) -> RouteControl:
        """Ask for a rolled-back candidate to be brought back in steps, as soon as the evidence says that it is safe.

        The request is the approval. ``at_once`` does not wait for evidence: a person's word stands for it.

        Raises:
            ConflictError: no flip stands, or the route changed meanwhile.
        """
        seen = self.see(route)
        if seen.control.phase not in {Phase.HOLD, Phase.RECOVERING}:
            raise ConflictError(f"{route.name} is {seen.control.phase.value}; only a route in hold can be brought back")
        if not seen.control.before:
            raise ConflictError(f"{route.name}: there is no earlier routing to come back to")
        if at_once:
            readings = Readings(self._clock.now(), routers=self._look.routers(seen))
            found = standing(seen, readings, settled=True)
            if found.standing is Standing.FOREIGN:
                raise ConflictError(f"{route.name}: someone changed the routing, look at it first: {found.reason}")
            move = begin_ramp(seen, readings, reason, actor)
        elif seen.control.phase is Phase.RECOVERING:
            raise ConflictError(f"{route.name} is recovering already; it waits for the evidence")
        else:
            move = Move("recover", reason, Phase.RECOVERING, actor=actor, changes={"told": None})
        return self._carried(seen, move)

    def pin(self, route: Route, actor: str, hours: float, reason: str) -> RouteControl:
        """Forbid automatic moves of a route for a time."""
        until = self._clock.now() + timedelta(hours=hours)
        return self._noted(route, "pin", actor, f"{reason} (until {until:%Y-%m-%d %H:%M} UTC)", actor, until)

    def unpin(self, route: Route, actor: str, reason: str) -> RouteControl:
        """Allow automatic moves again."""
        return self._noted(route, "unpin", actor, reason, None, None)

    def close_incident(self, route: Route, incident_id: int, actor: str, reason: str) -> None:
        """Close an open incident.

        Raises:
            NotFoundError: the route has no such open incident.
            ConflictError: the route changed, or someone else closed it, at the same time.
        """
        seen = self.see(route)
        incident = next((one for one in seen.incidents if one.id == incident_id), None)
        if incident is None:
            raise NotFoundError(f"{route.name} has no open incident {incident_id}")
        self._carried(seen, Move("close", reason, actor=actor, incident=incident, close=True))

    def see(self, route: Route) -> Situation:
        """Return the route's situation."""
        return self._transitions.situation(route, self._policy_of(route.policy))

    def _noted(
        self, route: Route, action: str, actor: str, reason: str, pinned_by: str | None, pinned_until: object
    ) -> RouteControl:
        changes = {"pinned_by": pinned_by, "pinned_until": pinned_until}
        return self._carried(self.see(route), Move(action, reason, actor=actor, changes=changes))

    def _carried(self, seen: Situation, move: Move) -> RouteControl:
        if not self._transitions.carry_out(seen, move):
            name = seen.route.name
            raise ConflictError(f"{name}: someone else changed the route at the same time; look and try again")
        return self.see(seen.route).control


def _one_step(epoch: int, goal: Goal) -> dict[str, Any]:
    """Return the fields of a move that has one step and nothing behind it."""
    return {
        "epoch": epoch,
        "goal": goal,
        "applied_at": None,
        "stages": AT_ONCE,
        "stage": 0,
        "backed_off": 0,
        "reasserted": 0,
        "told": None,
    }


def _read(routers: Mapping[str, RouterReading]) -> dict[str, RouteSnapshot]:
    return {label: one.snapshot for label, one in routers.items() if one.snapshot is not None}

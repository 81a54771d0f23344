"""What people do: flip, restore, pin, close. They win over the controller, and every act is audited."""

from collections.abc import Callable
from datetime import timedelta

from alerts.types import AlertKind
from monitor.clock import Clock
from monitor.controller.plan import toward_baseline, toward_snapshot
from monitor.controller.transitions import Situation, Transitions
from monitor.errors import ConflictError, NotFoundError, RoutingError
from monitor.models.policy import Policy
from monitor.models.route import Goal, Phase, Route, RouteControl, TargetRef
from monitor.routing.base import RouteTarget

__all__ = ["Operator"]

_PIN_AFTER_RESTORE = timedelta(hours=24)
_NO_FLIP_STANDS = frozenset({Phase.ARMED, Phase.PREFLIGHT, Phase.BLOCKED})


class Operator:
    """Manual operations on one route."""

    def __init__(
        self,
        policy_of: Callable[[str], Policy],
        transitions: Transitions,
        target_of: Callable[[TargetRef], RouteTarget],
        clock: Clock,
    ) -> None:
        self._policy_of = policy_of
        self._transitions = transitions
        self._target_of = target_of
        self._clock = clock

    def flip(self, route: Route, goal: Goal, actor: str, reason: str) -> RouteControl:
        """Start a flip by a person; the controller applies and verifies it like its own.

        ``Goal.RESTORE`` undoes the last flip: it closes the incident as a false alarm and pins the route for a day,
        so that the same evidence cannot flip it again.

        Raises:
            ConflictError: a flip is being applied, the route changed meanwhile, or there is nothing to restore.
            RoutingError: the routing to restore cannot be compared with the router's: it cannot be read.
        """
        seen = self._see(route)
        if seen.control.phase is Phase.APPLYING:
            raise ConflictError(f"{route.name}: a flip is being applied now (epoch {seen.control.epoch}); try again")
        if seen.baseline is None or not seen.candidates:
            raise ConflictError(f"{route.name}: a flip needs a baseline and a candidate variant")
        moved = self._restore(seen, actor, reason) if goal is Goal.RESTORE else self._to_baseline(seen, actor, reason)
        if not moved:
            raise ConflictError(f"{route.name}: someone else changed the route at the same time; look and try again")
        return self._see(route).control

    def _to_baseline(self, seen: Situation, actor: str, reason: str) -> bool:
        """Flip even when the router cannot be read: a person in need is not turned away; then undo has no snapshot."""
        try:
            found = self._target_of(seen.route.target).read()
        except RoutingError:
            found = None
        keep = seen.control.before is not None and seen.control.phase not in _NO_FLIP_STANDS
        epoch = max(seen.control.epoch, 0 if found is None else found.epoch or 0) + 1
        harmful = seen.incident.candidate_id if seen.incident is not None else None
        backend = next((variant.backend for variant in seen.candidates if variant.id == harmful), None)
        return self._transitions.move(
            seen,
            Phase.APPLYING,
            action="flip",
            reason=reason,
            actor=actor,
            alert=AlertKind.MANUAL_FLIP,
            epoch=epoch,
            goal=Goal.BASELINE,
            desired=toward_baseline(seen.variants, backend, epoch),
            before=seen.control.before if keep else found,
            applied_at=None,
        )

    def _restore(self, seen: Situation, actor: str, reason: str) -> bool:
        before = seen.control.before
        if before is None:
            raise ConflictError(f"{seen.route.name}: there is no earlier routing to restore")
        if seen.control.phase in _NO_FLIP_STANDS:
            raise ConflictError(f"{seen.route.name}: no flip stands, so there is none to undo; look at its decisions")
        found = self._target_of(seen.route.target).read()
        epoch = max(seen.control.epoch, found.epoch or 0) + 1
        return self._transitions.move(
            seen,
            Phase.APPLYING,
            action="restore",
            reason=reason,
            actor=actor,
            alert=AlertKind.MANUAL_FLIP,
            false_alarm=seen.incident,
            epoch=epoch,
            goal=Goal.RESTORE,
            desired=toward_snapshot(before, epoch),
            applied_at=None,
            incident_id=None,
            pinned_by=actor,
            pinned_until=self._clock.now() + _PIN_AFTER_RESTORE,
        )

    def pin(self, route: Route, actor: str, hours: float, reason: str) -> RouteControl:
        """Forbid automatic flips of a route for a time."""
        until = self._clock.now() + timedelta(hours=hours)
        return self._noted(route, "pin", actor, f"{reason} (until {until:%Y-%m-%d %H:%M} UTC)", actor, until)

    def unpin(self, route: Route, actor: str, reason: str) -> RouteControl:
        """Allow automatic flips again."""
        return self._noted(route, "unpin", actor, reason, None, None)

    def close_incident(self, route: Route, incident_id: int, actor: str, reason: str) -> None:
        """Close an open incident.

        Raises:
            NotFoundError: the route has no such open incident.
            ConflictError: the route changed, or someone else closed it, at the same time.
        """
        seen = self._see(route)
        incident = next((one for one in seen.incidents if one.id == incident_id), None)
        if incident is None:
            raise NotFoundError(f"{route.name} has no open incident {incident_id}")
        if not self._transitions.note(seen, action="close", reason=reason, actor=actor, incident=incident, close=True):
            raise ConflictError(f"{route.name}: someone else changed the route at the same time; look and try again")

    def _noted(
        self, route: Route, action: str, actor: str, reason: str, pinned_by: str | None, pinned_until: object
    ) -> RouteControl:
        seen = self._see(route)
        if not self._transitions.note(
            seen, action=action, reason=reason, actor=actor, pinned_by=pinned_by, pinned_until=pinned_until
        ):
            raise ConflictError(f"{route.name}: someone else changed the route at the same time; look and try again")
        return self._see(route).control

    def _see(self, route: Route) -> Situation:
        return self._transitions.situation(route, self._policy_of(route.policy))

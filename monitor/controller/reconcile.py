"""Reconciliation: one step per phase, each finished by a transition; a crash anywhere is healed by the next step."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from alerts.types import AlertKind
from monitor.clock import Clock
from monitor.controller.decide import decide, reconsider
from monitor.controller.plan import toward_baseline
from monitor.controller.preflight import judge_baseline
from monitor.controller.transitions import Situation, Transitions
from monitor.controller.verify import ProofState, judge_traffic
from monitor.errors import FullbackError, RoutingError, ValidationError
from monitor.models.decision import Action
from monitor.models.policy import Policy
from monitor.models.route import Goal, Phase, Route, TargetRef
from monitor.routing.base import RouteTarget
from monitor.storage.events import EventStore
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database

__all__ = ["Reconciler"]

_WATCH_EVERY = timedelta(seconds=5)
_MOST_STEPS = 8
_log = structlog.get_logger("fullback.controller")


class Reconciler:
    """Brings every route from what is decided to what traffic proves. Only the leader runs it."""

    def __init__(
        self,
        database: Database,
        policy_of: Callable[[str], Policy],
        transitions: Transitions,
        target_of: Callable[[TargetRef], RouteTarget],
        clock: Clock,
    ) -> None:
        self._database = database
        self._policy_of = policy_of
        self._transitions = transitions
        self._target_of = target_of
        self._clock = clock
        self._watched_at: dict[int, datetime] = {}

    def run(self) -> None:
        """Step every route as far as it goes now. One route's trouble does not hold up another's."""
        with self._database.reading() as session:
            routes = RouteStore(session).all()
        for route in routes:
            try:
                for _ in range(_MOST_STEPS):
                    if not self.step(route):
                        break
            except FullbackError as error:
                _log.warning("step failed", route=route.name, code=error.code, detail=error.detail)
            except Exception as error:  # noqa: BLE001 - the other routes must not wait for it; the trace is logged
                _log.exception("step failed unexpectedly", route=route.name, error=type(error).__name__)

    def step(self, route: Route) -> bool:
        """Take one step; True if the route's state changed and another step may follow."""
        seen = self._transitions.situation(route, self._policy_of(route.policy))
        match seen.control.phase:
            case Phase.ARMED:
                return self._decide(seen)
            case Phase.PREFLIGHT | Phase.BLOCKED:
                return self._preflight(seen)
            case Phase.APPLYING:
                return self._apply(seen)
            case Phase.VERIFYING_CONTROL:
                return self._verify_control(seen)
            case Phase.VERIFYING_TRAFFIC:
                return self._verify_traffic(seen)
            case Phase.ROLLED_BACK:
                return self._transitions.move(
                    seen,
                    Phase.HOLD,
                    action="hold",
                    reason="the baseline serves until a person, or evidence, says otherwise",
                )
            case Phase.HOLD:
                return self._watch(seen)
            case Phase.STUCK | Phase.REVERTED:
                return False

    def _decide(self, seen: Situation) -> bool:
        decision, incident = decide(seen.route, seen.control, seen.incidents, seen.policy, self._clock.now())
        match decision.action:
            case Action.NOTHING:
                return False
            case Action.EXPIRE:
                return self._transitions.note(
                    seen, action=decision.action, reason=decision.reason, incident=incident, close=True
                )
            case Action.WOULD_ROLL_BACK | Action.ADVISE:
                alert = AlertKind.ADVISE if decision.action is Action.ADVISE else AlertKind.WOULD_ROLL_BACK
                return self._transitions.note(
                    seen, action=decision.action, reason=decision.reason, incident=incident, alert=alert
                )
            case Action.ROLL_BACK:
                return self._transitions.move(
                    seen,
                    Phase.PREFLIGHT,
                    action=decision.action,
                    reason=decision.reason,
                    incident=incident,
                    incident_id=None if incident is None else incident.id,
                )

    def _preflight(self, seen: Situation) -> bool:
        """Check the baseline, then commit the desired state with its epoch: the router is called afterwards."""
        now, policy, baseline = self._clock.now(), seen.policy.preflight, seen.baseline
        incident = seen.incident
        wanted = reconsider(seen.route, seen.control, incident, seen.policy, now)
        if wanted.action is not Action.ROLL_BACK:
            action = "unblock" if seen.control.phase is Phase.BLOCKED else "withdraw"
            return self._transitions.move(seen, Phase.ARMED, action=action, reason=wanted.reason, incident_id=None)
        if baseline is None or not seen.candidates:
            return self._block(seen, "the route lacks a baseline or a candidate")
        since = now - timedelta(seconds=policy.window_s)
        with self._database.reading() as session:
            answers, failed = EventStore(session).health(seen.route.id, baseline.id, since, now)
        fitness = judge_baseline(answers, failed, policy)
        if not fitness.healthy:
            return self._block(seen, fitness.reason)
        try:
            before = self._target(seen).read()
        except RoutingError as error:
            return self._block(seen, f"the router cannot be read: {error.detail}")
        harmful = next((v.backend for v in seen.candidates if incident and v.id == incident.candidate_id), None)
        epoch = max(seen.control.epoch, before.epoch or 0) + 1
        return self._transitions.move(
            seen,
            Phase.APPLYING,
            action="flip",
            reason=f"{incident.headline if incident else 'rollback'}; {fitness.reason}",
            alert=AlertKind.ROLLBACK_STARTED,
            epoch=epoch,
            goal=Goal.BASELINE,
            desired=toward_baseline(seen.variants, harmful, epoch),
            before=before,
            applied_at=None,
        )

    def _target(self, seen: Situation) -> RouteTarget:
        try:
            return self._target_of(seen.route.target)
        except ValidationError as error:
            raise RoutingError(f"its settings are wrong: {error.detail}") from error

    def _block(self, seen: Situation, reason: str) -> bool:
        if seen.control.phase is Phase.BLOCKED:
            return False
        return self._transitions.move(
            seen, Phase.BLOCKED, action="block", reason=f"not moved: {reason}", alert=AlertKind.BLOCKED
        )

    def _apply(self, seen: Situation) -> bool:
        """Write the committed desired state to the router; repeating it is harmless."""
        desired = seen.control.desired
        if desired is None:
            return self._stick(seen, "nothing is desired")
        try:
            self._target(seen).apply(desired)
        except RoutingError as error:
            if error.code == "stale_epoch":
                return self._stick(seen, f"another writer holds the router: {error.detail}")
            return self._stick_after(
                seen,
                seen.control.phase_since,
                seen.policy.verify.control_timeout_s,
                f"the router cannot be written: {error.detail}",
            )
        return self._transitions.move(
            seen,
            Phase.VERIFYING_CONTROL,
            action="applied",
            reason=f"epoch {desired.epoch} written to the router",
            actor=seen.control.actor,
            applied_at=self._clock.now(),
        )

    def _verify_control(self, seen: Situation) -> bool:
        """Read back: does the router show what was written, overrides included?"""
        desired, since = seen.control.desired, seen.control.applied_at
        if desired is None or since is None:
            return self._stick(seen, "nothing was applied")
        try:
            found = self._target(seen).read()
        except RoutingError as error:
            return self._stick_after(seen, since, seen.policy.verify.control_timeout_s, f"no read-back: {error.detail}")
        if not found.shows(desired):
            return self._stick_after(
                seen,
                since,
                seen.policy.verify.control_timeout_s,
                f"the router shows weights {dict(found.weights)}, mirror {found.mirror}, epoch {found.epoch}, "
                f"overrides {dict(found.overrides)}; wanted {dict(desired.weights)}, {desired.mirror}, {desired.epoch}",
            )
        return self._transitions.move(
            seen,
            Phase.VERIFYING_TRAFFIC,
            action="read_back",
            reason=f"the router shows epoch {desired.epoch}; waiting for traffic to prove it",
            actor=seen.control.actor,
        )

    def _verify_traffic(self, seen: Situation) -> bool:
        """Prove the flip from requests that began after it, by leg evidence that does not come from us."""
        since, baseline = seen.control.applied_at, seen.baseline
        if since is None or baseline is None:
            return self._stick(seen, "nothing was applied")
        policy = seen.policy.verify
        propagation = self._target(seen).capabilities.propagation_s
        start = since + timedelta(seconds=policy.skew_s + propagation)
        now = self._clock.now()
        with self._database.reading() as session:
            events = EventStore(session)
            counts = events.primaries(seen.route.id, start, now + timedelta(minutes=1))
            before = events.primaries(seen.route.id, since - max(now - start, timedelta()), since)
        candidates = [variant.id for variant in seen.candidates]
        proof = judge_traffic(counts, before, baseline.id, candidates, _expected(seen), policy)
        if proof.state is ProofState.WAITING:
            return self._stick_after(seen, start, policy.traffic_timeout_s, f"control plane only: {proof.reason}")
        back = seen.control.goal is Goal.RESTORE
        return self._transitions.move(
            seen,
            Phase.ARMED if back else Phase.ROLLED_BACK,
            action="verified_by_traffic",
            reason=proof.reason,
            actor=seen.control.actor,
            alert=AlertKind.RESTORED if back else AlertKind.ROLLED_BACK,
            evidence={
                "primary_baseline": counts.of(baseline.id),
                "primary_candidate": sum(counts.of(candidate) for candidate in candidates),
                "since": start.isoformat(),
            },
        )

    def _stick_after(self, seen: Situation, since: datetime, timeout_s: float, reason: str) -> bool:
        """Give up, and page, once a wait has lasted too long."""
        if self._clock.now() - since < timedelta(seconds=timeout_s):
            return False
        return self._stick(seen, f"after {timeout_s:g} s: {reason}")

    def _stick(self, seen: Situation, reason: str) -> bool:
        return self._transitions.move(seen, Phase.STUCK, action="stuck", reason=reason, alert=AlertKind.STUCK)

    def _watch(self, seen: Situation) -> bool:
        """While holding: has someone changed the routing back? Say so, and do not fight."""
        now, desired = self._clock.now(), seen.control.desired
        if now - self._watched_at.get(seen.route.id, datetime.min.replace(tzinfo=now.tzinfo)) < _WATCH_EVERY:
            return False
        self._watched_at[seen.route.id] = now
        try:
            found = self._target(seen).read()
        except RoutingError as error:
            _log.warning("router unreadable while holding", route=seen.route.name, detail=error.detail)
            return False
        if desired is None or found.shows(desired):
            return False
        return self._transitions.move(
            seen,
            Phase.REVERTED,
            action="reverted",
            reason=f"someone changed the routing: weights {dict(found.weights)}, mirror {found.mirror}, "
            f"overrides {dict(found.overrides)}",
            alert=AlertKind.REVERTED,
        )


def _expected(seen: Situation) -> Goal:
    """Return what traffic must show: a restored routing that gives no candidate any weight is proven like a flip."""
    desired = seen.control.desired
    serving = desired is not None and any(desired.weights.get(variant.backend) for variant in seen.candidates)
    return seen.control.goal if serving else Goal.BASELINE

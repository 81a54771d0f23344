"""Reading what a step needs: routers, traffic, the baseline, freezes; and the writes that ``applying`` asks for."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy.orm import Session

from detectors.registry import SIGNALS
from detectors.stats.multiplicity import Gates
from detectors.types import Verdict
from monitor.clock import Clock
from monitor.controller.arming import Record, why_not_armed
from monitor.controller.look_baseline import BaselineLook
from monitor.controller.look_traffic import TrafficLook
from monitor.controller.phases import DECIDED
from monitor.controller.probing import Prober
from monitor.controller.readings import (
    CandidateEvidence,
    Readings,
    RouterReading,
    Write,
)
from monitor.controller.situation import Situation
from monitor.controller.writing import held_by_person
from monitor.errors import RoutingError, StaleEpochError, ValidationError
from monitor.models.evidence import Stream
from monitor.models.route import DesiredRoute, Goal, Mode, Phase, RouteControl, TargetRef, Writer
from monitor.models.slices import ALL
from monitor.routing.base import Capabilities, Rehearsal, RouteTarget
from monitor.storage.controls import ControlStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.freezes import FreezeStore
from monitor.storage.promotions import PromotionStore
from monitor.storage.rehearsals import RehearsalStore
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database
from monitor.storage.streams import StreamStore

__all__ = ["NO_ROUTER", "Look"]

NO_ROUTER: Final = Capabilities(weights=True, atomic_mirror=False, fencing=False, propagation_s=0.0)
"""Of a target whose settings are wrong: nothing can be asked of it."""
_WATCHED: Final = frozenset({Phase.HOLD, Phase.RECOVERING, Phase.RAMPING, Phase.STUCK, Phase.REVERTED})
"""Phases that only watch: their routers are read now and then, not at every step."""
_WATCH_EVERY: Final = timedelta(seconds=5)
_COUNTED: Final = frozenset({Phase.VERIFYING_TRAFFIC, Phase.STUCK, Phase.RAMPING})
"""Phases in which requests since the last write are counted: later the flip is proven, and there are too many."""
_HOUR: Final = timedelta(hours=1)
_RESUMED: Final = timedelta(seconds=1)
"""A write that is called so long after its commit may have been taken before."""
_ROLLBACKS: Final = ("flip",)
_ANSWERS: Final = ("ramp", "back_off", "restore")
"""What was decided in sight of all alarms until then."""
_T = TypeVar("_T")


class Look:
    """Gathers readings. One for all routes; safe to use from several threads."""

    def __init__(self, database: Database, target_of: Callable[[TargetRef], RouteTarget], clock: Clock) -> None:
        self._database = database
        self._target_of = target_of
        self._clock = clock
        self._prober = Prober(database, clock)
        self._baseline = BaselineLook(database, self._prober)
        self._traffic = TrafficLook(database, target_of, self._prober)
        self._watched_at: dict[int, datetime] = {}
        self._wrote: dict[int, tuple[RouteControl, frozenset[str]]] = {}

    def at(self, seen: Situation) -> Readings | None:  # noqa: PLR0911 - one reading a phase
        """Return what the phase needs; None while it is not yet time to watch again, or the row is out of date."""
        now, phase = self._clock.now(), seen.control.phase
        if phase in _WATCHED and not self._due(seen, now):
            return None
        match phase:
            case Phase.ARMED:
                return Readings(
                    now,
                    not_armed=self._not_armed(seen, now),
                    routers=self._unfenced(seen, now),
                    answered_at=self._answered_at(seen),
                )
            case Phase.TRIGGERED | Phase.PREFLIGHT | Phase.BLOCKED:
                return self._before_a_flip(seen, now)
            case Phase.APPLYING:
                return self._write(seen, now)
            case Phase.VERIFYING_CONTROL:
                return self._read_back(seen, now)
            case Phase.VERIFYING_TRAFFIC | Phase.STUCK:
                return self._proof(seen, now)
            case Phase.ROLLED_BACK:
                return Readings(now)
            case Phase.REVERTED:
                return Readings(now, routers=self.routers(seen))
            case Phase.HOLD | Phase.RECOVERING | Phase.RAMPING:
                return self._after_a_flip(seen, now)

    def _due(self, seen: Situation, now: datetime) -> bool:
        last, applied = self._watched_at.get(seen.route.id), seen.control.applied_at
        if applied is not None and any(one.last_alarm_at >= applied for one in seen.incidents):
            last = None if seen.control.phase is Phase.RAMPING else last  # harm on the way back waits for nothing
        if last is not None and last <= now < last + _WATCH_EVERY:
            return False
        self._watched_at[seen.route.id] = now
        return True

    def _unfenced(self, seen: Situation, now: datetime) -> dict[str, RouterReading]:
        """Read an armed route's routers where a former leader's late write could reach one: now and then."""
        control = seen.control
        if control.goal is not Goal.RESTORE or all(self._fences(ref) for ref in seen.route.targets):
            return {}
        return self.routers(seen) if control.desired and self._due(seen, now) else {}

    def _fences(self, ref: TargetRef) -> bool:
        try:
            return self._target_of(ref).capabilities.fencing
        except ValidationError:
            return True  # wrong settings: nothing of ours can reach it

    def routers(self, seen: Situation) -> dict[str, RouterReading]:
        """Read every target, all at once; what cannot be read says why."""
        return _at_once(seen.route.targets, self._read)

    def _read(self, ref: TargetRef) -> RouterReading:
        try:
            target = self._target_of(ref)
        except ValidationError as error:
            return RouterReading(NO_ROUTER, problem=f"its settings are wrong: {error.detail}")
        try:
            return RouterReading(target.capabilities, target.read())
        except RoutingError as error:
            return RouterReading(target.capabilities, problem=error.detail)

    def overview(self, seen: Situation) -> Readings:
        """Return what a rollback would be judged by now, and what proves the move under way. Nothing is written."""
        now = self._clock.now()
        return Readings(
            now,
            not_armed=self.not_armed(seen, now),
            held=self._held(seen, now),
            routers=self.routers(seen),
            health=self._baseline.health(seen, now, probing=False),
            room=self._baseline.room(seen, now),
            traffic=self._traffic.at(seen, now, probing=False) if seen.control.phase in _COUNTED else {},
        )

    def rehearse(self, seen: Situation, desired: Mapping[str, DesiredRoute]) -> dict[str, Rehearsal]:
        """Have every target go the way of a write without writing, all at once."""
        refs = [ref for ref in seen.route.targets if ref.label in desired]
        return _at_once(refs, lambda ref: self._rehearse(ref, desired[ref.label]))

    def _rehearse(self, ref: TargetRef, wanted: DesiredRoute) -> Rehearsal:
        try:
            return self._target_of(ref).rehearse(wanted)
        except (RoutingError, ValidationError) as error:
            return Rehearsal(problems=(error.detail,))

    def _write(self, seen: Situation, now: datetime) -> Readings | None:
        """Write every target, all at once, unless a person's pin came first or the row has moved on.

        One that has taken the write is not called again while another fails: what somebody changes there meanwhile is
        judged by the read-back.
        """
        control = seen.control
        if control.applied_at is None and held_by_person(seen, Readings(now)):
            return Readings(now, routers=self.routers(seen))
        step = control.step
        if step is not None and step.replicas is not None:
            return Readings(now, scaling=self._baseline.scaling(seen, step.replicas, ask=True))
        if not self._still(seen):
            return None
        targets = [ref for ref in seen.route.targets if ref.label in control.desired]
        done = self._written(control)
        refs = [ref for ref in targets if ref.label not in done]
        unseen = [ref for ref in refs if ref.label not in control.before]
        if unseen and control.applied_at is None and control.goal is Goal.BASELINE:
            read = _at_once(unseen, self._read)
            found = {label: one for label, one in read.items() if _foreign(one, control.desired[label])}
            if found:
                return Readings(now, routers=found)
        tried = _at_once(refs, lambda ref: self._apply(seen, ref))
        done |= {label for label, write in tried.items() if write.problem is None}
        self._wrote[control.route_id] = (control, done)
        writes = {ref.label: tried.get(ref.label, Write()) for ref in targets}
        return Readings(self._clock.now(), writes=writes)

    def _written(self, control: RouteControl) -> frozenset[str]:
        """Return which targets have taken the row's write from this process; after a restart the router is asked."""
        of, done = self._wrote.get(control.route_id, (control, frozenset[str]()))
        same = (of.epoch, of.phase_since, of.desired) == (control.epoch, control.phase_since, control.desired)
        return done if same else frozenset()

    def _still(self, seen: Situation) -> bool:
        """Whether the row still is as it was read, pin included: what has been overtaken must not be written."""
        with self._database.reading() as session:
            now = ControlStore(session).get(seen.route.id)
        return now == seen.control

    def _apply(self, seen: Situation, ref: TargetRef) -> Write:
        desired = seen.control.desired[ref.label]
        try:
            target = self._target_of(ref)
            if not self._taken(seen, target, desired):
                target.apply(desired)
        except StaleEpochError as error:
            return Write(error.detail, stale=True)
        except (RoutingError, ValidationError) as error:
            return Write(error.detail)
        return Write()

    def _taken(self, seen: Situation, target: RouteTarget, desired: DesiredRoute) -> bool:
        """Whether an earlier try was taken, its answer lost: what a person changed since is not written over.

        Where a write is several, one that broke off may show the epoch in part: it is taken if all of it is shown, or
        if the router says that somebody changed what was written with it.
        """
        if self._clock.now() - seen.control.phase_since < _RESUMED:
            return False
        try:
            found = target.read()
        except RoutingError:
            return False
        if found.epoch != desired.epoch:
            return False
        whole = target.capabilities.atomic_mirror or found.says(desired)
        return found.writer is Writer.OTHER or (whole and not found.overrides)

    def _read_back(self, seen: Situation, now: datetime) -> Readings:
        step = seen.control.step
        if step is not None and step.replicas is not None:
            scaling = self._baseline.scaling(seen, step.replicas, ask=False)
            return Readings(now, scaling=scaling, routers=self.routers(seen))
        room = (
            None if seen.control.last_step or seen.control.goal is not Goal.BASELINE else self._baseline.room(seen, now)
        )
        answered_at = self._answered_at(seen) if seen.control.goal is Goal.RAMP else None
        return Readings(now, routers=self.routers(seen), room=room, answered_at=answered_at)

    def _before_a_flip(self, seen: Situation, now: datetime) -> Readings:
        not_armed, held = self._not_armed(seen, now), self._held(seen, now)
        if seen.control.phase is Phase.TRIGGERED:
            since = now - timedelta(seconds=seen.policy.breaker.window_s)
            with self._database.reading() as session:
                lifted = FreezeStore(session).breaker_lifted_at()
                since = since if lifted is None else max(since, lifted)  # what a person has judged is not held again
                triggered = len(DecisionStore(session).routes_with("roll_back", since) | {seen.route.id})
                routes = len(RouteStore(session).all())
            return Readings(now, not_armed=not_armed, held=held, triggered=triggered, routes=routes)
        if held is not None:
            return Readings(now, not_armed=not_armed, held=held)
        health, room = self._baseline.health(seen, now), self._baseline.room(seen, now)
        return Readings(now, not_armed=not_armed, health=health, room=room, routers=self.routers(seen))

    def _held(self, seen: Situation, now: datetime) -> str | None:
        """Return the freeze that holds automatic moves of the route: a person's, the breaker's or the policy's."""
        with self._database.reading() as session:
            standing = FreezeStore(session).standing(now, seen.route.id)
        if standing:
            return standing[0].said()
        window = next((one for one in seen.policy.freeze if one.covers(now)), None)
        return None if window is None else f"freeze window until {window.end} {window.zone}: {window.reason}"

    def _answered_at(self, seen: Situation) -> datetime | None:
        """Return when the alarms that are known were answered; asked only where there are some."""
        if not seen.incidents:
            return None
        with self._database.reading() as session:
            answer = DecisionStore(session).last_of(seen.route.id, _ANSWERS)
        if answer is None:
            return None
        stated = (answer.evidence or {}).get("answered_at")
        return datetime.fromisoformat(stated) if isinstance(stated, str) else answer.at

    def _not_armed(self, seen: Situation, now: datetime) -> str | None:
        """Return why ``auto`` may not act yet; asked only where it would."""
        if seen.route.mode is not Mode.AUTO or not (seen.incidents or seen.control.phase in DECIDED):
            return None
        return self.not_armed(seen, now)

    def not_armed(self, seen: Situation, now: datetime) -> str | None:
        """Return why ``auto`` may not act on a route yet, with the next step."""
        capabilities: dict[str, Capabilities] = {}
        for ref in seen.route.targets:
            try:
                capabilities[ref.label] = self._target_of(ref).capabilities
            except ValidationError as error:
                return f"the settings of target {ref.label} are wrong: {error.detail}"
        with self._database.reading() as session:
            owners = {one.target: one.owners for one in RehearsalStore(session).of_route(seen.route.id)}
            a_a = [] if seen.route.waiver is not None else self._a_a(seen, session)
        since = now - timedelta(days=seen.policy.observe_days)
        alarmed = next((one.signal for one in a_a if _alarmed(one, since)), None)
        record = Record(max((one.evidence.pairs for one in a_a), default=0), alarmed, owners)
        return why_not_armed(seen.route, seen.policy, record, capabilities, now)

    def _a_a(self, seen: Situation, session: Session) -> list[Stream]:
        """Return the streams of the baseline against its own mirror."""
        baseline = 0 if seen.baseline is None else seen.baseline.id
        return [one for one in StreamStore(session).of_route(seen.route.id) if one.candidate_id == baseline]

    def _evidence(self, seen: Situation) -> CandidateEvidence | None:
        """Return what the tests say of the candidate that was rolled back, over all its pairs."""
        rolled_back = {one.id for one in seen.candidates if one.name in seen.control.condemned}
        about = {seen.harmful.id} if seen.harmful is not None else rolled_back or {one.id for one in seen.candidates}
        if not about:
            return None
        with self._database.reading() as session:
            streams = StreamStore(session).standings(seen.route.id)
        own = [
            one
            for one in streams
            if one.candidate_id in about
            and one.slice == ALL
            and one.signal in seen.policy.signals
            and SIGNALS[one.signal].paired
        ]
        harmful = next((one.reason for one in own if one.verdict is Verdict.HARM), None)
        return CandidateEvidence(
            safe=tuple(one.signal for one in own if one.verdict is Verdict.SAFE),
            unproven=tuple(f"{one.signal}: {one.reason}" for one in own if one.verdict is not Verdict.SAFE),
            harmful=harmful,
        )

    def _proof(self, seen: Situation, now: datetime) -> Readings:
        stuck = seen.control.phase is Phase.STUCK
        return Readings(
            now,
            not_armed=self._not_armed(seen, now) if stuck else None,
            held=self._held(seen, now) if stuck else None,
            routers=self.routers(seen),
            traffic=self._traffic.at(seen, now),
        )

    def _after_a_flip(self, seen: Situation, now: datetime) -> Readings:
        if seen.control.phase is not Phase.HOLD:
            return self._way_back(seen, now)
        traffic, evidence = self._traffic.lately(seen, now), self._evidence(seen)
        return Readings(now, routers=self.routers(seen), traffic=traffic, evidence=evidence)

    def _way_back(self, seen: Situation, now: datetime) -> Readings:
        with self._database.reading() as session:
            decisions = DecisionStore(session)
            gates: Gates = PromotionStore(session).gates()
            ramps = decisions.count("ramp", now - _HOUR)
            flipped = decisions.last_of(seen.route.id, _ROLLBACKS)
        ramping = seen.control.phase is Phase.RAMPING
        return Readings(
            now,
            not_armed=self._not_armed(seen, now) if ramping else None,
            held=self._held(seen, now),
            routers=self.routers(seen),
            traffic=self._traffic.at(seen, now) if ramping else self._traffic.lately(seen, now),
            evidence=None if ramping else self._evidence(seen),
            gates=gates,
            ramps_last_hour=ramps,
            answered_at=self._answered_at(seen) if ramping else None,
            rolled_back_at=None if flipped is None else flipped.at,
        )


def _at_once(refs: Any, act: Callable[[TargetRef], _T]) -> dict[str, _T]:
    """Do it for every target, each on a thread of its own: a router that hangs must not hold up the others."""
    refs = list(refs)
    if len(refs) == 1:
        return {refs[0].label: act(refs[0])}
    with ThreadPoolExecutor(max_workers=max(1, len(refs)), thread_name_prefix="router") as pool:
        return dict(zip([ref.label for ref in refs], pool.map(act, refs), strict=True))


def _foreign(router: RouterReading, desired: DesiredRoute) -> bool:
    """Whether a router was read and does something else than what we want of it."""
    return router.snapshot is not None and not router.snapshot.says(desired)


def _alarmed(stream: Stream, since: datetime) -> bool:
    """Whether a stream alarmed after a moment; what is unreadable did not."""
    alarm = stream.state.get("alarm")
    return isinstance(alarm, Mapping) and str(alarm.get("at", "")) >= since.isoformat()

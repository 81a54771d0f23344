"""The controller's rule in a closed loop: simulated routers, traffic and time, real moves, and what people do.

Nothing here is the database or a router: it is the model in which every order of events can be tried. A state is what
the row, the routers and the surroundings are; ``Surroundings`` is what may happen in one step of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.types import Severity
from monitor.controller import announce
from monitor.controller.moves import Move
from monitor.controller.next_move import next_move
from monitor.controller.operate import Operator
from monitor.controller.phases import may_follow
from monitor.controller.readings import BaselineHealth, CandidateEvidence, Readings, Room, RouterReading, Traffic, Write
from monitor.controller.situation import CONTROLLER, Situation
from monitor.controller.writing import held_by_person
from monitor.errors import ConflictError, RoutingError
from monitor.models.acting import DrainPolicy, PreflightPolicy, RampPolicy, VerifyPolicy
from monitor.models.incident import Incident
from monitor.models.policy import Policy
from monitor.models.route import DesiredRoute, Goal, Mode, Phase, Route, RouteControl, RouteSnapshot, TargetRef, Writer
from monitor.models.tick import PrimaryCounts
from monitor.routing.base import Capabilities
from tests.support.controller_model import BASE, BEFORE, CAND, NOW, PERSON, SPLIT, VARIANTS
from tests.support.situations import INCIDENT

POLICY = Policy(
    "default",
    1,
    verify=VerifyPolicy(requests=300),
    preflight=PreflightPolicy(drain=DrainPolicy(steps=(50, 100))),
    ramp=RampPolicy(steps=(5, 100), cooldown_s=0.0),
)
ABLE = Capabilities(weights=True, atomic_mirror=True, fencing=True, propagation_s=0.0, hard_cut=True, names_writer=True)
_CROWD = 1_000


@dataclass(frozen=True)
class Surroundings:
    """What happens in one step."""

    router: str = "obeys"
    """obeys, refuses, swallows, loses the answer, cannot be read, holds a newer epoch."""
    only: str | None = None
    """The one target that does so, the others obey; all where None."""
    flows: bool = True
    """Whether there is traffic."""
    act: str | None = None
    """What someone does first."""
    seconds: float = 1.0
    """How long it lasts."""

    def of(self, label: str) -> str:
        return self.router if self.only in {None, label} else "obeys"


@dataclass(frozen=True)
class State:
    """All there is."""

    control: RouteControl
    routers: Mapping[str, RouteSnapshot]
    now: datetime = NOW
    incident: Incident | None = None
    mode: Mode = Mode.AUTO
    held: str | None = None
    healthy: bool = True
    answered_at: datetime | None = None
    """When a way back began, went a step back, or an undo was asked for."""
    sent: frozenset[str] = frozenset()
    """Keys of the alerts that went out, each once."""
    paged: frozenset[str] = frozenset()
    """Those that page."""
    trail: tuple[str, ...] = field(default=(), compare=False)

    @property
    def route(self) -> Route:
        targets = tuple(TargetRef("memory", name=label) for label in self.routers)
        return Route(1, "chat", self.mode, "default", targets, None, 100.0, "a waiver", NOW)

    @property
    def situation(self) -> Situation:
        incidents = [] if self.incident is None else [self.incident]
        return Situation(self.route, self.control, VARIANTS, incidents, POLICY)

    @property
    def candidate_serves(self) -> bool:
        return any(one.weights.get(CAND, 0) for one in self.routers.values())


def start(targets: int = 1) -> State:
    """An armed route with a fresh alarm."""
    control = RouteControl(1, Phase.ARMED, NOW, Goal.BASELINE, CONTROLLER, 3)
    labels = ("a", "b")[:targets]
    return State(control, dict.fromkeys(labels, BEFORE), incident=_alarm(NOW))


def _alarm(at: datetime) -> Incident:
    return replace(INCIDENT, id=1, last_alarm_at=at)


class Desk:
    """What a person's operations need: the state as it is, and one that follows."""

    def __init__(self, state: State, around: Surroundings) -> None:
        self.state = state
        self._around = around

    def situation(self, _route: Route, _policy: Policy) -> Situation:
        return self.state.situation

    def carry_out(self, _seen: Situation, move: Move) -> bool:
        self.state = carried(self.state, move)
        return True

    def routers(self, _seen: Situation) -> dict[str, RouterReading]:
        return read(self.state, self._around)

    def now(self) -> datetime:
        return self.state.now

    def person(self) -> Operator:
        return Operator(lambda _: POLICY, self, self, self)  # type: ignore[arg-type]


def acted(state: State, around: Surroundings) -> State:
    """Return the state after what someone did; what is refused changes nothing."""
    desk = Desk(state, around)
    person, route = desk.person(), state.route
    try:
        match around.act:
            case "flips":
                person.flip(route, Goal.BASELINE, PERSON, "to be sure")
            case "undoes":
                person.flip(route, Goal.RESTORE, PERSON, "a false alarm")
            case "recovers":
                person.recover(route, PERSON, "mended")
            case "pins":
                person.pin(route, PERSON, 1.0, "wait")
            case "unpins":
                person.unpin(route, PERSON, "go on")
            case _:
                return _surrounded(state, around.act)
    except (ConflictError, RoutingError):
        return state
    return desk.state


def _surrounded(state: State, act: str | None) -> State:  # noqa: PLR0911 - one return an act
    match act:
        case "repository":
            return _foreign(state, SPLIT, Writer.GITOPS)
        case "hand":
            return _foreign(state, {BASE: 40, CAND: 60}, Writer.OTHER)
        case "freezes":
            return replace(state, held="frozen by ana")
        case "thaws":
            return replace(state, held=None)
        case "baseline fails":
            return replace(state, healthy=False)
        case "baseline heals":
            return replace(state, healthy=True)
        case "alarm":
            return replace(state, incident=replace(state.incident or _alarm(state.now), last_alarm_at=state.now))
        case "observe":
            return replace(state, mode=Mode.OBSERVE)
        case "auto":
            return replace(state, mode=Mode.AUTO)
        case _:
            return state


def _foreign(state: State, weights: Mapping[str, int], writer: Writer) -> State:
    changes = {"weights": weights, "mirror": BASE, "writer": writer, "writer_name": "somebody"}
    return replace(state, routers={label: replace(one, **changes) for label, one in state.routers.items()})


def read(state: State, around: Surroundings) -> dict[str, RouterReading]:
    """Read every router back."""
    return {
        label: RouterReading(ABLE, problem="connection refused")
        if around.of(label) == "cannot be read"
        else RouterReading(ABLE, one)
        for label, one in state.routers.items()
    }


def _written(state: State, around: Surroundings) -> tuple[State, dict[str, Write]]:
    routers, writes = dict(state.routers), {}
    for label, desired in state.control.desired.items():
        how = around.of(label)
        if how in {"obeys", "loses the answer"}:
            routers[label] = _after(desired)
        if how in {"obeys", "swallows"}:
            writes[label] = Write()
        else:
            writes[label] = Write(how, stale=how == "holds a newer epoch")
    return replace(state, routers=routers), writes


def _after(desired: DesiredRoute) -> RouteSnapshot:
    return RouteSnapshot(dict(desired.weights), desired.mirror, desired.epoch, writer=Writer.FULLBACK)


def look(state: State, around: Surroundings) -> tuple[State, Readings]:
    """What the step reads, and what its writes leave; as ``monitor.controller.look`` does it."""
    control, now = state.control, state.now
    watched = control.phase is not Phase.ARMED  # these fence: nobody reads them while armed
    reading: dict[str, Any] = {
        "held": state.held,
        "answered_at": state.answered_at,
        "routers": read(state, around) if watched else {},
    }
    if control.phase is Phase.APPLYING:
        if not held_by_person(state.situation, Readings(now)):
            state, writes = _written(state, around)
            reading = {"writes": writes}
        return state, Readings(now, **reading)
    reading["health"] = BaselineHealth(200, 0 if state.healthy else 90)
    reading["room"] = Room(ok=True, reason="0 waiting")
    reading["traffic"] = {"": _traffic(state, around)} if control.applied_at is not None else {}
    reading["evidence"] = CandidateEvidence(safe=("schema_validity",))
    return state, Readings(now, routes=9, triggered=1, **reading)


def _traffic(state: State, around: Surroundings) -> Traffic:
    since = state.control.applied_at or state.now
    if not around.flows:
        return Traffic(since, PrimaryCounts({}), PrimaryCounts({}))
    serves = int(state.candidate_serves)
    return Traffic(since, PrimaryCounts({1: _CROWD, 2: 50 * serves}), PrimaryCounts({1: 50, 2: 950}))


def carried(state: State, move: Move) -> State:
    """Carry a move out, as ``monitor.controller.transitions`` does it."""
    seen, control = state.situation, state.control
    if move.to is not None and not may_follow(control.phase, move.to):
        raise ConflictError(f"{move.to.value} cannot follow {control.phase.value}")
    entered = {} if move.to is None else {"phase": move.to, "phase_since": state.now, "actor": move.actor}
    new = replace(control, **{**entered, **move.changes})
    incident = move.incident or (seen.incident if move.to is not None else None)
    sent, paged = state.sent, state.paged
    if move.alert is not None:
        key = announce._dedup_key(move.alert, new, incident)
        if key not in sent:
            sent = sent | {key}
            paged = paged | {key} if announce._severity(move.alert, incident) is Severity.PAGE else paged
    kept = state.incident
    if move.close or move.false_alarm is not None:
        kept = None
    elif move.mark and kept is not None:
        kept = replace(kept, decided=move.action)
    answered_at = state.now if move.action in {"ramp", "back_off", "restore"} else state.answered_at
    trail = (*state.trail, f"{control.phase.value} {move.action} {new.phase.value}")
    answered = {"answered_at": answered_at, "trail": trail}
    return replace(state, control=new, incident=kept, sent=sent, paged=paged, **answered)


def step(state: State, around: Surroundings) -> tuple[State, Move | None]:
    """One step: someone acts, the controller looks and moves, time goes on."""
    state = acted(state, around)
    state, readings = look(state, around)
    move = next_move(state.situation, readings)
    if move is not None:
        state = carried(state, move)
    return replace(state, now=state.now + timedelta(seconds=around.seconds)), move


def name(state: State) -> tuple[Any, ...]:
    """What tells states apart: epochs by their distance, times by which waits are over."""
    control, now = state.control, state.now
    incident = state.incident
    return (
        control.phase,
        control.goal,
        control.stage,
        control.stages,
        control.actor,
        control.pinned(now),
        min(control.reasserted, 5),
        control.told,
        control.backed_off,
        control.applied_at is not None,
        bool(control.desired),
        bool(control.before),
        any(one.cut for one in control.desired.values()),
        _waited(now, control.phase_since),
        None if control.applied_at is None else _waited(now, control.applied_at),
        None if incident is None else (incident.actionable(now, timedelta(minutes=30)), incident.decided),
        incident is not None and state.answered_at is not None and incident.last_alarm_at < state.answered_at,
        state.held,
        state.healthy,
        state.mode,
        tuple(
            (
                tuple(one.weights.items()),
                one.writer,
                control.desired.get(label) is not None and one.says(control.desired[label]),
                max(-1, min(1, (one.epoch or 0) - control.epoch)),
            )
            for label, one in state.routers.items()
        ),
    )


def _waited(now: datetime, since: datetime) -> int:
    return sum((now - since).total_seconds() >= edge for edge in (30.0, 120.0, 600.0, 1800.0))


def reachable(first: State, choices: tuple[Surroundings, ...], most: int) -> Iterator[State]:
    """Every state that some order of events leads to, the nearest first, up to ``most``."""
    known, frontier = {name(first)}, [first]
    yield first
    while frontier:
        ahead = []
        for state in frontier:
            for around in choices:
                new, _ = step(state, around)
                if (key := name(new)) in known:
                    continue
                known.add(key)
                ahead.append(new)
                yield new
                if len(known) >= most:
                    return
        frontier = ahead

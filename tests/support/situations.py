"""Situations of the controller built by hand: a route, its row, incidents, what a step reads, and the step.

Where ``controller_model`` runs through every situation and ``controller_loop`` through every order of events, these are
for one sequence that a test tells from its beginning to its end.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from monitor.controller import announce
from monitor.controller.moves import Move
from monitor.controller.next_move import next_move
from monitor.controller.phases import may_follow
from monitor.controller.plan import AT_ONCE
from monitor.controller.readings import Readings, RouterReading, Traffic
from monitor.controller.situation import CONTROLLER, Situation
from monitor.models.acting import PreflightPolicy, RampPolicy
from monitor.models.incident import Incident
from monitor.models.policy import Policy
from monitor.models.route import (
    DesiredRoute,
    Goal,
    Mode,
    Phase,
    Route,
    RouteControl,
    RouteSnapshot,
    Stage,
    TargetRef,
    Writer,
)
from monitor.models.tick import PrimaryCounts
from monitor.models.variant import Role, Tier, Variant
from monitor.routing.base import Capabilities
from tests.support.controller_model import BASE, CAND, NOW, SPLIT, VARIANTS

EPOCH = 7
"""Of the row."""
INCIDENT = Incident(
    id=7,
    route_id=1,
    candidate_id=2,
    stream_id=1,
    signal="schema_validity",
    slice="all",
    headline="int4 breaks its schema",
    opened_at=NOW,
    onset_at=NOW,
    alarm_tick=1,
    last_alarm_at=NOW,
    alarms=1,
    evidence={},
    effect=None,
    decided=None,
    closed_at=None,
    closed_by=None,
)
SECOND = Variant(3, 1, "int8", Role.CANDIDATE, "cand8", "int8", Tier.QUANTIZED, None, "sha256:eight", NOW)
"""Another candidate."""
BEFORE = RouteSnapshot(SPLIT, BASE, 3)
"""What every router did before the first flip."""
ABLE = Capabilities(weights=True, atomic_mirror=True, fencing=True, propagation_s=5.0, hard_cut=False)
POLICY = Policy("default", 1, preflight=PreflightPolicy(capacity_rps=10.0), ramp=RampPolicy(steps=(5, 50, 100)))
FLIPPED = DesiredRoute(EPOCH, {BASE: 100, CAND: 0}, CAND)
UNREADABLE = RouterReading(ABLE, problem="no route to host")
_RAMP = tuple(Stage(share) for share in POLICY.ramp.steps)
_RAMPED = ({BASE: 96, CAND: 4}, {BASE: 53, CAND: 47}, SPLIT)


def an_incident(number: int = 7, at: datetime = NOW, **changes: Any) -> Incident:
    """An open incident whose last alarm was ``at``."""
    return replace(INCIDENT, **{"id": number, "opened_at": at, "onset_at": at, "last_alarm_at": at, **changes})


def after(seconds: float) -> datetime:
    """A moment so many seconds after ``NOW``, or before it."""
    return NOW + timedelta(seconds=seconds)


def a_control(phase: Phase, **changes: Any) -> RouteControl:
    """A row a minute into a phase of the controller's own rollback, which the router took."""
    row: dict[str, Any] = {
        "goal": Goal.BASELINE,
        "actor": CONTROLLER,
        "epoch": EPOCH,
        "desired": {"a": FLIPPED},
        "before": {"a": BEFORE},
        "phase_since": after(-60),
        "applied_at": after(-60),
        "incident_id": 7,
        "stages": AT_ONCE,
        "condemned": {"int4": "sha256:one"},
    }
    return RouteControl(route_id=1, phase=phase, **{**row, **changes})


def on_the_way_back(stage: int, phase: Phase = Phase.RAMPING, **changes: Any) -> RouteControl:
    """A row at a step of a way back that a person asked for."""
    step = {"goal": Goal.RAMP, "actor": "ana", "stages": _RAMP, "stage": stage, "desired": {"a": ramped_to(stage)}}
    return a_control(phase, **{**step, **changes})


def ramped_to(stage: int, epoch: int = EPOCH) -> DesiredRoute:
    """What a router should do at a step of the way back: the candidate has 4, 47 and 95 percent."""
    return DesiredRoute(epoch, _RAMPED[stage], BASE)


def an_armed(**changes: Any) -> RouteControl:
    """A row of a route that was never flipped."""
    never: dict[str, Any] = {"epoch": 3, "desired": {}, "before": {}, "applied_at": None, "incident_id": None}
    return a_control(Phase.ARMED, **{**never, "condemned": {}, **changes})


def a_situation(
    control: RouteControl,
    *incidents: Incident,
    mode: Mode = Mode.AUTO,
    policy: Policy = POLICY,
    variants: tuple[Variant, ...] = (),
) -> Situation:
    """A route with one target for each in its row."""
    targets = tuple(TargetRef("memory", name=label) for label in control.desired or {"a": FLIPPED})
    route = Route(1, "chat", mode, "default", targets, None, 100.0, None, NOW)
    return Situation(route, control, [*VARIANTS, *variants], list(incidents), policy)


def shows(desired: DesiredRoute | RouteSnapshot, capabilities: Capabilities = ABLE, **changes: Any) -> RouterReading:
    """A router that does what is desired, or what it did."""
    found = desired if isinstance(desired, RouteSnapshot) else RouteSnapshot(desired.weights, desired.mirror, EPOCH)
    epoch = desired.epoch if isinstance(desired, DesiredRoute) else found.epoch
    return RouterReading(capabilities, replace(found, **{"epoch": epoch, **changes}))


def by_hand(weights: Mapping[str, int]) -> RouterReading:
    """A router that a person changed."""
    changed = RouteSnapshot(weights, None, None, writer=Writer.OTHER, writer_name="kubectl-edit")
    return RouterReading(ABLE, changed)


def served(base: int, cand: int, since: datetime = NOW) -> Traffic:
    """Requests after a write, where the candidate had most of them before it."""
    return Traffic(since, PrimaryCounts({1: base, 2: cand}), PrimaryCounts({1: 50, 2: 950}))


def carried(seen: Situation, move: Move | None, now: datetime = NOW, *incidents: Incident) -> Situation:
    """The situation that a move leaves, with the incidents that are open then, or those that were."""
    assert move is not None
    assert move.to is None or may_follow(seen.control.phase, move.to)
    entered = {} if move.to is None else {"phase": move.to, "phase_since": now, "actor": move.actor}
    control = replace(seen.control, **{**entered, **move.changes})
    return replace(seen, control=control, incidents=list(incidents) or seen.incidents)


def page_of(seen: Situation, move: Move | None, now: datetime = NOW) -> str:
    """The key under which a move tells people; an alert with a key that was sent is not sent."""
    assert move is not None
    assert move.alert is not None
    new = carried(seen, move, now)
    incident = move.incident or (seen.incident if move.to is not None else None)
    return announce._dedup_key(move.alert, new.control, incident)


def lived(
    seen: Situation, seconds: int, look: Callable[[Situation, datetime], Readings]
) -> tuple[Situation, list[tuple[int, str]]]:
    """Step once a second while the candidate goes on alarming; return what came of it, and when what was done."""
    done = []
    for second in range(seconds):
        now = after(second)
        seen = replace(seen, incidents=[replace(one, last_alarm_at=now) for one in seen.incidents])
        move = next_move(seen, look(seen, now))
        if move is not None:
            seen = carried(seen, move, now)
            done.append((second, move.action))
    return seen, done

"""Every situation the controller can meet, as choices on named axes, each visited only where the code looks at it.

A case is built whole, from one value per axis, of the real classes; these note which of their fields are read. The
search then varies what was read, the last first, and leaves the rest alone: what was not read cannot change the answer.
So the cases that are run stand for the full product of the axes, and ``Case.stands_for`` adds up to its size.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from math import prod
from typing import Any

from detectors.stats.multiplicity import Gates
from monitor.controller.moves import Move
from monitor.controller.next_move import next_move
from monitor.controller.plan import AT_ONCE, desired_at, toward_baseline, toward_snapshot
from monitor.controller.readings import (
    BaselineHealth,
    CandidateEvidence,
    Readings,
    Room,
    RouterReading,
    Scaling,
    Traffic,
    Write,
)
from monitor.controller.situation import CONTROLLER, Situation
from monitor.models.acting import DrainPolicy, PreflightPolicy, RampPolicy, VerifyPolicy
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

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EPOCH = 7
"""Of the row; a router with a newer one has ``NEWER``."""
NEWER = 9
PERSON = "ana"
BASE, CAND = "base", "cand"
SPLIT = {BASE: 5, CAND: 95}
BEFORE = RouteSnapshot(SPLIT, BASE, 3, writer=Writer.GITOPS, writer_name="argocd-controller")
"""A repository's, which lets the weights go."""
VARIANTS = [
    Variant(1, 1, "bf16", Role.BASELINE, BASE, "bf16", Tier.SERVING, None, "sha256:b", NOW),
    Variant(2, 1, "int4", Role.CANDIDATE, CAND, "int4", Tier.QUANTIZED, None, "sha256:one", NOW),
]
OTHER_ARTIFACT = [VARIANTS[0], replace(VARIANTS[1], digest="sha256:two")]
VERIFY = VerifyPolicy(requests=300, skew_s=2.0, control_timeout_s=30.0, traffic_timeout_s=120.0)
PREFLIGHT = PreflightPolicy(capacity_rps=10.0)
RAMP = RampPolicy(steps=(5, 50, 100))
DRAIN = DrainPolicy(steps=(25, 75, 100))
CAPABILITIES = Capabilities(weights=True, atomic_mirror=True, fencing=True, propagation_s=5.0, hard_cut=True)
SCALE_UP = {"replicas": 4, "timeout_s": 600.0}
NO_TRAFFIC = PrimaryCounts({})

Point = dict[str, Any]


@dataclass(frozen=True)
class Way:
    """The move under way."""

    goal: Goal
    stages: tuple[Stage, ...] = AT_ONCE
    stage: int = 0
    cut: bool = False
    written: bool = True
    """Whether there is a desired routing at all."""


_DRAINED = tuple(Stage(share) for share in DRAIN.steps)
_RAMPED = tuple(Stage(share) for share in RAMP.steps)
_SCALED = (Stage(0, replicas=4), Stage(100))
NO_WAY = Way(Goal.BASELINE, (), written=False)
AT_ONCE_WAY = Way(Goal.BASELINE)
CUT = Way(Goal.BASELINE, cut=True)
DRAINED = tuple(Way(Goal.BASELINE, _DRAINED, stage) for stage in range(3))
SCALED = tuple(Way(Goal.BASELINE, _SCALED, stage) for stage in range(2))
BACK = Way(Goal.RESTORE)
RAMPED = tuple(Way(Goal.RAMP, _RAMPED, stage) for stage in range(3))
ALL_WAYS = (AT_ONCE_WAY, CUT, *DRAINED, *SCALED, BACK, *RAMPED)
FLIPPED = (AT_ONCE_WAY, CUT, DRAINED[2], SCALED[1])
WAYS: Mapping[Phase, tuple[Way, ...]] = {
    Phase.ARMED: (NO_WAY, BACK),
    Phase.TRIGGERED: (NO_WAY, BACK, *RAMPED),
    Phase.PREFLIGHT: (NO_WAY, BACK, RAMPED[1]),
    Phase.BLOCKED: (NO_WAY, RAMPED[1], SCALED[0]),
    Phase.APPLYING: ALL_WAYS,
    Phase.VERIFYING_CONTROL: ALL_WAYS,
    Phase.VERIFYING_TRAFFIC: (*FLIPPED, BACK),
    Phase.ROLLED_BACK: FLIPPED,
    Phase.HOLD: FLIPPED,
    Phase.RECOVERING: FLIPPED,
    Phase.RAMPING: RAMPED,
    Phase.STUCK: ALL_WAYS,
    Phase.REVERTED: ALL_WAYS,
}

SHOWN = ("in force", "behind", "unreadable", "lost", "late", "as before", "gitops", "foreign", "newer epoch")
FOUND = ("split", "unreadable", "owned", "newer epoch", "on the baseline")
_BEFORE_A_FLIP = frozenset({Phase.TRIGGERED, Phase.PREFLIGHT, Phase.BLOCKED})

AXES: Mapping[str, tuple[Any, ...]] = {
    "mode": tuple(Mode),
    "armed": (True, False),
    "pin": ("none", "pinned"),
    "actor": (CONTROLLER, PERSON),
    "incident": (True, False),
    "alarm": ("fresh", "stale"),
    "answered": (False, True),
    "critical": (False, True),
    "advice": (False, True),
    "decided": (None, "advise", "would_roll_back"),
    "held": (None, "frozen by ana"),
    "alarmed": (1, 4),
    "health": ("healthy", "failing", "thin", "missing"),
    "load": ("carried", "measured", "short"),
    "targets": (1, 2),
    "a": SHOWN,
    "b": ("in force", "unreadable", "lost", "gitops", "foreign"),
    "writes": (1, 2, 0),
    "write a": ("ok", "failed", "stale"),
    "write b": ("ok", "failed", "stale"),
    "traffic": ("proven", "thin", "quiet", "silent", "not risen", "leaked", "counter rose", "unread"),
    "elapsed": (0.0, 15.0),
    "written": (True,),
    "reasserted": (0, 1, 3),
    "backed off": (0, 1),
    "told": (None,),
    "known before": (True, False),
    "fencing": (True, False),
    "hard cut": (True, False),
    "weights": (True,),
    "cut allowed": (True, False),
    "drain": ("none", "at once", "block"),
    "scale": (False, True),
    "room": ("none", "ok", "full", "unreadable"),
    "scaling": ("none", "ready", "waiting", "problem"),
    "evidence": ("safe", "unproven", "harmful", "none"),
    "gates": ("open", "shut"),
    "limits": ("none", "cooldown", "per hour"),
    "artifact": ("same", "another"),
}

OWN: Mapping[Phase, Mapping[str, tuple[Any, ...]]] = {
    Phase.TRIGGERED: {"a": FOUND, "b": FOUND},
    Phase.PREFLIGHT: {"a": FOUND, "b": FOUND[:3], "weights": (True, False)},
    Phase.BLOCKED: {"a": FOUND, "b": FOUND[:3], "weights": (True, False), "room": ("none", "full")},
    Phase.APPLYING: {
        "written": (False,),
        "elapsed": (0.0, 45.0),
        "told": (None, "stuck"),
        "a": ("in force", "unreadable", "late", "as before", "newer epoch"),
        "b": ("in force", "unreadable", "foreign"),
    },
    Phase.VERIFYING_CONTROL: {
        "b": ("in force", "unreadable", "foreign"),
        "elapsed": (0.0, 15.0, 45.0, 700.0),
        "told": (None, "pinned", "drain"),
    },
    Phase.VERIFYING_TRAFFIC: {"elapsed": (0.0, 15.0, 45.0, 300.0), "told": (None, "thin")},
    Phase.HOLD: {"told": (None, "safe", "new_digest")},
    Phase.RECOVERING: {"told": (None, "limited"), "weights": (True, False)},
    Phase.RAMPING: {
        "b": ("in force", "unreadable", "foreign"),
        "elapsed": (0.0, 900.0),
        "told": (None, "limited", "harm"),
    },
    Phase.STUCK: {
        "elapsed": (0.0, 60.0, 2_000.0),
        "written": (True, False),
        "reasserted": (0, 1, 8),
        "b": ("in force", "unreadable", "lost", "foreign"),
    },
    Phase.REVERTED: {"written": (True, False)},
}
"""Where a phase has other values than the rest: what it can be in, and both sides of every wait of its own."""


def domain(phase: Phase, axis: str) -> tuple[Any, ...]:
    """The values of an axis in a phase."""
    return WAYS[phase] if axis == "way" else OWN.get(phase, {}).get(axis, AXES[axis])


NAMES = ("way", *AXES)


class Eye:
    """Notes the axes that are looked at, in order."""

    def __init__(self) -> None:
        self.seen: dict[str, None] = {}
        self.one_target = True

    def look(self, axes: tuple[str, ...]) -> None:
        for axis in axes:
            if axis != "known before" or not self.one_target:  # only of the second can it be unknown
                self.seen.setdefault(axis)


_EYE = Eye()


def _watched(cls: type, fields: Mapping[str, tuple[str, ...]]) -> Any:
    """A subclass that notes which axes its fields hang on when they are read; ``replace`` copies without reading."""
    copying: set[int] = set()

    def read(self: Any, name: str) -> Any:
        if name == "__dataclass_fields__":
            copying.add(id(self))
        elif name == "__class__":
            copying.discard(id(self))
        elif name in fields and id(self) not in copying:
            _EYE.look(fields[name])
        return object.__getattribute__(self, name)

    return type(f"Watched{cls.__name__}", (cls,), {"__slots__": (), "__getattribute__": read})


_Route = _watched(Route, {"mode": ("mode",)})
_Control = _watched(
    RouteControl,
    {
        "phase_since": ("elapsed",),
        "applied_at": ("way", "written", "elapsed"),
        "goal": ("way",),
        "stages": ("way",),
        "stage": ("way",),
        "desired": ("targets", "way", "known before"),
        "before": ("targets", "way", "known before"),
        "actor": ("actor",),
        "pinned_by": ("pin",),
        "pinned_until": ("pin",),
        "reasserted": ("reasserted",),
        "backed_off": ("backed off",),
        "told": ("told",),
    },
)
_Situation = _watched(Situation, {"incidents": ("incident",)})
_Incident = _watched(
    Incident,
    {
        "last_alarm_at": ("alarm",),
        "critical": ("critical",),
        "advice": ("advice",),
        "decided": ("decided",),
    },
)
_Variant = _watched(Variant, {"digest": ("artifact",)})
_Readings = _watched(
    Readings,
    {
        "not_armed": ("armed",),
        "answered_at": ("answered",),
        "held": ("held",),
        "triggered": ("alarmed",),
        "routers": ("targets",),
        "writes": ("writes",),
        "health": ("health",),
        "traffic": ("traffic",),
        "room": ("room",),
        "scaling": ("scaling",),
        "evidence": ("evidence",),
        "gates": ("gates",),
        "ramps_last_hour": ("limits",),
        "rolled_back_at": ("limits",),
    },
)
_Router = {label: _watched(RouterReading, {"snapshot": (label,), "problem": (label,)}) for label in ("a", "b")}
_Write = {
    label: _watched(Write, {"problem": (f"write {label}",), "stale": (f"write {label}",)}) for label in ("a", "b")
}
_Capabilities = _watched(
    Capabilities,
    {
        "fencing": ("fencing",),
        "hard_cut": ("hard cut",),
        "weights": ("weights",),
    },
)
_Health = _watched(BaselineHealth, {"primaries": ("load",), "copied": ("load",)})
_Traffic = _watched(Traffic, {"since": ("elapsed",)})
_Verify = _watched(VerifyPolicy, {"hard_cut": ("cut allowed",)})
_Preflight = _watched(PreflightPolicy, {"drain": ("drain",), "scale": ("scale",)})


def first(phase: Phase) -> Point:
    """The case that all others differ from."""
    return {axis: domain(phase, axis)[0] for axis in NAMES}


def build(phase: Phase, point: Mapping[str, Any]) -> tuple[Situation, Readings]:
    """Make one case."""
    since = NOW - timedelta(seconds=point["elapsed"])
    labels = ("a", "b")[: point["targets"]]
    way: Way = point["way"]
    pinned = point["pin"] != "none"
    incidents = _incidents(*(point[axis] for axis in ("incident", "alarm", "critical", "advice", "decided")))
    control = _Control(
        route_id=1,
        phase=phase,
        phase_since=since,
        goal=way.goal,
        actor=point["actor"],
        epoch=EPOCH,
        desired=_desired(way, labels, point["known before"]),
        before=_before(way, labels, point["known before"]),
        applied_at=since if point["written"] and way.written else None,
        incident_id=None if phase is Phase.ARMED else 1,
        pinned_by=PERSON if pinned else None,
        pinned_until=NOW + timedelta(hours=1) if pinned else None,
        stages=way.stages,
        stage=way.stage,
        backed_off=point["backed off"],
        reasserted=point["reasserted"],
        told=point["told"],
        condemned={"int4": "sha256:one"},
    )
    targets = tuple(TargetRef("memory", name=one) for one in labels)
    route = _Route(1, "chat", point["mode"], "default", targets, None, 100.0, None, NOW)
    policy = _policy(point["cut allowed"], point["drain"], scale=point["scale"])
    seen = _Situation(route, control, _variants(point["artifact"]), incidents, policy)
    return seen, _readings(phase, point, labels, way)


def _readings(phase: Phase, point: Mapping[str, Any], labels: tuple[str, ...], way: Way) -> Readings:
    able = _able(point["fencing"], point["hard cut"], point["weights"])
    limits = point["limits"]
    return _Readings(
        now=NOW,
        not_armed=None if point["armed"] else "observed for 3 of 7 days",
        held=point["held"],
        triggered=point["alarmed"],
        routes=4,
        routers={label: _reading(phase, label, point[label], able, way) for label in labels},
        writes={label: _write(label, point[f"write {label}"]) for label in ("a", "b")[: point["writes"]]},
        health=_health(point["health"], point["load"]),
        traffic={"": _traffic(point["traffic"], NOW - timedelta(seconds=point["elapsed"]))},
        room=_room(point["room"]),
        scaling=_scaling(point["scaling"]),
        evidence=_evidence(point["evidence"]),
        gates=Gates(0, 0) if point["gates"] == "open" else Gates(50, 0),
        ramps_last_hour=RAMP.per_hour if limits == "per hour" else 0,
        answered_at=NOW + timedelta(seconds=1) if point["answered"] else NOW - timedelta(seconds=1_000),
        rolled_back_at=NOW - timedelta(hours=1) if limits == "cooldown" else NOW - timedelta(days=2),
    )


@cache
def _policy(cut: bool, drain: str, *, scale: bool) -> Policy:
    steps = None if drain == "none" else replace(DRAIN, without_meters=drain.replace(" ", "_"))
    return Policy(
        "default",
        1,
        verify=_Verify(**{**_fields(VERIFY), "hard_cut": cut}),
        preflight=_Preflight(**{**_fields(PREFLIGHT), "drain": steps, "scale": SCALE_UP if scale else None}),
        ramp=RAMP,
    )


def _fields(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in type(one).__dataclass_fields__}


@cache
def _able(fencing: bool, hard_cut: bool, weights: bool) -> Capabilities:
    return _Capabilities(
        weights=weights,
        atomic_mirror=True,
        fencing=fencing,
        propagation_s=5.0,
        hard_cut=hard_cut,
    )


@cache
def _variants(artifact: str) -> list[Variant]:
    variants = VARIANTS if artifact == "same" else OTHER_ARTIFACT
    return [_Variant(**_fields(one)) for one in variants]


@cache
def _desired(way: Way, labels: tuple[str, ...], known: bool) -> Mapping[str, DesiredRoute]:
    return {label: _wanted(way, known=known or label == "a") for label in labels} if way.written else {}


def _wanted(way: Way, *, known: bool) -> DesiredRoute:
    stage, there = way.stages[way.stage], toward_baseline(VARIANTS, CAND, EPOCH, cut=way.cut)
    if way.goal is Goal.BASELINE:
        return desired_at(BEFORE if known else None, there, stage, EPOCH, CAPABILITIES)
    if not known:
        return there
    if way.goal is Goal.RESTORE:
        return toward_snapshot(BEFORE, EPOCH)
    start = RouteSnapshot(there.weights, there.mirror, None)
    return desired_at(start, toward_snapshot(BEFORE, EPOCH), stage, EPOCH, CAPABILITIES, mirror=BASE)


@cache
def _before(way: Way, labels: tuple[str, ...], known: bool) -> Mapping[str, RouteSnapshot]:
    return {label: BEFORE for label in labels if known or label == "a"} if way.written else {}


@cache
def _incidents(there: bool, alarm: str, critical: bool, advice: bool, decided: str | None) -> list[Incident]:
    if not there:
        return []
    at = NOW - timedelta(seconds=3_000 if alarm == "stale" else 0)
    return [
        _Incident(
            id=1,
            route_id=1,
            candidate_id=2,
            stream_id=1,
            signal="schema_validity",
            slice="all",
            headline="int4 breaks its schema",
            opened_at=at,
            onset_at=at,
            alarm_tick=1,
            last_alarm_at=at,
            alarms=1,
            evidence={},
            effect=None,
            decided=decided,
            closed_at=None,
            closed_by=None,
            advice="Compare them under equal load" if advice else None,
            critical=critical,
        )
    ]


@cache
def _reading(phase: Phase, label: str, shown: str, able: Capabilities, way: Way) -> RouterReading:
    last = way if way.written else AT_ONCE_WAY
    snapshot = _found(shown) if phase in _BEFORE_A_FLIP else _shown(shown, _wanted(last, known=True), BEFORE)
    return _Router[label](able, snapshot, None if snapshot is not None else "connection refused")


def _found(shown: str) -> RouteSnapshot | None:
    match shown:
        case "split":
            return BEFORE
        case "owned":
            return replace(BEFORE, owners=("argocd-controller",))
        case "newer epoch":
            return replace(BEFORE, epoch=NEWER)
        case "on the baseline":
            return RouteSnapshot({BASE: 100, CAND: 0}, CAND, 3)
        case _:
            return None


def _shown(shown: str, desired: DesiredRoute, before: RouteSnapshot) -> RouteSnapshot | None:  # noqa: PLR0911 - one return a kind
    there = RouteSnapshot(desired.weights, desired.mirror, desired.epoch)
    match shown:
        case "in force":
            return there
        case "behind":
            return replace(there, pending=("replica 2 of 3 shows epoch 6",))
        case "lost":
            return replace(before, writer=Writer.FULLBACK)
        case "late":
            return RouteSnapshot({BASE: 60, CAND: 40}, None, EPOCH - 1)
        case "as before":
            return before
        case "gitops":
            return replace(before, writer_name="kustomize-controller")
        case "foreign":
            return RouteSnapshot({BASE: 50, CAND: 50}, None, None, writer=Writer.OTHER)
        case "newer epoch":
            return RouteSnapshot({BASE: 50, CAND: 50}, None, NEWER)
        case _:
            return None


@cache
def _write(label: str, how: str) -> Write:
    problems = {"ok": None, "failed": "503 Service Unavailable", "stale": "the target holds epoch 9"}
    return _Write[label](problems[how], how == "stale")


@cache
def _health(kind: str, load: str) -> BaselineHealth | None:
    answers, failed = {"healthy": (200, 1), "failing": (200, 60), "thin": (10, 0), "missing": (0, 0)}[kind]
    primaries, copied = {"carried": (100, 0), "measured": (9_000, 8_900), "short": (9_000, 10)}[load]
    return None if kind == "missing" else _Health(answers, failed, copied, primaries)


def _traffic(kind: str, since: datetime) -> Traffic:
    after, before = {
        "proven": ((1_000, 0), (50, 950)),
        "thin": ((100, 0), (5, 95)),
        "quiet": ((0, 0), (0, 0)),
        "silent": ((0, 0), (50, 950)),
        "not risen": ((400, 0), (500, 500)),
        "leaked": ((990, 10), (50, 950)),
        "counter rose": ((1_000, 0), (50, 950)),
        "unread": ((1_000, 0), (50, 950)),
    }[kind]
    rose = ("candidate requests rose by 3",) if kind == "counter rose" else ()
    unread = ("candidate requests",) if kind == "unread" else ()
    counts = [PrimaryCounts({1: base, 2: cand}) for base, cand in (after, before)]
    return _Traffic(since, counts[0], counts[1], 3, rose, unread)


def _room(kind: str) -> Room | None:
    return {
        "none": None,
        "ok": Room(ok=True, reason="0 waiting"),
        "full": Room(ok=False, reason="9 waiting"),
        "unreadable": Room(ok=False, reason="connection refused", readable=False),
    }[kind]


def _scaling(kind: str) -> Scaling | None:
    return {
        "none": None,
        "ready": Scaling(4, 4),
        "waiting": Scaling(4, 1),
        "problem": Scaling(4, 0, "403 Forbidden"),
    }[kind]


def _evidence(kind: str) -> CandidateEvidence | None:
    return {
        "safe": CandidateEvidence(safe=("schema_validity",)),
        "unproven": CandidateEvidence(safe=("refusal",), unproven=("schema_validity: 3 h of 24 h",)),
        "harmful": CandidateEvidence(harmful="int4 breaks its schema"),
        "none": None,
    }[kind]


@dataclass(frozen=True)
class Case:
    """One case that was run."""

    phase: Phase
    point: Mapping[str, Any]
    seen: Situation
    readings: Readings
    move: Move | None
    read: frozenset[str]
    """The axes that were looked at, by the rule and by the check."""
    ruled: frozenset[str]
    """Those of the rule alone."""

    @property
    def stands_for(self) -> int:
        """How many combinations of all axes have this answer for the same reasons."""
        return prod(len(domain(self.phase, axis)) for axis in NAMES if axis not in self.read)


Check = Callable[[Situation, Readings, Move], None]


def cases(phase: Phase, check: Check) -> Iterator[Case]:
    """Run every case of a phase that reads differently, each with its check."""
    point = first(phase)
    while True:
        seen, readings = build(phase, point)
        _EYE.seen, _EYE.one_target = {}, point["targets"] == 1
        move = next_move(seen, readings)
        ruled = frozenset(_EYE.seen)
        if move is not None:
            check(seen, readings, move)
        order = list(_EYE.seen)
        yield Case(phase, dict(point), seen, readings, move, frozenset(order), ruled)
        while order:
            values = domain(phase, order[-1])
            at = values.index(point[order[-1]]) + 1
            if at < len(values):
                point[order[-1]] = values[at]
                break
            point[order.pop()] = values[0]
        else:
            return


def combinations(phase: Phase) -> int:
    """The size of the full product of the axes."""
    return prod(len(domain(phase, axis)) for axis in NAMES)

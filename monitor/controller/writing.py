"""From a committed step to one that every router shows: applying, verifying-control. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from alerts.types import AlertKind
from monitor.controller.decide import gravest
from monitor.controller.foreign import Found, Standing, standing_of, worst_of
from monitor.controller.moves import Move
from monitor.controller.plan import desired_at, toward_baseline, toward_snapshot
from monitor.controller.readings import Readings
from monitor.controller.situation import Situation
from monitor.models.incident import Incident
from monitor.models.route import DesiredRoute, Goal, Mirror, Phase, RouteSnapshot, Stage, Writer
from monitor.routing.base import Capabilities

__all__ = [
    "defend",
    "desired_of",
    "from_applying",
    "from_verifying_control",
    "give_up",
    "harm_on_the_way",
    "held_by_person",
    "reassert",
    "standing",
    "step_to",
    "stick",
]

_MOST_REASSERTED = 3
_STUCK = "stuck"
_LEAST_SETTLE_S = 1.0
"""A write is given so long before it is taken for lost, however fast its router is."""


def from_applying(seen: Situation, readings: Readings) -> Move | None:
    """Judge the writes; without any, a person's pin came first, or what a router did before is seen only now."""
    control = seen.control
    if not readings.writes and readings.scaling is None:
        if held_by_person(seen, readings):
            return _withdraw(seen, readings)
        return _seen_late(seen, readings) if readings.routers else stick(seen, "the route has no target to write")
    problems = {label: write.problem for label, write in readings.writes.items() if write.problem}
    if readings.scaling is not None and readings.scaling.problem:
        problems["baseline's replicas"] = readings.scaling.problem
    evidence = {"targets": {label: write.problem or "written" for label, write in readings.writes.items()}}
    if any(write.stale for write in readings.writes.values()):
        return stick(seen, _told(problems), evidence)
    if not problems:
        step = control.step
        way = f" (step {control.stage + 1} of {len(control.stages)})" if len(control.stages) > 1 else ""
        what = f"{step.replicas} replicas asked for" if step is not None and step.replicas else "written"
        return Move(
            "applied",
            f"epoch {control.epoch} {what}{way}",
            Phase.VERIFYING_CONTROL,
            actor=control.actor,
            evidence=evidence,
            changes={"applied_at": readings.now, "told": None},
        )
    waited = abs(readings.now - control.phase_since)  # a clock that was set back must not hide it for as long
    if waited < timedelta(seconds=seen.policy.verify.control_timeout_s):
        return None
    return stick(seen, f"after {seen.policy.verify.control_timeout_s:g} s: {_told(problems)}", evidence)


def _told(problems: dict[str, str]) -> str:
    return "; ".join(f"{label}: {problem}" for label, problem in problems.items())


def held_by_person(seen: Situation, readings: Readings) -> bool:
    """Tell whether a person's pin forbids the controller's own next write."""
    return seen.automatic and seen.control.pinned(readings.now)


def _withdraw(seen: Situation, readings: Readings) -> Move | None:
    """Take back a step of the controller's own that a person's pin overtook, unless a router shows it already.

    Armed again is only what was never written: the first step, with every router seen to be without it. All else is
    half-way, which a person is told.
    """
    taken = [
        label
        for label, desired in seen.control.desired.items()
        if (router := readings.routers.get(label)) is not None
        and router.snapshot is not None
        and router.snapshot.says(desired)
    ]
    if taken:
        return Move(
            "applied",
            f"epoch {seen.control.epoch} had been written to {', '.join(taken)} before the pin",
            Phase.VERIFYING_CONTROL,
            changes={"applied_at": readings.now},
        )
    control, known = seen.control, all(one.snapshot is not None for one in readings.routers.values())
    again = control.stage > 0 or control.reasserted > 0 or any(one.cut for one in control.desired.values())
    again |= any(
        _moved(one.snapshot, control.before.get(label), mirror=True)
        for label, one in readings.routers.items()
        if one.snapshot is not None and one.snapshot.epoch == control.epoch - 1  # a step of a way back is in force
    )
    if again or not known or control.goal is not Goal.BASELINE:
        return stick(seen, f"{control.pinned_by} pinned the route half-way: epoch {control.epoch} is not written")
    return Move("withdraw", f"{control.pinned_by} pinned the route: nothing is moved", Phase.ARMED)


def _moved(found: RouteSnapshot | None, before: RouteSnapshot | None, *, mirror: bool = False) -> bool:
    """Tell whether a router shows other shares, or another mirror too, than before the first flip."""
    if found is None or before is None:
        return False
    if mirror and found.mirror != before.mirror:
        return True
    return {n: w for n, w in found.weights.items() if w} != {n: w for n, w in before.weights.items() if w}


def _seen_late(seen: Situation, readings: Readings) -> Move | None:
    """Keep what a router does before it is first written, so that an undo knows it; and write above its epoch."""
    control = seen.control
    read = {label: one.snapshot for label, one in readings.routers.items() if label not in control.before}
    found = {
        label: snapshot
        for label, snapshot in read.items()
        if snapshot is not None and not snapshot.says(control.desired[label])  # that would be our own write
    }
    if not found:
        return None
    before = {**control.before, **found}
    if all((one.epoch or 0) < control.epoch for one in found.values()):
        return Move("seen", f"what {', '.join(found)} did before is kept", changes={"before": before})
    epoch = max(one.epoch or 0 for one in found.values()) + 1
    desired = {label: replace(one, epoch=epoch) for label, one in control.desired.items()}
    changes = {"before": before, "epoch": epoch, "desired": desired}
    return Move("seen", f"what {', '.join(found)} did before is kept; the next epoch is {epoch}", changes=changes)


def standing(seen: Situation, readings: Readings, *, settled: bool) -> Found:
    """Return how the gravest of the targets stands."""
    control = seen.control
    return worst_of(
        [
            standing_of(label, router, control.desired[label], control.before.get(label), settled=settled)
            for label, router in readings.routers.items()
            if label in control.desired
        ]
    )


def from_verifying_control(seen: Situation, readings: Readings) -> Move | None:
    """Read back: does every router show what was written, overrides, replicas and status included?"""
    step = seen.control.step
    if step is not None and step.replicas is not None:
        return _scaled(seen, readings)
    found = standing(seen, readings, settled=False)
    harmed = seen.control.goal is Goal.RAMP and harm_on_the_way(seen, readings) is not None
    if harmed and found.standing in {Standing.LOST, Standing.GITOPS}:
        return Move(
            "ramp_step", f"not written again: it harms; {found.reason}", Phase.RAMPING, actor=seen.control.actor
        )
    match found.standing:
        case Standing.IN_FORCE:
            return _in_force(seen, readings)
        case Standing.FOREIGN | Standing.GITOPS | Standing.LOST:
            return reassert(seen, readings, found) or _after(seen, readings, found)
        case Standing.BEHIND | Standing.UNREADABLE:
            return _after(seen, readings, found)


def harm_on_the_way(seen: Situation, readings: Readings) -> Incident | None:
    """Return the gravest incident with an alarm that nothing on the way back has answered yet."""
    since = readings.answered_at or seen.control.applied_at or seen.control.phase_since
    return gravest(seen.incidents, since, seen.policy, readings.now)


def reassert(seen: Situation, readings: Readings, found: Found) -> Move | None:
    """Write again what should be there, or give way: once against a repository, never against a person."""
    control = seen.control
    by_repository = any(one.snapshot and one.snapshot.writer is Writer.GITOPS for one in readings.routers.values())
    if found.standing is Standing.FOREIGN or (by_repository and control.reasserted):
        return _reverted(seen, found.reason)
    if held_by_person(seen, readings) or control.reasserted >= _MOST_REASSERTED:
        return None
    if control.applied_at is None or readings.now - control.applied_at < timedelta(seconds=_settling_s(readings)):
        return None
    return step_to(
        seen,
        readings,
        control.stage,
        action="reassert",
        reason=f"written again: {found.reason}",
        reasserted=control.reasserted + 1,
    )


def _reverted(seen: Situation, reason: str) -> Move:
    told = f"someone changed the routing: {reason}"
    return Move("reverted", told, Phase.REVERTED, actor=seen.control.actor, alert=AlertKind.REVERTED)


def defend(seen: Situation, readings: Readings, found: Found) -> Move | None:
    """Write again what was in force and no longer is; where that is forbidden or was tried often enough, page."""
    if held_by_person(seen, readings) or seen.control.reasserted >= _MOST_REASSERTED:
        found = replace(found, standing=Standing.FOREIGN)
    return reassert(seen, readings, found)


def _settling_s(readings: Readings) -> float:
    """Return how long the slowest router takes until new requests follow a write, seconds."""
    return max((_LEAST_SETTLE_S, *(one.capabilities.propagation_s for one in readings.routers.values())))


def _after(seen: Situation, readings: Readings, found: Found) -> Move | None:
    """Give up once a wait has lasted too long; what a router needs by itself is no waiting."""
    since = seen.control.applied_at or seen.control.phase_since
    timeout_s = max(seen.policy.verify.control_timeout_s, _settling_s(readings))
    if readings.now - since < timedelta(seconds=timeout_s):
        return None
    move = give_up(seen, readings, f"after {timeout_s:g} s: {found.reason}", cut=found.standing is Standing.BEHIND)
    if found.standing not in {Standing.LOST, Standing.UNREADABLE}:
        return move
    return replace(move, changes={**move.changes, "applied_at": None})  # it was never seen in force: not written


def give_up(seen: Situation, readings: Readings, reason: str, *, cut: bool = True) -> Move:
    """Try the stronger verb once, where every router has one and the policy allows it; then page."""
    control = seen.control
    able = bool(readings.routers) and all(one.capabilities.hard_cut for one in readings.routers.values())
    done = any(desired.cut for desired in control.desired.values())
    wanted = cut and seen.policy.verify.hard_cut and control.goal is Goal.BASELINE and control.last_step
    if wanted and able and not done and not held_by_person(seen, readings):
        epoch = control.epoch + 1
        desired = {label: replace(one, epoch=epoch, cut=True) for label, one in control.desired.items()}
        return Move(
            "hard_cut",
            f"{reason}; the candidates are taken out of the routing",
            Phase.APPLYING,
            actor=control.actor,
            changes={"epoch": epoch, "desired": desired, "applied_at": None},
        )
    return stick(seen, reason)


def stick(seen: Situation, reason: str, evidence: Mapping[str, Any] | None = None) -> Move:
    """Page: the flip is not proven, and what is tried without a person is exhausted.

    A write that is tried again and fails again is the same trouble: it was paged.
    """
    alert = None if seen.control.told == _STUCK else AlertKind.STUCK
    actor = seen.control.actor  # whose move it is decides what may hold it when it is tried again
    changes = {"told": _STUCK}
    return Move("stuck", reason, Phase.STUCK, actor=actor, alert=alert, evidence=evidence, changes=changes)


def _scaled(seen: Situation, readings: Readings) -> Move | None:
    """Wait for the baseline's replicas, then begin to move traffic."""
    control, scaling = seen.control, readings.scaling
    since, now = control.applied_at or control.phase_since, readings.now
    moved = [
        f"{label} shows weights {dict(one.snapshot.weights)}"
        for label, one in readings.routers.items()
        if one.snapshot is not None and _moved(one.snapshot, control.before.get(label))
    ]
    if moved:
        return _reverted(seen, f"while the baseline's replicas were waited for, {', '.join(moved)}")
    if scaling is not None and scaling.problem is None and scaling.ready >= scaling.wanted:
        return _next_step(seen, readings, f"{scaling.ready} of {scaling.wanted} replicas are ready")
    wait_s = float((seen.policy.preflight.scale or {}).get("timeout_s", 600.0))
    if now - since < timedelta(seconds=wait_s):
        return None
    told = "unknown" if scaling is None else scaling.problem or f"{scaling.ready} of {scaling.wanted} are ready"
    return Move(
        "block",
        f"not moved: after {wait_s:g} s the baseline's replicas: {told}",
        Phase.BLOCKED,
        alert=AlertKind.BLOCKED,
    )


def _in_force(seen: Situation, readings: Readings) -> Move | None:
    control = seen.control
    if control.goal is Goal.RAMP:
        share = control.step.share if control.step is not None else 100
        return Move(
            "ramp_step",
            f"{share} % of the way back is in force; it is looked at for {seen.policy.ramp.look_s:g} s",
            Phase.RAMPING,
            actor=control.actor,
            changes={"told": None},
        )
    if control.last_step:
        return Move(
            "read_back",
            f"every router shows epoch {control.epoch}; waiting for traffic to prove it",
            Phase.VERIFYING_TRAFFIC,
            actor=control.actor,
        )
    return _drained(seen, readings)


def _drained(seen: Situation, readings: Readings) -> Move | None:
    """Go on once the baseline has room; say once, loudly, that it has none."""
    control, drain = seen.control, seen.policy.preflight.drain
    since = control.applied_at or control.phase_since
    if control.stages[control.stage + 1].replicas is not None:
        return _next_step(seen, readings, "the copies are dropped; the baseline's replicas are next")
    if drain is not None and readings.now - since < timedelta(seconds=drain.pause_s):
        return None
    if held_by_person(seen, readings):
        return _tell_once(seen, "pinned", f"{control.pinned_by} pinned the route: the drain waits")
    critical = seen.incident is not None and seen.incident.critical
    room = readings.room
    if (
        room is None
        or room.ok
        or critical
        or (not room.readable and (drain is None or drain.without_meters != "block"))
    ):
        return _next_step(seen, readings, "the baseline has room" if room is None else room.reason)
    late = readings.now - since >= timedelta(seconds=seen.policy.verify.traffic_timeout_s)
    share = control.step.share if control.step is not None else 0
    return _tell_once(seen, "drain", f"the drain waits at {share} %: {room.reason}") if late else None


def _tell_once(seen: Situation, what: str, reason: str) -> Move | None:
    if seen.control.told == what:
        return None
    return Move("wait", reason, alert=AlertKind.BLOCKED, changes={"told": what})


def _next_step(seen: Situation, readings: Readings, reason: str) -> Move | None:
    if held_by_person(seen, readings):
        return _tell_once(seen, "pinned", f"{seen.control.pinned_by} pinned the route: the move waits")
    return step_to(seen, readings, seen.control.stage + 1, action="next_step", reason=reason)


def step_to(seen: Situation, readings: Readings, stage: int, *, action: str, reason: str, **changes: object) -> Move:
    """Commit a step of the move under way, with an epoch of its own; the routers are called after."""
    control = seen.control
    epoch = control.epoch + 1
    desired = {
        label: desired_of(seen, label, router.capabilities, control.stages[stage], epoch)
        for label, router in readings.routers.items()
        if label in control.desired
    }
    return Move(
        action,
        reason,
        Phase.APPLYING,
        actor=control.actor,
        changes={"epoch": epoch, "desired": desired, "applied_at": None, "stage": stage, "told": None, **changes},
    )


def desired_of(seen: Situation, label: str, capabilities: Capabilities, stage: Stage, epoch: int) -> DesiredRoute:
    """Return what a target should do at a step of the move under way."""
    control, before = seen.control, seen.control.before.get(label)
    cut = label in control.desired and control.desired[label].cut
    harmful = None if seen.harmful is None else seen.harmful.backend
    baseline = toward_baseline(seen.variants, harmful, epoch, cut=cut)
    if control.goal is Goal.BASELINE:
        return desired_at(before, baseline, stage, epoch, capabilities)
    if before is None:
        return baseline  # it could not be read before the flip: there is nothing to come back to
    if control.goal is Goal.RESTORE:
        return toward_snapshot(before, epoch)
    start = RouteSnapshot(baseline.weights, baseline.mirror, None)
    return desired_at(
        start,
        toward_snapshot(before, epoch),
        stage,
        epoch,
        capabilities,
        mirror=_on_the_way_back(seen, before, capabilities),
    )


def _on_the_way_back(seen: Situation, before: RouteSnapshot, capabilities: Capabilities) -> Mirror:
    """Each is compared with the other where the router can copy by who serves; else as it was before the flip."""
    if not capabilities.mirror_per_backend or seen.baseline is None or not seen.candidates:
        return before.mirror
    other = (seen.harmful or seen.candidates[0]).backend
    base = seen.baseline.backend
    return {base: other, **{one.backend: base for one in seen.candidates}}

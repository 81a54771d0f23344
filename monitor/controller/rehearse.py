"""What a flip would do now, from readings and from what the routers said in dry run. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from monitor.controller.moves import Move
from monitor.controller.readings import Readings, RouterReading
from monitor.controller.situation import Situation
from monitor.controller.triggering import commit_rollback
from monitor.models.rehearsal import PREFLIGHT, Check, FlipRehearsal, TargetRehearsal
from monitor.models.route import Goal, Mode, Phase, Stage
from monitor.routing.base import Rehearsal

__all__ = ["rehearsal_of"]


def rehearsal_of(seen: Situation, readings: Readings, move: Move, rehearsed: Mapping[str, Rehearsal]) -> FlipRehearsal:
    """Put together what a person's flip would write, and what an automatic rollback would be held by.

    Args:
        seen: The route.
        readings: The routers, the baseline's health, freezes.
        move: The flip, as it would be committed.
        rehearsed: What each target said of its part of it.
    """
    goal: Goal = move.changes["goal"]
    checks, stages = _held_by(seen, readings) if goal is Goal.BASELINE else ((), move.changes["stages"])
    return FlipRehearsal(
        at=readings.now,
        goal=goal,
        phase=seen.control.phase,
        epoch=move.changes["epoch"],
        checks=checks,
        stages=stages,
        targets=tuple(_at(label, readings.routers.get(label), one) for label, one in rehearsed.items()),
    )


def _held_by(seen: Situation, readings: Readings) -> tuple[tuple[Check, ...], tuple[Stage, ...]]:
    """Return what would hold an automatic rollback, by the controller's own rule, and its steps."""
    mode, control = seen.route.mode, seen.control
    pinned = f"{control.pinned_by} pinned the route" if control.pinned(readings.now) else None
    preflight, stages = _preflight(seen, readings)
    said = {
        "mode": None if mode is Mode.AUTO else f"mode {mode.value}: nothing is moved without a person",
        "armed": readings.not_armed,
        "pin": pinned,
        "freeze": readings.held,
    }
    free = {"mode": "mode auto", "armed": "auto may act", "pin": "no pin", "freeze": "no freeze"}
    checks = [Check(name, why is None, free[name] if why is None else why) for name, why in said.items()]
    return (*checks, preflight), stages


def _preflight(seen: Situation, readings: Readings) -> tuple[Check, tuple[Stage, ...]]:
    """Ask the rule of the preflight itself; freezes and GitOps managers are told elsewhere."""
    routers = {
        label: one if one.snapshot is None else replace(one, snapshot=replace(one.snapshot, owners=()))
        for label, one in readings.routers.items()
    }
    move = commit_rollback(seen, replace(readings, held=None, routers=routers))
    begins = move.to is Phase.APPLYING
    stages: tuple[Stage, ...] = move.changes["stages"] if begins else ()
    return Check(PREFLIGHT, begins, move.reason), stages


def _at(label: str, router: RouterReading | None, rehearsal: Rehearsal) -> TargetRehearsal:
    snapshot = None if router is None else router.snapshot
    owners = () if snapshot is None else snapshot.owners
    problems = list(rehearsal.problems)
    if router is not None and router.problem is not None and router.problem not in problems:
        problems.append(router.problem)
    if owners:
        problems.append(f"{', '.join(owners)} would write over it: add ignore rules first (docs/routers.md)")
    judged = router is not None and router.capabilities.dry_run
    return TargetRehearsal(label, tuple(problems), rehearsal.changes, tuple(owners), judged)

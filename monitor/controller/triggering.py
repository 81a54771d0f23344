"""From an alarm to a committed flip: armed, triggered, preflight, blocked. Pure."""

from collections.abc import Mapping
from typing import Any

from alerts.types import AlertKind
from monitor.controller.decide import decide, reconsider
from monitor.controller.foreign import Standing
from monitor.controller.moves import Move
from monitor.controller.plan import AT_ONCE, desired_at, toward_baseline, toward_snapshot
from monitor.controller.preflight import choose_way, judge_baseline
from monitor.controller.readings import Readings
from monitor.controller.situation import Situation
from monitor.controller.writing import defend, held_by_person, standing
from monitor.models.decision import Action, Decision
from monitor.models.route import Goal, Phase, RouteSnapshot, Stage

__all__ = ["commit_rollback", "from_armed", "from_blocked", "from_preflight", "from_triggered"]


def from_armed(seen: Situation, readings: Readings) -> Move | None:
    """Look for an incident to act on, or to tell of."""
    now, answered_at = readings.now, readings.answered_at
    decision, incident = decide(
        seen.route, seen.control, seen.incidents, seen.policy, now, readings.not_armed, answered_at
    )
    match decision.action:
        case Action.NOTHING:
            return _overtaken(seen, readings)
        case Action.EXPIRE:
            return Move(decision.action, decision.reason, incident=incident, close=True)
        case Action.WOULD_ROLL_BACK | Action.ADVISE:
            alert = AlertKind.ADVISE if decision.action is Action.ADVISE else AlertKind.WOULD_ROLL_BACK
            return Move(decision.action, decision.reason, incident=incident, mark=True, alert=alert)
        case Action.ROLL_BACK:
            changes = {"incident_id": None if incident is None else incident.id}
            return Move(decision.action, decision.reason, Phase.TRIGGERED, incident=incident, changes=changes)


def _overtaken(seen: Situation, readings: Readings) -> Move | None:
    """Write again what a former leader's late write undid, after the way back has ended and where no fence stopped it.

    All else that an armed route's routers show is people's.
    """
    if not readings.routers:
        return None
    found = standing(seen, readings, settled=True)
    return defend(seen, readings, found) if found.standing is Standing.LOST else None


def from_triggered(seen: Situation, readings: Readings) -> Move | None:
    """Ask what may hold a rollback: a person, a freeze, the breaker. No rate limit does."""
    withdrawn = _withdrawn(seen, readings)
    if withdrawn is not None:
        return withdrawn
    limit = seen.policy.breaker.limit(readings.routes)
    if readings.held is None and readings.triggered > limit:
        why = (
            f"{readings.triggered} of {readings.routes} routes alarmed within {seen.policy.breaker.window_s:g} s "
            f"(limit {limit:g}): suspect what they have in common, such as the pipeline"
        )
        return _block(f"the breaker holds all automatic moves: {why}", breaker=why)
    if readings.held is not None:
        return _block(readings.held)
    return Move("clear", "nothing holds it", Phase.PREFLIGHT)


def from_preflight(seen: Situation, readings: Readings) -> Move | None:
    """Check the baseline and the routers, then commit what is desired with its epoch: the routers are called after."""
    withdrawn = _withdrawn(seen, readings)
    if withdrawn is not None:
        return withdrawn
    probing = readings.held is None and readings.health is not None and readings.health.probing
    return None if probing else commit_rollback(seen, readings)


def from_blocked(seen: Situation, readings: Readings) -> Move | None:
    """Look again; it was paged once."""
    wanted = _wanted(seen, readings)
    if seen.half_way and wanted.action is not Action.ROLL_BACK:
        return _taken_back(seen, readings, wanted.reason)
    withdrawn = _withdrawn(seen, readings)
    if withdrawn is not None:
        return withdrawn
    move = None if readings.held is not None else commit_rollback(seen, readings)
    return move if move is not None and move.to is not Phase.BLOCKED else None


def _wanted(seen: Situation, readings: Readings) -> Decision:
    return reconsider(seen.route, seen.control, seen.incident, seen.policy, readings.now, readings.not_armed)


def _withdrawn(seen: Situation, readings: Readings) -> Move | None:
    """Judge again what was decided: what a person did since wins, and old evidence moves nothing."""
    wanted = _wanted(seen, readings)
    if wanted.action is Action.ROLL_BACK:
        return None
    action = "unblock" if seen.control.phase is Phase.BLOCKED else "withdraw"
    # A ramp that went too far is no armed route: part of the traffic is on the candidate and stays looked at.
    to = Phase.RAMPING if seen.control.goal is Goal.RAMP and seen.control.desired else Phase.ARMED
    return Move(action, wanted.reason, to, changes={"incident_id": None} if to is Phase.ARMED else {})


def _taken_back(seen: Situation, readings: Readings, reason: str) -> Move | None:
    """Undo the steps that were written before a drain was blocked, such as dropped copies; a pin leaves them."""
    control = seen.control
    shown = [one.snapshot.epoch or 0 for one in readings.routers.values() if one.snapshot is not None]
    if readings.held is not None or held_by_person(seen, readings) or not shown:
        return None
    epoch = max(control.epoch, *shown) + 1
    desired = {label: toward_snapshot(before, epoch) for label, before in control.before.items()}
    changes: dict[str, Any] = {
        "epoch": epoch,
        "goal": Goal.RESTORE,
        "desired": desired,
        "applied_at": None,
        "stages": AT_ONCE,
        "stage": 0,
        "reasserted": 0,
        "told": None,
        "incident_id": None,
        "condemned": {},
    }
    return Move("unblock", f"{reason}; the routing from before is restored", Phase.APPLYING, changes=changes)


def commit_rollback(seen: Situation, readings: Readings) -> Move:
    """Commit a rollback, or block it where something holds it or the baseline could not take the traffic."""
    policy, baseline, incident = seen.policy.preflight, seen.baseline, seen.incident
    if readings.held is not None:
        return _block(readings.held)
    if baseline is None or not seen.candidates:
        return _block("the route lacks a baseline or a candidate")
    health = readings.health
    if health is None:
        return _block("the baseline's telemetry could not be read")
    fitness = judge_baseline(health.answers, health.failed, policy, health.probes)
    if not fitness.healthy:
        return _block(fitness.reason)
    found = {label: one.snapshot for label, one in readings.routers.items() if one.snapshot is not None}
    if not found:
        problems = "; ".join(f"{label}: {one.problem}" for label, one in readings.routers.items())
        return _block(f"the router cannot be read: {problems or 'no target'}")
    owned = [f"{', '.join(one.owners)} at {label}" for label, one in found.items() if one.owners]
    if owned:
        return _block(f"a GitOps manager would write over it ({'; '.join(owned)}): add ignore rules first")
    capabilities = [one.capabilities for one in readings.routers.values()]
    critical = incident is not None and incident.critical
    way = choose_way(health, policy, capabilities, readings.room, critical=critical)
    if not way.stages:
        return _block(way.reason)
    unread = [label for label, one in readings.routers.items() if one.snapshot is None]
    told = f"; cannot be read, written all the same: {', '.join(unread)}" if unread else ""
    return _commit(seen, readings, found, way.stages, f"{fitness.reason}; {way.reason}{told}")


def _commit(
    seen: Situation, readings: Readings, found: Mapping[str, RouteSnapshot], stages: tuple[Stage, ...], why: str
) -> Move:
    epoch = max(seen.control.epoch, *(one.epoch or 0 for one in found.values())) + 1
    before = dict(found)
    if seen.between:
        # Steps of our own are no routing to come back to: what was before the first is. Nor is there a drain out of a
        # way back: its steps are shares of the way from `before`, where the candidate had more than it has now.
        before = {**before, **seen.control.before}
        stages = stages if seen.half_way else AT_ONCE
    harmful = None if seen.harmful is None else seen.harmful.backend
    end = toward_baseline(seen.variants, harmful, epoch)
    desired = {
        label: desired_at(found.get(label), end, stages[0], epoch, router.capabilities)
        for label, router in readings.routers.items()
    }
    head = seen.incident.headline if seen.incident is not None else "rollback"
    changes: dict[str, Any] = {
        "epoch": epoch,
        "goal": Goal.BASELINE,
        "desired": desired,
        "before": before,
        "applied_at": None,
        "stages": stages,
        "stage": 0,
        "backed_off": 0,
        "reasserted": 0,
        "told": None,
        "condemned": {one.name: one.digest for one in seen.candidates if seen.harmful in {None, one}},
    }
    return Move("flip", f"{head}; {why}", Phase.APPLYING, alert=AlertKind.ROLLBACK_STARTED, changes=changes)


def _block(reason: str, breaker: str | None = None) -> Move:
    return Move("block", f"not moved: {reason}", Phase.BLOCKED, alert=AlertKind.BLOCKED, breaker=breaker)

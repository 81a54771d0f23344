"""From a proven flip back to the candidate, on evidence: rolled-back, hold, recovering, ramping. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from alerts.types import AlertKind
from detectors.stats.multiplicity import e_lond
from detectors.stats.safe import LOG_THRESHOLD
from monitor.controller.decide import reconsider
from monitor.controller.foreign import Standing
from monitor.controller.moves import Move
from monitor.controller.plan import AT_ONCE, stages_of
from monitor.controller.proving import proof_of
from monitor.controller.readings import Readings
from monitor.controller.situation import Situation
from monitor.controller.verify import ProofState
from monitor.controller.writing import defend, desired_of, harm_on_the_way, standing, step_to
from monitor.models.decision import Action
from monitor.models.incident import Incident
from monitor.models.promotion import Promotion
from monitor.models.route import Goal, Phase

__all__ = ["begin_ramp", "from_hold", "from_ramping", "from_recovering", "from_rolled_back"]


def from_rolled_back(seen: Situation, readings: Readings) -> Move | None:
    """Hold: the baseline serves."""
    del readings
    reason = "the baseline serves until a person, or evidence, says otherwise"
    return Move("hold", reason, Phase.HOLD, actor=seen.control.actor)


def from_hold(seen: Situation, readings: Readings) -> Move | None:
    """Watch the routing, and say once what has become possible."""
    return _watched(seen, readings) or _news(seen, readings)


def _watched(seen: Situation, readings: Readings) -> Move | None:
    """Has someone changed the routing? Once against a repository, never against a person. Does the candidate leak?"""
    found = standing(seen, readings, settled=True)
    if readings.routers and found.standing >= Standing.LOST:
        return defend(seen, readings, found)
    proof = proof_of(seen, readings) if readings.traffic else None
    if seen.control.phase is Phase.RAMPING or proof is None or proof.state is not ProofState.LEAKED:
        return None
    behind = f"; {found.reason}" if found.standing is Standing.BEHIND else ""
    reason, actor = f"{proof.reason}{behind}", seen.control.actor
    return Move("leaked", reason, Phase.REVERTED, actor=actor, alert=AlertKind.REVERTED)


def _news(seen: Situation, readings: Readings) -> Move | None:
    """Tell people, once each, that a new artifact is in place or that the candidate has been safe."""
    control, digests = seen.control, {one.name: one.digest for one in seen.candidates}
    changed = sorted(name for name, digest in control.condemned.items() if digests.get(name) not in {None, digest})
    if changed and control.told != "new_digest":
        return Move(
            "new_artifact",
            f"{', '.join(changed)} is another artifact than the one that was rolled back",
            alert=AlertKind.MAY_RECOVER,
            changes={"told": "new_digest"},
        )
    evidence = readings.evidence
    if evidence is None or control.told is not None or not _safe(readings):
        return None
    return Move(
        "safe_again",
        f"behind the mirror the candidate has stayed within its margins: {', '.join(evidence.safe)}",
        alert=AlertKind.MAY_RECOVER,
        changes={"told": "safe"},
    )


def _safe(readings: Readings) -> bool:
    evidence = readings.evidence
    return evidence is not None and bool(evidence.safe) and not evidence.unproven and evidence.harmful is None


def from_recovering(seen: Situation, readings: Readings) -> Move | None:
    """A person wants the candidate back: wait for evidence, pass the gate once, then go up in steps."""
    watched = _watched(seen, readings)
    if watched is not None:
        return watched
    evidence = readings.evidence
    if evidence is not None and evidence.harmful is not None:
        reason = f"not yet: {evidence.harmful}"
        told, actor = {"told": None}, seen.control.actor
        return Move("still_harmful", reason, Phase.HOLD, actor=actor, alert=AlertKind.STILL_HARMFUL, changes=told)
    if not _safe(readings):
        return None
    waits = _limited(seen, readings)
    if waits is not None:
        return None if seen.control.told == "limited" else Move("wait", waits, changes={"told": "limited"})
    _, gate = e_lond(readings.gates, LOG_THRESHOLD, seen.policy.ramp.alpha)
    candidate = seen.harmful or seen.candidates[0]
    promotion = Promotion(candidate.id, LOG_THRESHOLD, gate.log_threshold, gate.opens)
    if not gate.opens:
        return Move(
            "gate_shut",
            f"safe, yet not enough at this gate: log e-value {LOG_THRESHOLD:.2f}, {gate.log_threshold:.2f} are needed "
            f"after {readings.gates.asked} questions; ask again, or bring it back by hand",
            Phase.HOLD,
            actor=seen.control.actor,
            alert=AlertKind.STILL_HARMFUL,
            promotion=promotion,
            changes={"told": None},
        )
    reason = f"safe over at least 24 h: {', '.join(evidence.safe) if evidence else ''}"
    return replace(begin_ramp(seen, readings, reason), promotion=promotion)


def _limited(seen: Situation, readings: Readings) -> str | None:
    """Return why the way back waits: limits hold moves to the candidate, never those to the baseline."""
    ramp = seen.policy.ramp
    if readings.held is not None:
        return readings.held
    if seen.control.pinned(readings.now):
        return f"{seen.control.pinned_by} pinned the route"
    found = standing(seen, readings, settled=True)
    if found.standing is not Standing.IN_FORCE:
        return found.reason
    if readings.rolled_back_at is not None:
        ends = readings.rolled_back_at + timedelta(seconds=ramp.cooldown_s)
        if readings.now < ends:
            return f"the last rollback is too recent: not before {ends:%Y-%m-%d %H:%M} UTC"
    if readings.ramps_last_hour >= ramp.per_hour:
        return f"{readings.ramps_last_hour} ways back began within the hour (limit {ramp.per_hour})"
    return None


def begin_ramp(seen: Situation, readings: Readings, reason: str, actor: str | None = None) -> Move:
    """Commit the first step of the way back."""
    stages = stages_of(seen.policy.ramp.steps, [one.capabilities for one in readings.routers.values()])
    epoch = seen.control.epoch + 1
    wanted = replace(seen, control=replace(seen.control, goal=Goal.RAMP))
    desired = {
        label: desired_of(wanted, label, router.capabilities, stages[0], epoch)
        for label, router in readings.routers.items()
    }
    changes: dict[str, Any] = {
        "epoch": epoch,
        "goal": Goal.RAMP,
        "desired": desired,
        "applied_at": None,
        "stages": stages,
        "stage": 0,
        "backed_off": 0,
        "reasserted": 0,
        "told": None,
    }
    return Move(
        "ramp",
        f"{reason}; {stages[0].share} % of the way first",
        Phase.APPLYING,
        actor=actor or seen.control.actor,
        alert=AlertKind.RAMP_STARTED,
        evidence={"answered_at": readings.now.isoformat()},
        changes=changes,
    )


def from_ramping(seen: Situation, readings: Readings) -> Move | None:
    """Look at a step of the way back: on, or back."""
    harm = harm_on_the_way(seen, readings)
    if harm is not None and standing(seen, readings, settled=True).standing is not Standing.FOREIGN:
        return _back(seen, readings, harm)  # before anything is written again: that could be toward the candidate
    watched = _watched(seen, readings)
    if watched is not None:
        return watched
    control, since = seen.control, seen.control.applied_at or seen.control.phase_since
    ramp = seen.policy.ramp
    if readings.now - since < timedelta(seconds=ramp.look_s):
        return None
    unseen = _not_yet_seen(seen, readings)
    proof = proof_of(seen, readings)
    if unseen is not None or proof is None:
        late = readings.now - since >= timedelta(seconds=ramp.look_s + seen.policy.verify.traffic_timeout_s)
        return _tell_waiting(seen, f"{unseen}") if late else None
    if control.last_step:
        return Move(
            "ramped",
            f"the candidate is back where it was before the rollback; {proof.reason}",
            Phase.ARMED,
            actor=control.actor,
            alert=AlertKind.RESTORED,
            changes={
                "incident_id": None,
                "condemned": {},
                "told": None,
                "goal": Goal.RESTORE,
                "stages": AT_ONCE,
                "stage": 0,
                "reasserted": 0,
            },
        )
    waits = readings.held or (f"{control.pinned_by} pinned the route" if control.pinned(readings.now) else None)
    if waits is not None:
        return None if control.told == "limited" else Move("wait", waits, changes={"told": "limited"})
    share = control.stages[control.stage + 1].share
    return step_to(
        seen, readings, control.stage + 1, action="next_step", reason=f"no harm seen; on to {share} % of the way"
    )


def _not_yet_seen(seen: Situation, readings: Readings) -> str | None:
    """Return what a step still lacks to be judged, or None."""
    found, answered, proof = standing(seen, readings, settled=True), _answered(readings), proof_of(seen, readings)
    if found.standing is not Standing.IN_FORCE:
        return found.reason
    if answered < seen.policy.ramp.requests:
        return f"{answered} of {seen.policy.ramp.requests} new requests seen at this step"
    return None if proof is not None and proof.state is ProofState.PROVEN else "traffic does not show this step yet"


def _tell_waiting(seen: Situation, reason: str) -> Move | None:
    """Say once that the way back stands; nothing harms, so nobody is woken."""
    if seen.control.told == "waits":
        return None
    return Move("wait", f"the way back waits: {reason}", alert=AlertKind.INCONCLUSIVE, changes={"told": "waits"})


def _answered(readings: Readings) -> int:
    return sum(sum(part.after.by_variant.values()) for part in readings.traffic.values())


def _back(seen: Situation, readings: Readings, harm: Incident) -> Move | None:
    """One step back the first time; all the way the second time, from the first step, and for a broken variant."""
    control, changes = seen.control, {"incident_id": harm.id}
    wanted = reconsider(seen.route, control, harm, seen.policy, readings.now, readings.not_armed)
    waits = None if wanted.action is Action.ROLL_BACK else wanted.reason
    if readings.held is not None:
        waits = f"{harm.headline}. {readings.held}"
    if waits is not None:
        what = f"harm-{harm.id}{'-critical' if harm.critical else ''}"
        if control.told == what:
            return None
        told: Mapping[str, Any] = {"told": what, **changes}
        return Move("harm", waits, incident=harm, alert=AlertKind.ADVISE, changes=told)
    if harm.critical or control.backed_off or control.stage == 0:
        return Move("roll_back", harm.headline, Phase.TRIGGERED, incident=harm, changes=changes)
    move = step_to(
        seen,
        readings,
        control.stage - 1,
        action="back_off",
        reason=f"{harm.headline}; back to {control.stages[control.stage - 1].share} % of the way",
        backed_off=control.backed_off + 1,
        **changes,
    )
    after = harm.last_alarm_at + timedelta(microseconds=1)  # a graver one may be stored while this is decided
    evidence = {**harm.evidence, "answered_at": after.isoformat()}
    return replace(move, incident=harm, alert=AlertKind.BACKED_OFF, evidence=evidence)

"""From a routing that every router shows to one that traffic proves: verifying-traffic, stuck, reverted. Pure."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from alerts.types import AlertKind
from monitor.controller.decide import gravest, reconsider
from monitor.controller.foreign import Standing
from monitor.controller.moves import Move
from monitor.controller.readings import Readings
from monitor.controller.situation import Situation
from monitor.controller.verify import Proof, ProofState, judge_all
from monitor.controller.writing import defend, give_up, held_by_person, reassert, standing, step_to
from monitor.models.decision import Action
from monitor.models.route import Goal, Phase

__all__ = ["from_reverted", "from_stuck", "from_verifying_traffic", "proof_of"]

_SOON = 8
"""So many writes again, reasserted ones included, follow each other soon."""
_RETRY_AFTER = timedelta(seconds=30)
_RETRY_LATER = timedelta(minutes=5)
_CHANGED = "changed"


def from_verifying_traffic(seen: Situation, readings: Readings) -> Move | None:
    """Prove the flip from requests that began after it, by leg evidence that does not come from us."""
    found = standing(seen, readings, settled=True)
    if found.standing >= Standing.LOST:
        return defend(seen, readings, found)
    proof = proof_of(seen, readings)
    if proof is None:
        return None
    if proof.state is ProofState.PROVEN:
        return _proven(seen, readings, proof)
    since = min((part.since for part in readings.traffic.values()), default=readings.now)
    timeout_s = seen.policy.verify.traffic_timeout_s
    if readings.now - since < timedelta(seconds=timeout_s):
        return None
    if proof.state is ProofState.THIN:
        return _told_thin(seen, f"verified at the control plane only: after {timeout_s:g} s {proof.reason}")
    cut = proof.state is ProofState.LEAKED
    return give_up(seen, readings, f"after {timeout_s:g} s, control plane only: {proof.reason}", cut=cut)


def _told_thin(seen: Situation, reason: str) -> Move | None:
    """Say once that there is too little traffic for a proof, and go on counting."""
    if seen.control.told == "thin":
        return None
    return Move("control_plane_only", reason, alert=AlertKind.CONTROL_PLANE_ONLY, changes={"told": "thin"})


def proof_of(seen: Situation, readings: Readings) -> Proof | None:
    """Return what traffic says, None without a baseline. A routing without a candidate is proven like a flip."""
    if seen.baseline is None:
        return None
    candidates = [variant.id for variant in seen.candidates]
    backends = {variant.backend for variant in seen.candidates}
    wanted = seen.control.desired.items()
    serving = {label for label, one in wanted if any(one.weights.get(backend) for backend in backends)}
    if serving - readings.traffic.keys():
        serving.add("")  # all targets without shippers of their own are counted together
    return judge_all(readings.traffic, seen.baseline.id, candidates, seen.policy.verify, serving=serving)


def _proven(seen: Situation, readings: Readings, proof: Proof) -> Move:
    back = seen.control.goal is not Goal.BASELINE
    return Move(
        "verified_by_traffic",
        proof.reason,
        Phase.ARMED if back else Phase.ROLLED_BACK,
        actor=seen.control.actor,
        alert=AlertKind.RESTORED if back else AlertKind.ROLLED_BACK,
        evidence=_counted(seen, readings),
        changes={"told": None},
    )


def _counted(seen: Situation, readings: Readings) -> dict[str, Any]:
    baseline = 0 if seen.baseline is None else seen.baseline.id
    parts = readings.traffic.values()
    return {
        "primary_baseline": sum(part.after.of(baseline) for part in parts),
        "primary_candidate": sum(part.after.of(one.id) for part in parts for one in seen.candidates),
        "draining": sum(part.draining for part in parts),
        "probes": sum(sum(part.probed.by_variant.values()) for part in parts),
        "since": min((part.since for part in parts), default=readings.now).isoformat(),
    }


def from_stuck(seen: Situation, readings: Readings) -> Move | None:
    """Try a rollback again while its evidence is fresh; one that traffic proves after all is no longer stuck."""
    control = seen.control
    if not control.desired:
        return None
    if control.goal is not Goal.BASELINE:
        return _harmed(seen, readings, acting=True)
    written = control.applied_at is not None
    found = standing(seen, readings, settled=written)
    if found.standing is Standing.IN_FORCE and control.last_step and written:
        proof = proof_of(seen, readings)
        if proof is None or proof.state is not ProofState.PROVEN:
            return None
        return replace(_proven(seen, readings, proof), reason=f"late, but proven: {proof.reason}")
    if written and found.standing is Standing.FOREIGN:
        return _told_changed(seen, found.reason)
    half_way = written and not control.last_step and _in_force_where_seen(seen, readings, found.standing)
    if not (half_way or _undone(found.standing, written=written)) or not _due(seen, readings):
        return None
    if found.standing is Standing.GITOPS and control.reasserted:
        return reassert(seen, readings, found)
    return step_to(
        seen,
        readings,
        control.stage + half_way,
        action="retry",
        reason=f"the write is tried again: {found.reason}",
        reasserted=control.reasserted + 1,
        told=control.told,
    )


def _told_changed(seen: Situation, reason: str) -> Move | None:
    """Say once that what was in force, though unproven, is there no longer: the page was about something else."""
    if seen.control.told == _CHANGED:
        return None
    told = f"while it was not proven, someone changed the routing: {reason}"
    return Move("changed", told, alert=AlertKind.STUCK, changes={"told": _CHANGED})


def _in_force_where_seen(seen: Situation, readings: Readings, worst: Standing) -> bool:
    """Tell whether every router that can be read, and one at least, shows the step: the others must not hold it up."""
    desired, routers = seen.control.desired, readings.routers.items()
    shown = [one.snapshot.shows(desired[at]) for at, one in routers if one.snapshot is not None and at in desired]
    return worst <= Standing.UNREADABLE and any(shown)


def _undone(standing: Standing, *, written: bool) -> bool:
    """Tell whether a router does not show the write, and no person changed it."""
    if standing in {Standing.LOST, Standing.GITOPS}:
        return True
    return not written and standing in {Standing.IN_FORCE, Standing.BEHIND}


def _due(seen: Situation, readings: Readings) -> bool:
    """Tell whether it is time for another try: soon at first, then now and then, while the evidence is fresh.

    A freeze and a pin hold the controller's own.
    """
    if (readings.held is not None and seen.automatic) or held_by_person(seen, readings):
        return False
    control, incident, ttl = seen.control, seen.incident, timedelta(seconds=seen.policy.evidence_ttl_s)
    wait = _RETRY_AFTER if control.reasserted < _SOON else _RETRY_LATER
    wanted = not seen.automatic or (incident is not None and incident.actionable(readings.now, ttl))
    return wanted and readings.now - control.phase_since >= wait


def _harmed(seen: Situation, readings: Readings, *, acting: bool) -> Move | None:
    """Half-way back, a write toward the candidate is not tried again; harm begins a rollback like any other.

    Not where a person has changed the routing (``acting`` false): that is told and not fought.
    """
    harm = gravest(seen.incidents, seen.control.phase_since, seen.policy, readings.now)
    if harm is None:
        return None
    wanted = reconsider(seen.route, seen.control, harm, seen.policy, readings.now, readings.not_armed)
    if acting and wanted.action is Action.ROLL_BACK:
        # An undo that is stuck half-way is a way back, too.
        changes = {"incident_id": harm.id, "goal": Goal.RAMP}
        return Move("roll_back", harm.headline, Phase.TRIGGERED, incident=harm, changes=changes)
    what = f"harm-{harm.id}{'-critical' if harm.critical else ''}"
    if seen.control.told == what:
        return None
    told = {"told": what, "incident_id": harm.id}
    return Move("harm", wanted.reason, incident=harm, alert=AlertKind.ADVISE, changes=told)


def from_reverted(seen: Situation, readings: Readings) -> Move | None:
    """Whoever changed the routing put it back: prove it anew."""
    control = seen.control
    if control.goal is not Goal.BASELINE:
        return _harmed(seen, readings, acting=False)
    if not control.last_step or control.applied_at is None:
        return None
    if standing(seen, readings, settled=True).standing is not Standing.IN_FORCE:
        return None
    return Move(
        "put_back",
        "the routing is as the flip left it again; waiting for traffic to prove it",
        Phase.VERIFYING_TRAFFIC,
        actor=control.actor,
        changes={"applied_at": readings.now, "told": None},
    )

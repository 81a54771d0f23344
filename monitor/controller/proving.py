"""From a routing that every router shows to one that traffic proves: verifying-traffic, stuck, reverted. Pure."""

from datetime import timedelta
from typing import Any

from alerts.types import AlertKind
from monitor.controller.foreign import Standing
from monitor.controller.moves import Move
from monitor.controller.readings import Readings
from monitor.controller.situation import Situation
from monitor.controller.verify import Proof, ProofState, judge_all
from monitor.controller.writing import defend, give_up, held_by_person, standing, step_to
from monitor.models.route import Goal, Phase

__all__ = ["from_reverted", "from_stuck", "from_verifying_traffic", "proof_of"]

_MOST_RETRIES = 5
_RETRY_AFTER = timedelta(seconds=30)


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
    serving = any(desired.weights.get(backend) for desired in seen.control.desired.values() for backend in backends)
    return judge_all(readings.traffic, seen.baseline.id, candidates, seen.policy.verify, to_baseline=not serving)


def _proven(seen: Situation, readings: Readings, proof: Proof) -> Move:
    back = seen.control.goal is not Goal.BASELINE
    return Move(
        "verified_by_traffic",
        proof.reason,
        Phase.ARMED if back else Phase.ROLLED_BACK,
        actor=seen.control.actor,
        alert=AlertKind.RESTORED if back else AlertKind.ROLLED_BACK,
        evidence=_counted(seen, readings),
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
    """A router that comes back is written to, and a routing that traffic proves after all is no longer stuck."""
    control = seen.control
    if control.goal is not Goal.BASELINE or not control.desired:
        return None
    found = standing(seen, readings, settled=False)
    if found.standing is Standing.IN_FORCE and control.last_step and control.applied_at is not None:
        proof = proof_of(seen, readings)
        if proof is not None and proof.state is ProofState.PROVEN:
            return Move(
                "verified_by_traffic",
                f"late, but proven: {proof.reason}",
                Phase.ROLLED_BACK,
                actor=control.actor,
                alert=AlertKind.ROLLED_BACK,
                evidence=_counted(seen, readings),
            )
        return None
    stuck_for = readings.now - control.phase_since
    fresh = _RETRY_AFTER <= stuck_for <= timedelta(seconds=seen.policy.evidence_ttl_s)
    readable = bool(readings.routers) and all(one.snapshot is not None for one in readings.routers.values())
    untouched = found.standing in {Standing.IN_FORCE, Standing.BEHIND, Standing.LOST}
    half_way = found.standing is Standing.IN_FORCE and not control.last_step and control.applied_at is not None
    if not (fresh and readable and untouched and (control.applied_at is None or half_way)):
        return None
    if readings.held is not None and seen.automatic:
        return None
    if held_by_person(seen, readings) or control.reasserted >= _MOST_RETRIES:
        return None
    return step_to(
        seen,
        readings,
        control.stage + half_way,
        action="retry",
        reason="every router can be read again and nobody changed it: the write is tried again",
        reasserted=control.reasserted + 1,
        told=control.told,
    )


def from_reverted(seen: Situation, readings: Readings) -> Move | None:
    """Whoever changed the routing put it back: prove it anew."""
    control = seen.control
    if control.goal is not Goal.BASELINE or not control.last_step or control.applied_at is None:
        return None
    if standing(seen, readings, settled=True).standing is not Standing.IN_FORCE:
        return None
    return Move(
        "put_back",
        "the routing is as the flip left it again; waiting for traffic to prove it",
        Phase.VERIFYING_TRAFFIC,
        changes={"applied_at": readings.now, "told": None},
    )

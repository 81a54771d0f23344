"""Proof by traffic: what new requests say about a flip. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum

from monitor.controller.readings import Traffic
from monitor.models.acting import VerifyPolicy

__all__ = ["Proof", "ProofState", "judge_all", "judge_traffic", "residual_bound"]

_OUTAGE = 5
"""So many requests in an equal time before, and none after, is no lull: by chance under 1 % (Poisson)."""


class ProofState(IntEnum):
    """How far the proof is, from proven to disproven."""

    PROVEN = 0
    THIN = 1
    """Nothing speaks against it; too little has been seen."""
    SILENT = 2
    """No request at all where there were some before: an outage, not a success."""
    NOT_RISEN = 3
    """The candidate is gone and the baseline does not answer more."""
    LEAKED = 4
    """A candidate still answers users."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The state of the proof with its reason."""

    state: ProofState
    reason: str


def residual_bound(requests: int) -> float:
    """Return the 95 % upper bound on a share of which none was seen in ``requests`` requests: about 3/n.

    Exactly ``1 - 0.05 ** (1 / n)`` (Clopper and Pearson at zero successes).
    """
    return 1.0 if requests <= 0 else float(1.0 - 0.05 ** (1.0 / requests))


def judge_traffic(
    traffic: Traffic, baseline: int, candidates: Collection[int], policy: VerifyPolicy, *, to_baseline: bool
) -> Proof:
    """Judge the requests that started after the flip and the skew allowance, by leg evidence that is not ours.

    Toward the baseline: ``policy.requests`` new primary answers of the baseline and none of a candidate, and more of
    the baseline than in an equally long time before (unless it served everything then). Silence proves nothing:
    without traffic there is no proof, and none at all where there was some is an outage. Requests that began before the
    flip may end on the candidate for minutes: they drain and are no leak. Back again: a candidate answers a user.

    Probes of ours that the router sent on count toward the number of requests and as leaks, never toward the rise:
    where users' requests were many enough before to be missed, theirs have to come back.
    """
    probed = traffic.probed.of(baseline)
    users = traffic.after.of(baseline)
    served = users + probed
    leaked = sum(traffic.after.of(candidate) + traffic.probed.of(candidate) for candidate in candidates)
    of_them = f" ({probed} of them probes, {traffic.probes_sent} were sent)" if traffic.probes_sent else ""
    was_served = traffic.before.of(baseline)
    was_away = sum(traffic.before.of(candidate) for candidate in candidates)
    if not to_baseline:
        if leaked:
            return Proof(ProofState.PROVEN, f"candidates answered {leaked} of {leaked + served} new requests")
        return Proof(ProofState.THIN, f"no candidate has answered any of {served} new requests yet")
    if leaked:
        return Proof(
            ProofState.LEAKED,
            f"a candidate still answered {leaked} of {leaked + served} requests that began after the flip",
        )
    if traffic.risen:
        return Proof(ProofState.LEAKED, f"the router still sends to a candidate: {'; '.join(traffic.risen)}")
    draining = f"; {traffic.draining} that began before it ended on a candidate" if traffic.draining else ""
    missed = was_served + was_away >= _OUTAGE
    if not users and missed:
        return Proof(
            ProofState.SILENT,
            f"no {'user' if probed else 'request'} at all since the flip, {was_served + was_away} in an equal time "
            f"before it: an outage, or events do not arrive{of_them}",
        )
    if served < policy.requests:
        return Proof(
            ProofState.THIN,
            f"{served} of {policy.requests} new requests seen{of_them}, none by a candidate{draining}",
        )
    if users <= was_served and was_away and (missed or not probed):
        return Proof(
            ProofState.NOT_RISEN,
            f"the baseline answered {users} new requests of users and {was_served} before: its share did not rise",
        )
    unread = f"; not read: {'; '.join(traffic.unread)}" if traffic.unread else ""
    return Proof(
        ProofState.PROVEN,
        f"0 of {served} new requests{of_them} were answered by a candidate (its share is below "
        f"{100 * residual_bound(served):.2g} % at 95 % confidence){draining}{unread}",
    )


def judge_all(
    parts: Mapping[str, Traffic],
    baseline: int,
    candidates: Collection[int],
    policy: VerifyPolicy,
    *,
    serving: Collection[str] = (),
) -> Proof:
    """Judge each target's own traffic where its shippers are known, and all other together: the worst counts.

    Args:
        parts: What was counted, by target.
        baseline: The variant that serves after a flip.
        candidates: The others.
        policy: How many requests are enough.
        serving: The parts in which a candidate should serve, on a way back. The others then only must not leak: a
            cluster that never had a candidate has none to show.
    """
    judged = {
        label: judge_traffic(part, baseline, candidates, policy, to_baseline=label not in serving)
        for label, part in parts.items()
    }
    if serving:
        judged = {
            label: proof for label, proof in judged.items() if label in serving or proof.state is ProofState.LEAKED
        }
    if not judged:
        return Proof(ProofState.THIN, "no traffic was looked at")
    worst = max(proof.state for proof in judged.values())
    told = [
        f"{label}: {proof.reason}" if label else proof.reason
        for label, proof in judged.items()
        if proof.state is worst or worst is ProofState.PROVEN
    ]
    return Proof(worst, "; ".join(told))

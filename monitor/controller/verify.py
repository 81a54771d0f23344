"""Proof by traffic: what new requests say about a flip. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from monitor.models.policy import VerifyPolicy
from monitor.models.route import Goal
from monitor.models.tick import PrimaryCounts

__all__ = ["Proof", "ProofState", "judge_traffic", "residual_bound"]


class ProofState(StrEnum):
    """How far the proof is."""

    PROVEN = "proven"
    WAITING = "waiting"


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
    counts: PrimaryCounts,
    before: PrimaryCounts,
    baseline: int,
    candidates: Collection[int],
    goal: Goal,
    policy: VerifyPolicy,
) -> Proof:
    """Judge the requests that started after the flip and the skew allowance, by leg evidence that is not ours.

    Toward the baseline: ``policy.requests`` new primary answers of the baseline and none of a candidate, and more of
    the baseline than in an equally long time ``before`` (unless it served everything then). Silence proves nothing:
    without traffic there is no proof. Back again: a candidate answers a user.
    """
    served = counts.of(baseline)
    leaked = sum(counts.of(candidate) for candidate in candidates)
    if goal is Goal.RESTORE:
        if leaked:
            return Proof(ProofState.PROVEN, f"candidates answered {leaked} of {leaked + served} new requests")
        return Proof(ProofState.WAITING, f"no candidate has answered any of {served} new requests yet")
    if leaked:
        return Proof(
            ProofState.WAITING,
            f"a candidate still answered {leaked} of {leaked + served} requests that began after the flip",
        )
    if served < policy.requests:
        return Proof(ProofState.WAITING, f"{served} of {policy.requests} new requests seen, none by a candidate")
    served_before = before.of(baseline)
    if served <= served_before and any(before.of(candidate) for candidate in candidates):
        return Proof(
            ProofState.WAITING,
            f"the baseline answered {served} new requests and {served_before} before: its share did not rise",
        )
    return Proof(
        ProofState.PROVEN,
        f"0 of {served} new requests were answered by a candidate (its share is below "
        f"{100 * residual_bound(served):.2g} % at 95 % confidence)",
    )

"""The numbers behind a verdict, from a stream's state. Pure."""

from math import inf, log
from typing import TypedDict

from detectors.stats import guard, planning
from detectors.stats.fleet_states import Member
from detectors.types import ArmCounts, Counts, PairCounts
from monitor.models.evidence import Evidence
from monitor.services.watch import Watched

__all__ = ["evidence_after", "told"]

_FIRST_PLAN_TICKS = 20
_PLAN_EVERY_TICKS = 60


def evidence_after(one: Watched, state: Member, pairing: guard.GuardState, tick: int) -> Evidence:
    """Return a stream's evidence after a tick; what could have been seen by now is found anew every sixty ticks."""
    counts, statistic = state.total, state.log_statistic
    baseline = _rate(counts.baseline_bad, counts.baseline_n)
    known = one.stream.evidence.smallest_detectable
    if _planned(one, tick) and baseline is not None:
        known = _smallest(one, counts, min(baseline, 0.99), state.phi)
    return Evidence(
        **told(counts),
        log_statistic=None if statistic == -inf else statistic,
        log_threshold=log(one.config.threshold),
        phi=state.phi,
        one_sided_share=pairing.share,
        smallest_detectable=known,
    )


def _smallest(one: Watched, counts: Counts, baseline: float, phi: float) -> float | None:
    """Return the smallest rate of the candidate that so many pairs, or sessions of the arms, would have shown."""
    margin, threshold, levels = one.config.margin, one.config.threshold, one.config.levels
    if isinstance(counts, PairCounts):
        return planning.smallest_detectable(baseline, margin, threshold, counts.n, phi, levels=levels)
    arms = counts.candidate_n, counts.baseline_n
    return planning.smallest_detectable_of_arms(baseline, margin, threshold, *arms, phi, levels=levels)


def _planned(one: Watched, tick: int) -> bool:
    """Tell whether it is a stream's turn: planning takes milliseconds, so that streams take turns."""
    every = _FIRST_PLAN_TICKS if one.stream.evidence.smallest_detectable is None else _PLAN_EVERY_TICKS
    return (tick + one.stream.id) % every == 0


def told(counts: Counts) -> "_Told":
    """Return what evidence says of counts."""
    arms = isinstance(counts, ArmCounts)
    return {
        "pairs": counts.candidate_n,
        "candidate_rate": _rate(counts.candidate_bad, counts.candidate_n),
        "baseline_rate": _rate(counts.baseline_bad, counts.baseline_n),
        "baseline_n": counts.baseline_n if arms else None,
    }


class _Told(TypedDict):
    """What evidence says of counts."""

    pairs: int
    candidate_rate: float | None
    baseline_rate: float | None
    baseline_n: int | None


def _rate(bad: int, n: int) -> float | None:
    return bad / n if n else None

"""Is a candidate broken: what counts as a failure, what a tick's pairs say of it, and the rule after a tick. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.registry import SIGNALS
from detectors.stats import budget, catastrophe
from detectors.types import Margin, PairCounts, SignalKind
from monitor.models.breakage import StoredBreakage
from monitor.models.columns import PairColumns
from monitor.models.policy import Policy
from monitor.models.variant import Variant
from monitor.services.count_columns import Sides, sides

__all__ = [
    "HARD",
    "BrokenTick",
    "Rule",
    "broken_tick",
    "fold_tick",
    "headline",
    "recalled",
    "rule_of",
]

HARD: Final = ("request_error", "empty_output", "schema_validity", "repetition")
"""Signals whose bad answers are of no use to anybody: what a broken variant gives. A refusal, a slow or a cut answer
may be what was asked for, so they are left to their streams."""
_MONTH_S: Final = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Rule:
    """What one candidate is tested for. Any change of it starts the detector afresh."""

    signals: tuple[str, ...]
    """Those of ``HARD`` that the policy watches, in that order."""
    margin: Margin
    threshold: float
    fingerprint: str


@dataclass(frozen=True, slots=True)
class BrokenTick:
    """A tick's pairs of one candidate: a leg is bad if any of the rule's signals is."""

    counts: PairCounts
    """Missing legs and readings scored as candidate good and baseline bad."""
    clients: tuple[str, ...] = ()
    """Digests of the clients whose pairs failed on the candidate only; all who name none share one."""
    failures: Mapping[str, int] | None = None
    """Of the pairs that failed on the candidate only, how many each signal calls bad."""


def rule_of(
    policy: Policy, candidate: Variant, baseline: Variant, parts: int, epoch: int, builds: Mapping[int, str]
) -> Rule | None:
    """Return the rule for a candidate, or None where the policy watches no hard failure.

    The margin is what the signals' own margins tolerate together (absolute parts added, the largest relative one), at
    least ten points. ``parts`` are the (route, candidate) pairs that divide the fleet's budget.
    """
    signals = tuple(name for name in HARD if name in policy.signals and SIGNALS[name].kind is SignalKind.BIT)
    if not signals:
        return None
    margins = [policy.signals[name].margin for name in signals]
    together = Margin(min(0.99, sum(one.absolute for one in margins)), max(one.relative for one in margins))
    margin = catastrophe.broken_margin(together)
    threshold = budget.threshold(_MONTH_S / policy.tick_s, policy.false_rollbacks_per_month, catastrophe.SHARE / parts)
    whats = [
        catastrophe.FORMAT,
        *((name, SIGNALS[name].version) for name in signals),
        [margin.absolute, margin.relative, policy.tick_s, round(threshold, 6), epoch],
        *((one.id, one.digest, builds.get(one.id)) for one in (candidate, baseline)),
    ]
    return Rule(signals, margin, threshold, hashlib.sha256(json.dumps(whats).encode()).hexdigest()[:32])


def broken_tick(pairs: PairColumns, candidate: int, baseline: int, signals: Sequence[str]) -> BrokenTick:
    """Return what a tick's pairs say of a candidate.

    Args:
        pairs: The tick's.
        candidate: Its variant id.
        baseline: That of the variant it is compared with.
        signals: The rule's.
    """
    found = sides(pairs, candidate, baseline)
    rows = [found.signals.index(name) for name in signals if name in found.signals]
    if not rows or not len(found.rows):
        return BrokenTick(PairCounts())
    bad, good = _bad(found, rows), _known_good(found, rows)
    tested = found.covered[rows].any(axis=0)
    only = bad & good & tested
    counts = PairCounts(
        n11=int((bad & ~good & tested).sum()),
        n10=int(only.sum()),
        n01=int((~bad & ~good & tested).sum()),
        n00=int((~bad & good & tested).sum()),
    )
    clients = tuple(str(client) for client in np.unique(pairs.client[found.rows[only]]).tolist())
    names = [found.signals[row] for row in rows]
    failing = [int(((found.candidate[row] > 0.0) & found.covered[row] & only).sum()) for row in rows]
    return BrokenTick(counts, clients, dict(zip(names, failing, strict=True)))


def _bad(found: Sides, rows: Sequence[int]) -> NDArray[np.bool_]:
    """Return whether a signal that applies calls the candidate bad; what is unknown does not."""
    return np.asarray(((found.candidate[rows] > 0.0) & found.covered[rows]).any(axis=0))


def _known_good(found: Sides, rows: Sequence[int]) -> NDArray[np.bool_]:
    """Return whether every signal that applies calls the baseline good; what is unknown does not."""
    known = ~np.isnan(found.baseline[rows]) & ~(found.baseline[rows] > 0.0)
    return np.asarray((known | ~found.covered[rows]).all(axis=0))


def recalled(stored: StoredBreakage | None, rule: Rule) -> catastrophe.BreakState:
    """Return the detector's state as stored, or a fresh one where the rule changed or the stored form is unreadable."""
    if stored is None or stored.fingerprint != rule.fingerprint:
        return catastrophe.initial()
    try:
        return catastrophe.BreakState.from_json(stored.state)
    except (ValueError, TypeError):
        return catastrophe.initial()


def fold_tick(
    state: catastrophe.BreakState, rule: Rule, tick: int, seen: BrokenTick, *, frozen: bool
) -> tuple[catastrophe.BreakState, catastrophe.Breakage | None]:
    """Fold one closed tick; while an incident is handled nothing is learned.

    Raises:
        ValueError: the tick was folded before.
    """
    if frozen:
        return catastrophe.BreakState(last_tick=tick), None
    return catastrophe.fold(state, rule.threshold, rule.margin, tick, seen.counts, seen.clients)


def headline(alarm: catastrophe.Breakage, seen: BrokenTick, tick_s: float) -> str:
    """Return the sentence that the page, Slack and the audit show."""
    length = (alarm.tick - alarm.since_tick + 1) * tick_s
    ranked = sorted((seen.failures or {}).items(), key=lambda each: -each[1])
    of = ", ".join(f"{name} {n}" for name, n in ranked if n)
    return (
        f"Broken: {alarm.since.n10} of {alarm.since.n} requests failed on the candidate alone, {alarm.since.n01} on "
        f"the baseline alone, for at least {catastrophe.CLIENTS} clients within {length:g} s "
        f"(in the last {tick_s:g} s: {of})"
    )

"""A broken variant is caught in seconds: an e-detector of its own, without a cap, in a reserved share of the budget."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf, isfinite, log
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.stats.shiryaev_roberts import log_statistic, update
from detectors.types import Margin, PairCounts

__all__ = [
    "BROKEN",
    "CLIENTS",
    "FAILURES",
    "SHARE",
    "BreakState",
    "Breakage",
    "broken_margin",
    "fold",
    "initial",
    "log_increments",
]

FORMAT = 1
"""Version of the stored form; raise it when a field changes meaning."""
SHARE = 1.0 / 40.0
"""Of a candidate's budget, reserved here; its streams divide the rest. It costs them log(40/39) = 0.025 nats."""
BROKEN = 0.1
"""Absolute margin of the claim: 10 points more failures than the baseline are not yet "broken"."""
FAILURES = 30
"""Fewest candidate-only failures of the run."""
CLIENTS = 5
"""Fewest distinct clients among them: one client's malformed requests break nobody else's variant."""
U = (0.5, 1.0)
"""Bets as shares of the one that loses everything on a baseline-only failure: the bold one catches a dead variant, the
cautious one survives a lost leg or an unlucky twin."""
_LOG_WEIGHTS = np.log([0.5, 0.5])


def broken_margin(margin: Margin) -> Margin:
    """Return the margin of "not broken": the stream's, its absolute part at least 0.1.

    What the stream's margin tolerates is never broken, so the budget pays for no tolerated candidate.

    >>> broken_margin(Margin(absolute=0.005, relative=0.5))
    Margin(absolute=0.1, relative=0.5)
    """
    return replace(margin, absolute=max(margin.absolute, BROKEN))


def log_increments(counts: PairCounts, margin: Margin) -> NDArray[np.float64]:
    """Return the log e-values of one tick against "the candidate is not broken", shape (2,).

    Formula: ``prod(1 + lam Z)`` over the pairs, with ``Z = X - (1 + r) Y - m`` and ``lam = u / (1 + r + m)``. The bold
    bet (u = 1) with r = 0 reads ``2^n10 / (1 + m)^n``, and 0 after a baseline-only failure.

    Args:
        counts: The tick's pairs, missing legs scored as candidate good and baseline bad.
        margin: From ``broken_margin``; raising it makes evidence rarer.

    Returns:
        Shape (2,), -inf where the bold bet is lost; zeros for an empty tick.

    Guarantee: if ``E[Z | past] <= 0`` for each pair, so if ``P(candidate-only) <= P(baseline-only) + m`` at r = 0,
    then ``E[exp(s) | past] <= 1``: exact at any sample size.

    >>> log_increments(PairCounts(n10=30), Margin(absolute=0.1)).round(2).tolist()
    [10.29, 17.94]
    """
    slack = margin.relative + margin.absolute
    scores = np.array([-slack, 1.0 - margin.absolute, -1.0 - slack, -margin.absolute])
    cells = np.array(counts.cells, dtype=np.float64)
    present = cells > 0  # an absent cell with a factor of 0 is 0^0 = 1
    factors = np.maximum(0.0, 1.0 + np.outer(np.array(U) / (1.0 + slack), scores[present]))
    lost = (factors <= 0.0).any(axis=1)
    logs = np.log(np.where(factors > 0.0, factors, 1.0)) @ cells[present]
    return np.where(lost, -inf, logs)


@dataclass(frozen=True, slots=True)
class Breakage:
    """The variant is broken: what was seen in the run that says so."""

    tick: int
    log_statistic: float
    log_threshold: float
    since_tick: int
    """First tick of the run."""
    since: PairCounts
    """Pairs of the run: selected, so their rate is biased upwards."""


@dataclass(frozen=True, slots=True)
class BreakState:
    """Everything remembered: constant size, plain numbers."""

    log_r: tuple[float, float] = (-inf, -inf)
    run: float = 0.0
    """Log wealth of the cautious bet in its present positive run (CUSUM form)."""
    since_tick: int = 0
    """First tick of the run; meaningless where ``run`` is 0."""
    since: PairCounts = field(default=PairCounts())
    clients: tuple[str, ...] = ()
    """The smallest digests of clients with candidate-only failures in the run, at most ``CLIENTS``, ascending."""
    last_tick: int | None = None

    @property
    def log_statistic(self) -> float:
        """Logarithm of the detector's statistic, ``-inf`` at the start and after an alarm."""
        return log_statistic(np.array(self.log_r), _LOG_WEIGHTS)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types; ``-inf`` becomes None."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return {"format": FORMAT, **plain, "log_r": [None if value == -inf else value for value in self.log_r]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "BreakState":
        """Return the state that ``to_json`` stored.

        Raises:
            ValueError: the form is another version's, or damaged.
        """
        if stored.get("format") != FORMAT:
            raise ValueError(f"format must be {FORMAT}, got {stored.get('format')!r}; start the detector afresh")
        log_r = [-inf if value is None else value for value in stored.get("log_r", ())]
        return msgspec.convert({**stored, "log_r": log_r}, cls)


def initial() -> BreakState:
    """Return the state before the first tick."""
    return BreakState()


def fold(
    state: BreakState, threshold: float, margin: Margin, tick: int, counts: PairCounts, clients: Iterable[str] = ()
) -> tuple[BreakState, Breakage | None]:
    """Fold one closed tick, exactly once.

    Sees a candidate that fails on most requests its twin answers: within the tick that brings 31 to 33 such pairs in a
    row at the default share (one candidate, B = 0.1 a month, 10 s ticks). Partly broken candidates are seen when more
    than about 12 % of the pairs fail on the candidate only; for less, and for slow harm, the streams are made. Misses
    failures that both arms share, and those of fewer than 5 clients.

    Formula: ``R <- (1 + R) exp(s)`` per bet, no cap and no phi; alarm when the mean of R reaches A **and** the run
    holds at least 30 candidate-only failures of at least 5 clients; then R = 0. The run is that of the cautious bet in
    CUSUM form, ``L <- max(0, L) + s``. A pair on which both failed is none of the 30.

    Args:
        state: The state before.
        threshold: A in ticks, > 1: ``budget.threshold(ticks_per_month, budget, SHARE * candidate's share)``.
        margin: From ``broken_margin``; the same at every call.
        tick: Number of the tick, larger than ``state.last_tick``.
        counts: The tick's pairs, missing legs scored as candidate good and baseline bad.
        clients: Digests of the clients whose pairs failed on the candidate only: opaque, never names. Failures without
            a known client share one digest.

    Returns:
        The new state and the alarm, if any.

    Guarantee: expected alarms in T ticks are at most T / A, and the time to the first is at least A ticks in the mean,
    for any stopping rule, while ``P(candidate-only) <= (1 + r) P(baseline-only) + r P(both) + m`` given the past. At
    the defaults A is 1.04e8 ticks of 10 s, 33 years, for one candidate. The conditions on failures and clients only
    withhold alarms, so they cost nothing. There is no phi: a candidate that fails for minutes and recovers was broken.

    Raises:
        ValueError: the tick was folded before, or ``threshold`` is not above 1.

    >>> state, seen = initial(), [f"client-{i}" for i in range(5)]
    >>> state, alarm = fold(state, 1e8, Margin(absolute=0.1), 0, PairCounts(n00=300), ())
    >>> state, alarm = fold(state, 1e8, Margin(absolute=0.1), 1, PairCounts(n10=40), seen)
    >>> alarm.tick, alarm.since_tick, round(alarm.log_statistic, 1)
    (1, 1, 23.2)

    References: Shin, Ramdas and Rinaldo 2023, E-detectors (NEJSDS); Waudby-Smith and Ramdas 2024 (JRSS-B).
    """
    if state.last_tick is not None and tick <= state.last_tick:
        raise ValueError(f"tick must be > {state.last_tick} (the last one folded), got {tick!r}")
    if not (isfinite(threshold) and threshold > 1.0):
        raise ValueError(f"threshold must be > 1, got {threshold!r}")
    gain = log_increments(counts, margin)
    cautious, bold = update(np.array(state.log_r), gain, cap=inf).tolist()
    new = _run(replace(state, log_r=(cautious, bold), last_tick=tick), float(gain[0]), tick, counts, clients)
    statistic = new.log_statistic
    if statistic < log(threshold) or new.since.n10 < FAILURES or len(new.clients) < CLIENTS:
        return new, None
    alarm = Breakage(tick, statistic, log(threshold), new.since_tick, new.since)
    return BreakState(last_tick=tick), alarm


def _run(state: BreakState, gain: float, tick: int, counts: PairCounts, clients: Iterable[str]) -> BreakState:
    """Return the state with the run advanced; the smallest digests are kept, so their order does not matter."""
    going = state.run > 0.0
    run = state.run + gain
    if run <= 0.0:
        return replace(state, run=0.0, since_tick=0, since=PairCounts(), clients=())
    return replace(
        state,
        run=run,
        since_tick=state.since_tick if going else tick,
        since=state.since + counts,
        clients=tuple(sorted({*state.clients, *clients})[:CLIENTS]),
    )

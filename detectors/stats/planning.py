"""Planning: how long until a harm would be seen, and how small a harm could have been seen by now."""

from collections.abc import Sequence
from math import inf, isfinite, log, log1p

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.stats import unpaired
from detectors.stats.paired import U, prior
from detectors.types import Margin

__all__ = ["kl_inf", "pairs_to_detect", "sessions_to_detect", "smallest_detectable", "smallest_detectable_of_arms"]

_HALVINGS = 24
_ROUNDING = 1e-12
_MOST_U = 1.0 - 1e-9
_MOST_STEPS = 60
_NEAR = 1e-10
_RAREST = 1e-4
"""The expected rate of a baseline that never failed."""
_GRID, _ROUNDS = 17, 5
"""Rates that are looked at together, and how often the interval between two of them is."""


def _cells(candidate: float, baseline: float, both: float) -> tuple[float, float, float, float]:
    for name, rate in (("candidate", candidate), ("baseline", baseline)):
        if not 0.0 <= rate <= 1.0:
            raise ValueError(f"{name} must be in [0, 1], got {rate!r}")
    low, high = max(0.0, candidate + baseline - 1.0), min(candidate, baseline)
    if not low - _ROUNDING <= both <= high + _ROUNDING:
        raise ValueError(f"both must be in [{low}, {high}], got {both!r}")
    return (
        both,
        max(0.0, candidate - both),
        max(0.0, baseline - both),
        max(0.0, 1.0 - candidate - baseline + both),
    )


def _best(candidate: float, baseline: float, both: float, margin: Margin) -> tuple[float, float]:
    """Return the best growth per pair and the u = lam (1 + r + m) that attains it."""
    cells = _cells(candidate, baseline, both)
    slack, m = margin.relative + margin.absolute, margin.absolute
    scores = tuple(z / (1.0 + slack) for z in (-slack, 1.0 - m, -1.0 - slack, -m))
    if sum(p * z for p, z in zip(cells, scores, strict=True)) <= 0.0:
        return 0.0, 0.0
    u = _peak(cells, scores)
    return max(0.0, sum(p * log1p(u * z) for p, z in zip(cells, scores, strict=True))), u


def _peak(cells: Sequence[float], scores: Sequence[float]) -> float:
    """Return the u in (0, 1) with the largest ``sum p log(1 + u z)``: Newton's method, bisecting where it leaves."""
    low, high = 0.0, _MOST_U
    u = 0.5
    for _ in range(_MOST_STEPS):
        slope = curve = 0.0
        for p, z in zip(cells, scores, strict=True):
            part = z / (1.0 + u * z)
            slope += p * part
            curve -= p * part * part
        low, high = (u, high) if slope > 0.0 else (low, u)
        newton = u - slope / curve
        nearer = newton if low < newton < high else 0.5 * (low + high)
        if abs(nearer - u) <= _NEAR:
            return nearer
        u = nearer
    return u


def kl_inf(candidate: float, baseline: float, both: float, margin: Margin) -> float:
    """Return the best growth of log evidence per pair, ``max over lam of E log(1 + lam Z)``.

    Args:
        candidate: Candidate's bad rate.
        baseline: Baseline's bad rate.
        both: Rate of pairs in which both are bad, at most the smaller of the two.
        margin: Tolerance.

    Returns:
        Nats per pair; 0 if the margin tolerates the difference.

    Raises:
        ValueError: the rates do not form a probability table.

    >>> round(kl_inf(0.02, 0.01, 0.005, Margin(absolute=0.005)), 5)
    0.00066

    References: Ram and Ramdas 2026, arXiv 2602.05272 (KLinf is the universal bound on the growth).
    """
    return _best(candidate, baseline, both, margin)[0]


def pairs_to_detect(
    candidate: float,
    baseline: float,
    both: float,
    margin: Margin,
    *,
    threshold: float,
    pairs_per_tick: float = inf,
    phi: float = 1.0,
    levels: int = 1,
) -> float:
    """Return about how many pairs an alarm takes from the onset of a constant harm.

    Formula: ``phi * (log A + log(1 / w) + log(min(1, K n)) - 1) / K``, K = ``kl_inf``, w the weight of the
    bet nearest to the best one, n = ``pairs_per_tick``.

    Args:
        candidate: Candidate's bad rate.
        baseline: Baseline's bad rate.
        both: Rate of pairs in which both are bad.
        margin: Tolerance.
        threshold: A, in ticks, > 1.
        pairs_per_tick: > 0; the default ignores the gain of many looks per nat and so overstates the delay.
        phi: Variance inflation, >= 1.
        levels: Levels that share the weights (3 for latency).

    Returns:
        Pairs, at least 1; ``inf`` if the margin tolerates the difference. Within about 7 % of simulation at
        the reference effects; the cap of 3 nats a tick is not included.

    Raises:
        ValueError: an argument is outside its range.

    >>> margin = Margin(absolute=0.005)
    >>> round(pairs_to_detect(0.02, 0.01, 0.005, margin, threshold=2e5, pairs_per_tick=100), -2)
    15600.0
    """
    _check(threshold, phi, pairs_per_tick=pairs_per_tick)
    growth, u = _best(candidate, baseline, both, margin)
    if growth <= 0.0:
        return inf
    weight = float(prior()[int(np.argmin(np.abs(np.log(np.asarray(U) / max(u, _ROUNDING)))))]) / levels
    nats = log(threshold / weight) + log(min(1.0, growth * pairs_per_tick)) - 1.0
    return max(1.0, phi * nats / growth)


def _check(threshold: float, phi: float, **per_tick: float) -> None:
    if not (isfinite(threshold) and threshold > 1.0):
        raise ValueError(f"threshold must be > 1, got {threshold!r}")
    for name, value in per_tick.items():
        if not value > 0.0:
            raise ValueError(f"{name} must be > 0, got {value!r}")
    if not phi >= 1.0:
        raise ValueError(f"phi must be >= 1, got {phi!r}")


def smallest_detectable(
    baseline_rate: float,
    margin: Margin,
    threshold: float,
    pairs: float,
    phi: float = 1.0,
    *,
    pairs_per_tick: float = inf,
    levels: int = 1,
) -> float | None:
    """Return the smallest candidate bad rate that would be seen within ``pairs`` pairs.

    Shown beside "undecided": what could have been seen so far. Bad answers of the two arms are taken as
    independent given the prompt, which overstates the rate needed when they fail together.

    Args:
        baseline_rate: Baseline's bad rate, in [0, 1].
        margin: Tolerance.
        threshold: A, in ticks, > 1.
        pairs: Pairs available.
        phi: Variance inflation, >= 1.
        pairs_per_tick: As in ``pairs_to_detect``.
        levels: As in ``pairs_to_detect``.

    Returns:
        A rate in (tolerated, 1], or None if even a rate of 1 would not be seen: show "never", not green.

    Raises:
        ValueError: an argument is outside its range.

    >>> round(smallest_detectable(0.01, Margin(absolute=0.005), 2.6e6, 15_000), 4)
    0.0232
    """

    def seen(rate: float) -> bool:
        needed = pairs_to_detect(
            rate,
            baseline_rate,
            rate * baseline_rate,
            margin,
            threshold=threshold,
            pairs_per_tick=pairs_per_tick,
            phi=phi,
            levels=levels,
        )
        return needed <= pairs

    if not seen(1.0):
        return None
    low, high = min(1.0, (1.0 + margin.relative) * baseline_rate + margin.absolute), 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high


def sessions_to_detect(
    candidate: ArrayLike,
    baseline: float,
    share: float,
    margin: Margin,
    *,
    threshold: float,
    sessions_per_tick: float = inf,
    phi: float = 1.0,
    levels: int = 1,
) -> NDArray[np.float64]:
    """Return about how many sessions of both arms an alarm takes from the onset of a constant harm.

    Formula: ``phi (log A + log(6 levels) + log(min(1, K n / phi)) - 1) / K`` with n = ``sessions_per_tick`` and K the
    growth of log evidence per session: that of the best bet of ``unpaired`` at the expected counts of one session,
    ``(1 - share, (1 - share) candidate, share, share baseline)``; its projection depends on their ratio alone.

    Args:
        candidate: Candidate's bad rate, in [0, 1]; any shape.
        baseline: Baseline's bad rate, in [0, 1].
        share: Share of the sessions that the baseline answers, in (0, 1): 0.05 for a holdback of 5 %.
        margin: Tolerance.
        threshold: A, in ticks, > 1.
        sessions_per_tick: Of both arms, > 0; the default ignores the gain of many looks per nat.
        phi: Variance inflation, >= 1.
        levels: Levels that share the weights.

    Returns:
        Sessions of both arms, at least 1, in the shape of ``candidate``; ``inf`` where the margin tolerates the
        difference or no bet gains. Within about a third of simulation; the cap of 3 nats a tick is not included.

    Raises:
        ValueError: an argument is outside its range.

    >>> margin = Margin(absolute=0.01)
    >>> sessions_to_detect([0.02, 0.05, 0.1], 0.02, 0.05, margin, threshold=2.6e6).round(-2).tolist()
    [inf, 52500.0, 7800.0]
    """
    _check(threshold, phi, sessions_per_tick=sessions_per_tick)
    rates = np.asarray(candidate, dtype=np.float64)
    for name, values in (("candidate", rates), ("baseline", np.asarray(baseline))):
        if not np.all((values >= 0.0) & (values <= 1.0)):
            raise ValueError(f"{name} must be in [0, 1], got {values.tolist()!r}")
    if not 0.0 < share < 1.0:
        raise ValueError(f"share must be in (0, 1), got {share!r}")
    rest, ones = 1.0 - share, np.ones_like(rates)
    cells = np.stack([rest * ones, rest * rates, share * ones, share * baseline * ones], axis=-1)
    steps = unpaired.log_increments(cells, margin, ones * min(max(baseline, _RAREST), 1.0 - _RAREST))
    tolerated = (1.0 + margin.relative) * baseline + margin.absolute
    growth = np.where(rates > tolerated, np.maximum(steps.max(axis=-1), 0.0) / phi, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        gained = np.minimum(1.0, growth * sessions_per_tick) if isfinite(sessions_per_tick) else ones
        nats = log(threshold * unpaired.BETS * levels) + np.log(gained) - 1.0
        return np.where(growth > 0.0, np.maximum(1.0, nats / growth), inf)


def smallest_detectable_of_arms(
    baseline_rate: float,
    margin: Margin,
    threshold: float,
    candidate_n: float,
    baseline_n: float,
    phi: float = 1.0,
    *,
    sessions_per_tick: float = inf,
    levels: int = 1,
) -> float | None:
    """Return the smallest candidate bad rate that would be seen within so many sessions of each arm.

    Args:
        baseline_rate: Baseline's bad rate, in [0, 1].
        margin: Tolerance.
        threshold: A, in ticks, > 1.
        candidate_n: The candidate's sessions.
        baseline_n: The baseline's: at 5 % of both, 20 times as many of the candidate gain little.
        phi: Variance inflation, >= 1.
        sessions_per_tick: As in ``sessions_to_detect``.
        levels: As in ``sessions_to_detect``.

    Returns:
        A rate in (tolerated, 1], or None if even a rate of 1 would not be seen, as where an arm is empty.

    >>> round(smallest_detectable_of_arms(0.02, Margin(absolute=0.01), 2.6e6, 19_000, 1_000), 4)
    0.067
    """
    if candidate_n <= 0.0 or baseline_n <= 0.0:
        return None
    both = candidate_n + baseline_n
    low, high = min(1.0, (1.0 + margin.relative) * baseline_rate + margin.absolute), 1.0
    for _ in range(_ROUNDS):
        rates = np.linspace(low, high, _GRID)
        seen = both >= sessions_to_detect(
            rates,
            baseline_rate,
            baseline_n / both,
            margin,
            threshold=threshold,
            sessions_per_tick=sessions_per_tick,
            phi=phi,
            levels=levels,
        )
        if not seen[-1]:
            return None
        first = int(np.argmax(seen))
        low, high = float(rates[max(0, first - 1)]), float(rates[first])
    return high

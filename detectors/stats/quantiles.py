"""Fixed-window intervals of latency quantiles: for display and inquiry; they never trigger anything."""

from collections.abc import Mapping
from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from detectors.stats.intervals import Interval
from detectors.stats.latency import GAMMA, LOWEST_BIN, OVERFLOW_BIN
from detectors.stats.sketch import Sketch

__all__ = ["FURTHEST", "quantile_interval", "quantile_ranks", "quantile_ratio_interval"]

FURTHEST = 350
"""Bins searched either way: a factor of 1,000."""
_LOWEST = LOWEST_BIN - FURTHEST
_SPAN = OVERFLOW_BIN - _LOWEST + 1


def quantile_ranks(n: int, q: float, level: float = 0.95) -> tuple[int, int]:
    """Return the ranks of the order statistics that enclose the q-quantile; 0 and n + 1 stand for no bound.

    Formula: ``low`` is the alpha / 2 quantile of Bin(n, q) and ``high`` one above its 1 - alpha / 2 quantile, so that
    each side misses with probability at most alpha / 2 = (1 - level) / 2.

    Raises:
        ValueError: an argument is outside its range.

    >>> quantile_ranks(1000, 0.99), quantile_ranks(100, 0.99)
    ((983, 997), (97, 101))

    References: David and Nagaraja 2003, Order Statistics, section 7.1.
    """
    if n < 1:
        raise ValueError(f"n must be >= 1, got {n!r}")
    for name, value in (("q", q), ("level", level)):
        if not 0.0 < value < 1.0:
            raise ValueError(f"{name} must be in (0, 1), got {value!r}")
    tail = (1.0 - level) / 2.0
    return int(binom.ppf(tail, n, q)), int(binom.ppf(1.0 - tail, n, q)) + 1


def quantile_interval(sketch: Sketch, q: float, level: float = 0.95) -> Interval:
    """Return the distribution-free interval of one arm's q-quantile (ms). For display: it never triggers anything.

    Args:
        sketch: The latencies of a fixed window, at least one.
        q: In (0, 1).
        level: Confidence, in (0, 1).

    Returns:
        The quantile's bin (its lower edge), the lower edge of the lower rank's bin and the upper edge of the upper
        rank's: wider than the order statistics by less than 2 % each. ``-inf`` or ``inf`` where too few values bound
        it.

    Guarantee: at least ``level`` for one look at independent answers, any distribution; too narrow in bursts.

    Raises:
        ValueError: the sketch is empty, or an argument is outside its range.

    >>> found = quantile_interval(Sketch.of(range(1, 2001)), 0.95)
    >>> round(found.low), round(found.estimate), round(found.high)
    (1854, 1891, 1929)
    """
    low, high = quantile_ranks(sketch.n, q, level)
    return Interval(
        estimate=sketch.quantile_bounds(q)[0],
        low=sketch.rank_bounds(low)[0] if low >= 1 else -inf,
        high=sketch.rank_bounds(high)[1] if high <= sketch.n else inf,
        level=level,
    )


def quantile_ratio_interval(pairs: Mapping[tuple[int, int], int], q: float, level: float = 0.95) -> Interval:
    """Return the interval of the ratio of the arms' quantiles from pairs. For display: it never triggers anything.

    Sees by what factor the tail is slower, in the terms of the latency tests: the interval holds the slow-downs that an
    exceedance test of the same window would not reject.

    Formula: for each shift of k bins the candidate is moved down by k, c is the first edge above the q-quantile of both
    arms together, n10 and n01 count the pairs in which only the one or the other is at or above c, and McNemar's exact
    test decides, with half of 1 - level on each side. The interval runs from the lowest shift at which the candidate is
    not shown to be slower, less one bin, to the highest at which it is not shown to be faster, plus one: a ratio may
    lie between two bins.

    Args:
        pairs: Number of pairs per (candidate bin, baseline bin) of ``latency.bin_of``; time-outs exceed every edge.
        q: In (0, 1).
        level: Confidence, in (0, 1).

    Returns:
        The ratio of the arms' own quantile bins, which need not lie in the interval in small windows, and bounds; 0 or
        inf where no shift within a factor of 1,000 is rejected. ``nan`` as the estimate where both are time-outs.

    Guarantee: at each shift exact for one look if, at that slow-down, the two answers of a pair are exchangeable and
    pairs are independent: c does not depend on which answer is whose, so given c the discordant pairs are fair coins.
    Elsewhere approximate. Cost: distinct pairs x 701.

    Raises:
        ValueError: there is no pair, a count is not positive, a bin is out of range, or ``q`` or ``level`` is.

    >>> slower = {(i + 10, i): 40 for i in range(100, 200)}
    >>> found = quantile_ratio_interval(slower, 0.95)
    >>> [round(x, 2) for x in (found.low, found.estimate, found.high)]
    [1.2, 1.22, 1.24]
    """
    for name, value in (("q", q), ("level", level)):
        if not 0.0 < value < 1.0:
            raise ValueError(f"{name} must be in (0, 1), got {value!r}")
    candidate, baseline, counts = _columns(pairs)
    shifts = np.arange(-FURTHEST, FURTHEST + 1)
    discordant = np.array([_discordant(candidate, baseline, counts, int(k), q) for k in shifts])
    n10, either = discordant[:, 0], discordant.sum(axis=1)
    not_slower = shifts[2.0 * binom.sf(n10 - 1, either, 0.5) > 1.0 - level]
    not_faster = shifts[2.0 * binom.cdf(n10, either, 0.5) > 1.0 - level]
    low = int(not_slower[0]) if not_slower.size else FURTHEST
    high = int(not_faster[-1]) if not_faster.size else -FURTHEST
    v, b = (_first_edge(_histogram(bins, counts), q) for bins in (candidate, baseline))
    return Interval(
        estimate=_ratio(v, b),
        low=0.0 if low == -FURTHEST else GAMMA ** (min(low, high) - 1),
        high=inf if high == FURTHEST else GAMMA ** (max(low, high) + 1),
        level=level,
    )


_Ints = NDArray[np.int64]


def _columns(pairs: Mapping[tuple[int, int], int]) -> tuple[_Ints, _Ints, _Ints]:
    if not pairs:
        raise ValueError("pairs must hold at least 1 pair, got none")
    bins, counts = np.array(list(pairs), dtype=np.int64), np.array(list(pairs.values()), dtype=np.int64)
    if counts.min() < 1:
        raise ValueError(f"counts must be >= 1, got {counts.min()}")
    if bins.min() < LOWEST_BIN or bins.max() > OVERFLOW_BIN:
        raise ValueError(f"bins must be in [{LOWEST_BIN}, {OVERFLOW_BIN}], got {bins.min()} .. {bins.max()}")
    return bins[:, 0], bins[:, 1], counts


def _histogram(bins: _Ints, counts: _Ints) -> NDArray[np.float64]:
    return np.bincount(bins - _LOWEST, weights=counts, minlength=_SPAN).astype(np.float64)


def _first_edge(histogram: NDArray[np.float64], q: float) -> int:
    """Return the first bin edge above the q-quantile; the overflow bin at most."""
    seen = histogram.cumsum()
    return min(int(np.searchsorted(seen, q * seen[-1] * (1.0 - 1e-12))) + 1 + _LOWEST, OVERFLOW_BIN)


def _discordant(candidate: _Ints, baseline: _Ints, counts: _Ints, shift: int, q: float) -> tuple[int, int]:
    # A time-out stays one however the candidate is moved, and nothing else becomes one.
    moved = np.where(candidate >= OVERFLOW_BIN, OVERFLOW_BIN, np.minimum(candidate - shift, OVERFLOW_BIN - 1))
    edge = _first_edge(_histogram(moved, counts) + _histogram(baseline, counts), q)
    slow, baseline_slow = moved >= edge, baseline >= edge
    return int(counts[slow & ~baseline_slow].sum()), int(counts[~slow & baseline_slow].sum())


def _ratio(candidate: int, baseline: int) -> float:
    if candidate == baseline == OVERFLOW_BIN:
        return float("nan")
    if OVERFLOW_BIN in {candidate, baseline}:
        return inf if candidate == OVERFLOW_BIN else 0.0
    return float(GAMMA ** (candidate - baseline))

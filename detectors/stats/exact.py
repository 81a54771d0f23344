"""Fixed-window tests of rates, exact where the window is small: for display; they never trigger anything."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import binom, boschloo_exact, norm

from detectors.types import ArmCounts, Margin, PairCounts

__all__ = ["MOST_ANSWERS", "MOST_PAIRS", "RateTest", "paired_test", "unpaired_test"]

MOST_ANSWERS = 200
"""Answers per arm up to which Boschloo's test is computed: half a second at the limit, growing with their product."""
MOST_PAIRS = 400
"""Pairs up to which the exact test with a margin is computed: a tenth of a second, growing with their square."""
_GRID = 257
_TIE = 1e-9
"""Statistics this close are equal: rounding must not decide what is as extreme as the data."""
_HALVINGS = 60
_EDGE = 1e-12


@dataclass(frozen=True, slots=True)
class RateTest:
    """One-sided evidence of a fixed window against "the candidate is not harmful"."""

    method: str
    p_value: float
    exact: bool
    """Whether the error rate is at most nominal at any sample size; else it is approximate."""


def unpaired_test(counts: ArmCounts, margin: Margin = Margin()) -> RateTest:  # noqa: B008  # frozen
    """Return the test of two samples of a fixed window. For display: it never triggers anything.

    Sees whether one window, chosen beforehand, shows an excess; is misleading under repeated looks and for a window
    chosen because it looked bad. The interval beside it is ``intervals.unpaired_difference``.

    Formula: without a margin and with at most 200 answers an arm Boschloo's test: Fisher's p-value as the statistic,
    maximised over the common rate. Otherwise the score test ``z = (x_v / n_v - (1 + r) x_b / n_b - m) / sqrt(f (1 - f)
    / n_v + (1 + r)^2 t (1 - t) / n_b)``, with t the baseline's maximum-likelihood rate where the candidate's is ``f =
    (1 + r) t + m``.

    Args:
        counts: Answers of the window, at least one of each arm.
        margin: Tolerance.

    Returns:
        The test; small p-values speak for harm.

    Guarantee: Boschloo: exact for one look. Score test: approximate, good from some ten failures on.

    Raises:
        ValueError: an arm is empty, or the margin tolerates every rate.

    >>> small = unpaired_test(ArmCounts(candidate_n=40, candidate_bad=9, baseline_n=40, baseline_bad=2))
    >>> small.method, round(small.p_value, 4)
    ('boschloo', 0.0165)
    >>> large = unpaired_test(ArmCounts(4_000, 90, 4_000, 40), Margin(absolute=0.005))
    >>> large.method, round(large.p_value, 4)
    ('score', 0.0034)

    References: Boschloo 1970, Statistica Neerlandica 24:1; Farrington and Manning 1990, Statistics in Medicine 9:1447.
    """
    for name, n in (("candidate_n", counts.candidate_n), ("baseline_n", counts.baseline_n)):
        if n < 1:
            raise ValueError(f"{name} must be >= 1, got {n}")
    if margin.absolute + margin.relative > 0.0 or max(counts.candidate_n, counts.baseline_n) > MOST_ANSWERS:
        return RateTest("score", _score_p(counts, margin), exact=False)
    bad, good = (
        (counts.candidate_bad, counts.baseline_bad),
        (
            counts.candidate_n - counts.candidate_bad,
            counts.baseline_n - counts.baseline_bad,
        ),
    )
    if not any(bad) or not any(good):  # one outcome only: nothing can be more extreme
        return RateTest("boschloo", 1.0, exact=True)
    return RateTest("boschloo", float(boschloo_exact([bad, good], alternative="greater").pvalue), exact=True)


def _score_p(counts: ArmCounts, margin: Margin) -> float:
    slope, m = 1.0 + margin.relative, margin.absolute
    n_v, x_v, n_b, x_b = counts.cells
    t = _falling_root(
        lambda t: slope * (x_v - n_v * (f := slope * t + m)) / (f * (1.0 - f)) + (x_b - n_b * t) / (t * (1.0 - t)),
        _EDGE,
        (1.0 - m) / slope - _EDGE,
    )
    f = slope * t + m
    deviation = sqrt(f * (1.0 - f) / n_v + slope * slope * t * (1.0 - t) / n_b)
    return float(norm.sf((x_v / n_v - slope * x_b / n_b - m) / deviation))


def _falling_root(falling: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if falling(middle) > 0.0 else (low, middle)
    return (low + high) / 2.0


def paired_test(counts: PairCounts, margin: Margin = Margin()) -> RateTest:  # noqa: B008  # frozen
    """Return the test of the pairs of a fixed window. For display: it never triggers anything.

    Sees and misses what ``unpaired_test`` does; the interval beside it is ``intervals.paired_difference``.

    Formula: without a margin McNemar's exact test, ``P(Bin(n10 + n01, 1/2) >= n10)``. With one and at most 400 pairs
    the exact unconditional test: tables are ordered by Tango's score statistic at m, and the p-value is the largest
    probability of one at least as extreme over the nuisance, the probability d of a discordant pair: given their
    number D ~ Bin(n, d), n10 ~ Bin(D, 1/2 + m / (2 d)). Searched on a grid of 257 values of d in [m, 1], then refined
    around the largest. Beyond 400 pairs the score statistic's normal tail.

    Args:
        counts: Pairs of the window, at least one.
        margin: Tolerance, purely absolute.

    Returns:
        The test; small p-values speak for harm.

    Guarantee: exact for one look (the unconditional one to the search's precision); the score test is approximate.

    Raises:
        ValueError: there is no pair, or the margin has a relative part.

    >>> found = paired_test(PairCounts(n11=1, n10=7, n01=1, n00=12))
    >>> found.method, round(found.p_value, 4)
    ('mcnemar', 0.0352)
    >>> found = paired_test(PairCounts(n11=1, n10=7, n01=1, n00=12), Margin(absolute=0.1))
    >>> found.method, round(found.p_value, 4)
    ('unconditional', 0.0964)

    References: McNemar 1947, Psychometrika 12:153; Tango 1998, Statistics in Medicine 17:891; Lloyd and Moldovan 2008,
    Statistics in Medicine 27:3540.
    """
    if counts.n < 1:
        raise ValueError(f"counts must hold at least 1 pair, got {counts.n}")
    if margin.relative:
        raise ValueError(f"margin.relative must be 0 for a paired window test, got {margin.relative!r}")
    discordant = counts.n10 + counts.n01
    if not margin.absolute:
        return RateTest("mcnemar", float(binom.sf(counts.n10 - 1, discordant, 0.5)), exact=True)
    observed = float(_tango(counts.n, np.array(counts.n10), np.array(counts.n01), margin.absolute))
    if counts.n > MOST_PAIRS:
        return RateTest("score", float(norm.sf(observed)), exact=False)
    return RateTest("unconditional", _unconditional_p(counts.n, observed, margin.absolute), exact=True)


def _tango(n: int, n10: NDArray[np.int_], n01: NDArray[np.int_], m: float) -> NDArray[np.float64]:
    """Return Tango's score statistic for "candidate - baseline = m", elementwise."""
    linear = (2.0 * n - n10 + n01) * m - n10 - n01
    only_baseline = (np.sqrt(linear * linear + 8.0 * n * n01 * m * (1.0 - m)) - linear) / (4.0 * n)
    return np.asarray((n10 - n01 - n * m) / np.sqrt(n * (2.0 * only_baseline + m * (1.0 - m))))


def _unconditional_p(n: int, observed: float, m: float) -> float:
    discordant = np.arange(n + 1)
    n10, total = np.meshgrid(discordant, discordant)
    extreme = (n10 <= total) & (_tango(n, n10, np.maximum(total - n10, 0), m) >= observed - _TIE)
    # Given the total the statistic rises with n10, so the extreme tables are those from here on.
    least = np.where(extreme.any(axis=1), extreme.argmax(axis=1), n + 1)

    def tail(d: NDArray[np.float64]) -> NDArray[np.float64]:
        given = binom.sf(least - 1, discordant, np.minimum(1.0, 0.5 + m / (2.0 * d))[:, None])
        return np.asarray((binom.pmf(discordant, n, d[:, None]) * given).sum(axis=1))

    grid = np.linspace(m, 1.0, _GRID)
    tails = tail(grid)
    top = int(tails.argmax())
    around = (grid[max(0, top - 1)], grid[min(_GRID - 1, top + 1)])
    refined = minimize_scalar(lambda d: -float(tail(np.array([d]))[0]), bounds=around, method="bounded")
    return float(min(1.0, max(tails[top], -refined.fun)))

"""Fixed-sample intervals for display; they never trigger anything."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, sqrt
from statistics import NormalDist

from detectors.types import ArmCounts, Counts, PairCounts

__all__ = ["Interval", "difference", "paired_difference", "rate_interval", "unpaired_difference"]

_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with a confidence interval of the stated level."""

    estimate: float
    low: float
    high: float
    level: float


def _z(level: float) -> float:
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be in (0, 1), got {level!r}")
    return NormalDist().inv_cdf(0.5 + level / 2.0)


def _score(counts: PairCounts, delta: float) -> float:
    """Return Tango's score statistic for the hypothesis ``candidate - baseline = delta``."""
    n, b, c = counts.n, counts.n10, counts.n01
    linear = (2.0 * n - b + c) * delta - b - c
    constant = -c * delta * (1.0 - delta)
    only_baseline = (sqrt(linear * linear - 8.0 * n * constant) - linear) / (4.0 * n)
    variance = n * (2.0 * only_baseline + delta * (1.0 - delta))
    excess = b - c - n * delta
    if variance <= 0.0:
        return 0.0 if excess == 0.0 else inf * excess
    return excess / sqrt(variance)


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Return where a falling function changes sign, by bisection; robust where it is infinite."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if falling(middle) > 0.0:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def paired_difference(counts: PairCounts, level: float = 0.95) -> Interval:
    """Return Tango's score interval for the difference of the two bad rates in paired samples.

    Sees the difference candidate - baseline with its uncertainty; says nothing of when it arose, and is too
    narrow for bursts and for a period that was chosen because it looked bad.

    Formula: all delta with ``|b - c - n delta| <= z sqrt(n (2 q + delta (1 - delta)))``, b = n10, c = n01,
    q the restricted maximum-likelihood probability of a baseline-only failure.

    Args:
        counts: Pairs of a fixed period, at least one.
        level: Confidence, in (0, 1).

    Returns:
        Estimate (b - c) / n and bounds in [-1, 1]; sound with zero cells.

    Guarantee: fixed-sample and approximate (close to nominal from about 20 pairs on); not valid under
    repeated looks.

    Raises:
        ValueError: there is no pair, or ``level`` is outside (0, 1).

    >>> found = paired_difference(PairCounts(n11=1, n10=1, n01=7, n00=12))
    >>> [round(x, 3) for x in (found.estimate, found.low, found.high)]
    [-0.286, -0.517, -0.026]

    References: Tango 1998, Statistics in Medicine 17:891; Fagerland, Lydersen and Laake 2014, Statistics in
    Medicine 33:2850.
    """
    z = _z(level)
    if counts.n < 1:
        raise ValueError(f"counts must hold at least 1 pair, got {counts.n}")
    estimate = (counts.n10 - counts.n01) / counts.n
    return Interval(
        estimate=estimate,
        low=_root(lambda delta: _score(counts, delta) - z, -1.0, estimate),
        high=_root(lambda delta: _score(counts, delta) + z, estimate, 1.0),
        level=level,
    )


def rate_interval(bad: int, n: int, level: float = 0.95) -> Interval:
    """Return Wilson's score interval for one rate.

    Args:
        bad: Number of bad requests, 0 .. n.
        n: Number of requests, >= 1.
        level: Confidence, in (0, 1).

    Returns:
        Estimate bad / n and bounds in [0, 1].

    Guarantee: fixed-sample, approximate.

    Raises:
        ValueError: an argument is outside its range.

    >>> found = rate_interval(0, 10)
    >>> round(found.low, 4), round(found.high, 4)
    (0.0, 0.2775)

    References: Wilson 1927, JASA 22:209.
    """
    z = _z(level)
    if n < 1:
        raise ValueError(f"n must be >= 1, got {n!r}")
    if not 0 <= bad <= n:
        raise ValueError(f"bad must be in [0, {n}], got {bad!r}")
    rate, shrink = bad / n, 1.0 + z * z / n
    centre = (rate + z * z / (2.0 * n)) / shrink
    half = z * sqrt(rate * (1.0 - rate) / n + z * z / (4.0 * n * n)) / shrink
    return Interval(rate, 0.0 if bad == 0 else centre - half, 1.0 if bad == n else centre + half, level)


def unpaired_difference(counts: ArmCounts, level: float = 0.95) -> Interval:
    """Return Newcombe's hybrid score interval for the difference of the bad rates of two samples.

    Sees the difference candidate - baseline with its uncertainty; the cautions of ``paired_difference`` hold.

    Formula: with Wilson's intervals (l, u) of the arms' rates p, ``low = d - sqrt((p_v - l_v)^2 + (u_b - p_b)^2)`` and
    ``high = d + sqrt((u_v - p_v)^2 + (p_b - l_b)^2)``, d = p_v - p_b.

    Args:
        counts: Answers of a fixed period, at least one of each arm.
        level: Confidence, in (0, 1).

    Returns:
        The difference and bounds in [-1, 1]; sound with zero cells.

    Guarantee: fixed-sample and approximate; not valid under repeated looks.

    Raises:
        ValueError: an arm is empty, or ``level`` is outside (0, 1).

    >>> found = unpaired_difference(ArmCounts(candidate_n=70, candidate_bad=56, baseline_n=80, baseline_bad=48))
    >>> [round(x, 4) for x in (found.estimate, found.low, found.high)]
    [0.2, 0.0524, 0.3339]

    References: Newcombe 1998, Statistics in Medicine 17:873 (method 10).
    """
    for name, n in (("candidate_n", counts.candidate_n), ("baseline_n", counts.baseline_n)):
        if n < 1:
            raise ValueError(f"{name} must be >= 1, got {n}")
    v = rate_interval(counts.candidate_bad, counts.candidate_n, level)
    b = rate_interval(counts.baseline_bad, counts.baseline_n, level)
    estimate = v.estimate - b.estimate
    return Interval(
        estimate=estimate,
        low=max(-1.0, estimate - sqrt((v.estimate - v.low) ** 2 + (b.high - b.estimate) ** 2)),
        high=min(1.0, estimate + sqrt((v.high - v.estimate) ** 2 + (b.estimate - b.low) ** 2)),
        level=level,
    )


def difference(counts: Counts, level: float = 0.95) -> Interval:
    """Return the interval that fits how the answers were counted: Tango's for pairs, Newcombe's for two samples.

    Raises:
        TypeError: the counts are of a design without an interval.

    >>> difference(PairCounts(n11=1, n10=1, n01=7, n00=12)) == paired_difference(PairCounts(1, 1, 7, 12))
    True
    """
    match counts:
        case PairCounts():
            return paired_difference(counts, level)
        case ArmCounts():
            return unpaired_difference(counts, level)
        case _:
            raise TypeError(f"counts must be PairCounts or ArmCounts, got {type(counts).__name__}")

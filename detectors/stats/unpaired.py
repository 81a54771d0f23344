"""Unpaired two-sample e-values: log e-values of one tick from the answers and bad answers of each arm."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.types import Margin

__all__ = [
    "BETS",
    "EXCESSES",
    "contrast",
    "harm_gains",
    "log_increments",
    "prior",
    "safe_gains",
    "safe_log_increments",
]

EXCESSES = (0.15, 0.3, 0.6, 1.2, 2.5, 6.0)
"""Distances E of the alternatives from the margin, relative to the baseline's rate (or to m where that is larger)."""
BETS = len(EXCESSES)
_LARGEST_STEP = 0.9
"""Of the way from the margin to a rate of 1: the furthest alternative."""
_FEW_STEPS = 9
_MOST_STEPS = 60
_CLOSE = 1e-9
_ROUNDING = 4e-15
_TINY = 1e-300


def prior() -> NDArray[np.float64]:
    """Return the weights of the alternatives, all equal, shape (6,), summing to 1."""
    return np.full(BETS, 1.0 / BETS)


def log_increments(cells: ArrayLike, margin: Margin, rate: ArrayLike) -> NDArray[np.float64]:
    """Return the log e-values of one tick against "the candidate is not harmful".

    Sees any excess of the candidate's bad rate over ``f(p) = (1 + r) p + m`` of the baseline's rate p without pairs;
    is blind to changes both arms share and to what the margin tolerates. On answers to the *same* requests it is valid
    too, but needs 1.4 to 2 times as many as ``paired``.

    Formula: with ``b = rate`` and the alternatives ``v_j = f(b) + min(E_j max(min(b, 1 - b), m), 0.9 (1 - f(b)))``,
    ``s_j = x_v log(v_j / f(t_j)) + (n_v - x_v) log((1 - v_j) / (1 - f(t_j))) + x_b log(b / t_j) + (n_b - x_b)
    log((1 - b) / (1 - t_j))``, where t_j is the reverse information projection of the alternative on the null,
    ``argmin_t n_v KL(v_j || f(t)) + n_b KL(b || t)``, found anew for the tick's own n_v and n_b.

    Args:
        cells: Shape (..., 4): ``ArmCounts.cells``, that is n_v, x_v, n_b, x_b.
        margin: Tolerance; raising it makes evidence rarer.
        rate: Shape (...), in (0, 1): the baseline's bad rate as expected *before* the tick
            (``baseline_rate``). A poor one costs power, never validity.

    Returns:
        Shape (..., 6), float64, finite. Exactly 0 where an arm is empty: without a baseline every rate of the
        candidate could be tolerated, and the projection then explains the alternative perfectly. 0, too, where
        ``f(rate) >= 1``: nothing can exceed that.

    Guarantee: ``E[exp(s_j) | past] <= 1`` for **every** pair of rates with ``p_v <= (1 + r) p_b + m``, not only at
    t_j, so drift common to the arms between ticks costs nothing; exact at any sample size. Proof: with ``a = (v - f) /
    (f (1 - f))`` and ``c = (b - t) / (t (1 - t))`` at t = t_j, ``E exp(s) = (1 + a (p_v - f))^n_v (1 + c (p_b -
    t))^n_b <= exp((p_b - t) (n_v (1 + r) a + n_b c))``, and the last bracket is the projection's derivative, zero at
    t_j. Answers of unequal rates in one tick only lower it (Jensen), as do failures both arms share. It assumes that
    the answers of a tick are independent given the past; see ``inflation`` for bursts.

    >>> log_increments([100, 9, 100, 1], Margin(absolute=0.005), 0.01).round(3).tolist()
    [0.419, 0.775, 1.34, 2.091, 2.882, 3.408]

    References: Turner, Ly and Grunwald 2021, Generic E-variables for exact sequential k-sample tests, arXiv
    2106.02693; Turner and Grunwald 2023, arXiv 2302.11401.
    """
    return _last(harm_gains(_planes(cells), margin.absolute, margin.relative, _checked(rate)))


def safe_log_increments(cells: ArrayLike, margin: Margin, rate: ArrayLike) -> NDArray[np.float64]:
    """Return the log e-values of one tick against "the candidate is harmful": the mirror image.

    Formula: as ``log_increments`` with the alternatives on the other side, ``v_j = f(b) / (1 + E_j)``.

    Args:
        cells: Shape (..., 4): ``ArmCounts.cells``.
        margin: Tolerance; raising it makes a certificate easier.
        rate: Shape (...), in (0, 1), as in ``log_increments``.

    Returns:
        Shape (..., 6), float64, finite; 0 where an arm is empty. (A candidate below m is not harmful whatever the
        baseline does, so the projection would give evidence without one: missing data must not certify.)

    Guarantee: ``E[exp(s_j) | past] <= 1`` for every pair of rates with ``p_v >= (1 + r) p_b + m``.

    >>> safe_log_increments([1000, 3, 1000, 3], Margin(absolute=0.005), 0.003).round(2).tolist()
    [0.47, 0.82, 1.26, 1.63, 1.58, 0.68]
    """
    return _last(safe_gains(_planes(cells), margin.absolute, margin.relative, _checked(rate)))


def harm_gains(
    cells: NDArray[np.float64], absolute: ArrayLike, relative: ArrayLike, rate: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ``log_increments`` of many ticks, each with a margin of its own.

    Args:
        cells: Shape (4, ...).
        absolute: m, broadcastable to (...).
        relative: r, broadcastable to (...).
        rate: Shape (...), in (0, 1).

    Returns:
        Shape (6, ...).
    """
    slope, m = 1.0 + np.asarray(relative, dtype=np.float64), np.asarray(absolute, dtype=np.float64)
    tolerated = slope * rate + m
    unit, most = np.maximum(np.minimum(rate, 1.0 - rate), m), _LARGEST_STEP * (1.0 - tolerated)
    return _log_e(cells, lambda excess: tolerated + np.minimum(unit * excess, most), rate, tolerated, slope, m)


def safe_gains(
    cells: NDArray[np.float64], absolute: ArrayLike, relative: ArrayLike, rate: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ``safe_log_increments`` of many ticks, each with a margin of its own; shapes as of ``harm_gains``."""
    slope, m = 1.0 + np.asarray(relative, dtype=np.float64), np.asarray(absolute, dtype=np.float64)
    tolerated = slope * rate + m
    return _log_e(cells, lambda excess: tolerated / (1.0 + excess), rate, tolerated, slope, m)


def _planes(cells: ArrayLike) -> NDArray[np.float64]:
    return np.moveaxis(np.asarray(cells, dtype=np.float64), -1, 0)


def _last(gains: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ascontiguousarray(np.moveaxis(gains, 0, -1))


def _checked(rate: ArrayLike) -> NDArray[np.float64]:
    expected = np.asarray(rate, dtype=np.float64)
    if not np.all((expected > 0.0) & (expected < 1.0)):
        raise ValueError(f"rate must be in (0, 1), got {rate!r}")
    return expected


def _log_e(
    cells: NDArray[np.float64],
    alternative: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    expected: NDArray[np.float64],
    tolerated: NDArray[np.float64],
    slope: NDArray[np.float64],
    m: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the log e-values; ``alternative`` gives the candidate's rates for distances of shape (6, 1, ...)."""
    n_v, x_v, n_b, x_b = cells
    shape = np.broadcast_shapes(n_v.shape, tolerated.shape)
    tells = np.broadcast_to((n_v > 0.0) & (n_b > 0.0) & (tolerated < 1.0), shape)
    all_tell = bool(tells.all())

    def told(values: ArrayLike) -> NDArray[np.float64]:
        """Where there is evidence, only that is computed."""
        given = np.broadcast_to(np.asarray(values, dtype=np.float64), shape)
        return given.reshape(-1) if all_tell else given[tells]

    far = np.broadcast_to(alternative(np.asarray(EXCESSES).reshape(BETS, *[1] * len(shape))), (BETS, *shape))
    v, b = far.reshape(BETS, -1) if all_tell else far[:, tells], told(expected)
    n_v, x_v, n_b, x_b, slope, m = (told(each) for each in (n_v, x_v, n_b, x_b, slope, m))
    t = _projection(n_v, n_b, v, b, slope, m)
    f = slope * t + m
    log_e = (
        x_v * np.log1p((v - f) / f)
        + (n_v - x_v) * np.log1p((f - v) / (1.0 - f))
        + x_b * np.log1p((b - t) / t)
        + (n_b - x_b) * np.log1p((t - b) / (1.0 - t))
    )
    if all_tell:
        return np.asarray(log_e.reshape(BETS, *shape))
    gains = np.zeros((BETS, *shape))
    gains[:, tells] = log_e
    return gains


def _projection(
    n_v: NDArray[np.float64],
    n_b: NDArray[np.float64],
    v: NDArray[np.float64],
    b: NDArray[np.float64],
    slope: NDArray[np.float64],
    m: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the baseline rate t of the point of the null that is nearest to (v, b), per alternative: shape (6, N).

    The divergence is convex in t, so its derivative has one root between b and the t that would explain v. Newton's
    method on the derivative times ``t (1 - t) f (1 - f)``, a cubic that is nearly straight there; where it leaves that
    bracket or comes to no end, with bisection.
    """
    total = np.maximum(n_v + n_b, 1.0)
    pull_v, pull_b = slope * n_v / total, n_b / total
    explains = np.clip((v - m) / slope, 0.0, 1.0)
    low, high = np.minimum(b, explains), np.maximum(b, explains)
    t = low + (high - low) * np.where(b > explains, pull_b, pull_v) / np.maximum(pull_v + pull_b, _TINY)
    step = np.full_like(t, np.inf)
    with np.errstate(all="ignore"):
        for _ in range(_FEW_STEPS):
            value, rise = _cubic(t, v, b, pull_v, pull_b, slope, m)
            step = value / rise
            t = t - step
            # A step shrinks by its square: after one of 1e-9 t, what is left is far below rounding.
            if (np.abs(step) <= _CLOSE * t).all():
                break
        lost = ~((np.abs(step) <= _CLOSE * t) & (t >= low) & (t <= high))
    if lost.any():
        whole = (np.broadcast_to(each, t.shape)[lost] for each in (b, pull_v, pull_b, slope, m))
        t[lost] = _bracketed(low[lost], high[lost], v[lost], *whole)
    return np.asarray(t)


def _cubic(
    t: NDArray[np.float64],
    v: NDArray[np.float64],
    b: NDArray[np.float64],
    pull_v: NDArray[np.float64],
    pull_b: NDArray[np.float64],
    slope: NDArray[np.float64],
    m: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the divergence's derivative times ``t (1 - t) f (1 - f)``, and how fast that rises."""
    f = slope * t + m
    too_much, too_little = pull_v * (f - v), pull_b * (t - b)
    left, right = t * (1.0 - t), f * (1.0 - f)
    value = too_much * left + too_little * right
    rise = pull_v * slope * left + too_much * (1.0 - 2.0 * t) + pull_b * right + too_little * slope * (1.0 - 2.0 * f)
    return value, rise


def _bracketed(
    low: NDArray[np.float64], high: NDArray[np.float64], v: NDArray[np.float64], *terms: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the cubic's root between ``low`` and ``high``: Newton's method, bisecting wherever a step leaves them."""
    t = 0.5 * (low + high)
    for _ in range(_MOST_STEPS):
        value, rise = _cubic(t, v, *terms)
        low, high = np.where(value < 0.0, t, low), np.where(value < 0.0, high, t)
        newton = t - value / np.where(rise > 0.0, rise, _TINY)
        nearer = np.where((newton >= low) & (newton <= high), newton, 0.5 * (low + high))
        if np.all(np.abs(nearer - t) <= _ROUNDING * t):
            return np.asarray(nearer)
        t = nearer
    return np.asarray(t)


def contrast(cells: ArrayLike) -> NDArray[np.float64]:
    """Return a tick's contrast of the arms, its weight and its variance: what ``inflation`` watches.

    Formula: with ``h = n_v n_b / (n_v + n_b)``, ``D = h (x_v / n_v - x_b / n_b)`` (the Mantel-Haenszel contrast: the
    candidate's bad answers less those expected if the arms were alike), weight h, and the variance of D for independent
    answers, ``h^2 (V_v + V_b)``, where ``V = x (n - x) / (n^2 (n - 1))`` per arm; an arm with one answer takes the rate
    of both arms together.

    Args:
        cells: Shape (..., 4): ``ArmCounts.cells``.

    Returns:
        Shape (..., 3). ``E[D] = h (p_v - p_b)``: zero when the arms are alike, at any mixture of sizes and under any
        drift they share. The variance is unbiased at every pair of rates (approximately for one-answer arms). Zeros
        where an arm is empty.

    >>> contrast([100, 3, 300, 3]).round(3).tolist()
    [1.5, 75.0, 1.84]

    References: Mantel and Haenszel 1959, J. Natl. Cancer Inst. 22:719; Cochran 1954, Biometrics 10:417.
    """
    n_v, x_v, n_b, x_b = np.moveaxis(np.asarray(cells, dtype=np.float64), -1, 0)
    both = (n_v > 0.0) & (n_b > 0.0)
    m_v, m_b = np.maximum(n_v, 1.0), np.maximum(n_b, 1.0)
    h = np.where(both, n_v * n_b / (m_v + m_b), 0.0)
    pooled = (x_v + x_b) * (n_v + n_b - x_v - x_b) / ((m_v + m_b) * np.maximum(n_v + n_b - 1.0, 1.0))
    variance = _mean_variance(x_v, m_v, pooled) + _mean_variance(x_b, m_b, pooled)
    return np.moveaxis(np.stack([h * (x_v / m_v - x_b / m_b), h, h * h * variance]), 0, -1)


def _mean_variance(
    bad: NDArray[np.float64], n: NDArray[np.float64], pooled: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.where(n > 1.0, bad * (n - bad) / (n * n * np.maximum(n - 1.0, 1.0)), pooled)

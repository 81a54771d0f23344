"""Conditional e-values for rare events: given that something failed, on which arm was it?"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.types import Margin

__all__ = ["BETS", "STEPS", "harm_gains", "log_increments", "prior", "safe_gains", "safe_log_increments"]

STEPS = (0.2, 0.4, 0.7, 1.1, 1.6, 2.3)
"""Distances of the alternatives from the margin in log odds, that is in log rate ratio: 1.2 to 10 times as often."""
BETS = len(STEPS)


def prior() -> NDArray[np.float64]:
    """Return the weights of the alternatives, all equal, shape (6,), summing to 1."""
    return np.full(BETS, 1.0 / BETS)


def log_increments(cells: ArrayLike, margin: Margin) -> NDArray[np.float64]:
    """Return the log e-values of one tick against "the candidate fails at most 1 + r times as often".

    Sees a *ratio* of rates above 1 + r without being told either rate, so there is no baseline to learn: made for
    events that come once in thousands of answers. Is blind to changes both arms share. The more often things fail, the
    more of the evidence it leaves unused (about the baseline's share of bad answers); ``unpaired`` then needs less
    traffic.

    Formula: ``p0 = n_v (1 + r) / (n_v (1 + r) + n_b)`` is the largest tolerated probability that a failure is the
    candidate's, ``q_j = logistic(logit(p0) + STEPS_j)`` the alternatives', and ``s_j = x_v log(q_j / p0) + x_b log((1 -
    q_j) / (1 - p0))``.

    Args:
        cells: Shape (..., 4): ``ArmCounts.cells``, that is n_v, x_v, n_b, x_b. The n may be any exposure in one unit
            (answers, seconds), >= 0, fixed before the failures are counted.
        margin: Tolerance, purely relative; raising it makes every increment smaller or equal.

    Returns:
        Shape (..., 6), float64, finite. Exactly 0 where nothing failed or an arm has no exposure: without a baseline
        no ratio is known, and missing data must neither accuse nor certify.

    Guarantee: ``E[exp(s_j) | past] <= 1`` whenever ``rate_v <= (1 + r) rate_b`` in the tick, at any sample size and
    under any drift common to the arms. For Poisson counts it is an equality at the margin. For independent answers it
    holds too, rare or not, and with unequal rates inside the tick: with ``a = q / p0`` and ``c = (1 - q) / (1 -
    p0)``, ``E exp(s) = prod(1 + p_i (a - 1)) prod(1 + p_j (c - 1)) <= exp((q - p0) (n_v (1 + r) + n_b) (rate_v / (1 +
    r) - rate_b)) <= 1``. Failures that both arms share only lower it, since ``(a - 1) (c - 1) < 0``. Bursts inside one
    arm break the premise; see ``inflation``.

    Raises:
        ValueError: the margin has an absolute part.

    >>> log_increments([10_000, 12, 10_000, 2], Margin(relative=0.5)).round(3).tolist()
    [0.654, 1.18, 1.748, 2.146, 2.184, 1.646]

    References: Lindon and Malek 2022, Anytime-valid inference for multinomial count data (NeurIPS), arXiv 2011.03567.
    """
    return _last(harm_gains(_planes(cells), margin.absolute, margin.relative))


def safe_log_increments(cells: ArrayLike, margin: Margin) -> NDArray[np.float64]:
    """Return the log e-values of one tick against "the candidate is harmful": the mirror image.

    Formula: as ``log_increments`` with ``q_j = logistic(logit(p0) - STEPS_j)``.

    Args:
        cells: Shape (..., 4): ``ArmCounts.cells``.
        margin: Tolerance, purely relative; raising it makes a certificate easier.

    Returns:
        Shape (..., 6), float64, finite; 0 where nothing failed: a quiet tick certifies no ratio.

    Guarantee: ``E[exp(s_j) | past] <= 1`` whenever ``rate_v >= (1 + r) rate_b``, under the same premises.

    Raises:
        ValueError: the margin has an absolute part.

    >>> safe_log_increments([90_000, 30, 90_000, 45], Margin(relative=0.5)).round(3).tolist()
    [2.636, 4.531, 5.97, 5.347, 0.881, -10.786]
    """
    return _last(safe_gains(_planes(cells), margin.absolute, margin.relative))


def harm_gains(cells: NDArray[np.float64], absolute: ArrayLike, relative: ArrayLike) -> NDArray[np.float64]:
    """Return ``log_increments`` of many ticks, each with a margin of its own.

    Args:
        cells: Shape (4, ...).
        absolute: m, broadcastable to (...): 0 everywhere.
        relative: r, broadcastable to (...).

    Returns:
        Shape (6, ...).
    """
    return _gains(cells, absolute, relative, np.asarray(STEPS))


def safe_gains(cells: NDArray[np.float64], absolute: ArrayLike, relative: ArrayLike) -> NDArray[np.float64]:
    """Return ``safe_log_increments`` of many ticks, each with a margin of its own; shapes as of ``harm_gains``."""
    return _gains(cells, absolute, relative, -np.asarray(STEPS))


def _gains(
    cells: NDArray[np.float64], absolute: ArrayLike, relative: ArrayLike, steps: NDArray[np.float64]
) -> NDArray[np.float64]:
    if np.any(np.asarray(absolute)):
        raise ValueError(f"margin.absolute must be 0 for conditional e-values, got {absolute!r}; use unpaired")
    n_v, x_v, n_b, x_b = cells
    tells = (n_v > 0.0) & (n_b > 0.0)
    logit = np.log(np.where(tells, n_v, 1.0)) + np.log1p(relative) - np.log(np.where(tells, n_b, 1.0))
    moved = steps.reshape(-1, *(1,) * logit.ndim)
    candidate = np.logaddexp(0.0, -logit) - np.logaddexp(0.0, -logit - moved)
    baseline = np.logaddexp(0.0, logit) - np.logaddexp(0.0, logit + moved)
    return np.asarray(np.where(tells, x_v * candidate + x_b * baseline, 0.0))


def _planes(cells: ArrayLike) -> NDArray[np.float64]:
    return np.moveaxis(np.asarray(cells, dtype=np.float64), -1, 0)


def _last(gains: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ascontiguousarray(np.moveaxis(gains, 0, -1))

"""Paired bets: log e-values of one tick, linear in its 2x2 table."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.types import Margin

__all__ = [
    "BETS",
    "U",
    "bets",
    "coefficients",
    "contrast",
    "gains",
    "log_increments",
    "planes",
    "prior",
    "safe_bets",
    "safe_coefficients",
    "safe_log_increments",
]

U = (0.03, 0.05, 0.08, 0.13, 0.21, 0.34, 0.55, 0.88)
"""Bet sizes as shares of the one that could lose everything: all below 1, so that no factor is zero."""
BETS = len(U)


def bets(margin: Margin) -> NDArray[np.float64]:
    """Return the bets against "not harmful", ``u / (1 + r + m)``, shape (8,)."""
    return np.asarray(U) / (1.0 + margin.relative + margin.absolute)


def safe_bets(margin: Margin) -> NDArray[np.float64]:
    """Return the bets against "harmful", ``u / (1 - m)``, shape (8,): the same grid on (0, 1 / (1 - m))."""
    return np.asarray(U) / (1.0 - margin.absolute)


def prior() -> NDArray[np.float64]:
    """Return the weights of the bets, proportional to ``sqrt(u)``, shape (8,), summing to 1."""
    root = np.sqrt(np.asarray(U))
    return np.asarray(root / root.sum(), dtype=np.float64)


def _scores(margin: Margin) -> NDArray[np.float64]:
    """Return Z of each cell, shape (4, 1), in the order n11, n10, n01, n00."""
    slack = margin.relative + margin.absolute
    return np.array([[-slack], [1.0 - margin.absolute], [-1.0 - slack], [-margin.absolute]])


@lru_cache(maxsize=256)
def coefficients(margin: Margin) -> NDArray[np.float64]:
    """Return ``log(1 + lam * Z)`` per cell (n11, n10, n01, n00) and bet, shape (4, 8), read-only."""
    table = np.log1p(_scores(margin) * bets(margin))
    table.setflags(write=False)
    return table


@lru_cache(maxsize=256)
def safe_coefficients(margin: Margin) -> NDArray[np.float64]:
    """Return ``log(1 - lam * Z)`` per cell (n11, n10, n01, n00) and bet, shape (4, 8), read-only."""
    table = np.log1p(-_scores(margin) * safe_bets(margin))
    table.setflags(write=False)
    return table


def log_increments(cells: ArrayLike, margin: Margin) -> NDArray[np.float64]:
    """Return the log e-values of one tick against "the candidate is not harmful".

    Sees any excess of the candidate's bad rate over ``(1 + r) * baseline + m``, without being told its
    size; is blind to changes both arms share and to what the margin tolerates.

    Formula: with ``Z = X - (1 + r) Y - m``, ``s_k = sum over pairs of log(1 + lam_k Z)``, which needs only
    the counts: ``n10 log(1 + lam (1 - m)) + n01 log(1 - lam (1 + r + m)) + n11 log(1 - lam (r + m)) + n00
    log(1 - lam m)``.

    Args:
        cells: Shape (..., 4): ``PairCounts.cells``. Concordant pairs carry weight when the margin is positive: do
            not drop them.
        margin: Tolerance; raising it makes every increment smaller.

    Returns:
        Shape (..., 8), float64, finite; zeros for an empty tick.

    Guarantee: if ``E[Z | past] <= 0`` for each pair then ``E[exp(s_k) | past] <= 1``: exact at any sample
    size, for a random tick size and under drift common to the arms. Independent bursts of one arm break the
    premise; see ``inflation``. The increments of merged counts are the sums of the parts' increments.

    >>> log_increments([0, 3, 0, 97], Margin(absolute=0.005)).round(3).tolist()
    [0.073, 0.121, 0.19, 0.3, 0.465, 0.706, 1.038, 1.454]

    References: Waudby-Smith and Ramdas 2024, Estimating means of bounded random variables by betting
    (JRSS-B).
    """
    return np.asarray(np.asarray(cells, dtype=np.float64) @ coefficients(margin), dtype=np.float64)


def safe_log_increments(cells: ArrayLike, margin: Margin) -> NDArray[np.float64]:
    """Return the log e-values of one tick against "the candidate is harmful": the mirror image.

    Formula: ``s_k = sum over pairs of log(1 - lam_k Z)`` with ``lam_k = u_k / (1 - m)``.

    Args:
        cells: Shape (..., 4): ``PairCounts.cells``, missing legs scored as harmful.
        margin: Tolerance; raising it makes a certificate easier.

    Returns:
        Shape (..., 8), float64, finite.

    Guarantee: if ``E[Z | past] >= 0`` for each pair then ``E[exp(s_k) | past] <= 1``.

    >>> safe_log_increments([0, 0, 0, 1000], Margin(absolute=0.005)).round(2).tolist()
    [0.15, 0.25, 0.4, 0.65, 1.05, 1.71, 2.76, 4.41]
    """
    return np.asarray(np.asarray(cells, dtype=np.float64) @ safe_coefficients(margin), dtype=np.float64)


def planes(margins: Sequence[Margin], table: Callable[[Margin], NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the coefficients of many streams for ``gains``, shape (4, 8, 1, S); S is 1 where all margins are equal.

    Args:
        margins: One per stream.
        table: ``coefficients`` or ``safe_coefficients``.
    """
    kinds = list(dict.fromkeys(margins))
    place = {margin: i for i, margin in enumerate(kinds)}
    tables = np.stack([table(margin) for margin in kinds], axis=-1)
    chosen = tables if len(kinds) == 1 else tables[..., [place[margin] for margin in margins]]
    return np.ascontiguousarray(chosen[:, :, None])


def gains(cells: NDArray[np.float64], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log e-values of one tick of many streams: ``log_increments`` with a margin for each.

    Args:
        cells: Shape (4, levels, S).
        coefficients: From ``planes``.

    Returns:
        Shape (8, levels, S).
    """
    if coefficients.shape[-1] == 1:
        table = coefficients.reshape(4, -1).T
        return np.asarray((table @ cells.reshape(4, -1)).reshape(len(table), *cells.shape[1:]))
    total = coefficients[0] * cells[0]
    part = np.empty_like(total)
    for table, count in zip(coefficients[1:], cells[1:], strict=True):
        total += np.multiply(table, count, out=part)
    return np.asarray(total)


def contrast(cells: ArrayLike) -> NDArray[np.float64]:
    """Return a tick's contrast of the arms, its weight and its variance: what ``inflation`` watches.

    Formula: ``D = n10 - n01``, weight n (pairs), variance ``n10 + n01`` (for rates that differ little).

    Args:
        cells: Shape (..., 4): ``PairCounts.cells``.

    Returns:
        Shape (..., 3), float64; ``E[D]`` is n times the difference of the rates.

    >>> contrast([1, 3, 2, 94]).tolist()
    [1.0, 100.0, 5.0]
    """
    n11, n10, n01, n00 = np.moveaxis(np.asarray(cells, dtype=np.float64), -1, 0)
    discordant = n10 + n01
    return np.moveaxis(np.stack([n10 - n01, n11 + discordant + n00, discordant]), 0, -1)

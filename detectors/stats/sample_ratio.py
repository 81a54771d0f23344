"""The share of sessions that an arm gets, held against the one that was declared: an e-detector, both sides."""

from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["BETS", "TOLERATED", "log_increments", "log_weights"]

TOLERATED: Final = 0.2
"""Part of the declared share by which the true one may miss it: 4 to 6 % for 5 %. Hashing users, not sessions, does."""
_FACTORS: Final = (1.15, 1.4, 2.0, 4.0)
"""How far beyond what is tolerated the alternatives lie, times or divided by it."""
_LARGEST: Final = 0.98
BETS: Final = 2 * len(_FACTORS)


def log_increments(n: int, baseline: int, share: float) -> NDArray[np.float64]:
    """Return the log e-values of one tick against "the baseline gets the declared share, give or take a fifth of it".

    Formula: with the tolerated ends ``l = 0.8 share`` and ``h = 1.2 share`` and an alternative q beyond one of them,
    ``s = x log(q / e) + (n - x) log((1 - q) / (1 - e))``, e the end on its side.

    Args:
        n: Sessions of both arms in the tick, >= 0.
        baseline: Those of the baseline, x in [0, n].
        share: The declared one, in (0, 0.8].

    Returns:
        Shape (8,): four alternatives above, then four below. Zeros for an empty tick.

    Guarantee: ``E[exp(s) | past] <= 1`` for every true share in [l, h], which may change from tick to tick: the mean is
    ``1 + (p - e) (q - e) / (e (1 - e))`` per session. It takes sessions of one tick as assigned independently.

    Raises:
        ValueError: an argument is outside its range.

    >>> log_increments(100, 0, 0.05).round(2).tolist()
    [-0.96, -2.59, -6.6, -21.26, 0.54, 1.18, 2.06, 3.08]
    """
    if not 0.0 < share <= 0.8:  # noqa: PLR2004
        raise ValueError(f"share must be in (0, 0.8], got {share!r}")
    if n < 0:
        raise ValueError(f"n must be >= 0, got {n!r}")
    if not 0 <= baseline <= n:
        raise ValueError(f"baseline must be in [0, {n}] (n), got {baseline!r}")
    factors = np.array(_FACTORS)
    high, low = (1.0 + TOLERATED) * share, (1.0 - TOLERATED) * share
    end = np.repeat([high, low], len(factors))
    above = np.minimum(factors * high, high + (1.0 - high) * _LARGEST)
    other = np.concatenate([above, low / factors])
    return np.asarray(baseline * np.log(other / end) + (n - baseline) * np.log1p((end - other) / (1.0 - end)))


def log_weights() -> NDArray[np.float64]:
    """Return the logarithms of the alternatives' equal weights, shape (8,)."""
    return np.full(BETS, -log(BETS))

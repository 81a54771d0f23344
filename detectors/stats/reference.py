"""The one-sample form: log e-values of one tick against a frozen reference period, without a concurrent baseline."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta

from detectors.stats.unpaired import EXCESSES
from detectors.types import Margin

__all__ = ["log_increments", "upper_bound"]

_LARGEST_STEP = 0.9


def upper_bound(bad: int, n: int, confidence: float = 0.999) -> float:
    """Return the upper Clopper-Pearson bound of the reference period's bad rate.

    Args:
        bad: Bad answers of the reference period, 0 .. n.
        n: Answers of the reference period; with none the bound is 1 and nothing can be found.
        confidence: In (0, 1). Raising it makes evidence rarer and false pages for want of reference data fewer.

    Returns:
        The rate u that the reference's true rate exceeds with probability at most ``1 - confidence``.

    Raises:
        ValueError: an argument is outside its range.

    >>> round(upper_bound(3, 1000), 5)
    0.013

    References: Clopper and Pearson 1934, Biometrika 26:404.
    """
    if n < 0:
        raise ValueError(f"n must be >= 0, got {n!r}")
    if not 0 <= bad <= n:
        raise ValueError(f"bad must be in [0, {n}], got {bad!r}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must be in (0, 1), got {confidence!r}")
    return 1.0 if bad == n else float(beta.ppf(confidence, bad + 1, n - bad))


def log_increments(candidate: ArrayLike, margin: Margin, bound: ArrayLike) -> NDArray[np.float64]:
    """Return the log e-values of one tick against "the candidate is no worse than the reference period allows".

    Sees a candidate whose bad rate exceeds ``p0 = (1 + r) u + m``. It cannot tell harm from a change of the traffic
    since the reference period, which a concurrent baseline would share: let it page, never flip.

    Formula: ``s_j = x log(v_j / p0) + (n - x) log((1 - v_j) / (1 - p0))`` with ``v_j = p0 + min(E_j min(p0, 1 - p0),
    0.9 (1 - p0))``, the alternatives E of ``unpaired``.

    Args:
        candidate: Shape (..., 2): the tick's answers n and bad answers x.
        margin: Tolerance.
        bound: Shape (...), in (0, 1]: u, from ``upper_bound``, fixed for the life of the stream.

    Returns:
        Shape (..., 6), float64, finite; 0 for an empty tick and where ``p0 >= 1``. Weigh them by ``unpaired.prior``.

    Guarantee: ``E[exp(s_j) | past] <= 1`` whenever ``p_v <= p0``: exact at any sample size. The bound can be too low,
    once, with probability at most ``1 - confidence``; a stream with such a bound has no guarantee.

    >>> log_increments([100, 9], Margin(absolute=0.005), 0.013).round(2).tolist()
    [1.01, 1.86, 3.22, 5.07, 7.01, 6.91]
    """
    counts, u = np.asarray(candidate, dtype=np.float64), np.asarray(bound, dtype=np.float64)[..., None]
    if not np.all((u > 0.0) & (u <= 1.0)):
        raise ValueError(f"bound must be in (0, 1], got {bound!r}")
    tolerated = (1.0 + margin.relative) * u + margin.absolute
    p0 = np.where(tolerated < 1.0, tolerated, 0.5)
    step = np.minimum(np.asarray(EXCESSES) * np.minimum(p0, 1.0 - p0), _LARGEST_STEP * (1.0 - p0))
    n, x = counts[..., [0]], counts[..., [1]]
    log_e = x * np.log1p(step / p0) + (n - x) * np.log1p(-step / (1.0 - p0))
    return np.where(tolerated < 1.0, log_e, 0.0)

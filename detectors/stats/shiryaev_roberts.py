"""The mixture Shiryaev-Roberts e-detector, in the log domain."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["log_statistic", "update"]


def update(
    log_r: NDArray[np.float64],
    increments: NDArray[np.float64],
    *,
    cap: float = 3.0,
    phi: float | NDArray[np.float64] = 1.0,
) -> NDArray[np.float64]:
    """Fold the log e-values of one tick into ``log R``.

    Sees a change at an unknown time: every tick starts a fresh bet, so evidence gathered while healthy is
    no debt.

    Formula: ``R' = (1 + R) * exp(min(s / phi, cap))``, that is ``log R' = softplus(log R) + min(s / phi,
    cap)``. Tempering comes first and the cap second: an alarm then needs at least ``log(A) / cap`` ticks
    whatever phi is, and phi does not shrink the cap.

    Args:
        log_r: Any shape ending in the bets; start with ``-inf`` (R = 0).
        increments: Same shape, the tick's log e-values s.
        cap: Largest log evidence of one tick, > 0; ``inf`` turns it off. Raising it shortens the delay of
            gross faults and lets fewer ticks decide.
        phi: Variance inflation, >= 1 (scalar or broadcastable). The delay grows in proportion.

    Returns:
        The new ``log R``, float64, same shape. An empty tick (s = 0) gives R' = 1 + R.

    Guarantee: if ``E[exp(s) | past] <= 1`` then so is ``E[exp(min(s / phi, cap)) | past]`` (Jensen for phi
    >= 1, and the minimum only lowers it), hence the expected growth of R is at most 1 a tick. With alarms
    at ``sum w R >= A`` and a reset to zero at each, ``E[alarms in T ticks] <= T / A`` under any stopping
    rule.

    Raises:
        ValueError: ``cap`` is not positive or a ``phi`` is below 1.

    >>> update(np.array([-np.inf, 0.0]), np.array([1.0, 9.0])).round(4).tolist()
    [1.0, 3.6931]

    References: Shin, Ramdas and Rinaldo 2023, E-detectors (NEJSDS), theorem 2.4; Ram and Ramdas 2026,
    arXiv 2602.05272.
    """
    if not cap > 0:
        raise ValueError(f"cap must be > 0, got {cap!r}")
    if not np.all(np.asarray(phi) >= 1.0):
        raise ValueError(f"phi must be >= 1, got {phi!r}")
    return np.asarray(np.logaddexp(0.0, log_r) + np.minimum(increments / phi, cap), dtype=np.float64)


def log_statistic(log_r: NDArray[np.float64], log_weights: NDArray[np.float64]) -> float:
    """Return ``log(sum_k w_k R_k)``, ``-inf`` at the start.

    Args:
        log_r: Shape (K,).
        log_weights: Shape (K,), logarithms of weights that sum to 1.

    >>> log_statistic(np.array([1.0, 1.0]), np.log([0.5, 0.5]))
    1.0
    """
    return float(np.logaddexp.reduce(log_r + log_weights))

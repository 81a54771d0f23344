"""The mixture Shiryaev-Roberts e-detector, in the log domain."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["advance", "log_mixture", "log_statistic", "update"]


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
    after = np.array(log_r, dtype=np.float64)
    advance(after, np.minimum(np.asarray(increments, dtype=np.float64) / phi, cap))
    return after


def advance(log_r: NDArray[np.float64], gain: NDArray[np.float64]) -> None:
    """Fold tempered and capped log e-values into ``log R`` in place: ``log R <- softplus(log R) + gain``.

    Args:
        log_r: Any shape, ``-inf`` where R = 0; changed.
        gain: ``min(s / phi, cap)``, same shape.

    >>> log_r = np.array([-np.inf, 0.0])
    >>> advance(log_r, np.array([1.0, 3.0]))
    >>> log_r.round(4).tolist()
    [1.0, 3.6931]
    """
    # softplus(x) = max(x, 0) + log(1 + exp(-|x|)): nothing overflows, and both functions are fast on arrays.
    rest = np.abs(log_r)
    np.negative(rest, out=rest)
    np.exp(rest, out=rest)
    rest += 1.0
    np.log(rest, out=rest)
    np.maximum(log_r, 0.0, out=log_r)
    log_r += rest
    log_r += gain


def log_mixture(log_r: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``log(sum_k w_k R_k)`` over the first axis, ``-inf`` where every R is 0.

    Args:
        log_r: Shape (K, ...).
        weights: Shape (K,), positive.

    Returns:
        Shape (...), float64.

    >>> log_mixture(np.array([[1.0, -np.inf], [1.0, -np.inf]]), np.array([0.5, 0.5])).tolist()
    [1.0, -inf]
    """
    top = log_r.max(axis=0)
    shift = np.where(top == -np.inf, 0.0, top)
    parts = log_r - shift
    np.exp(parts, out=parts)
    total = (weights @ parts.reshape(len(weights), -1)).reshape(top.shape)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(total) + shift)


def log_statistic(log_r: NDArray[np.float64], log_weights: NDArray[np.float64]) -> float:
    """Return ``log(sum_k w_k R_k)``, ``-inf`` at the start.

    Args:
        log_r: Shape (K,).
        log_weights: Shape (K,), logarithms of weights that sum to 1.

    >>> log_statistic(np.array([1.0, 1.0]), np.log([0.5, 0.5]))
    1.0
    """
    return float(np.logaddexp.reduce(log_r + log_weights))

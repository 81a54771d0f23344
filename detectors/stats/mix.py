"""The mix of two arms' traffic: an e-detector of one arm getting other requests than the other."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import inf, log
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from detectors.stats import shiryaev_roberts

__all__ = ["HALF_LIVES", "MixState", "fold", "log_increment", "log_odds", "log_statistic", "reset"]

HALF_LIVES: Final = (360.0, 8_640.0)
"""Ticks after which a session counts half in what the next bets are learned from: an hour, and a day, of 10 s."""
_SHRINK: Final = 50.0
"""Sessions of the pooled mix that are added to each arm: odds of rare categories stay near 1."""
_LARGEST_LOG_ODDS: Final = 3.0
_DEVIATIONS: Final = 9.0
"""Standard deviations of a binomial that are computed; the rest weighs less than 1e-18."""
_HALVINGS: Final = 14
"""Of the search for the tilt, which is for rounding alone: the result is the same with any."""
_START: Final = (None,) * len(HALF_LIVES)
_NOTHING: Final = ((),) * len(HALF_LIVES)


def log_increment(baseline: ArrayLike, total: ArrayLike, odds: ArrayLike) -> float:
    """Return the log e-value of one tick against "which arm a session went to had nothing to do with its category".

    Sees a category that one arm gets more of; is blind to whatever changes the traffic of both arms alike, to the arms'
    sizes and to their drift, since it looks only at who of the tick's sessions went where.

    Formula: given the tick's totals N_k per category and the size n of the baseline's arm, its counts x_k are
    multivariate hypergeometric under the null. With log odds theta_k that were fixed before the tick,
    ``s = sum_k theta_k x_k - log E_0 exp(sum_k theta_k X_k)``: the likelihood ratio of Fisher's noncentral distribution
    to the central one. The mean is ``[z^n] prod_k (1 + w_k z)^N_k / C(N, n)``, ``w = exp(theta)``, found as the
    probability that a sum of binomials, tilted so that its mean is n, equals n.

    Args:
        baseline: Shape (K,): the baseline's sessions of the tick per category, x_k.
        total: Shape (K,): both arms' sessions, N_k >= x_k.
        odds: Shape (K,): theta_k, finite; how many more of category k the baseline is suspected to get.

    Returns:
        A finite number; 0 where an arm is empty, where all sessions are of one category and where the odds are equal.

    Guarantee: ``E[exp(s) | past, totals] = 1`` exactly, at any sample size, for any mix and any share of the arms, if
    sessions of one tick are assigned to the arms whatever their category is.

    Raises:
        ValueError: the shapes differ, a count is negative or the baseline has more than both arms together.

    >>> round(log_increment([4, 0], [6, 14], [1.0, -1.0]), 3)
    4.059

    References: Fog 2008, Sampling methods for Wallenius' and Fisher's noncentral hypergeometric distributions,
    Communications in Statistics 37:241; Grunwald, de Heide and Koolen 2024, Safe testing, JRSS-B 86:1091.
    """
    x, n_k, theta = (np.asarray(part, dtype=np.float64) for part in (baseline, total, odds))
    if not x.shape == n_k.shape == theta.shape or x.ndim != 1:
        raise ValueError(f"baseline, total, odds must have one shape (K,), got {x.shape}, {n_k.shape}, {theta.shape}")
    if np.any(x < 0.0) or np.any(x > n_k):
        raise ValueError(f"baseline must be in [0, total] per category, got {x.tolist()} of {n_k.tolist()}")
    present = n_k > 0.0
    x, n_k, theta = x[present], n_k[present], theta[present]
    n, everyone = float(x.sum()), float(n_k.sum())
    if not 0.0 < n < everyone or len(n_k) < 2 or np.ptp(theta) == 0.0:  # noqa: PLR2004
        return 0.0
    return float(theta @ x) - _log_mean(n_k, theta, n, everyone)


def _log_mean(n_k: NDArray[np.float64], theta: NDArray[np.float64], n: float, everyone: float) -> float:
    """Return ``log E_0 exp(sum theta_k X_k)``."""
    low, high = -theta.max() - log(everyone), -theta.min() + log(everyone)
    for _ in range(_HALVINGS):
        log_z = 0.5 * (low + high)
        if n_k @ (1.0 / (1.0 + np.exp(-theta - log_z))) < n:
            low = log_z
        else:
            high = log_z
    log_z = 0.5 * (low + high)
    share = 1.0 / (1.0 + np.exp(-theta - log_z))
    at, mass = 0, np.ones(1)
    for each, p in zip(n_k.tolist(), share.tolist(), strict=True):
        first, part = _binomial(int(each), p)
        at, mass = at + first, np.convolve(mass, part)
    log_product = float(n_k @ np.logaddexp(0.0, theta + log_z))
    return float(np.log(mass[int(n) - at]) - n * log_z + log_product - _log_choose(everyone, n))


def _binomial(n: int, p: float) -> tuple[int, NDArray[np.float64]]:
    """Return the first number whose probability counts, and the probabilities from there on."""
    reach = _DEVIATIONS * (n * p * (1.0 - p)) ** 0.5 + _DEVIATIONS
    first, last = max(0, int(n * p - reach)), min(n, int(n * p + reach) + 1)
    k = np.arange(first, last + 1, dtype=np.float64)
    log_p = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0) + k * np.log(p) + (n - k) * np.log1p(-p)
    return first, np.exp(log_p)


def _log_choose(n: float, k: float) -> float:
    return float(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))


def log_odds(candidate: Sequence[float], baseline: Sequence[float]) -> NDArray[np.float64]:
    """Return, per category, the log of the baseline's share over the candidate's, both drawn towards the pooled mix.

    Formula: ``log (a_k + 50 q_k) / (A + 50) - log (c_k + 50 q_k) / (C + 50)`` with a, c the arms' sessions so far, A, C
    their sums and q the pooled shares; within [-3, 3]. Zeros before the first session.

    >>> log_odds([900.0, 100.0], [20.0, 30.0]).round(2).tolist()
    [-0.34, 1.27]
    """
    c, a = np.asarray(candidate, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    pooled = a + c
    if pooled.sum() <= 0.0:
        return np.zeros_like(pooled)
    added = np.maximum(_SHRINK * pooled / pooled.sum(), 1e-9)
    raw = np.log((a + added) / (a.sum() + _SHRINK)) - np.log((c + added) / (c.sum() + _SHRINK))
    return np.asarray(np.clip(raw, -_LARGEST_LOG_ODDS, _LARGEST_LOG_ODDS))


@dataclass(frozen=True, slots=True)
class MixState:
    """What one feature's detector knows: per half-life the arms' fading counts by category, and the evidence."""

    candidate: tuple[tuple[float, ...], ...] = _NOTHING
    baseline: tuple[tuple[float, ...], ...] = _NOTHING
    log_r: tuple[float | None, ...] = _START
    """Per half-life; None is R = 0."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "MixState":
        """Inverse of ``to_json``."""
        counts = {name: tuple(tuple(map(float, each)) for each in stored[name]) for name in ("candidate", "baseline")}
        return cls(**counts, log_r=tuple(stored["log_r"]))


def fold(state: MixState, candidate: Sequence[int], baseline: Sequence[int]) -> MixState:
    """Fold one tick: ``R <- (1 + R) exp(min(s, 3))`` per half-life, with odds learned from the ticks before alone.

    Args:
        state: The state before. It may know fewer categories: those after the last one are new.
        candidate: Shape (K,): the candidate's sessions of the tick per category.
        baseline: Shape (K,): the baseline's.

    >>> state = MixState()
    >>> for _ in range(40):
    ...     state = fold(state, [90, 10], [6, 4])
    >>> log_statistic(state) > 20
    True
    """
    now_c, now_b = np.asarray(candidate, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    kept_c, kept_b, gains = [], [], []
    for old_c, old_b, half_life in zip(state.candidate, state.baseline, HALF_LIVES, strict=True):
        before_c, before_b = _grown(old_c, len(now_c)), _grown(old_b, len(now_b))
        gains.append(log_increment(now_b, now_b + now_c, log_odds(before_c.tolist(), before_b.tolist())))
        keep = 0.5 ** (1.0 / half_life)
        kept_c.append(tuple((keep * before_c + now_c).tolist()))
        kept_b.append(tuple((keep * before_b + now_b).tolist()))
    before = np.array([-inf if value is None else value for value in state.log_r])
    after = shiryaev_roberts.update(before, np.array(gains))
    return MixState(tuple(kept_c), tuple(kept_b), tuple(after.tolist()))


def _grown(counts: Sequence[float], categories: int) -> NDArray[np.float64]:
    return np.array([*counts, *[0.0] * (categories - len(counts))])


def log_statistic(state: MixState) -> float:
    """Return ``log`` of the mean R over the half-lives, ``-inf`` at the start.

    Guarantee: with an alarm at A or above and a reset, expected alarms in T ticks are at most T / A. Means of several
    features' statistics keep it, whatever the features have in common.
    """
    log_r = np.array([-inf if value is None else value for value in state.log_r])
    return shiryaev_roberts.log_statistic(log_r, np.full(len(log_r), -log(len(log_r))))


def reset(state: MixState) -> MixState:
    """Return R = 0 with what was learned kept: after an alarm a lasting difference is told again soon."""
    return MixState(state.candidate, state.baseline)

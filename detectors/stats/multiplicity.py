"""Many streams at once: which are degraded, which gates may open, and one statistic for a whole candidate."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import inf, isfinite, isnan, log, log1p
from typing import Generic, TypeVar

import numpy as np

__all__ = ["Gate", "Gates", "Mixture", "e_bh", "e_lond", "gate_share", "mixture", "period_log_e"]

_Name = TypeVar("_Name", bound=Hashable)


def period_log_e(log_statistic: float, horizon_ticks: float) -> float:
    """Return the log e-value of a stream's Shiryaev-Roberts statistic, ``log M - log T``.

    Formula: with phi = 1, M - t is a supermartingale from 0 under the null (``shiryaev_roberts``), hence ``E[M] / T <=
    1`` at every stopping time within T ticks; alarms, which take M away, only lower it.

    Args:
        log_statistic: ``StreamState.log_statistic``, ``-inf`` allowed.
        horizon_ticks: T, > 0: ticks from the stream's start to the end of the period in which the list is read. Restart
            the statistic each month and T is a month; a stream k months old that was never restarted pays log(k) nats.

    Raises:
        ValueError: ``horizon_ticks`` is not positive and finite, or the statistic is not a number.

    >>> round(period_log_e(20.0, 259_200), 2)
    7.53
    """
    if not (isfinite(horizon_ticks) and horizon_ticks > 0.0):
        raise ValueError(f"horizon_ticks must be > 0, got {horizon_ticks!r}")
    if isnan(log_statistic) or log_statistic == inf:
        raise ValueError(f"log_statistic must be a number below inf, got {log_statistic!r}")
    return log_statistic - log(horizon_ticks)


def e_bh(log_e: Mapping[_Name, float], alpha: float = 0.1) -> tuple[_Name, ...]:
    """Return the names whose nulls the e-BH procedure rejects, the strongest first: the list of degraded slices.

    Formula: with ``E_(1) >= E_(2) >= ...`` of N e-values, the k* largest, where k* is the largest k with ``E_(k) >= N /
    (alpha k)``.

    Args:
        log_e: Log e-value of each stream *watched*, also of those with nothing to show (``-inf`` allowed): N counts
            them all.
        alpha: False discovery rate, in (0, 1); raising it lengthens the list.

    Returns:
        The names, by falling evidence, ties in the order given; () when none is rejected.

    Guarantee: the expected share of wrongly listed names is at most alpha at any one stopping time, however the
    streams depend on each other: overlapping slices are fine. It is a list for triage: it moves no traffic, and the
    guarantee is for the list as read once, not for the union of all lists ever read (Tavyrikov, Goeman and de Heide
    2025, arXiv 2501.19360).

    Raises:
        ValueError: ``alpha`` is outside (0, 1) or a log e-value is not a number.

    >>> e_bh({"all": 1.0, "lang:de": 6.2, "lang:fr": -2.0, "kind:tools": 2.8}, alpha=0.1)
    ('lang:de',)
    >>> e_bh({"all": 2.7, "lang:de": 6.2, "lang:fr": -2.0, "kind:tools": 2.8}, alpha=0.1)
    ('lang:de', 'kind:tools', 'all')

    References: Wang and Ramdas 2022, False discovery rate control with e-values (JRSS-B), arXiv 2009.02824.
    """
    _check_alpha(alpha)
    if any(isnan(value) for value in log_e.values()):
        raise ValueError("every log e-value must be a number, got nan")
    ranked = sorted(log_e, key=log_e.__getitem__, reverse=True)
    for k in range(len(ranked), 0, -1):
        if log_e[ranked[k - 1]] >= log(len(ranked) / (alpha * k)):
            return tuple(ranked[:k])
    return ()


def gate_share(t: int) -> float:
    """Return gamma_t, the share of alpha kept for the t-th gate: ``1 / (1 + ln t) - 1 / (1 + ln(t + 1))``.

    The differences telescope, so that all of them sum to exactly 1, and fall only like ``1 / (t ln(t)^2)``.

    Raises:
        ValueError: ``t`` is below 1.

    >>> round(gate_share(1), 4), round(gate_share(10), 4)
    (0.4094, 0.0085)
    """
    if t < 1:
        raise ValueError(f"t must be >= 1, got {t!r}")
    return log1p(1.0 / t) / ((1.0 + log(t)) * (1.0 + log(t + 1)))


@dataclass(frozen=True, slots=True)
class Gates:
    """What e-LOND remembers: how many gates were asked and how many opened.

    Raises:
        ValueError: a number is negative, or more opened than were asked.
    """

    asked: int = 0
    opened: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.opened <= self.asked:
            raise ValueError(f"opened must be in [0, {self.asked}] (asked), got {self.opened!r}")


@dataclass(frozen=True, slots=True)
class Gate:
    """One answer: whether the gate opens, and the level it was judged at."""

    opens: bool
    log_threshold: float
    """Log e-value needed, ``-log alpha_t``."""


def e_lond(state: Gates, log_e: float, alpha: float = 0.05) -> tuple[Gates, Gate]:
    """Judge the next of an endless sequence of one-off questions, such as "is this candidate proved not harmful".

    Formula: ``alpha_t = alpha gamma_t (opened + 1)``, the gate opens when ``E_t >= 1 / alpha_t``.

    Args:
        state: The gates before this one.
        log_e: Log e-value of the question, against "harmful"; ``-inf`` allowed.
        alpha: False discovery rate over the whole sequence, in (0, 1); the same at every call.

    Returns:
        The new state and the answer. Each gate that opened makes the following ones cheaper.

    Guarantee: at any time the expected share of wrongly opened gates among the opened is at most alpha, however the
    e-values depend on each other. Proof: a wrongly opened gate weighs ``1 / R`` with R the gates opened in the end, and
    ``1{E_t >= 1 / alpha_t} / R <= alpha_t E_t / R <= alpha gamma_t E_t``, since ``opened + 1 <= R`` once it opens; the
    expectations sum to at most alpha. Each question is asked once: asking again is a new gate.

    Raises:
        ValueError: ``alpha`` is outside (0, 1) or ``log_e`` is not a number.

    >>> state, gate = e_lond(Gates(), 4.0)
    >>> gate.opens, round(gate.log_threshold, 2)
    (True, 3.89)

    References: Xu and Ramdas 2024, Online multiple testing with e-values (AISTATS), arXiv 2311.06412.
    """
    _check_alpha(alpha)
    if isnan(log_e):
        raise ValueError("log_e must be a number, got nan")
    log_threshold = -log(alpha * gate_share(state.asked + 1) * (state.opened + 1))
    opens = log_e >= log_threshold
    return Gates(state.asked + 1, state.opened + opens), Gate(opens, log_threshold)


@dataclass(frozen=True, slots=True)
class Mixture(Generic[_Name]):
    """One candidate's streams as one statistic."""

    log_statistic: float
    """``log sum pi_i M_i``."""
    culprit: _Name
    """The stream with the largest ``pi_i M_i``."""
    part: float
    """The culprit's part of the sum, in (0, 1]; 1 / streams where no stream has evidence."""


def mixture(shares: Mapping[_Name, float], log_statistics: Mapping[_Name, float]) -> Mixture[_Name]:
    """Return the mixture of a candidate's streams and the stream that leads it.

    Sees harm spread over several streams that none of them shows alone.

    Formula: ``M = sum pi_i M_i``; alarm at ``budget.threshold(T, B, share=1)``, then **every** stream restarts at 0. A
    stream's own threshold is ``T / (B pi_i)``, so whenever a stream alarms by itself the mixture does: never later.

    Args:
        shares: pi_i, > 0, of every stream (``budget.shares``); they sum to at most 1.
        log_statistics: ``StreamState.log_statistic`` of the same streams, ``-inf`` allowed.

    Returns:
        The mixture. The culprit is a guess, with no error rate of its own.

    Guarantee: expected alarms in T ticks are at most T / A for any dependence between the streams, since the expected
    growth of M is at most ``sum pi_i <= 1`` a tick.

    Raises:
        ValueError: there is no stream, the names differ, a share is not positive or the shares exceed 1.

    >>> found = mixture({"all": 0.5, "lang:de": 0.25}, {"all": 12.0, "lang:de": 15.0})
    >>> round(found.log_statistic, 3), found.culprit, round(found.part, 3)
    (13.709, 'lang:de', 0.909)
    """
    if not shares or shares.keys() != log_statistics.keys():
        raise ValueError(
            f"shares and log_statistics must name the same streams, got {len(shares)} and {len(log_statistics)} names"
        )
    if not all(isfinite(share) and share > 0.0 for share in shares.values()):
        raise ValueError(f"shares must be > 0, got {min(shares.values())!r}")
    if (total := sum(shares.values())) > 1.0 + 1e-9:
        raise ValueError(f"shares must sum to at most 1, got {total!r}")
    names = list(shares)
    parts = np.array([log(shares[name]) + log_statistics[name] for name in names])
    statistic, lead = float(np.logaddexp.reduce(parts)), int(parts.argmax())
    part = float(np.exp(parts[lead] - statistic)) if statistic > -inf else 1.0 / len(names)
    return Mixture(statistic, names[lead], part)


def _check_alpha(alpha: float) -> None:
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must be in (0, 1), got {alpha!r}")

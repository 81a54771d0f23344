"""The safe certificate: a recent period in which the candidate was proved not harmful."""

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

__all__ = ["LOG_THRESHOLD", "SafeState", "initial", "safe_at", "update"]

LOG_THRESHOLD = log(100.0)
"""A certificate is false with probability at most 1/100 a run."""


@dataclass(frozen=True, slots=True)
class SafeState:
    """The run under way and the last certificate."""

    log_e: tuple[float, ...]
    """Log wealth per level and bet, since the start of the run."""
    start_tick: int | None = None
    covered_ticks: int = 0
    """Ticks folded in this run."""
    until_tick: int | None = None
    """Last tick the certificate is good for."""


def initial(components: int) -> SafeState:
    """Return the state before the first tick, for ``components`` bets (levels times bets a level)."""
    return SafeState((0.0,) * components)


def safe_at(state: SafeState, tick: int) -> bool:
    """Return True if a certificate is in force at ``tick``."""
    return state.until_tick is not None and tick <= state.until_tick


def update(
    state: SafeState,
    tick: int,
    increments: NDArray[np.float64],
    weights: NDArray[np.float64],
    *,
    cover_ticks: int,
    validity_ticks: int,
    patience_ticks: int,
) -> SafeState:
    """Fold one tick and certify if the evidence of the whole run suffices.

    Sees that a candidate stayed within the margin over a recent period; it says nothing of what comes
    after, which is why a certificate expires and why any change of variant, baseline or margin must start
    afresh.

    Formula: wealth ``E_k = prod exp(s_k)`` from the run's start; certified when the weighted mixture
    is at least 100 *at every level* (a union of nulls is rejected only if each is) and the run
    covers ``cover_ticks``.

    Args:
        state: The state before.
        tick: Number of the tick.
        increments: Shape (levels * K,): mirror-image log e-values, already divided by phi.
        weights: Shape (K,), summing to 1: the mixture over the bets of a level.
        cover_ticks: Ticks a run must hold before it may certify (24 h).
        validity_ticks: Ticks for which a certificate is good (24 h).
        patience_ticks: Age at which an uncertified run restarts (7 days), so that an old bad day is not a
            debt.

    Returns:
        The new state; the run restarts after certifying or after losing patience.

    Guarantee: if the candidate is harmful throughout a run, that run certifies with probability at most
    1/100, however often it is looked at (Ville's inequality).

    References: Ville 1939; Ramdas, Grunwald, Vovk and Shafer 2023, Game-theoretic statistics (Stat. Sci.).
    """
    start = tick if state.start_tick is None else state.start_tick
    log_e = np.asarray(state.log_e) + increments
    covered = state.covered_ticks + 1
    fresh = initial(len(state.log_e))
    mixtures = np.logaddexp.reduce(log_e.reshape(-1, len(weights)) + np.log(weights), axis=1)
    if covered >= cover_ticks and bool(np.all(mixtures >= LOG_THRESHOLD)):
        return SafeState(fresh.log_e, until_tick=tick + validity_ticks)
    if tick - start + 1 >= patience_ticks:
        return SafeState(fresh.log_e, until_tick=state.until_tick)
    return SafeState(tuple(log_e.tolist()), start, covered, state.until_tick)

"""The safe certificate: a recent period in which the candidate was proved not harmful."""

from dataclasses import dataclass
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.stats.shiryaev_roberts import log_mixture

__all__ = ["LOG_THRESHOLD", "NEVER", "Certificates", "SafeState", "initial", "safe_at"]

LOG_THRESHOLD = log(100.0)
"""A certificate is false with probability at most 1/100 a run."""
NEVER: Final = int(np.iinfo(np.int64).min)
"""Stands for no tick in arrays."""
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class SafeState:
    """One stream's run under way and its last certificate."""

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


@dataclass(slots=True)
class Certificates:
    """``SafeState`` of many streams."""

    log_e: NDArray[np.float64]
    """Shape (bets, levels, streams)."""
    start: NDArray[np.int64]
    """Shape (streams,), as below; meaningless where nothing is covered."""
    covered: NDArray[np.int64]
    until: NDArray[np.int64]
    """``NEVER`` without a certificate."""

    def observe(
        self,
        tick: int,
        gain: NDArray[np.float64],
        weights: NDArray[np.float64],
        *,
        cover_ticks: NDArray[np.int64],
        validity_ticks: NDArray[np.int64],
        patience_ticks: NDArray[np.int64],
    ) -> None:
        """Fold one tick and certify where the evidence of the whole run suffices.

        Sees that a candidate stayed within the margin over a recent period; it says nothing of what comes
        after, which is why a certificate expires and why any change of variant, baseline or margin must start
        afresh.

        Formula: wealth ``E_k = prod exp(s_k)`` from the run's start; certified when the weighted mixture
        is at least 100 *at every level* (a union of nulls is rejected only if each is) and the run
        covers ``cover_ticks``. The run restarts after certifying or after losing patience.

        Args:
            tick: Number of the tick.
            gain: Shape (bets, levels, streams): mirror-image log e-values, already divided by phi.
            weights: Shape (bets,), summing to 1: the mixture over the bets of a level.
            cover_ticks: Ticks a run must hold before it may certify (24 h), shape (streams,).
            validity_ticks: Ticks for which a certificate is good (24 h), shape (streams,).
            patience_ticks: Age at which an uncertified run restarts (7 days), so that an old bad day is not a
                debt, shape (streams,).

        Guarantee: if the candidate is harmful throughout a run, that run certifies with probability at most
        1/100, however often it is looked at (Ville's inequality).

        References: Ville 1939; Ramdas, Grunwald, Vovk and Shafer 2023, Game-theoretic statistics (Stat. Sci.).
        """
        np.putmask(self.start, self.covered == 0, tick)
        self.covered += 1
        self.log_e += gain
        long_enough = self.covered >= cover_ticks
        if long_enough.any():
            # A mixture never exceeds its largest part.
            near = long_enough & (self.log_e.max(axis=0).min(axis=0) >= LOG_THRESHOLD - _ROUNDING)
            rows = np.flatnonzero(near)
            if rows.size:
                mixtures = log_mixture(self.log_e[:, :, rows], weights)
                rows = rows[(mixtures >= LOG_THRESHOLD).all(axis=0)]
                self.until[rows] = tick + validity_ticks[rows]
                self._restart(rows)
        tired = (self.covered > 0) & (tick - self.start + 1 >= patience_ticks)
        if tired.any():
            self._restart(np.flatnonzero(tired))

    def forget(self, rows: NDArray[np.int64]) -> None:
        """Take back the certificates of some streams and start their runs anew."""
        self._restart(rows)
        self.until[rows] = NEVER

    def _restart(self, rows: NDArray[np.int64]) -> None:
        self.log_e[:, :, rows] = 0.0
        self.covered[rows] = 0

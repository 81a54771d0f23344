"""What the designs bet on, behind one interface: the seam between a way of counting and the detector."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.stats import conditional, paired, unpaired
from detectors.types import ArmCounts, Counts, Design, Margin, PairCounts

__all__ = ["DESIGNS", "Bets"]

_Increments = Callable[[ArrayLike, Margin, ArrayLike], NDArray[np.float64]]
"""From cells (..., 4), the margin and the baseline's expected rates (...) to log e-values (..., K)."""


@dataclass(frozen=True, slots=True)
class Bets:
    """One way of counting and what is bet on it. All functions take any leading axes: levels, streams or none."""

    counts: type[Counts]
    """How its ticks are counted; called without arguments, the count of nothing."""
    weights: NDArray[np.float64]
    """Of the K bets of a level, shape (K,), summing to 1."""
    coarse: NDArray[np.bool_]
    """Bets to leave out where phi is high, shape (K,): their score no longer resembles a Gaussian one, which is what
    dividing by phi presumes."""
    log_increments: _Increments
    """Against "the candidate is not harmful"."""
    safe_log_increments: _Increments
    """Against "the candidate is harmful"."""
    contrast: Callable[[ArrayLike], NDArray[np.float64]]
    """From cells (..., 4) to contrast, weight and variance (..., 3): what ``inflation`` watches."""
    needs_rate: bool
    """Whether the increments read the baseline's expected rates, which the stream then has to remember."""

    @property
    def size(self) -> int:
        """K, the bets of a level."""
        return len(self.weights)


DESIGNS: Mapping[Design, Bets] = MappingProxyType(
    {
        Design.PAIRED: Bets(
            counts=PairCounts,
            weights=paired.prior(),
            coarse=np.arange(paired.BETS) >= paired.BETS - 1,
            log_increments=lambda cells, margin, _: paired.log_increments(cells, margin),
            safe_log_increments=lambda cells, margin, _: paired.safe_log_increments(cells, margin),
            contrast=paired.contrast,
            needs_rate=False,
        ),
        Design.UNPAIRED: Bets(
            counts=ArmCounts,
            weights=unpaired.prior(),
            coarse=np.arange(unpaired.BETS) >= unpaired.BETS - 2,
            log_increments=unpaired.log_increments,
            safe_log_increments=unpaired.safe_log_increments,
            contrast=unpaired.contrast,
            needs_rate=True,
        ),
        Design.CONDITIONAL: Bets(
            counts=ArmCounts,
            weights=conditional.prior(),
            coarse=np.arange(conditional.BETS) >= conditional.BETS - 2,
            log_increments=lambda cells, margin, _: conditional.log_increments(cells, margin),
            safe_log_increments=lambda cells, margin, _: conditional.safe_log_increments(cells, margin),
            contrast=unpaired.contrast,
            needs_rate=False,
        ),
    }
)

"""What the designs bet on, behind one interface: the seam between a way of counting and the detector."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.stats import conditional, paired, unpaired
from detectors.types import ArmCounts, Counts, Design, Margin, PairCounts

__all__ = ["DESIGNS", "Bets", "Gains"]

_Increments = Callable[[ArrayLike, Margin, ArrayLike], NDArray[np.float64]]
"""From cells (..., 4), the margin and the baseline's expected rates (...) to log e-values (..., K)."""
Gains = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""From a tick's cells (4, levels, streams) and the baseline's expected rates (levels, streams) to log e-values
(K, levels, streams), a new array."""


@dataclass(frozen=True, slots=True)
class Bets:
    """One way of counting and what is bet on it."""

    counts: type[Counts]
    """How its ticks are counted; called without arguments, the count of nothing."""
    weights: NDArray[np.float64]
    """Of the K bets of a level, shape (K,), summing to 1."""
    coarse: NDArray[np.bool_]
    """Bets to leave out where phi is high, shape (K,): their score no longer resembles a Gaussian one, which is what
    dividing by phi presumes."""
    log_increments: _Increments
    """Against "the candidate is not harmful"."""
    gains: Callable[[Sequence[Margin]], Gains]
    """The same for many streams, each with a margin of its own."""
    safe_gains: Callable[[Sequence[Margin]], Gains]
    """Against "the candidate is harmful"."""
    contrast: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    """From cells (4, ...) to contrast, weight and variance (3, ...): what ``inflation`` watches."""
    needs_rate: bool
    """Whether the increments read the baseline's expected rates, which the stream then has to remember."""

    @property
    def size(self) -> int:
        """K, the bets of a level."""
        return len(self.weights)


def _paired(table: Callable[[Margin], NDArray[np.float64]]) -> Callable[[Sequence[Margin]], Gains]:
    def of(margins: Sequence[Margin]) -> Gains:
        coefficients = paired.planes(margins, table)
        return lambda cells, _: paired.gains(cells, coefficients)

    return of


def _unpaired(gains: Callable[..., NDArray[np.float64]]) -> Callable[[Sequence[Margin]], Gains]:
    def of(margins: Sequence[Margin]) -> Gains:
        absolute, relative = _parts(margins)
        return lambda cells, rates: gains(cells, absolute, relative, rates)

    return of


def _conditional(gains: Callable[..., NDArray[np.float64]]) -> Callable[[Sequence[Margin]], Gains]:
    def of(margins: Sequence[Margin]) -> Gains:
        absolute, relative = _parts(margins)
        return lambda cells, _: gains(cells, absolute, relative)

    return of


def _parts(margins: Sequence[Margin]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the absolute and the relative parts, each of shape (streams,)."""
    return np.array([margin.absolute for margin in margins]), np.array([margin.relative for margin in margins])


def _by_planes(
    contrast: Callable[[ArrayLike], NDArray[np.float64]],
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    return lambda cells: np.moveaxis(contrast(np.moveaxis(cells, 0, -1)), -1, 0)


DESIGNS: Mapping[Design, Bets] = MappingProxyType(
    {
        Design.PAIRED: Bets(
            counts=PairCounts,
            weights=paired.prior(),
            coarse=np.arange(paired.BETS) >= paired.BETS - 1,
            log_increments=lambda cells, margin, _: paired.log_increments(cells, margin),
            gains=_paired(paired.coefficients),
            safe_gains=_paired(paired.safe_coefficients),
            contrast=_by_planes(paired.contrast),
            needs_rate=False,
        ),
        Design.UNPAIRED: Bets(
            counts=ArmCounts,
            weights=unpaired.prior(),
            coarse=np.arange(unpaired.BETS) >= unpaired.BETS - 2,
            log_increments=unpaired.log_increments,
            gains=_unpaired(unpaired.harm_gains),
            safe_gains=_unpaired(unpaired.safe_gains),
            contrast=_by_planes(unpaired.contrast),
            needs_rate=True,
        ),
        Design.CONDITIONAL: Bets(
            counts=ArmCounts,
            weights=conditional.prior(),
            coarse=np.arange(conditional.BETS) >= conditional.BETS - 2,
            log_increments=lambda cells, margin, _: conditional.log_increments(cells, margin),
            gains=_conditional(conditional.harm_gains),
            safe_gains=_conditional(conditional.safe_gains),
            contrast=_by_planes(unpaired.contrast),
            needs_rate=False,
        ),
    }
)

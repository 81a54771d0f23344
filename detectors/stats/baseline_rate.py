"""The baseline's bad rate as expected before a tick: the plug-in of the unpaired test."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["HALF_LIFE_TICKS", "BaselineRate", "Rates", "expected"]

HALF_LIFE_TICKS = 70
LOWEST = 1e-4
HIGHEST = 0.9
KEEP = 0.5 ** (1.0 / HALF_LIFE_TICKS)
PRIOR_N = 50.0
PRIOR_BAD = 0.5
"""Fifty answers at 1 %: where no baseline was seen yet, or for long."""


@dataclass(frozen=True, slots=True)
class BaselineRate:
    """Exponentially forgotten answers of the baseline, of one stream and level."""

    bad: float = 0.0
    n: float = 0.0

    @property
    def expected(self) -> float:
        """The rate expected of the next tick, in [0.0001, 0.9].

        >>> BaselineRate().expected, BaselineRate(bad=0.0, n=1e6).expected
        (0.01, 0.0001)
        """
        return float(expected(self.bad, self.n))


def expected(bad: ArrayLike, n: ArrayLike) -> NDArray[np.float64]:
    """Return the rate expected of the next tick, ``(bad + 0.5) / (n + 50)`` clipped to [0.0001, 0.9], any shape.

    >>> expected([0.0, 9.5], [0.0, 950.0]).tolist()
    [0.01, 0.01]
    """
    rate = (np.asarray(bad, dtype=np.float64) + PRIOR_BAD) / (np.asarray(n, dtype=np.float64) + PRIOR_N)
    return np.asarray(np.clip(rate, LOWEST, HIGHEST))


@dataclass(slots=True)
class Rates:
    """``BaselineRate`` of many streams and levels; each array has the shape (levels, streams)."""

    bad: NDArray[np.float64]
    n: NDArray[np.float64]

    @property
    def expected(self) -> NDArray[np.float64]:
        """The rates expected of the next tick, shape (levels, streams)."""
        return expected(self.bad, self.n)

    def observe(self, bad: NDArray[np.float64], n: NDArray[np.float64]) -> None:
        """Fold one tick of the baseline's answers. Half-life 70 ticks (12 minutes at 10 s).

        The tick being tested must use the state *before* it: the rate is then fixed by the past, which is all that the
        test's guarantee asks of it. Shorter memory follows drift; longer memory is steadier at low traffic.
        """
        self.bad *= KEEP
        self.bad += bad
        self.n *= KEEP
        self.n += n

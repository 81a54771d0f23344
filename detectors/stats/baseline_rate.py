"""The baseline's bad rate as expected before a tick: the plug-in of the unpaired test."""

from dataclasses import dataclass

from detectors.types import Counts

__all__ = ["HALF_LIFE_TICKS", "BaselineRate", "observe"]

HALF_LIFE_TICKS = 70
LOWEST = 1e-4
HIGHEST = 0.9
KEEP = 0.5 ** (1.0 / HALF_LIFE_TICKS)
PRIOR_N = 50.0
PRIOR_BAD = 0.5
"""Fifty answers at 1 %: where no baseline was seen yet, or for long."""


@dataclass(frozen=True, slots=True)
class BaselineRate:
    """Exponentially forgotten answers of the baseline."""

    bad: float = 0.0
    n: float = 0.0

    @property
    def expected(self) -> float:
        """The rate expected of the next tick, in [0.0001, 0.9].

        >>> BaselineRate().expected, BaselineRate(bad=0.0, n=1e6).expected
        (0.01, 0.0001)
        """
        return min(HIGHEST, max(LOWEST, (self.bad + PRIOR_BAD) / (self.n + PRIOR_N)))


def observe(state: BaselineRate, counts: Counts) -> BaselineRate:
    """Fold one tick. Half-life 70 ticks (12 minutes at 10 s).

    The tick being tested must use the state *before* it: the rate is then fixed by the past, which is all that the
    test's guarantee asks of it. Shorter memory follows drift; longer memory is steadier at low traffic.
    """
    return BaselineRate(bad=KEEP * state.bad + counts.baseline_bad, n=KEEP * state.n + counts.baseline_n)

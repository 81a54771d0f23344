"""When did it begin: the CUSUM form of the bets, used for the estimate of the onset and for nothing else."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.types import Counts

__all__ = ["Onset", "OnsetState", "Runs", "initial", "leading"]


@dataclass(frozen=True, slots=True)
class OnsetState:
    """Of one stream, per bet (levels in order): the current positive run of log evidence, its first tick and counts."""

    values: tuple[float, ...]
    starts: tuple[int, ...]
    """0 where the value is 0."""
    counts: tuple[Counts, ...]


@dataclass(frozen=True, slots=True)
class Onset:
    """The estimate: the first tick of the leading bet's positive run and the counts since then."""

    tick: int
    component: int
    """Index of the leading bet."""
    counts: Counts


def initial(components: int, empty: Counts) -> OnsetState:
    """Return the state before the first tick, for ``components`` bets; ``empty`` is the design's zero."""
    return OnsetState((0.0,) * components, (0,) * components, (empty,) * components)


def leading(state: OnsetState) -> Onset | None:
    """Return the estimate, or None while no bet is ahead.

    The rate since the onset is selected and therefore biased upwards (9 to 21 % in simulation): show it
    with that warning and take the effect from a fresh confirmation window.
    """
    k = max(range(len(state.values)), key=state.values.__getitem__)
    if state.values[k] <= 0.0:
        return None
    return Onset(tick=state.starts[k], component=k, counts=state.counts[k])


@dataclass(slots=True)
class Runs:
    """The runs of many streams, shape (bets, levels, streams)."""

    value: NDArray[np.float64]
    start: NDArray[np.int64]
    """Meaningless where the value is 0."""
    before: NDArray[np.float64] | None
    """What was counted before the run, shape (4, bets, levels, streams): the counts since are the totals less this.
    None where nobody asks for the counts."""

    def observe(self, tick: int, gain: NDArray[np.float64], totals: NDArray[np.float64]) -> None:
        """Fold one tick.

        Formula: ``L_k <- max(0, L_k + s_k)``; a run ends when ``L_k <= 0``, and an empty tick begins none.

        Args:
            tick: Number of the tick.
            gain: Log evidence s_k as given to the detector (tempered), shape (bets, levels, streams).
            totals: What was counted before the tick, shape (4, levels, streams).
        """
        idle = self.value <= 0.0
        np.putmask(self.start, idle, tick)
        if self.before is not None:
            for before, total in zip(self.before, totals, strict=True):
                np.putmask(before, idle, total)  # repeats the totals for every bet
        self.value += gain
        np.maximum(self.value, 0.0, out=self.value)

    def leading(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return each stream's leading bet (levels in order, the first of equals) and its value, shape (streams,)."""
        flat = self.value.swapaxes(0, 1).reshape(-1, self.value.shape[-1])
        first = flat.argmax(axis=0)
        return first, np.take_along_axis(flat, first[None], axis=0)[0]

    def starts(self) -> NDArray[np.int64]:
        """Return the first tick of each stream's leading run, shape (streams,); -1 while no bet is ahead."""
        first, value = self.leading()
        flat = self.start.swapaxes(0, 1).reshape(-1, self.start.shape[-1])
        return np.where(value > 0.0, np.take_along_axis(flat, first[None], axis=0)[0], -1)

"""When did it begin: the CUSUM form of the bets, used for the estimate of the onset and for nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from detectors.types import PairCounts

__all__ = ["Onset", "OnsetState", "initial", "leading", "update"]


@dataclass(frozen=True, slots=True)
class OnsetState:
    """Per bet: the current positive run of log evidence, its first tick and its pairs."""

    values: tuple[float, ...]
    starts: tuple[int, ...]
    """Meaningless where the value is 0."""
    counts: tuple[PairCounts, ...]


@dataclass(frozen=True, slots=True)
class Onset:
    """The estimate: the first tick of the leading bet's positive run and the pairs since then."""

    tick: int
    component: int
    """Index of the leading bet."""
    counts: PairCounts


def initial(components: int) -> OnsetState:
    """Return the state before the first tick, for ``components`` bets."""
    return OnsetState((0.0,) * components, (0,) * components, (PairCounts(),) * components)


def update(state: OnsetState, tick: int, increments: Sequence[float], counts: Sequence[PairCounts]) -> OnsetState:
    """Fold one tick.

    Formula: ``L_k <- max(0, L_k) + s_k``; a run ends when ``L_k <= 0``.

    Args:
        state: The state before.
        tick: Number of the tick.
        increments: Log evidence s_k per bet, as given to the detector (tempered).
        counts: The tick's pairs, one per latency level; bets are spread evenly over the levels in order.

    Returns:
        The new state.
    """
    per_level = len(increments) // len(counts)
    rows = [
        _step(state, k, tick, float(s), counts[k // per_level]) if s or state.values[k] else (0.0, 0, PairCounts())
        for k, s in enumerate(increments)
    ]
    values, starts, runs = zip(*rows, strict=True)
    return OnsetState(values, starts, runs)


def _step(state: OnsetState, k: int, tick: int, increment: float, counts: PairCounts) -> tuple[float, int, PairCounts]:
    before = state.values[k]
    after = before + increment
    if after <= 0.0:
        return 0.0, 0, PairCounts()
    if before > 0.0:
        return after, state.starts[k], state.counts[k] + counts
    return after, tick, counts


def leading(state: OnsetState) -> Onset | None:
    """Return the estimate, or None while no bet is ahead.

    The rate since the onset is selected and therefore biased upwards (9 to 21 % in simulation): show it
    with that warning and take the effect from a fresh confirmation window.
    """
    k = max(range(len(state.values)), key=state.values.__getitem__)
    if state.values[k] <= 0.0:
        return None
    return Onset(tick=state.starts[k], component=k, counts=state.counts[k])

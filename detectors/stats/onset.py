"""When did it begin: the CUSUM form of the bets, used for the estimate of the onset and for nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from detectors.types import Counts

__all__ = ["Onset", "OnsetState", "initial", "leading", "update"]


@dataclass(frozen=True, slots=True)
class OnsetState:
    """Per bet: the current positive run of log evidence, its first tick and its counts."""

    values: tuple[float, ...]
    starts: tuple[int, ...]
    """Meaningless where the value is 0."""
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


def update(state: OnsetState, tick: int, increments: Sequence[float], counts: Sequence[Counts]) -> OnsetState:
    """Fold one tick.

    Formula: ``L_k <- max(0, L_k) + s_k``; a run ends when ``L_k <= 0``.

    Args:
        state: The state before.
        tick: Number of the tick.
        increments: Log evidence s_k per bet, as given to the detector (tempered).
        counts: The tick's counts, one per latency level; bets are spread evenly over the levels in order.

    Returns:
        The new state.
    """
    per_level, nothing = len(increments) // len(counts), (0.0, 0, type(counts[0])())
    rows = [
        _step(state, k, tick, float(s), counts[k // per_level], nothing) if s or state.values[k] else nothing
        for k, s in enumerate(increments)
    ]
    values, starts, runs = zip(*rows, strict=True)
    return OnsetState(values, starts, runs)


_Run = tuple[float, int, Counts]


def _step(state: OnsetState, k: int, tick: int, increment: float, counts: Counts, nothing: _Run) -> _Run:
    before = state.values[k]
    after = before + increment
    if after <= 0.0:
        return nothing
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

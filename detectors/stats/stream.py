"""One stream's evidence, tick by tick: a fleet of one."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from detectors.stats import fleet as fleets
from detectors.stats.designs import DESIGNS
from detectors.stats.fleet import Terms
from detectors.stats.fleet_states import alarm_of, fleet_of, state_of
from detectors.stats.stream_state import FORMAT, Alarm, StreamConfig, StreamState, initial
from detectors.types import Counts

__all__ = ["FORMAT", "Alarm", "StreamConfig", "StreamState", "fold", "initial"]


def fold(
    state: StreamState,
    config: StreamConfig,
    tick: int,
    harm: Sequence[Counts],
    safe: Sequence[Counts],
    *,
    sibling_phi: float = 1.0,
    frozen: bool = False,
) -> tuple[StreamState, Alarm | None]:
    """Fold one closed tick into a stream, exactly once.

    Sees a candidate that became worse than the margin allows at any time since the start; misses what both
    arms share, what the margin tolerates, and (until the alarm) how large the harm is.

    Formula: per level and bet, ``R <- (1 + R) exp(min(s / phi, cap))``; alarm when ``sum w R >= A`` and some bet is
    ahead in the CUSUM form (so that empty ticks, which only count, can never alarm), then R = 0.

    Args:
        state: The state before.
        config: What the stream tests; the same at every call.
        tick: Number of the tick, larger than ``state.last_tick``.
        harm: The tick's counts, one per level, missing legs scored as candidate good and baseline bad.
        safe: The same with missing legs scored the other way round.
        sibling_phi: Floor of phi: the median of ``own_phi`` over sibling streams.
        frozen: Only advance ``last_tick``: while an incident is handled.

    Returns:
        The new state and the alarm, if any. An empty tick is legal and gives R <- 1 + R.

    Guarantee: with phi = 1, expected alarms in T ticks are at most T / A for any stopping rule, if
    the design's null holds given the past (``paired``, ``unpaired``). With phi > 1 the guarantee is asymptotic.

    Raises:
        ValueError: the tick was folded before, counts are missing or another design's, or ``sibling_phi`` is below 1.

    >>> from detectors.types import Margin, PairCounts
    >>> config = StreamConfig(Margin(absolute=0.005), levels=1, threshold=1e6)
    >>> state, bad = initial(config), [PairCounts(n10=10, n00=90)]
    >>> for tick in range(8):
    ...     state, alarm = fold(state, config, tick, bad, bad)
    ...     if alarm: print(alarm.tick, round(alarm.log_statistic, 1), alarm.onset_tick)
    4 14.3 0
    """
    _check(state, config, tick, harm, safe, sibling_phi)
    if frozen:
        return replace(state, last_tick=tick), None
    one, terms = fleet_of([state]), _terms(config)
    [alarms] = fleets.fold(one, terms, tick, _cells(harm), _cells(safe), sibling_phi=sibling_phi).tolist()
    return state_of(one, 0), alarm_of(one, terms, 0) if alarms else None


@lru_cache(maxsize=256)
def _terms(config: StreamConfig) -> Terms:
    return Terms.of([config])


def _check(
    state: StreamState,
    config: StreamConfig,
    tick: int,
    harm: Sequence[Counts],
    safe: Sequence[Counts],
    sibling_phi: float,
) -> None:
    if state.last_tick is not None and tick <= state.last_tick:
        raise ValueError(f"tick must be > {state.last_tick} (the last one folded), got {tick!r}")
    if state.levels != config.levels:
        raise ValueError(f"state must have {config.levels} levels, got {state.levels}")
    if state.design is not config.design:
        raise ValueError(f"state must be {config.design.value}, got {state.design.value}; start the stream afresh")
    form = DESIGNS[config.design].counts
    for name, levels in (("harm", harm), ("safe", safe)):
        if len(levels) != config.levels:
            raise ValueError(f"{name} must hold {config.levels} levels, got {len(levels)}")
        if not all(type(counts) is form for counts in levels):
            raise ValueError(f"{name} must hold {form.__name__}, got {sorted({type(c).__name__ for c in levels})}")
    if not (isfinite(sibling_phi) and sibling_phi >= 1.0):
        raise ValueError(f"sibling_phi must be >= 1, got {sibling_phi!r}")


def _cells(counts: Sequence[Counts]) -> NDArray[np.float64]:
    """Return the levels' cells, shape (1, levels, 4)."""
    return np.array([[level.cells for level in counts]], dtype=np.float64)

"""One stream's evidence, tick by tick: bets, tempering, detector, onset and certificate composed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf, isfinite, log
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.stats import inflation, onset, paired, safe, shiryaev_roberts
from detectors.stats.onset import Onset
from detectors.types import Margin, PairCounts

__all__ = ["Alarm", "StreamConfig", "StreamState", "fold", "initial"]

FORMAT = 1
"""Version of the stored form; raise it when a field changes meaning."""
DAY_S = 86_400.0
DROP_TOP_BET_ABOVE = 1.5
"""Beyond this phi the largest bet no longer resembles a Gaussian score and is left out."""


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """What a stream tests. Any change of it means a new ``initial`` state.

    Args:
        margin: Tolerance per pair; ``Margin()`` for latency, whose margin is in the thresholds.
        levels: 1 for bits, 3 for latency; bets of all levels are mixed evenly.
        threshold: A, in ticks between false alarms, > 1 (``budget.threshold``).
        cap: Largest log evidence of one tick; ``inf`` turns it off.
        safe_ticks: Ticks a certificate must cover (24 h), >= 1.
        tick_s: Length of a tick in seconds, > 0.
        initial_phi: Variance inflation until one is learned, >= 1: 1 for bits, 3 for latency.
    """

    margin: Margin
    levels: int
    threshold: float
    cap: float = 3.0
    safe_ticks: int = 8_640
    tick_s: float = 10.0
    initial_phi: float = 1.0

    def __post_init__(self) -> None:
        if self.levels < 1:
            raise ValueError(f"levels must be >= 1, got {self.levels!r}")
        if not (isfinite(self.threshold) and self.threshold > 1.0):
            raise ValueError(f"threshold must be > 1, got {self.threshold!r}")
        if not self.cap > 0.0:
            raise ValueError(f"cap must be > 0, got {self.cap!r}")
        if self.safe_ticks < 1:
            raise ValueError(f"safe_ticks must be >= 1, got {self.safe_ticks!r}")
        if not (isfinite(self.tick_s) and self.tick_s > 0.0):
            raise ValueError(f"tick_s must be > 0, got {self.tick_s!r}")
        if not (isfinite(self.initial_phi) and self.initial_phi >= 1.0):
            raise ValueError(f"initial_phi must be >= 1, got {self.initial_phi!r}")


@dataclass(frozen=True, slots=True)
class Alarm:
    """The statistic reached the threshold at ``tick``; the onset is an estimate, its counts are selected."""

    tick: int
    log_statistic: float
    log_threshold: float
    onset_tick: int
    since_onset: PairCounts
    level: int
    """Latency level of the leading bet; 0 for bits."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """Everything remembered of a stream: constant size, plain numbers."""

    log_r: tuple[float, ...]
    onset: onset.OnsetState
    safe: safe.SafeState
    inflation: tuple[inflation.InflationState, ...]
    """One per level."""
    totals: tuple[PairCounts, ...]
    """Harm-scored pairs since the start, one table per level."""
    last_tick: int | None = None
    sibling_phi: float = 1.0
    """The floor that was last applied."""

    @property
    def levels(self) -> int:
        """Number of levels."""
        return len(self.totals)

    @property
    def log_statistic(self) -> float:
        """Logarithm of the detector's statistic, ``-inf`` at the start and after an alarm."""
        return shiryaev_roberts.log_statistic(np.asarray(self.log_r), _log_weights(self.levels))

    @property
    def phi(self) -> float:
        """Largest variance inflation in force over the levels, with the sibling floor."""
        return max(self.sibling_phi, *(part.phi for part in self.inflation))

    @property
    def own_phi(self) -> float:
        """Largest inflation this stream learned by itself: what siblings take their median of."""
        return max(part.phi for part in self.inflation)

    @property
    def pairs(self) -> int:
        """Pairs since the start (level 0)."""
        return self.totals[0].n

    @property
    def candidate_bad(self) -> int:
        """Candidate's bad answers since the start (level 0)."""
        return self.totals[0].candidate_bad

    @property
    def baseline_bad(self) -> int:
        """Baseline's bad answers since the start (level 0)."""
        return self.totals[0].baseline_bad

    @property
    def onset_now(self) -> Onset | None:
        """Present estimate of the onset, with the pairs since; None while nothing is ahead."""
        return onset.leading(self.onset)

    @property
    def pairs_since_onset(self) -> int:
        """Pairs since the estimated onset; 0 while nothing is ahead."""
        found = self.onset_now
        return found.counts.n if found else 0

    @property
    def safe_until_tick(self) -> int | None:
        """Last tick the safe certificate is good for."""
        return self.safe.until_tick

    def safe_at(self, tick: int) -> bool:
        """Return True if a safe certificate is in force at ``tick``."""
        return safe.safe_at(self.safe, tick)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types; ``-inf`` becomes None."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        plain["log_r"] = [None if value == -inf else value for value in self.log_r]
        return {"format": FORMAT, **plain}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "StreamState":
        """Return the state that ``to_json`` stored.

        Raises:
            ValueError: the form is another version's, or damaged.
        """
        if stored.get("format") != FORMAT:
            raise ValueError(f"format must be {FORMAT}, got {stored.get('format')!r}; start the stream afresh")
        log_r = [-inf if value is None else value for value in stored.get("log_r", ())]
        state = msgspec.convert({**stored, "log_r": log_r}, cls)
        components = state.levels * paired.BETS
        sizes = {len(state.log_r), len(state.safe.log_e), len(state.onset.values), len(state.onset.starts)}
        if sizes | {len(state.onset.counts)} != {components} or len(state.inflation) != state.levels:
            raise ValueError(f"every level must hold {paired.BETS} bets, got sizes {sorted(sizes)}")
        return state


@lru_cache(maxsize=16)
def _log_weights(levels: int) -> NDArray[np.float64]:
    weights = np.log(np.tile(paired.prior(), levels) / levels)
    weights.setflags(write=False)
    return np.asarray(weights, dtype=np.float64)


def initial(config: StreamConfig) -> StreamState:
    """Return the state before the first tick."""
    components = config.levels * paired.BETS
    return StreamState(
        log_r=(-inf,) * components,
        onset=onset.initial(components),
        safe=safe.initial(config.levels),
        inflation=(inflation.InflationState(phi=config.initial_phi),) * config.levels,
        totals=(PairCounts(),) * config.levels,
    )


def fold(
    state: StreamState,
    config: StreamConfig,
    tick: int,
    harm: Sequence[PairCounts],
    safe: Sequence[PairCounts],
    *,
    sibling_phi: float = 1.0,
    frozen: bool = False,
) -> tuple[StreamState, Alarm | None]:
    """Fold one closed tick into a stream, exactly once.

    Sees a candidate that became worse than the margin allows at any time since the start; misses what both
    arms share, what the margin tolerates, and (until the alarm) how large the harm is.

    Formula: per level and bet, ``R <- (1 + R) exp(min(s / phi, cap))``; alarm when ``sum w R >= A``, then R
    = 0.

    Args:
        state: The state before.
        config: What the stream tests; the same at every call.
        tick: Number of the tick, larger than ``state.last_tick``.
        harm: The tick's pairs, one table per level, missing legs scored as candidate good and baseline bad.
        safe: The same pairs with missing legs scored the other way round.
        sibling_phi: Floor of phi: the median of ``own_phi`` over sibling streams.
        frozen: Only advance ``last_tick``: while an incident is handled.

    Returns:
        The new state and the alarm, if any. An empty tick is legal and gives R <- 1 + R.

    Guarantee: with phi = 1, expected alarms in T ticks are at most T / A for any stopping rule, if
    ``E[Z | past] <= 0`` for each pair. With phi > 1 the guarantee is asymptotic.

    Raises:
        ValueError: the tick was folded before, a table is missing, or ``sibling_phi`` is below 1.

    >>> config = StreamConfig(Margin(absolute=0.005), levels=1, threshold=1e6)
    >>> state, bad = initial(config), [PairCounts(n10=10, n00=90)]
    >>> for tick in range(8):
    ...     state, alarm = fold(state, config, tick, bad, bad)
    ...     if alarm: print(alarm.tick, round(alarm.log_statistic, 1), alarm.onset_tick)
    4 14.3 0
    """
    _check(state, config, tick, harm, safe, sibling_phi)
    if frozen:
        return _with(state, last_tick=tick), None
    phis = np.repeat([max(part.phi, sibling_phi) for part in state.inflation], paired.BETS)
    gain = np.concatenate([paired.log_increments(counts, config.margin) for counts in harm])
    log_r = shiryaev_roberts.update(np.asarray(state.log_r), gain, cap=config.cap, phi=phis)
    log_r[paired.BETS - 1 :: paired.BETS][phis[:: paired.BETS] > DROP_TOP_BET_ABOVE] = -inf
    statistic = shiryaev_roberts.log_statistic(log_r, _log_weights(config.levels))
    new = StreamState(
        log_r=tuple(log_r.tolist()),
        onset=onset.update(state.onset, tick, np.minimum(gain / phis, config.cap).tolist(), harm),
        safe=_fold_safe(state, config, tick, safe, phis),
        inflation=_fold_inflation(state, harm, hold=statistic > 0.5 * log(config.threshold)),
        totals=tuple(before + now for before, now in zip(state.totals, harm, strict=True)),
        last_tick=tick,
        sibling_phi=sibling_phi,
    )
    if statistic < log(config.threshold):
        return new, None
    return _after_alarm(new, config), _alarm(new, config, tick, statistic)


def _check(
    state: StreamState,
    config: StreamConfig,
    tick: int,
    harm: Sequence[PairCounts],
    safe: Sequence[PairCounts],
    sibling_phi: float,
) -> None:
    if state.last_tick is not None and tick <= state.last_tick:
        raise ValueError(f"tick must be > {state.last_tick} (the last one folded), got {tick!r}")
    if state.levels != config.levels:
        raise ValueError(f"state must have {config.levels} levels, got {state.levels}")
    for name, tables in (("harm", harm), ("safe", safe)):
        if len(tables) != config.levels:
            raise ValueError(f"{name} must hold {config.levels} tables, got {len(tables)}")
    if not (isfinite(sibling_phi) and sibling_phi >= 1.0):
        raise ValueError(f"sibling_phi must be >= 1, got {sibling_phi!r}")


def _with(state: StreamState, *, last_tick: int) -> StreamState:
    return StreamState(
        state.log_r, state.onset, state.safe, state.inflation, state.totals, last_tick, state.sibling_phi
    )


def _fold_safe(
    state: StreamState,
    config: StreamConfig,
    tick: int,
    counts: Sequence[PairCounts],
    phis: NDArray[np.float64],
) -> safe.SafeState:
    day = max(1, round(DAY_S / config.tick_s))
    gain = np.concatenate([paired.safe_log_increments(part, config.margin) for part in counts])
    return safe.update(
        state.safe,
        tick,
        gain / phis,
        cover_ticks=config.safe_ticks,
        validity_ticks=day,
        patience_ticks=7 * max(day, config.safe_ticks),
    )


def _fold_inflation(
    state: StreamState, harm: Sequence[PairCounts], *, hold: bool
) -> tuple[inflation.InflationState, ...]:
    return tuple(
        inflation.observe(part, counts.n10 - counts.n01, counts.n, counts.n10 + counts.n01, hold=hold)
        for part, counts in zip(state.inflation, harm, strict=True)
    )


def _alarm(state: StreamState, config: StreamConfig, tick: int, statistic: float) -> Alarm:
    found = state.onset_now
    return Alarm(
        tick=tick,
        log_statistic=statistic,
        log_threshold=log(config.threshold),
        onset_tick=found.tick if found else tick,
        since_onset=found.counts if found else PairCounts(),
        level=found.component // paired.BETS if found else 0,
    )


def _after_alarm(state: StreamState, config: StreamConfig) -> StreamState:
    """Return R = 0 and no certificate; the onset run goes on, since the change did."""
    return StreamState(
        log_r=(-inf,) * len(state.log_r),
        onset=state.onset,
        safe=safe.initial(config.levels),
        inflation=state.inflation,
        totals=state.totals,
        last_tick=state.last_tick,
        sibling_phi=state.sibling_phi,
    )

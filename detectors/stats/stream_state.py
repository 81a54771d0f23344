"""One stream in a plain, inspectable form: what it tests, what it remembers, how that is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from math import inf, isfinite
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.stats import inflation, onset, safe, shiryaev_roberts
from detectors.stats.baseline_rate import BaselineRate
from detectors.stats.designs import DESIGNS
from detectors.stats.onset import Onset
from detectors.types import Counts, Design, Margin

__all__ = ["FORMAT", "Alarm", "StreamConfig", "StreamState", "initial"]

FORMAT = 1
"""Version of the stored form; raise it when a field changes meaning."""


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """What a stream tests. Any change of it means a new ``initial`` state.

    Args:
        margin: Tolerance; ``Margin()`` for latency, whose margin is in the thresholds.
        levels: 1 for bits, 3 for latency; bets of all levels are mixed evenly.
        threshold: A, in ticks between false alarms, > 1 (``budget.threshold``).
        cap: Largest log evidence of one tick; ``inf`` turns it off.
        safe_ticks: Ticks a certificate must cover (24 h), >= 1.
        tick_s: Length of a tick in seconds, > 0.
        initial_phi: Variance inflation until one is learned, >= 1: 1 for bits, 3 for latency.
        design: Paired where both variants answered the same requests, else unpaired. It decides what ``fold`` takes:
            ``PairCounts`` or ``ArmCounts``.
    """

    margin: Margin
    levels: int
    threshold: float
    cap: float = 3.0
    safe_ticks: int = 8_640
    tick_s: float = 10.0
    initial_phi: float = 1.0
    design: Design = Design.PAIRED

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
    since_onset: Counts
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
    totals: tuple[Counts, ...]
    """Harm-scored counts since the start, one per level."""
    last_tick: int | None = None
    sibling_phi: float = 1.0
    """The floor that was last applied."""
    design: Design = Design.PAIRED
    rates: tuple[BaselineRate, ...] = ()
    """The baseline's expected rate, one per level; empty where the design does not need it."""

    @property
    def levels(self) -> int:
        """Number of levels."""
        return len(self.totals)

    @property
    def log_statistic(self) -> float:
        """Logarithm of the detector's statistic, ``-inf`` at the start and after an alarm."""
        return shiryaev_roberts.log_statistic(np.asarray(self.log_r), _log_weights(self.design, self.levels))

    @property
    def phi(self) -> float:
        """Largest variance inflation in force over the levels, with the sibling floor."""
        return max(self.sibling_phi, *(part.phi for part in self.inflation))

    @property
    def own_phi(self) -> float:
        """Largest inflation this stream learned by itself: what siblings take their median of."""
        return max(part.phi for part in self.inflation)

    @property
    def total(self) -> Counts:
        """What was counted since the start (level 0): rates are ``candidate_bad / candidate_n`` and so on."""
        return self.totals[0]

    @property
    def pairs(self) -> int:
        """Sample size since the start (level 0): pairs, or answers of both arms."""
        return self.total.n

    @property
    def candidate_bad(self) -> int:
        """Candidate's bad answers since the start (level 0)."""
        return self.total.candidate_bad

    @property
    def baseline_bad(self) -> int:
        """Baseline's bad answers since the start (level 0)."""
        return self.total.baseline_bad

    @property
    def onset_now(self) -> Onset | None:
        """Present estimate of the onset, with the counts since; None while nothing is ahead."""
        return onset.leading(self.onset)

    @property
    def pairs_since_onset(self) -> int:
        """Sample size since the estimated onset; 0 while nothing is ahead."""
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
        design = Design(stored.get("design", Design.PAIRED))
        log_r = [-inf if value is None else value for value in stored.get("log_r", ())]
        state = msgspec.convert({**stored, "log_r": log_r}, cls, dec_hook=partial(_counts, design))
        bets = DESIGNS[design]
        sizes = {len(state.log_r), len(state.safe.log_e), len(state.onset.values), len(state.onset.starts)}
        if sizes | {len(state.onset.counts)} != {state.levels * bets.size} or len(state.inflation) != state.levels:
            raise ValueError(f"every level must hold {bets.size} bets, got sizes {sorted(sizes)}")
        if len(state.rates) != state.levels * bets.needs_rate:
            raise ValueError(f"rates must hold {state.levels * bets.needs_rate} levels, got {len(state.rates)}")
        return state


def _counts(design: Design, _: type, stored: Mapping[str, int]) -> Counts:
    return msgspec.convert(stored, DESIGNS[design].counts)


@lru_cache(maxsize=16)
def _log_weights(design: Design, levels: int) -> NDArray[np.float64]:
    weights = np.log(np.tile(DESIGNS[design].weights, levels) / levels)
    weights.setflags(write=False)
    return np.asarray(weights, dtype=np.float64)


def initial(config: StreamConfig) -> StreamState:
    """Return the state before the first tick."""
    bets = DESIGNS[config.design]
    components, empty = config.levels * bets.size, bets.counts()
    return StreamState(
        log_r=(-inf,) * components,
        onset=onset.initial(components, empty),
        safe=safe.initial(components),
        inflation=(inflation.InflationState(phi=config.initial_phi),) * config.levels,
        totals=(empty,) * config.levels,
        design=config.design,
        rates=(BaselineRate(),) * (config.levels if bets.needs_rate else 0),
    )

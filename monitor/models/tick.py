"""The clock of the tests: ticks, legs and pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from detectors.registry import SIGNALS
from detectors.types import ArmCounts, Counts, PairCounts

__all__ = [
    "ALWAYS_APPLICABLE",
    "Arrival",
    "PrimaryCounts",
    "RouteClock",
    "ScoredTick",
    "Stratum",
    "nothing_counted",
    "table_of",
    "tick_of",
    "tick_start",
]

ALWAYS_APPLICABLE = "request_error"
"""The signal whose denominator is every request, known from the gateway alone."""
Stratum = tuple[str, ...]
"""Where a pair's tail threshold comes from, the most important part first; a prefix is the parent, ``()`` is all."""


def table_of(signal: str, numbers: Sequence[int]) -> Counts:
    """Return a table by its four stored cells; what they mean follows from how the signal is tested."""
    known = SIGNALS.get(signal)
    return PairCounts(*numbers) if known is None or known.paired else ArmCounts(*numbers)


def nothing_counted(signal: str) -> Counts:
    """Return the empty table of a signal."""
    return table_of(signal, (0, 0, 0, 0))


def tick_of(at: datetime, tick_s: float) -> int:
    """Return the number of the tick that holds an instant."""
    return int(at.timestamp() // tick_s)


def tick_start(tick: int, tick_s: float) -> datetime:
    """Return the instant a tick begins."""
    return datetime.fromtimestamp(tick * tick_s, UTC)


@dataclass(frozen=True, slots=True)
class RouteClock:
    """Where evaluation of a route stands."""

    route_id: int
    tick_s: float
    last_tick: int
    horizon_s: float
    horizon_hour: datetime
    warm_at: datetime | None
    """Set when the first horizon was fixed from the warm-up's lags."""

    def due(self, now: datetime) -> int | None:
        """Return the next tick if its end plus the horizon has passed on the receive clock."""
        tick = self.last_tick + 1
        closes = tick_start(tick + 1, self.tick_s) + timedelta(seconds=self.horizon_s)
        return tick if now >= closes else None


@dataclass(frozen=True, slots=True)
class ScoredTick:
    """Paired counts of one tick and stream, one table per level (one for bits, three for latency)."""

    harm: tuple[Counts, ...]
    """Missing legs count for the candidate: candidate good, baseline bad."""
    safe: tuple[Counts, ...]
    """Missing legs count against the candidate."""
    complete: tuple[Counts, ...]
    paired: int = 0
    """Pairs with both readings, or sessions of both arms; more than the tables hold while a latency
    threshold is not known yet."""
    missing_candidate: int = 0
    missing_baseline: int = 0
    unlike: int = 0
    """Of ``paired``, those left out: answers of unlike length, or arms under unlike load."""
    histogram: Mapping[Stratum, Mapping[int, int]] = field(default_factory=dict)
    """Tails only: this tick's pooled bins, per stratum."""

    @property
    def scored(self) -> int:
        """Pairs or sessions to which the signal applied."""
        return self.paired + self.one_sided

    @property
    def one_sided(self) -> int:
        """Pairs with one leg missing."""
        return self.missing_candidate + self.missing_baseline


@dataclass(frozen=True, slots=True)
class Arrival:
    """Requests that one replica of a variant began in one tick, as its server tells."""

    tick: int
    variant_id: int
    backend: str
    requests: int


@dataclass(frozen=True, slots=True)
class PrimaryCounts:
    """Requests by the variant that served their primary leg."""

    by_variant: Mapping[int, int]

    def of(self, variant_id: int) -> int:
        """Return the count of one variant."""
        return self.by_variant.get(variant_id, 0)

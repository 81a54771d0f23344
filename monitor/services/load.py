"""Load of a route's arms: requests begun per second and replica, and whether the arms work under the same. Pure.

What counts is arrivals: they are fixed before any answer. Requests in flight are not: a slow arm has more of them. A
replica is a ``backend`` of a server's records; where all replicas of a variant share one, they count as one.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, floor, log2
from typing import Final

from detectors.stats.overlap import overlap, place_of

__all__ = ["KEPT_S", "LEAST_OVERLAP", "Footing", "RouteLoad", "advice_on"]

LEAST_OVERLAP: Final = 0.5
"""With less of their load in common, what is slow under its load cannot be told from what is slow."""
_RATE_S: Final = 60.0
"""A rate is a mean over a minute: over a tick alone it would be mostly chance."""
_REPLICA_S: Final = 600.0
"""A replica that began nothing for as long is gone."""
KEPT_S: Final = 3600.0
_LEVELS: Final = (-1, 4)
"""Load levels are octaves of requests per second and replica: below 1/2 is -1, 16 and more is 4."""

_Places = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Footing:
    """On what terms a candidate and its baseline meet in one tick."""

    level: str = ""
    """The busier arm's octave of load, such as ``load:2``: what the tail of a tick depends on. Empty when unknown."""
    unlike: bool = False
    """The arms' load differs now although it usually does not: the tick is not comparable."""


@dataclass(frozen=True, slots=True)
class _Tick:
    tick: int
    requests: Mapping[int, Mapping[str, int]]
    """Per variant and replica."""
    places: Mapping[int, _Places]
    """Per variant: its requests by the load of the replica that took them."""


@dataclass(slots=True)
class RouteLoad:
    """The trailing hour of one route, tick by tick."""

    tick_s: float
    last_tick: int
    _ticks: deque[_Tick] = field(default_factory=deque)
    _hour: defaultdict[int, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    _seen: dict[tuple[int, str], int] = field(default_factory=dict)
    _footings: dict[tuple[int, int], Footing] = field(default_factory=dict)

    def append(self, tick: int, requests: Mapping[int, Mapping[str, int]]) -> None:
        """Add the requests of the next tick, per variant and replica; forget what is older than an hour."""
        self.last_tick = tick
        self._footings.clear()
        self._seen.update({(variant, name): tick for variant, per in requests.items() for name in per})
        for gone in [key for key, at in self._seen.items() if at <= tick - _REPLICA_S / self.tick_s]:
            del self._seen[gone]
        recent, length_s = self._minute(tick, requests), self._length_s(tick)
        places: dict[int, Counter[int]] = {}
        for variant, per in requests.items():
            places[variant] = Counter()
            for name, n in per.items():
                places[variant][place_of(recent[variant, name] / length_s)] += n
            self._hour[variant].update(places[variant])
        self._ticks.append(_Tick(tick, requests, places))
        while self._ticks[0].tick <= tick - KEPT_S / self.tick_s:
            self._drop(self._ticks.popleft())

    def footing(self, candidate: int, baseline: int) -> Footing:
        """Return the terms of the newest tick."""
        if (candidate, baseline) not in self._footings:
            self._footings[candidate, baseline] = self._footing(candidate, baseline)
        return self._footings[candidate, baseline]

    def _footing(self, candidate: int, baseline: int) -> Footing:
        mine, other = self._rate(candidate), self._rate(baseline)
        if not mine or not other:
            return Footing()
        lowest, highest = _LEVELS
        level = min(max(floor(log2(max(mine, other))), lowest), highest)
        usual = overlap(self._hour[candidate], self._hour[baseline])
        now = overlap({place_of(mine): 1.0}, {place_of(other): 1.0})
        unlike = now is not None and usual is not None and now < LEAST_OVERLAP <= usual
        return Footing(f"load:{level}", unlike)

    def overlap_since(self, candidate: int, baseline: int, first_tick: int) -> float | None:
        """Return how far the arms' load per replica overlapped from a tick on, by requests; an hour back at most."""
        mine, other = Counter[int](), Counter[int]()
        for one in self._ticks:
            if one.tick >= first_tick:
                mine.update(one.places.get(candidate, {}))
                other.update(one.places.get(baseline, {}))
        return overlap(mine, other)

    def _minute(self, tick: int, requests: Mapping[int, Mapping[str, int]]) -> Counter[tuple[int, str]]:
        """Return the requests of the minute that ends with a tick, per variant and replica."""
        found = Counter[tuple[int, str]]()
        ticks = [requests]
        for one in reversed(self._ticks):
            if one.tick <= tick - _RATE_S / self.tick_s:
                break
            ticks.append(one.requests)
        for per_variant in ticks:
            for variant, per in per_variant.items():
                for name, n in per.items():
                    found[variant, name] += n
        return found

    def _rate(self, variant: int) -> float:
        """Return the variant's requests per second and replica in the last minute."""
        replicas = sum(1 for seen, _ in self._seen if seen == variant)
        begun = 0
        for one in reversed(self._ticks):
            if one.tick <= self.last_tick - _RATE_S / self.tick_s:
                break
            begun += sum(one.requests.get(variant, {}).values())
        return begun / self._length_s(self.last_tick) / replicas if replicas else 0.0

    def _length_s(self, tick: int) -> float:
        """Return how much of the minute that ends with a tick is known."""
        known = tick - self._ticks[0].tick + 1 if self._ticks else 1
        return self.tick_s * min(known, ceil(_RATE_S / self.tick_s))

    def _drop(self, old: _Tick) -> None:
        for variant, places in old.places.items():
            hour = self._hour[variant]
            hour.subtract(places)
            for place in [place for place in places if hour[place] <= 0]:
                del hour[place]


def advice_on(shared: float | None) -> str | None:
    """Return why an alarm of latency only advises, or None when the arms' load overlaps enough to act on it."""
    if shared is None:
        return "The arms' load per replica is not known: compare under equal load; nothing is moved"
    if shared < LEAST_OVERLAP:
        return (
            f"The arms' load per replica overlaps by {100 * shared:.0f} % (limit {100 * LEAST_OVERLAP:.0f} %): "
            "compare under equal load; nothing is moved"
        )
    return None

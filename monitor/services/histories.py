"""What the last hour was like, kept in memory between ticks and read back after a restart: latencies and load."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.stats import latency
from monitor.models.evidence import Stream
from monitor.models.tick import Stratum, tick_start
from monitor.services.load import KEPT_S, RouteLoad
from monitor.services.strata import ancestors
from monitor.storage.events import EventStore
from monitor.storage.streams import StreamStore

__all__ = ["Histories", "History", "Loads"]

_WINDOWS_S: Final = (300.0, KEPT_S)
"""The shorter window counts if it holds enough values."""

_BINS: Final = latency.OVERFLOW_BIN - latency.LOWEST_BIN + 1
_LEVELS: Final = np.array(latency.LEVELS)
_ROUNDING: Final = 1e-9
_Bins = tuple[NDArray[np.int64], NDArray[np.int32]]
"""Where a histogram has something, counted from the lowest bin, and how much."""
_Tick = tuple[int, Sequence[tuple[Sequence[Stratum], _Bins]]]


@dataclass(slots=True)
class _Window:
    """Sums of the pooled histograms over the last ticks, of every stratum and of all that hold it.

    A sum is an array over all bins, 7 kB: adding a tick and finding a quantile are a few calls of NumPy each.
    """

    length: float
    """In ticks."""
    ticks: deque[_Tick] = field(default_factory=deque)
    sums: dict[Stratum, NDArray[np.int32]] = field(default_factory=dict)
    totals: dict[Stratum, int] = field(default_factory=dict)

    def add(self, one: _Tick) -> None:
        """Add a tick."""
        self.ticks.append(one)
        for holders, (bins, counts) in one[1]:
            n = int(counts.sum())
            for holder in holders:
                known = self.sums.get(holder)
                if known is None:
                    known = self.sums[holder] = np.zeros(_BINS, dtype=np.int32)
                known[bins] += counts
                self.totals[holder] = self.totals.get(holder, 0) + n

    def forget(self, tick: int) -> None:
        """Take out what is older than the window before ``tick``."""
        while self.ticks and self.ticks[0][0] < tick - self.length:
            for holders, (bins, counts) in self.ticks.popleft()[1]:
                n = int(counts.sum())
                for holder in holders:
                    self.sums[holder][bins] -= counts
                    self.totals[holder] -= n
                    if self.totals[holder] <= 0:
                        del self.sums[holder], self.totals[holder]

    def thresholds(self, stratum: Stratum) -> tuple[int | None, ...] | None:
        """Return what ``latency.tail_thresholds`` returns of a stratum's sum; None where there are too few values."""
        total = self.totals.get(stratum, 0)
        if total < latency.MINIMUM:
            return None
        reached = np.cumsum(self.sums[stratum], dtype=np.int64)
        places = np.searchsorted(reached, _LEVELS * total - _ROUNDING) + latency.LOWEST_BIN + 1
        return tuple(np.minimum(places, latency.OVERFLOW_BIN).tolist())


@dataclass(slots=True)
class History:
    """The pooled histograms of the ticks before the one being closed, of one latency stream.

    Memory holds an hour of bins: one tick's bins never outnumber its values, and a sum's never the bins there are.
    """

    fingerprint: str = ""
    last_tick: int = 0
    windows: tuple[_Window, ...] = ()

    def thresholds(self, stratum: Stratum) -> tuple[int | None, ...]:
        """Return a stratum's tail thresholds per level, fixed before the tick.

        Its own values of five minutes count, else of an hour, if they are enough; else those of the narrowest stratum
        that holds it and has enough.
        """
        for holder in ancestors(stratum):
            for window in self.windows:
                found = window.thresholds(holder)
                if found is not None:
                    return found
        return (None,) * len(latency.LEVELS)

    def add(self, tick: int, histograms: Mapping[Stratum, Mapping[int, int]]) -> None:
        """Remember a closed tick."""
        self.last_tick = tick
        kept = [(tuple(ancestors(stratum)), _bins(counts)) for stratum, counts in histograms.items() if counts]
        if kept:
            for window in self.windows:
                window.add((tick, kept))

    def before(self, tick: int) -> "History":
        """Forget what is too old to judge ``tick`` by."""
        for window in self.windows:
            window.forget(tick)
        return self


class Histories:
    """The histories of all streams."""

    def __init__(self) -> None:
        self._known: dict[int, History] = {}

    def before(self, streams: StreamStore, stream: Stream, tick: int, tick_s: float) -> History:
        """Return what a stream saw before ``tick``, without ``tick`` itself."""
        if not stream.id:
            return History()
        history = self._known.get(stream.id)
        if history is None or history.fingerprint != stream.fingerprint or history.last_tick != tick - 1:
            history = self._known[stream.id] = _read_back(streams, stream, tick, tick_s)
        return history.before(tick)

    def append(self, stream: Stream, tick: int, histograms: Mapping[Stratum, Mapping[int, int]]) -> None:
        """Remember a closed tick."""
        history = self._known.get(stream.id)
        if history is None or history.last_tick != tick - 1 or history.fingerprint != stream.fingerprint:
            self._known.pop(stream.id, None)
            return
        history.add(tick, histograms)


class Loads:
    """The trailing load of every route, kept in memory between ticks and read back after a restart."""

    def __init__(self) -> None:
        self._known: dict[int, RouteLoad] = {}

    def close(self, events: EventStore, route_id: int, tick: int, tick_s: float) -> RouteLoad:
        """Return a route's load with the tick that is being closed."""
        known = self._known.get(route_id)
        if known is None or known.last_tick != tick - 1 or known.tick_s != tick_s:
            known = self._known[route_id] = _load_before(events, route_id, tick, tick_s)
        requests: dict[int, dict[str, int]] = {}
        for one in events.begun(route_id, tick_start(tick, tick_s), tick_start(tick + 1, tick_s)):
            requests.setdefault(one.variant_id, {})[one.backend] = one.requests
        known.append(tick, requests)
        return known


def _bins(counts: Mapping[int, int]) -> _Bins:
    n = len(counts)
    places = np.fromiter(counts.keys(), dtype=np.int64, count=n) - latency.LOWEST_BIN
    return places, np.fromiter(counts.values(), dtype=np.int32, count=n)


def _read_back(streams: StreamStore, stream: Stream, tick: int, tick_s: float) -> History:
    history = History(stream.fingerprint, tick - 1, tuple(_Window(length / tick_s) for length in _WINDOWS_S))
    for row in streams.ticks(stream, tick - int(_WINDOWS_S[-1] / tick_s), tick - 1):
        history.add(row["tick"], row["histograms"])
    history.last_tick = tick - 1
    return history


def _load_before(events: EventStore, route_id: int, tick: int, tick_s: float) -> RouteLoad:
    """Return the hour before a tick as the stored events tell it."""
    first = tick - int(KEPT_S / tick_s)
    load = RouteLoad(tick_s, tick - 1)
    by_tick: defaultdict[int, dict[int, dict[str, int]]] = defaultdict(dict)
    for one in events.arrivals(route_id, tick_start(first, tick_s), tick_start(tick, tick_s), tick_s):
        by_tick[one.tick].setdefault(one.variant_id, {})[one.backend] = one.requests
    for at in sorted(by_tick):
        load.append(at, by_tick[at])
    load.last_tick = tick - 1
    return load

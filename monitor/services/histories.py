"""Trailing latency histograms, kept in memory between ticks and read back after a restart."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from detectors.stats import latency
from monitor.models.evidence import Stream
from monitor.storage.streams import StreamStore

__all__ = ["Histories"]

_SHORTEST_S = 300.0
_LONGEST_S = 3600.0


@dataclass(slots=True)
class _History:
    fingerprint: str
    last_tick: int
    ticks: deque[tuple[int, Mapping[int, int]]] = field(default_factory=deque)


class Histories:
    """The pooled histogram of the ticks before the one being closed, per latency stream.

    Five minutes, or longer (at most an hour) until there are enough values for the tail thresholds.
    """

    def __init__(self) -> None:
        self._known: dict[int, _History] = {}

    def pooled(self, streams: StreamStore, stream: Stream, tick: int, tick_s: float) -> dict[int, int]:
        """Return the pooled histogram of the trailing window, without ``tick`` itself."""
        if not stream.id:
            return {}
        history = self._known.get(stream.id)
        if history is None or history.fingerprint != stream.fingerprint or history.last_tick != tick - 1:
            history = self._read(streams, stream, tick, tick_s)
            self._known[stream.id] = history
        total: dict[int, int] = {}
        n = 0
        for at, counts in reversed(history.ticks):
            if at < tick - _SHORTEST_S / tick_s and n >= latency.MINIMUM:
                break
            for edge, count in counts.items():
                total[edge] = total.get(edge, 0) + count
                n += count
        while history.ticks and history.ticks[0][0] < tick - _LONGEST_S / tick_s:
            history.ticks.popleft()
        return total

    def append(self, stream: Stream, tick: int, histogram: Mapping[int, int]) -> None:
        """Remember a closed tick."""
        history = self._known.get(stream.id)
        if history is None or history.last_tick != tick - 1 or history.fingerprint != stream.fingerprint:
            self._known.pop(stream.id, None)
            return
        history.last_tick = tick
        if histogram:
            history.ticks.append((tick, dict(histogram)))

    @staticmethod
    def _read(streams: StreamStore, stream: Stream, tick: int, tick_s: float) -> _History:
        first = tick - int(_LONGEST_S / tick_s)
        stored = streams.ticks(stream, first, tick - 1)
        return _History(
            stream.fingerprint,
            tick - 1,
            deque((row["tick"], {int(edge): n for edge, n in row["histogram"].items()}) for row in stored),
        )

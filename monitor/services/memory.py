"""The streams of every route, kept in memory between ticks so that their stored states need not be read each time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.models.evidence import Stream
from monitor.services.watch import Remembered
from monitor.storage.streams import StreamStore

__all__ = ["Memory"]


@dataclass(frozen=True, slots=True)
class _Kept:
    version: int
    stream: Stream
    """Without its stored state, which ``memory`` is."""
    memory: Remembered


@dataclass(slots=True)
class Memory:
    """Streams as this process stored them. The stored row is the truth: what another wrote is read again."""

    _known: dict[int, dict[int, _Kept]] = field(default_factory=dict)

    def recall(self, store: StreamStore, route_id: int) -> tuple[list[Stream], Mapping[int, Remembered]]:
        """Return a route's streams, and the memories of those whose row is as this process wrote it."""
        versions = store.versions(route_id)
        kept = {
            stream_id: one
            for stream_id, one in self._known.get(route_id, {}).items()
            if versions.get(stream_id) == one.version
        }
        changed = store.some([stream_id for stream_id in versions if stream_id not in kept])
        streams = [*(one.stream for one in kept.values()), *changed]
        return streams, {stream_id: one.memory for stream_id, one in kept.items()}

    def keep(self, route_id: int, version: int, streams: Sequence[tuple[Stream, Remembered]]) -> None:
        """Remember what a transaction stored of a route; if it is undone, no row will name its version."""
        for _, memory in streams:
            memory.state.fleet.stored = None  # the texts are in the rows; the arrays are what is kept
        self._known[route_id] = {
            stream.id: _Kept(version, replace(stream, state={}), memory) for stream, memory in streams
        }

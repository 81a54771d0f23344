"""What a stream counted over any time, at the resolution that suffices: rolled up as far as that is, then ticks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from monitor.models.count_history import WIDTHS, Bucket, Resolution, begin_of, resolution_for, together
from monitor.models.evidence import Stream
from monitor.storage.rolled_counts import RolledCountStore
from monitor.storage.streams import StreamStore

__all__ = ["Counted", "Kept", "count_history"]

Kept = Mapping[Resolution, timedelta]
"""For how long each resolution is kept."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A stream's counts, oldest first; stretches without any are left out."""

    resolution: Resolution
    width: timedelta
    buckets: list[Bucket]


def count_history(
    session: Session,
    stream: Stream,
    tick_s: float,
    since: datetime,
    until: datetime,
    now: datetime,
    kept: Kept,
    resolution: Resolution | None = None,
) -> Counted:
    """Return what a stream counted in [since, until).

    Where no resolution is asked for it is the coarsest that gives a chart its points and still reaches back so far.
    The rows that are read do not grow with the age of the stream. Entries at the ends may reach beyond what was asked.
    """
    chosen = resolution or resolution_for(until - since, now - since, kept)
    streams = StreamStore(session)
    if chosen is Resolution.TICK:
        return Counted(chosen, timedelta(seconds=tick_s), streams.buckets(stream, tick_s, since, until))
    store, width = RolledCountStore(session), WIDTHS[chosen]
    begin = begin_of(since, width)
    mark = store.mark(stream.route_id, chosen)
    rolled_until = begin if mark is None else min(max(mark, begin), until)
    rolled = store.of_stream(stream.route_id, stream.id, chosen, begin, rolled_until)
    newest = together(streams.buckets(stream, tick_s, rolled_until, until), width)
    return Counted(chosen, width, [*rolled, *newest])

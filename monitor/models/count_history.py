"""What a stream counted over time: ticks, and the minutes and hours that they are put together to. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import zip_longest
from types import MappingProxyType
from typing import Final

from detectors.stats import latency

__all__ = ["ROLLED", "WIDTHS", "Bucket", "Resolution", "begin_of", "merged_buckets", "resolution_for", "together"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENOUGH: Final = 120
"""Entries that a chart needs: it draws no more points."""


class Resolution(StrEnum):
    """How fine counts are kept."""

    TICK = "tick"
    MINUTE = "minute"
    HOUR = "hour"


WIDTHS: Final[Mapping[Resolution, timedelta]] = MappingProxyType(
    {Resolution.MINUTE: timedelta(minutes=1), Resolution.HOUR: timedelta(hours=1)}
)
"""How much time one entry holds; a tick's is the route's own."""
ROLLED: Final = tuple(WIDTHS)
"""What ticks are put together to, the finest first."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What a stream counted in the ticks that started in a stretch of time."""

    stream_id: int
    started_at: datetime
    ticks: int
    """How many of its ticks counted anything."""
    complete: tuple[tuple[int, ...], ...]
    """Four cells per level: complete pairs, or sessions of both arms."""
    missing: tuple[int, int] = (0, 0)
    """Pairs without the candidate's and without the baseline's leg."""
    histogram: Mapping[int, int] = field(default_factory=dict)
    """Tails: the pooled bins, of all strata together."""


def begin_of(at: datetime, width: timedelta) -> datetime:
    """Return the begin of the stretch of time that holds an instant; stretches are counted from 1970, UTC.

    >>> begin_of(datetime(2026, 3, 2, 12, 5, 59, tzinfo=UTC), timedelta(minutes=1)).isoformat()
    '2026-03-02T12:05:00+00:00'
    """
    return _EPOCH + (at - _EPOCH) // width * width


def together(buckets: Iterable[Bucket], width: timedelta) -> list[Bucket]:
    """Return what each stream counted per stretch of ``width``, by stream and time.

    A bucket belongs to the stretch that it began in. Sums: so the order of the buckets does not matter, and minutes put
    together to hours are what their ticks put together to hours are.
    """
    found: defaultdict[tuple[int, datetime], list[Bucket]] = defaultdict(list)
    for one in buckets:
        found[one.stream_id, begin_of(one.started_at, width)].append(one)
    return [merged_buckets(found[key], key[1]) for key in sorted(found)]


def merged_buckets(buckets: list[Bucket], started_at: datetime) -> Bucket:
    """Return the sum of one stream's buckets; a level that only some have counts as empty in the others."""
    levels = zip_longest(*(one.complete for one in buckets), fillvalue=(0, 0, 0, 0))
    return Bucket(
        stream_id=buckets[0].stream_id,
        started_at=started_at,
        ticks=sum(one.ticks for one in buckets),
        complete=tuple(tuple(map(sum, zip(*level, strict=True))) for level in levels),
        missing=(sum(one.missing[0] for one in buckets), sum(one.missing[1] for one in buckets)),
        histogram=latency.merge(*(one.histogram for one in buckets)),
    )


def resolution_for(span: timedelta, age: timedelta, kept: Mapping[Resolution, timedelta]) -> Resolution:
    """Return the coarsest resolution that still gives a chart its points, and that is kept for as long.

    Args:
        span: How much time is looked at.
        age: How long ago it began.
        kept: For how long each resolution is kept; the coarsest is taken for what is older than all.

    >>> kept = {Resolution.TICK: timedelta(days=7), Resolution.MINUTE: timedelta(days=35)}
    >>> [resolution_for(timedelta(hours=h), timedelta(hours=h), kept).value for h in (1, 24, 168)]
    ['tick', 'minute', 'hour']
    >>> resolution_for(timedelta(hours=1), timedelta(days=9), kept).value
    'minute'
    """
    enough = [one for one in reversed(ROLLED) if span >= _ENOUGH * WIDTHS[one]]
    wanted = enough[0] if enough else Resolution.TICK
    order = list(Resolution)
    for one in order[order.index(wanted) :]:
        if age <= kept.get(one, age):
            return one
    return order[-1]

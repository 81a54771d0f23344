"""What a chart draws: a stream's stored counts folded into a readable number of points. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from detectors.types import Counts
from monitor.models.count_history import Bucket, begin_of
from monitor.models.tick import nothing_counted, table_of

__all__ = ["Point", "points_of"]

_MOST_POINTS = 120
_FEWEST_POINTS = 24
_PAIRS_A_POINT = 40


@dataclass(frozen=True, slots=True)
class Point:
    """The complete pairs, or the sessions of both arms, of a stretch of time."""

    start: datetime
    width: timedelta
    counts: Counts
    one_sided: int

    @property
    def middle(self) -> datetime:
        """Where the point is drawn."""
        return self.start + self.width / 2

    @property
    def candidate_rate(self) -> float | None:
        """Share of the candidate's that were bad."""
        return self.counts.candidate_bad / self.counts.candidate_n if self.counts.candidate_n else None

    @property
    def baseline_rate(self) -> float | None:
        """Share of the baseline's that were bad."""
        return self.counts.baseline_bad / self.counts.baseline_n if self.counts.baseline_n else None


def points_of(signal: str, buckets: Sequence[Bucket], width: timedelta, span: timedelta) -> list[Point]:
    """Fold buckets into at most 120 points over ``span``, wide enough to hold some forty pairs each where data allow.

    Buckets of one point are consecutive; a point that nothing was counted in is left out, so that a gap stays a gap.

    Args:
        signal: What was counted.
        buckets: One stream's, all of one width.
        width: How much time a bucket holds.
        span: How much time the chart shows.
    """
    if not buckets:
        return []
    slots = max(1, ceil(span / width))
    counted = sum(table_of(signal, one.complete[0]).n for one in buckets)
    wanted = min(max(counted // _PAIRS_A_POINT, _FEWEST_POINTS), _MOST_POINTS - 1)
    length = max(1, ceil(slots / wanted)) * width
    folded: dict[datetime, tuple[Counts, int]] = {}
    for one in buckets:
        begin = begin_of(one.started_at, length)
        table, missing = folded.get(begin, (nothing_counted(signal), 0))
        folded[begin] = table + table_of(signal, one.complete[0]), missing + sum(one.missing)
    return [
        Point(begin, length, table, missing)
        for begin, (table, missing) in sorted(folded.items())
        if table.candidate_n and table.baseline_n
    ]

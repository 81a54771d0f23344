"""What a chart draws: a stream's stored ticks folded into a readable number of points. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from detectors.types import Counts
from monitor.models.tick import nothing_counted, table_of, tick_start
from monitor.storage.streams import TickCounts

__all__ = ["Point", "points_of"]

_MOST_POINTS = 120
_FEWEST_POINTS = 24
_PAIRS_A_POINT = 40


@dataclass(frozen=True, slots=True)
class Point:
    """The complete pairs, or the sessions of both arms, of some consecutive ticks."""

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


def points_of(signal: str, ticks: Sequence[TickCounts], tick_s: float, span: timedelta) -> list[Point]:
    """Fold ticks into at most 120 points over ``span``, wide enough to hold some forty pairs each where data allow.

    Ticks of one point are consecutive; a point that nothing was counted in is left out, so that a gap stays a gap.
    """
    if not ticks:
        return []
    slots = max(1, ceil(span.total_seconds() / tick_s))
    counted = sum(table_of(signal, tick["complete"][0]).n for tick in ticks)
    wanted = min(max(counted // _PAIRS_A_POINT, _FEWEST_POINTS), _MOST_POINTS - 1)
    together = max(1, ceil(slots / wanted))
    folded: dict[int, tuple[Counts, int]] = {}
    for tick in ticks:
        table, missing = folded.get(tick["tick"] // together, (nothing_counted(signal), 0))
        folded[tick["tick"] // together] = (
            table + table_of(signal, tick["complete"][0]),
            missing + sum(tick["missing"]),
        )
    return [
        Point(tick_start(number * together, tick_s), timedelta(seconds=together * tick_s), table, missing)
        for number, (table, missing) in sorted(folded.items())
        if table.candidate_n and table.baseline_n
    ]

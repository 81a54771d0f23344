"""What a chart draws: a stream's stored ticks folded into a readable number of points. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from detectors.types import PairCounts
from monitor.models.tick import tick_start
from monitor.storage.streams import TickCounts

__all__ = ["Point", "points_of"]

_MOST_POINTS = 120
_FEWEST_POINTS = 24
_PAIRS_A_POINT = 40


@dataclass(frozen=True, slots=True)
class Point:
    """The complete pairs of some consecutive ticks."""

    start: datetime
    width: timedelta
    pairs: PairCounts
    one_sided: int

    @property
    def middle(self) -> datetime:
        """Where the point is drawn."""
        return self.start + self.width / 2

    @property
    def candidate_rate(self) -> float | None:
        """Share of pairs in which the candidate was bad."""
        return self.pairs.candidate_bad / self.pairs.n if self.pairs.n else None

    @property
    def baseline_rate(self) -> float | None:
        """Share of pairs in which the baseline was bad."""
        return self.pairs.baseline_bad / self.pairs.n if self.pairs.n else None


def points_of(ticks: Sequence[TickCounts], tick_s: float, span: timedelta) -> list[Point]:
    """Fold ticks into at most 120 points over ``span``, wide enough to hold some forty pairs each where data allow.

    Ticks of one point are consecutive; a point without a pair is left out, so that a gap stays a gap.
    """
    if not ticks:
        return []
    slots = max(1, ceil(span.total_seconds() / tick_s))
    pairs = sum(PairCounts(*tick["complete"][0]).n for tick in ticks)
    wanted = min(max(pairs // _PAIRS_A_POINT, _FEWEST_POINTS), _MOST_POINTS - 1)
    together = max(1, ceil(slots / wanted))
    folded: dict[int, tuple[PairCounts, int]] = {}
    for tick in ticks:
        table, missing = folded.get(tick["tick"] // together, (PairCounts(), 0))
        folded[tick["tick"] // together] = (
            table + PairCounts(*tick["complete"][0]),
            missing + sum(tick["missing"]),
        )
    return [
        Point(tick_start(number * together, tick_s), timedelta(seconds=together * tick_s), table, missing)
        for number, (table, missing) in sorted(folded.items())
        if table.n
    ]

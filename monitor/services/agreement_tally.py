"""How often variants gave their reference's greedy answers within the last day, kept in memory by the hour. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

__all__ = ["KEPT", "AgreementTallies", "AgreementTally"]

KEPT: Final = timedelta(days=1)
"""How far back pairs count."""
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AgreementTally:
    """Pairs of greedy answers that can be compared: how many, how many differ, and how long the reference's were."""

    differing: int = 0
    lengths: Mapping[int, int] = field(default_factory=dict)
    """Pairs by the tokens of the reference's answer."""

    @property
    def pairs(self) -> int:
        """How many there are."""
        return sum(self.lengths.values())


class AgreementTallies:
    """Tallies by (variant, reference), in buckets of an hour by when the requests started."""

    def __init__(self) -> None:
        self._lengths: defaultdict[datetime, Counter[tuple[int, int, int]]] = defaultdict(Counter)
        self._differing: defaultdict[datetime, Counter[tuple[int, int]]] = defaultdict(Counter)

    def add(self, at: datetime, variant: int, reference: int, tokens: int, pairs: int, differing: int) -> None:
        """Count pairs of one length that started about an instant."""
        hour = at.replace(minute=0, second=0, microsecond=0)
        self._lengths[hour][variant, reference, tokens] += pairs
        self._differing[hour][variant, reference] += differing

    def forget(self, variant: int) -> None:
        """Drop what was counted of a variant, on either side: another artifact serves under its name."""
        for lengths in self._lengths.values():
            for key in [key for key in lengths if variant in key[:2]]:
                del lengths[key]
        for differing in self._differing.values():
            for pair in [pair for pair in differing if variant in pair]:
                del differing[pair]

    def prune(self, now: datetime) -> None:
        """Drop the hours that ended longer ago than what counts."""
        for hour in [hour for hour in self._lengths if hour + _HOUR <= now - KEPT]:
            del self._lengths[hour]
            self._differing.pop(hour, None)

    def of(self, variant: int, reference: int) -> AgreementTally:
        """Return what was counted of a variant with its reference; of a variant with itself, its own mirror."""
        lengths: Counter[int] = Counter()
        for counted in self._lengths.values():
            for (one, other, tokens), n in counted.items():
                if (one, other) == (variant, reference):
                    lengths[tokens] += n
        return AgreementTally(sum(found[variant, reference] for found in self._differing.values()), lengths)

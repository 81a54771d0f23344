"""Counts the faults of a commit's new events. Schemas come from anyone, so the places told apart are bounded."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from monitor.models.event import Record
from monitor.models.fault import OTHER, Fault, FaultCount

__all__ = ["MOST_PLACES", "FaultTally"]

MOST_PLACES: Final = 100
"""Places told apart for one variant, signal and day."""
_MOST_VARIANT_DAYS: Final = 4096

_Where = tuple[int, int, date]


class FaultTally:
    """Remembers which places were told apart so far, in this process."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, date, str], set[Fault]] = {}

    def count(self, new: Iterable[tuple[date, Record]]) -> Sequence[FaultCount]:
        """Return the counts of newly stored events with the days they started on, in one order for all writers."""
        found: Counter[tuple[int, int, date, Fault]] = Counter()
        for day, record in new:
            variant_id = record.attribution.variant_id
            if not record.faults or variant_id is None:
                continue
            where = record.attribution.route_id, variant_id, day
            for fault in record.faults:
                found[*where, self._bounded(where, fault)] += 1
        return [FaultCount(*key, n) for key, n in sorted(found.items())]

    def _bounded(self, where: _Where, fault: Fault) -> Fault:
        if len(self._known) > _MOST_VARIANT_DAYS:
            self._known.clear()
        known = self._known.setdefault((*where, fault.signal), set())
        if fault in known:
            return fault
        if len(known) >= MOST_PLACES:
            return fault._replace(detail=OTHER)
        known.add(fault)
        return fault

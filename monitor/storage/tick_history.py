"""Stored tick counts of many streams as arrays: read for trials of a policy, never written here."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

__all__ = ["History", "TickHistory", "joined", "merged"]

_LEVELS = 3
_CELLS = ", ".join(
    f"coalesce(sum((counts -> 'complete' -> {level} ->> {cell})::bigint), 0)"
    for level in range(_LEVELS)
    for cell in range(4)
)
_MISSING = ", ".join(f"sum((counts -> 'missing' ->> {leg})::bigint)" for leg in range(2))
_READ = text(
    "SELECT stream_id, max(tick), max(jsonb_array_length(counts -> 'complete')), "  # noqa: S608 - constants of this module
    f"{_CELLS}, {_MISSING} FROM tick_counts "
    "WHERE route_id = :route AND stream_id = ANY(:streams) AND tick BETWEEN :first AND :last "
    "GROUP BY stream_id, tick / :group ORDER BY stream_id, max(tick)"
)
_COUNT = text(
    "SELECT count(*) AS n, min(tick) AS first FROM tick_counts "
    "WHERE route_id = :route AND stream_id = ANY(:streams) AND tick BETWEEN :first AND :last"
)


@dataclass(frozen=True, slots=True)
class History:
    """What one stream counted, oldest first."""

    ticks: NDArray[np.int64]
    """The last tick of each entry, shape (n,)."""
    tables: NDArray[np.int64]
    """Complete pairs, or arms, as their four cells; shape (n, levels, 4)."""
    missing: NDArray[np.int64]
    """Pairs without the candidate's and without the baseline's leg, shape (n, 2)."""


class TickHistory:
    """Reads of ``tick_counts`` over many streams at once."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def extent(self, route_id: int, streams: Sequence[int], first: int, last: int) -> tuple[int, int | None]:
        """Return how many ticks of these streams are stored, and the oldest one's number."""
        row = self._session.execute(
            _COUNT, {"route": route_id, "streams": list(streams), "first": first, "last": last}
        ).one()
        return int(row.n), row.first

    def read(self, route_id: int, streams: Sequence[int], first: int, last: int, group: int) -> dict[int, History]:
        """Return the ticks from ``first`` to ``last`` by stream, ``group`` of them put together."""
        rows = self._session.execute(
            _READ, {"route": route_id, "streams": list(streams), "first": first, "last": last, "group": group}
        )
        found: defaultdict[int, list[Sequence[int]]] = defaultdict(list)
        levels: dict[int, int] = {}
        for row in rows:
            found[row[0]].append([row[1], *map(int, row[3:])])
            levels[row[0]] = max(levels.get(row[0], 1), row[2])
        return {stream: _history(rows_, levels[stream]) for stream, rows_ in found.items()}


def _history(rows: Sequence[Sequence[int]], levels: int) -> History:
    table = np.array(rows, dtype=np.int64)
    cells = table[:, 1:-2].reshape(len(rows), _LEVELS, 4)
    return History(table[:, 0], np.ascontiguousarray(cells[:, :levels]), table[:, -2:])


def joined(parts: Sequence[Mapping[int, History]]) -> dict[int, History]:
    """Return histories of spans that do not overlap, in any order, as one for each stream."""
    found: dict[int, History] = {}
    for stream in dict.fromkeys(stream for part in parts for stream in part):
        mine = sorted((part[stream] for part in parts if stream in part), key=lambda one: int(one.ticks[0]))
        levels = max(one.tables.shape[1] for one in mine)
        tables = [np.pad(one.tables, ((0, 0), (0, levels - one.tables.shape[1]), (0, 0))) for one in mine]
        found[stream] = History(
            np.concatenate([one.ticks for one in mine]),
            np.concatenate(tables),
            np.concatenate([one.missing for one in mine]),
        )
    return found


def merged(history: History, group: int) -> History:
    """Return a history with ``group`` ticks put together."""
    if group <= 1 or not len(history.ticks):
        return history
    places = np.flatnonzero(np.diff(history.ticks // group, prepend=history.ticks[0] // group - 1))
    ends = np.append(places[1:], len(history.ticks)) - 1
    return History(
        history.ticks[ends],
        np.add.reduceat(history.tables, places, axis=0),
        np.add.reduceat(history.missing, places, axis=0),
    )

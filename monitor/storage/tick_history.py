"""Stored counts of many streams as arrays: read for trials of a policy, never written here."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from monitor.models.count_history import Resolution
from monitor.models.tick import tick_of, tick_start
from monitor.storage.rolled_counts import RolledCountStore, width_s

__all__ = ["Extent", "History", "TickHistory", "first_tick_from", "joined", "merged"]

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
_ROLLED_CELLS = ", ".join(f"coalesce(sum(complete[{cell}]), 0)" for cell in range(1, 4 * _LEVELS + 1))
_READ_ROLLED = text(
    "SELECT stream_id, max(last) AS tick, max(cardinality(complete)) / 4, "  # noqa: S608 - constants of this module
    f"{_ROLLED_CELLS}, sum(missing[1]), sum(missing[2]) FROM ("
    "SELECT stream_id, complete, missing, "
    "ceil((extract(epoch FROM started_at) + width_s) / CAST(:tick_s AS numeric))::bigint - 1 AS last "
    "FROM rolled_counts WHERE route_id = :route AND stream_id = ANY(:streams) AND width_s = :width "
    "AND started_at >= :since AND started_at < :until) AS rolled "
    "GROUP BY stream_id, last / :group ORDER BY stream_id, max(last)"
)
_COUNT = text(
    "SELECT count(*) AS n, min(tick) AS first FROM tick_counts "
    "WHERE route_id = :route AND stream_id = ANY(:streams) AND tick BETWEEN :first AND :last"
)
_COUNT_ROLLED = text(
    "SELECT coalesce(sum(ticks), 0) AS n, min(started_at) AS first FROM rolled_counts "
    "WHERE route_id = :route AND stream_id = ANY(:streams) AND width_s = :width "
    "AND started_at >= :since AND started_at < :until"
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


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is stored of some streams in a window."""

    ticks: int
    """In which anything was counted."""
    oldest: datetime | None
    oldest_by: Mapping[Resolution, datetime | None]
    """Since when each resolution is kept."""


class TickHistory:
    """Reads of ``tick_counts`` and ``rolled_counts`` over many streams at once."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def extent(self, route_id: int, streams: Sequence[int], since: datetime, until: datetime, tick_s: float) -> Extent:
        """Return how much of these streams is stored: what is rolled up by hours is counted by hours."""
        rolled = RolledCountStore(self._session)
        mark = rolled.mark(route_id, Resolution.HOUR)
        values = {"route": route_id, "streams": list(streams)}
        n, firsts, begin = 0, [], since
        if mark is not None and mark > since:
            width = width_s(Resolution.HOUR)
            row = self._session.execute(
                _COUNT_ROLLED, {**values, "width": width, "since": since, "until": min(mark, until)}
            ).one()
            n, begin = int(row.n), mark
            firsts.append(row.first)
        span = {"first": first_tick_from(begin, tick_s), "last": tick_of(until, tick_s)}
        row = self._session.execute(_COUNT, {**values, **span}).one()
        firsts.append(None if row.first is None else tick_start(row.first, tick_s))
        known = [max(at, since) for at in firsts if at is not None]
        return Extent(
            n + int(row.n),
            min(known, default=None),
            {one: rolled.oldest(route_id, one) for one in Resolution},
        )

    def read(
        self,
        route_id: int,
        streams: Sequence[int],
        since: datetime,
        until: datetime,
        tick_s: float,
        group: int,
        resolution: Resolution = Resolution.TICK,
    ) -> dict[int, History]:
        """Return what began in [since, until) by stream, ``group`` ticks of ``tick_s`` put together.

        What is not rolled up to ``resolution`` yet is read by the tick.
        """
        begin = since
        parts: list[Mapping[int, History]] = []
        values = {"route": route_id, "streams": list(streams), "group": group}
        if resolution is not Resolution.TICK:
            mark = RolledCountStore(self._session).mark(route_id, resolution)
            begin = since if mark is None else min(max(mark, since), until)
            span = {"since": since, "until": begin, "width": width_s(resolution), "tick_s": tick_s}
            parts.append(_found(self._rows(_READ_ROLLED, **values, **span)))
        if begin < until:
            span = {"first": first_tick_from(begin, tick_s), "last": first_tick_from(until, tick_s) - 1}
            parts.append(_found(self._rows(_READ, **values, **span)))
        return joined(parts)

    def _rows(self, statement: TextClause, **values: Any) -> list[Sequence[Any]]:
        return [tuple(row) for row in self._session.execute(statement, values)]


def first_tick_from(at: datetime, tick_s: float) -> int:
    """Return the first tick that begins at an instant or later."""
    tick = tick_of(at, tick_s)
    return tick if tick_start(tick, tick_s) >= at else tick + 1


def _found(rows: Iterable[Sequence[Any]]) -> dict[int, History]:
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

"""A tick's legs read as columns: one statement, one row, decoded from PostgreSQL's binary form, no loop over rows."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from monitor.models.columns import NO_TOKENS, NOBODY, LegColumns
from monitor.storage.layouts import LayoutStore
from monitor.storage.session import driver

__all__ = ["decoded_readings", "read_legs"]

_WHERE: Final = (
    "{e}.route_id = %(route)s AND {e}.start_day BETWEEN %(first)s AND %(last)s AND {e}.attempt = 1 "
    "AND {e}.leg IN ('primary', 'shadow') AND {e}.variant_id IS NOT NULL AND {e}.started_at >= {since} "
    "AND {e}.started_at < {until} AND {e}.received_at < %(closes)s"
)
_MINE: Final = _WHERE.format(e="e", since="%(start)s", until="%(end)s")
_COLUMNS: Final = f"""
    hashtextextended(e.request_id, %(seed)s) AS request,
    (e.recorder = 'gateway')::integer + 2 * (e.leg = 'shadow')::integer + CASE WHEN e.mirrored IS NULL THEN 0
        WHEN e.mirrored THEN 8 ELSE 4 END AS flags,
    e.variant_id AS variant, e.started_at AS began,
    coalesce(e.completion_tokens, {NO_TOKENS}) AS tokens, e.layout_id AS layout,
    coalesce(hashtextextended(coalesce('subject:' || e.subject, 'session:' || e.session_id), %(route)s)
        & 9223372036854775807, {NOBODY}) AS client,
    array_send(e.slices) AS slices, array_send(e.readings) AS readings
"""
_READ: Final = f"""
SELECT array_agg(request), array_agg(flags), array_agg(variant), array_agg(began), array_agg(tokens),
    array_agg(layout), array_agg(client), array_agg(octet_length(slices)), array_agg(octet_length(readings)),
    string_agg(slices, ''::bytea), string_agg(readings, ''::bytea)
FROM (
    SELECT {_COLUMNS} FROM events AS e WHERE {_MINE}
    UNION ALL
    SELECT {_COLUMNS} FROM events AS e WHERE {_WHERE.format(e="e", since="%(since)s", until="%(until)s")}
    AND NOT (e.started_at >= %(start)s AND e.started_at < %(end)s)
    AND EXISTS (SELECT FROM events AS m WHERE {_WHERE.format(e="m", since="%(start)s", until="%(end)s")}
        AND m.request_id = e.request_id)
) AS legs
"""  # noqa: S608 - constants of this module
"""Beyond the tick only the legs of requests that have one inside: no other can belong to it."""
_PLAIN_PLAN: Final = "SELECT set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true)"
"""A day's table has no statistics in its first minutes, and the planner would then look through the whole tick for
every leg outside it. What else the transaction runs finds its rows by key, and may do without, too."""
_NUMBERS: Final = ("i8", "i4", "i8", "i8", "i4", "i4", "i8", "i4", "i4")
"""Types of the array columns, in their order."""
_EPOCH_US: Final = 946_684_800_000_000
"""PostgreSQL sends instants as microseconds since 2000."""
_ARRAY_HEAD: Final = 20
_HEAD_WORDS: Final = 5
_NULL_WORD: Final = -1
_GATEWAY, _SHADOW, _UNMIRRORED, _MIRRORED = 1, 2, 4, 8


def read_legs(
    session: Session,
    route_id: int,
    start: datetime,
    end: datetime,
    *,
    since: datetime,
    until: datetime,
    closes: datetime,
) -> LegColumns:
    """Return the first attempts with a known leg and variant of the requests that have one in [start, end).

    Args:
        session: The transaction.
        route_id: The route.
        start: Of the tick.
        end: Of the tick.
        since: How far before the tick the other legs of its requests are looked for.
        until: How far after.
        closes: When the tick closes, by the receive clock: what came later is left out, whatever it says, even if the
            tick is closed behind time.

    Requests are told apart by a hash of 64 bits with a seed of the tick's, so that nobody can prepare two that meet.
    Clients are told apart by a hash with a seed of the route's, which stays: they are followed from tick to tick.
    """
    values = {
        "route": route_id,
        "first": _day(since),
        "last": _day(until),
        "start": start,
        "end": end,
        "since": since,
        "until": until,
        "closes": closes,
        "seed": int(start.timestamp()),
    }
    layouts = LayoutStore(session).names()
    with driver(session).cursor(binary=True) as cursor:
        cursor.execute(_PLAIN_PLAN)
        cursor.execute(_READ, values)
        result = cursor.pgresult
        found = [] if result is None else [result.get_value(0, place) for place in range(result.nfields)]
    return _decoded([part for part in found if part is not None], layouts)


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _decoded(parts: Sequence[bytes], layouts: Mapping[int, Sequence[str]]) -> LegColumns:
    columns = [_numbers(part, kind) for part, kind in zip(parts, _NUMBERS, strict=False)]
    none = np.empty(0, dtype=np.int64)
    columns = columns or [none] * len(_NUMBERS)
    request, flags, variant, began, tokens, layout, client, slice_bytes, reading_bytes = columns
    sets, slice_set = _sets(parts[-2] if parts else b"", slice_bytes)
    signals = tuple(sorted({name for number in np.unique(layout).tolist() for name in layouts[number]}))
    return LegColumns(
        request=request,
        gateway=(flags & _GATEWAY) > 0,
        shadow=(flags & _SHADOW) > 0,
        variant=variant,
        began_us=began + _EPOCH_US,
        tokens=tokens,
        mirrored=np.select([(flags & _MIRRORED) > 0, (flags & _UNMIRRORED) > 0], [1, 0], -1).astype(np.int8),
        client=client,
        slice_set=slice_set,
        sets=sets,
        signals=signals,
        readings=decoded_readings(parts[-1] if parts else b"", reading_bytes, layout, layouts, signals),
    )


def _numbers(part: bytes, kind: str) -> NDArray[np.int64]:
    """Return an array without NULLs that was sent in binary: each element is its length and its value."""
    pairs = np.frombuffer(part, dtype=[("length", ">i4"), ("value", f">{kind}")], offset=_ARRAY_HEAD)
    return pairs["value"].astype(np.int64)


def decoded_readings(
    sent: bytes,
    sizes: NDArray[np.int64],
    layout: NDArray[np.int64],
    layouts: Mapping[int, Sequence[str]],
    signals: Sequence[str],
) -> NDArray[np.float64]:
    """Return readings, shape (signals, n), NaN for NULL, from arrays of ``real`` sent in binary one after another.

    Every part of such an array is four bytes or a multiple: five words of head, then per element its length (-1 for
    NULL, 4 otherwise) and, unless NULL, its value. All rows are walked together, one element at a time.
    """
    words = np.append(np.frombuffer(sent, dtype=">i4").astype(np.int32), np.int32(0))
    values = words.view(np.float32)
    first = np.cumsum(sizes // 4) - sizes // 4
    found = np.full((len(signals), len(sizes)), np.nan)
    place = {name: row for row, name in enumerate(signals)}
    for number in np.unique(layout).tolist():
        rows = np.flatnonzero((layout == number) & (sizes > _ARRAY_HEAD))
        at, end = first[rows] + _HEAD_WORDS, first[rows] + sizes[rows] // 4
        for name in layouts[number]:
            inside = at < end
            if not inside.all():  # written by a release that knew fewer signals
                rows, at, end = rows[inside], at[inside], end[inside]
            known = words[at] != _NULL_WORD
            found[place[name], rows[known]] = values[at[known] + 1]
            at = at + 1 + known
    return found


def _sets(sent: bytes, sizes: NDArray[np.int64]) -> tuple[list[frozenset[str]], NDArray[np.int64]]:
    """Return the sets of slices and the index of each row's."""
    ends = np.cumsum(sizes)
    number: dict[bytes, int] = {}
    parts = zip((ends - sizes).tolist(), ends.tolist(), strict=True)
    index = [number.setdefault(sent[begin:end], len(number)) for begin, end in parts]
    return [_names(one) for one in number], np.array(index, dtype=np.int64)


@lru_cache(maxsize=65_536)
def _names(sent: bytes) -> frozenset[str]:
    """Return the texts of an array sent in binary; few combinations come again and again."""
    found: list[str] = []
    at = _ARRAY_HEAD
    while at < len(sent):
        size = int.from_bytes(sent[at : at + 4], "big")
        found.append(sent[at + 4 : at + 4 + size].decode())
        at += 4 + size
    return frozenset(found)

"""What storing costs, as PostgreSQL counts it; and what the benchmarks compare ingest with."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from detectors.registry import all_names
from monitor.storage.copy import COPY_END, COPY_START, RowPacker
from monitor.storage.days import ensure_days
from monitor.storage.events import EVENT_COLUMNS, event_row, identity_of
from monitor.storage.layouts import Layout, ensure_layout

__all__ = ["Filling", "Measures", "PlainCopy", "fill", "pack_inline", "scratch_database"]

_INLINE_COLUMNS = {
    **{name: kind for name, kind in EVENT_COLUMNS.items() if name not in {"text_blob", "text_index"}},
    "body": "text",
}
_INLINE = RowPacker(tuple(_INLINE_COLUMNS.values()))
_LAYOUT = Layout(1, tuple(all_names()))
_TABLE = "bench_inline_rows"
_FILLERS = 2
_FILL = """
INSERT INTO {partition} (
    route_id, start_day, event_key, variant_id, source, recorder, leg, rule, attempt, request_id, backend, mirrored,
    started_at, received_at, status, duration_ms, ttft_ms, finish_reason, prompt_tokens, completion_tokens,
    requested_model, response_model, system_fingerprint, slices, layout_id, readings
)
SELECT %(route)s, %(day)s, key, (%(variants)s::bigint[])[1 + i %% cardinality(%(variants)s::bigint[])], %(source)s,
    'server', 'primary', 'explicit', 1, key::text, 'backend-' || i %% 12, false,
    %(start)s + i * interval '1 day' / %(rows)s, %(start)s + i * interval '1 day' / %(rows)s + interval '2 s',
    200, ms, ms * 0.2, 'stop', 150, 20 + i %% 380, 'bench', 'bench-int4', 'fp_44709d6fcb', '{{}}',
    %(layout)s, array_fill(0::real, ARRAY[%(signals)s])
FROM (SELECT i, gen_random_uuid() AS key, (200 + 600 * random())::real AS ms
      FROM generate_series(0, %(rows)s - 1) AS i) AS made
"""


def pack_inline(records: Iterable[Any]) -> list[bytes]:
    """Return the records as rows with their text inline."""
    rows = []
    for record in records:
        typed = event_row(identity_of(record), record, _LAYOUT, None)[:-2]
        rows.append(_INLINE.pack((*typed, (record.text or b"").decode())))
    return rows


@contextmanager
def scratch_database(url: str) -> Iterator[str]:
    """Create an empty database on a server and give out its URL; drop it at the end, whoever is connected."""
    before, _, query = url.partition("?")
    name = f"fullback_bench_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield f"{before.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


class PlainCopy:
    """One connection that copies rows into one table with a primary key, some hundred a transaction."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True, options="-c synchronous_commit=on")

    def reset(self) -> None:
        """Start with an empty table."""
        columns = ", ".join(f"{name} {kind}" for name, kind in _INLINE_COLUMNS.items())
        self._execute(f"DROP TABLE IF EXISTS {_TABLE}")
        self._execute(f"CREATE TABLE {_TABLE} ({columns}, PRIMARY KEY (route_id, start_day, event_key))")

    def copy(self, rows: Sequence[bytes], per_transaction: int) -> None:
        """Copy the rows; each transaction is one COPY."""
        statement = f"COPY {_TABLE} FROM STDIN (FORMAT BINARY)"
        for at in range(0, len(rows), per_transaction):
            body = b"".join(rows[at : at + per_transaction])
            with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
                copy.write(COPY_START + body + COPY_END)

    @property
    def backend_pid(self) -> int:
        """The process of Postgres that serves the connection."""
        return self._connection.info.backend_pid

    def bytes(self) -> int:
        """Return the table's size on disk with its index and its long values."""
        row = self._execute(f"SELECT pg_total_relation_size('{_TABLE}')").fetchone()
        return 0 if row is None else int(row[0])

    def close(self) -> None:
        """Drop the table and disconnect."""
        self._execute(f"DROP TABLE IF EXISTS {_TABLE}")
        self._connection.close()

    def _execute(self, statement: str) -> psycopg.Cursor[Any]:
        return self._connection.execute(statement)


class Measures:
    """Counters of a PostgreSQL server and of one of its databases."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def wal_bytes(self) -> int:
        """Return the position in the write-ahead log."""
        return self._one("SELECT (pg_current_wal_lsn() - '0/0')::bigint")

    def event_bytes(self) -> int:
        """Return the size on disk of events and texts, with indexes."""
        return self._one(
            "SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint FROM pg_inherits "
            "WHERE inhparent IN ('events'::regclass, 'event_texts'::regclass)"
        )

    def partitions(self) -> int:
        """Return how many days the events have."""
        return self._one("SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass")

    def stored(self, since: date) -> tuple[int, int]:
        """Return how many events of these days are stored, and how many of them with a text."""
        row = self._connection.execute(
            "SELECT count(*), count(text_blob) FROM events WHERE start_day >= %s", [since]
        ).fetchone()
        return (0, 0) if row is None else (row[0], row[1])

    def commits(self, since: date) -> int:
        """Return how many transactions wrote the events of these days."""
        return self._one("SELECT count(DISTINCT xmin::text) FROM events WHERE start_day >= %s", since)

    def backends(self) -> list[int]:
        """Return the processes of Postgres that serve this database's other connections."""
        rows = self._connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [row[0] for row in rows]

    def settle(self) -> None:
        """Write out what is only in memory, so that it is not written during what is measured next."""
        if self._one("SELECT (current_setting('is_superuser') = 'on')::int"):
            self._connection.execute("CHECKPOINT")

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()

    def _one(self, statement: LiteralString, *values: object) -> int:
        row = self._connection.execute(statement, values).fetchone()
        return 0 if row is None else int(row[0])


@dataclass(frozen=True, slots=True)
class Filling:
    """Narrow events, without a text, to be stored before something is measured.

    Raises:
        ValueError: there are fewer rows than days, or no day.
    """

    rows: int
    days: tuple[date, ...]
    route_id: int
    variant_ids: tuple[int, ...]
    source: str

    def __post_init__(self) -> None:
        if not 0 < len(self.days) <= self.rows:
            raise ValueError(f"rows must be >= the number of days, which is >= 1; got {self.rows} and {len(self.days)}")

    def shares(self) -> list[tuple[date, int]]:
        """Return how many rows each day gets: all the same, the first ones get what is over."""
        each, over = divmod(self.rows, len(self.days))
        return [(day, each + (index < over)) for index, day in enumerate(self.days)]


def fill(url: str, filling: Filling, told: Callable[[int, int], None]) -> None:
    """Store the rows, made inside PostgreSQL, two days at a time; tell (rows, days) after each day. Then tidy up."""
    asyncio.run(_fill(url, filling, told))


async def _fill(url: str, filling: Filling, told: Callable[[int, int], None]) -> None:
    rows = days = 0

    async def store(connection: psycopg.AsyncConnection[Any], day: date, n: int) -> None:
        nonlocal rows, days
        await _fill_day(connection, filling, day, n)
        rows, days = rows + n, days + 1
        told(rows, days)

    # Frozen only when all are stored, since a row counts as new while another transaction is older than it is: so
    # neither autovacuum nor the first reader has anything left to write while something is measured.
    await _each_day(url, filling, store)
    await _each_day(url, filling, _freeze_day)


async def _each_day(
    url: str, filling: Filling, work: Callable[[psycopg.AsyncConnection[Any], date, int], Awaitable[None]]
) -> None:
    left = iter(filling.shares())
    options = "-c timezone=UTC -c synchronous_commit=on"  # a row whose commit is not on disk cannot be frozen

    async def worker() -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, options=options) as connection:
            for day, n in left:
                await work(connection, day, n)

    await asyncio.gather(*(worker() for _ in range(_FILLERS)))


async def _fill_day(connection: psycopg.AsyncConnection[Any], filling: Filling, day: date, rows: int) -> None:
    await ensure_days(connection, [day])
    layout = await ensure_layout(connection, all_names())
    values = {
        "layout": layout.id,
        "signals": len(layout.names),
        "route": filling.route_id,
        "day": day,
        "variants": list(filling.variant_ids),
        "source": filling.source,
        "start": datetime.combine(day, time(), UTC),
        "rows": rows,
    }
    await connection.execute(sql.SQL(_FILL).format(partition=_partition(day)), values)


async def _freeze_day(connection: psycopg.AsyncConnection[Any], day: date, _: int) -> None:
    await connection.execute(sql.SQL("VACUUM (FREEZE, ANALYZE) {}").format(_partition(day)))


def _partition(day: date) -> sql.Identifier:
    return sql.Identifier(f"events_{day:%Y%m%d}")

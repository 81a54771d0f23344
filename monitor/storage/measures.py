"""What storing costs, as PostgreSQL counts it; and the plain COPY that ingest is compared with."""

from collections.abc import Iterable, Sequence
from typing import Any, LiteralString

import psycopg

from detectors.registry import all_names
from monitor.storage.copy import COPY_END, COPY_START, RowPacker
from monitor.storage.events import EVENT_COLUMNS, event_row, identity_of
from monitor.storage.layouts import Layout

__all__ = ["Measures", "PlainCopy", "pack_inline"]

_INLINE_COLUMNS = {
    **{name: kind for name, kind in EVENT_COLUMNS.items() if name not in {"text_blob", "text_index"}},
    "body": "text",
}
_INLINE = RowPacker(tuple(_INLINE_COLUMNS.values()))
_LAYOUT = Layout(1, tuple(all_names()))
_TABLE = "bench_inline_rows"


def pack_inline(records: Iterable[Any]) -> list[bytes]:
    """Return the records as rows with their text inline."""
    rows = []
    for record in records:
        typed = event_row(identity_of(record), record, _LAYOUT, None)[:-2]
        rows.append(_INLINE.pack((*typed, (record.text or b"").decode())))
    return rows


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
    """Counters of a PostgreSQL server."""

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

    def stored(self) -> tuple[int, int]:
        """Return how many events are stored, and how many of them with a text."""
        row = self._connection.execute("SELECT count(*), count(text_blob) FROM events").fetchone()
        return (0, 0) if row is None else (row[0], row[1])

    def backends(self) -> list[int]:
        """Return the processes of Postgres that serve this database's other connections."""
        rows = self._connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [row[0] for row in rows]

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()

    def _one(self, statement: LiteralString) -> int:
        row = self._connection.execute(statement).fetchone()
        return 0 if row is None else int(row[0])

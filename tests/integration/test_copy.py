"""Packed rows against a real table: what goes in comes out."""

import math
from datetime import UTC, date, datetime
from uuid import UUID

import psycopg

from monitor.storage.copy import COPY_END, COPY_START, RowPacker

KINDS = {
    "a": "bigint",
    "b": "smallint",
    "c": "integer",
    "d": "date",
    "e": "uuid",
    "f": "text",
    "g": "boolean",
    "h": "timestamptz",
    "i": "real",
    "j": "text[]",
    "k": "real[]",
    "l": "bytea",
}
FULL = (
    -(2**63),
    -(2**15),
    2**31 - 1,
    date(1970, 2, 3),
    UUID(int=2**127 + 5),
    "naïve 📦 \\ \t\n",
    False,
    datetime(2026, 3, 2, 12, 30, 1, 234_567, tzinfo=UTC),
    0.5,
    ("one", "", "two, {three}", '"'),
    (12.25, None, math.inf, 0.0),
    bytes(range(256)),
)
EMPTY = (
    0,
    0,
    0,
    date(9999, 12, 31),
    UUID(int=0),
    "",
    True,
    datetime(1900, 1, 1, tzinfo=UTC),
    -1.5,
    (),
    (),
    b"",
)
NOTHING = (None,) * len(KINDS)


def test_a_round_trip_keeps_every_value(database_url):
    packer = RowPacker(tuple(KINDS.values()))
    columns = ", ".join(f"{name} {kind}" for name, kind in KINDS.items())
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET timezone TO 'Asia/Kolkata'")
        connection.execute(f"CREATE TABLE packed (n integer GENERATED ALWAYS AS IDENTITY, {columns})")
        with connection.cursor().copy(f"COPY packed ({', '.join(KINDS)}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(COPY_START + b"".join(map(packer.pack, (FULL, EMPTY, NOTHING))) + COPY_END)
        found = connection.execute(f"SELECT {', '.join(KINDS)} FROM packed ORDER BY n").fetchall()
    assert [tuple(tuple(v) if isinstance(v, list) else v for v in row) for row in found] == [FULL, EMPTY, NOTHING]

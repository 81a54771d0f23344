"""Day partitions as the writer needs them: created before the first row of a day is written."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg import sql

__all__ = ["PARTITIONED", "ensure_days"]

PARTITIONED = ("events", "event_texts")
"""The tables that have a partition per UTC day."""


async def ensure_days(connection: psycopg.AsyncConnection[Any], days: Iterable[date]) -> None:
    """Create the partitions that are missing; the catalogue is asked first, because creating takes a lock.

    It is a transaction of its own, so that no other writer waits longer than the creation takes.
    """
    names = {f"{table}_{day:%Y%m%d}": (table, day) for table in PARTITIONED for day in sorted(days)}
    cursor = await connection.execute(
        "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relkind = 'r'", [list(names)]
    )
    for (known,) in await cursor.fetchall():
        names.pop(known, None)
    for name, (table, day) in names.items():
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])
            await connection.execute(
                sql.SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
                    sql.Identifier(name),
                    sql.Identifier(table),
                    sql.Literal(day),
                    sql.Literal(day + timedelta(days=1)),
                )
            )

"""Layouts of readings: an event's readings are an array of numbers, and its layout names the signal of each place.

A number takes four bytes, where a name beside each would take twenty; and a new signal is a new layout, not a new
column.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

__all__ = ["Layout", "LayoutStore", "ensure_layout"]


@dataclass(frozen=True, slots=True)
class Layout:
    """The names of the signals, in the order of the array."""

    id: int
    names: tuple[str, ...]


async def ensure_layout(connection: psycopg.AsyncConnection[Any], names: Sequence[str]) -> Layout:
    """Return the layout of these names; the first to ask for it creates it, in a transaction of its own."""
    given = list(names)
    find = "SELECT id FROM reading_layouts WHERE names = %s"
    row = await (await connection.execute(find, [given])).fetchone()
    if row is None:
        async with connection.transaction():
            await connection.execute(
                "INSERT INTO reading_layouts (names) VALUES (%s) ON CONFLICT (names) DO NOTHING", [given]
            )
        row = await (await connection.execute(find, [given])).fetchone()
    if row is None:
        raise psycopg.OperationalError("the layout of the readings was removed as it was added")
    return Layout(int(row[0]), tuple(given))


class LayoutStore:
    """Reads of ``reading_layouts``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def names(self) -> dict[int, tuple[str, ...]]:
        """Return the names of every layout by its id; there is one for each set of signals that ever ran."""
        rows = self._session.execute(text("SELECT id, names FROM reading_layouts"))
        return {row.id: tuple(row.names) for row in rows}

"""Daily partitions: which there are, and dropping old ones."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.orm import Session

__all__ = ["DailyTable", "PartitionStore"]


class DailyTable(StrEnum):
    """The tables that have one partition a day, named after them."""

    EVENTS = "events"
    TEXTS = "event_texts"


class PartitionStore:
    """Partitions of a table in the catalogue."""

    def __init__(self, session: Session, table: DailyTable = DailyTable.EVENTS) -> None:
        self._session = session
        self._table = table

    def days(self) -> list[date]:
        """Return the days that have a partition, oldest first."""
        names = self._session.scalars(
            text(
                "SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid "
                "WHERE inhparent = to_regclass(:table) ORDER BY child.relname"
            ),
            {"table": self._table.value},
        )
        return [datetime.strptime(name.removeprefix(f"{self._table}_"), "%Y%m%d").date() for name in names]  # noqa: DTZ007

    def drop(self, day: date) -> None:
        """Drop a day."""
        self._session.execute(text(f'DROP TABLE IF EXISTS "{self._table}_{day:%Y%m%d}"'))

    def forget(self, route_id: int, before: date) -> int:
        """Delete a route's rows of the days before one; return how many there were."""
        result = self._session.execute(
            text(f"DELETE FROM {self._table} WHERE route_id = :route AND start_day < :day"),  # noqa: S608 - an enum
            {"route": route_id, "day": before},
        )
        return int(result.rowcount)  # type: ignore[attr-defined]

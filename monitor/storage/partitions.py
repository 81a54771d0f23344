"""Daily partitions of ``events``: which there are, and dropping old ones."""

from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

__all__ = ["PartitionStore"]

_PREFIX = "events_"


class PartitionStore:
    """Partitions in the catalogue."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def days(self) -> list[date]:
        """Return the days that have a partition, oldest first."""
        names = self._session.scalars(
            text(
                "SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid "
                "WHERE inhparent = 'events'::regclass ORDER BY child.relname"
            )
        )
        return [datetime.strptime(name.removeprefix(_PREFIX), "%Y%m%d").date() for name in names]  # noqa: DTZ007

    def drop(self, day: date) -> None:
        """Drop a day's events."""
        self._session.execute(text(f'DROP TABLE IF EXISTS "{_PREFIX}{day:%Y%m%d}"'))

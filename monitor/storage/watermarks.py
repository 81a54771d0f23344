"""Watermarks: how far a look at the events got, by the receive clock; kept so that a restart goes on from there."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from monitor.storage.tables import WatermarkRow

__all__ = ["WatermarkStore"]


class WatermarkStore:
    """Rows of ``watermarks``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, name: str) -> datetime | None:
        """Return how far a look got, None before the first one."""
        row = self._session.get(WatermarkRow, name)
        return None if row is None else row.at

    def set(self, name: str, at: datetime) -> None:
        """Store how far a look got."""
        insertion = insert(WatermarkRow).values(name=name, at=at)
        self._session.execute(
            insertion.on_conflict_do_update(index_elements=["name"], set_={"at": insertion.excluded.at})
        )

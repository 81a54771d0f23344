"""Sources: when each was last heard of, from the ingest accounts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

__all__ = ["SourceSeen", "SourceStore"]


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """A source, when its last record came, and in which hours records came."""

    source: str
    last_at: datetime
    hours: tuple[datetime, ...]


class SourceStore:
    """Reads of ``ingest_accounts`` by source."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def seen(self, since: datetime) -> list[SourceSeen]:
        """Return the sources that hold an active key and sent something in or after the hour of ``since``."""
        rows = self._session.execute(
            text(
                "SELECT source, max(last_at) AS last_at, array_agg(DISTINCT hour ORDER BY hour) AS hours "
                "FROM ingest_accounts WHERE hour >= :since AND source IN "
                "(SELECT source FROM api_keys WHERE revoked_at IS NULL AND scopes && ARRAY['ingest', 'admin']) "
                "GROUP BY source ORDER BY source"
            ),
            {"since": since.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)},
        )
        return [SourceSeen(row.source, row.last_at, tuple(row.hours)) for row in rows]

    def has_key(self, source: str) -> bool:
        """Tell whether a source holds an active key to send with."""
        found = self._session.execute(
            text(
                "SELECT 1 FROM api_keys WHERE source = :source AND revoked_at IS NULL "
                "AND scopes && ARRAY['ingest', 'admin'] LIMIT 1"
            ),
            {"source": source},
        )
        return found.first() is not None

    def last_seen(self) -> dict[str, datetime]:
        """Return when each source that holds an active key last sent something."""
        rows = self._session.execute(
            text(
                "SELECT source, max(last_at) AS last_at FROM ingest_accounts WHERE source IN "
                "(SELECT source FROM api_keys WHERE revoked_at IS NULL) GROUP BY source"
            )
        )
        return {row.source: row.last_at for row in rows}

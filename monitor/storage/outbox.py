"""The outbox: alerts written with the decision they report, sent afterwards, once each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from monitor.storage.tables import OutboxRow

__all__ = ["OutboxEntry", "OutboxStore"]


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An alert due for one notifier."""

    id: int
    notifier: str
    alert: Mapping[str, Any]
    attempts: int


class OutboxStore:
    """Rows of ``outbox``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, dedup_key: str, notifier: str, alert: Mapping[str, Any], now: datetime) -> bool:
        """Queue an alert; False if the same one was queued before."""
        queued = self._session.scalar(
            insert(OutboxRow)
            .values(
                dedup_key=dedup_key,
                notifier=notifier,
                alert=dict(alert),
                created_at=now,
                attempts=0,
                next_attempt_at=now,
            )
            .on_conflict_do_nothing(index_elements=["dedup_key", "notifier"])
            .returning(OutboxRow.id)
        )
        return queued is not None

    def claim(self, now: datetime, hold: timedelta) -> OutboxEntry | None:
        """Claim the oldest due alert for ``hold``: nobody else sends it meanwhile, and a crash lets it come back."""
        due = (
            select(OutboxRow.id)
            .where(OutboxRow.done_at.is_(None), OutboxRow.next_attempt_at <= now)
            .order_by(OutboxRow.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = self._session.scalar(
            update(OutboxRow)
            .where(OutboxRow.id == due.scalar_subquery())
            .values(attempts=OutboxRow.attempts + 1, next_attempt_at=now + hold)
            .returning(OutboxRow)
        )
        return None if row is None else OutboxEntry(row.id, row.notifier, row.alert, row.attempts)

    def finish(self, entry_id: int, at: datetime, result: str) -> None:
        """Close an entry: it was sent, or given up on."""
        self._session.execute(update(OutboxRow).where(OutboxRow.id == entry_id).values(done_at=at, result=result))

    def postpone(self, entry_id: int, until: datetime, result: str) -> None:
        """Try an entry again later."""
        self._session.execute(
            update(OutboxRow).where(OutboxRow.id == entry_id).values(next_attempt_at=until, result=result)
        )

    def pending(self) -> int:
        """Return how many alerts wait."""
        return self._session.scalar(select(func.count()).where(OutboxRow.done_at.is_(None))) or 0

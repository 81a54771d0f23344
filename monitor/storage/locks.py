"""Leadership: a lease row, taken and renewed by a conditional UPDATE; survives transaction-mode poolers."""

from datetime import datetime, timedelta

from sqlalchemy import case, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from monitor.storage.tables import LeaseRow

__all__ = ["LeaseStore"]


class LeaseStore:
    """Rows of ``leases``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def hold(self, name: str, holder: str, now: datetime, lease: timedelta) -> bool:
        """Take the lease if it is free or expired, or renew it if it is ours; True when held."""
        self._session.execute(
            insert(LeaseRow).values(name=name, holder="", epoch=0, expires_at=now).on_conflict_do_nothing()
        )
        result = self._session.execute(
            update(LeaseRow)
            .where(LeaseRow.name == name, or_(LeaseRow.holder == holder, LeaseRow.expires_at <= now))
            .values(
                holder=holder,
                expires_at=now + lease,
                epoch=LeaseRow.epoch + case((LeaseRow.holder != holder, 1), else_=0),
            )
        )
        return result.rowcount == 1  # type: ignore[attr-defined, no-any-return]

    def release(self, name: str, holder: str, now: datetime) -> None:
        """Give the lease up at once, so that a successor need not wait for its expiry."""
        self._session.execute(
            update(LeaseRow).where(LeaseRow.name == name, LeaseRow.holder == holder).values(expires_at=now)
        )

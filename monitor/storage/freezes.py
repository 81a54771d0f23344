"""Freezes: they begin, end by themselves or are lifted, and stay as a record."""

from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from monitor.models.freeze import BREAKER, Freeze
from monitor.storage.tables import FreezeRow

__all__ = ["FreezeStore"]


class FreezeStore:
    """Rows of ``freezes``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self, route_id: int | None, actor: str, reason: str, starts_at: datetime, ends_at: datetime | None
    ) -> Freeze:
        """Begin one."""
        row = FreezeRow(route_id=route_id, actor=actor, reason=reason, starts_at=starts_at, ends_at=ends_at)
        self._session.add(row)
        self._session.flush()
        return _freeze(row)

    def standing(self, now: datetime, route_id: int | None = None) -> list[Freeze]:
        """Return what holds a route now, or, without one, everything that holds anything; the oldest first."""
        query = select(FreezeRow).where(
            FreezeRow.lifted_at.is_(None),
            FreezeRow.starts_at <= now,
            or_(FreezeRow.ends_at.is_(None), FreezeRow.ends_at > now),
        )
        if route_id is not None:
            query = query.where(or_(FreezeRow.route_id.is_(None), FreezeRow.route_id == route_id))
        return [_freeze(row) for row in self._session.scalars(query.order_by(FreezeRow.id))]

    def newest(self, limit: int) -> list[Freeze]:
        """Return freezes, newest first, ended ones too."""
        return [
            _freeze(row) for row in self._session.scalars(select(FreezeRow).order_by(FreezeRow.id.desc()).limit(limit))
        ]

    def breaker_lifted_at(self) -> datetime | None:
        """Return when a person last lifted the breaker."""
        return self._session.scalar(select(func.max(FreezeRow.lifted_at)).where(FreezeRow.actor == BREAKER))

    def get(self, freeze_id: int) -> Freeze | None:
        """Return one."""
        row = self._session.get(FreezeRow, freeze_id)
        return None if row is None else _freeze(row)

    def lift(self, freeze_id: int, at: datetime, by: str, reason: str) -> Freeze | None:
        """End one before its time and return it; None if it has ended, or there is none."""
        row = self._session.scalar(
            update(FreezeRow)
            .where(
                FreezeRow.id == freeze_id,
                FreezeRow.lifted_at.is_(None),
                or_(FreezeRow.ends_at.is_(None), FreezeRow.ends_at > at),
            )
            .values(lifted_at=at, lifted_by=by, lifted_reason=reason)
            .returning(FreezeRow)
        )
        return None if row is None else _freeze(row)


def _freeze(row: FreezeRow) -> Freeze:
    return Freeze(
        id=row.id,
        route_id=row.route_id,
        actor=row.actor,
        reason=row.reason,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
        lifted_reason=row.lifted_reason,
    )

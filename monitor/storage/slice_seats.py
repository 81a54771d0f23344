"""Which values of a slice family have a stream of their own on a route."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, Integer, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from monitor.models.slices import Seat
from monitor.storage.tables import Base

__all__ = ["SliceSeatRow", "SliceSeatStore"]


class SliceSeatRow(Base):
    """A value of a slice family that has a stream of its own on a route."""

    __tablename__ = "slice_seats"

    route_id: Mapped[int] = mapped_column(ForeignKey("routes.id"), primary_key=True)
    family: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    turn: Mapped[int] = mapped_column(Integer)
    since: Mapped[datetime]
    seen_at: Mapped[datetime]


class SliceSeatStore:
    """Rows of ``slice_seats``. Written only by the transaction that closes a route's tick."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of_route(self, route_id: int) -> list[Seat]:
        """Return the seats of a route."""
        rows = self._session.scalars(
            select(SliceSeatRow)
            .where(SliceSeatRow.route_id == route_id)
            .order_by(SliceSeatRow.family, SliceSeatRow.value)
        )
        return [Seat(row.family, row.value, row.turn, row.since, row.seen_at) for row in rows]

    def keep(self, route_id: int, changed: Iterable[Seat], departed: Iterable[Seat]) -> None:
        """Store seats that are new or were seen again, and take away those that changed hands."""
        for seat in departed:
            self._session.execute(
                delete(SliceSeatRow).where(
                    SliceSeatRow.route_id == route_id,
                    SliceSeatRow.family == seat.family,
                    SliceSeatRow.value == seat.value,
                )
            )
        for seat in changed:
            self._session.merge(
                SliceSeatRow(
                    route_id=route_id,
                    family=seat.family,
                    value=seat.value,
                    turn=seat.turn,
                    since=seat.since,
                    seen_at=seat.seen_at,
                )
            )
        self._session.flush()

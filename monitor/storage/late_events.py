"""Late events: how many came after their tick had closed, by the tick that was closing then."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from monitor.storage.tables import Base

__all__ = ["LateCount", "LateEventRow", "LateEventStore"]


class LateEventRow(Base):
    """Events that came too late for their own tick while this one was waited for; ticks without any have no row."""

    __tablename__ = "late_events"

    route_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    started_at: Mapped[datetime] = mapped_column(primary_key=True)
    tick: Mapped[int] = mapped_column(BigInteger)
    n: Mapped[int] = mapped_column(BigInteger)


@dataclass(frozen=True, slots=True)
class LateCount:
    """Late events of a tick or an hour."""

    started_at: datetime
    n: int


class LateEventStore:
    """Rows of ``late_events``: one for a tick, written by the transaction that closes it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, route_id: int, tick: int, started_at: datetime, n: int) -> None:
        """Store what came late while a tick was waited for."""
        if n:
            self._session.execute(
                text(
                    "INSERT INTO late_events AS l (route_id, started_at, tick, n) VALUES (:route, :at, :tick, :n) "
                    "ON CONFLICT (route_id, started_at) DO UPDATE SET n = l.n + excluded.n"
                ),
                {"route": route_id, "at": started_at, "tick": tick, "n": n},
            )

    def by_tick(self, route_id: int, since: datetime) -> list[LateCount]:
        """Return the ticks since an instant that had any, oldest first."""
        rows = self._session.execute(
            text(
                "SELECT started_at, n FROM late_events WHERE route_id = :route AND started_at >= :since "
                "ORDER BY started_at"
            ),
            {"route": route_id, "since": since},
        )
        return [LateCount(row.started_at, row.n) for row in rows]

    def by_hour(self, route_id: int, since: datetime) -> list[LateCount]:
        """Return the hours since an instant that had any, oldest first."""
        rows = self._session.execute(
            text(
                "SELECT date_trunc('hour', started_at, 'UTC') AS hour, sum(n)::bigint AS n FROM late_events "
                "WHERE route_id = :route AND started_at >= :since GROUP BY 1 ORDER BY 1"
            ),
            {"route": route_id, "since": since},
        )
        return [LateCount(row.hour, row.n) for row in rows]

    def since(self, route_id: int, at: datetime) -> int:
        """Return how many came late since an instant."""
        return int(
            self._session.execute(
                text("SELECT coalesce(sum(n), 0) FROM late_events WHERE route_id = :route AND started_at >= :since"),
                {"route": route_id, "since": at},
            ).scalar_one()
        )

    def forget(self, before: datetime) -> None:
        """Delete what is older than an instant."""
        self._session.execute(text("DELETE FROM late_events WHERE started_at < :before"), {"before": before})

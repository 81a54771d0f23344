"""Where evaluation of each route stands; the guard that closes a tick exactly once."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from monitor.models.tick import RouteClock
from monitor.storage.tables import RouteClockRow, RouteRow

__all__ = ["ClockStore"]


class ClockStore:
    """Rows of ``route_clocks``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, route_id: int) -> RouteClock | None:
        """Return the route's clock."""
        row = self._session.get(RouteClockRow, route_id)
        return None if row is None else _clock(row)

    def lock(self, route_id: int) -> None:
        """Wait until no other transaction keeps this route's clock, and hold it until this one ends."""
        self._session.execute(select(RouteRow.id).where(RouteRow.id == route_id).with_for_update(key_share=True))

    def start(self, clock: RouteClock) -> None:
        """Start, or restart, a route's clock."""
        self._session.merge(
            RouteClockRow(
                route_id=clock.route_id,
                tick_s=clock.tick_s,
                last_tick=clock.last_tick,
                horizon_s=clock.horizon_s,
                horizon_hour=clock.horizon_hour,
                warm_at=clock.warm_at,
            )
        )
        self._session.flush()

    def set_horizon(self, route_id: int, horizon_s: float, hour: datetime, warm_at: datetime | None) -> None:
        """Fix the horizon for an hour."""
        self._session.execute(
            update(RouteClockRow)
            .where(RouteClockRow.route_id == route_id)
            .values(horizon_s=horizon_s, horizon_hour=hour, warm_at=warm_at)
        )

    def advance(self, route_id: int, tick: int) -> bool:
        """Close ``tick`` if it is the next one. Only one transaction can: False says another did, or is about to.

        The row stays locked until the transaction ends, so every write of a tick is behind this guard; nobody waits.
        """
        free = (
            select(RouteClockRow.route_id)
            .where(RouteClockRow.route_id == route_id, RouteClockRow.last_tick == tick - 1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        result = self._session.execute(
            update(RouteClockRow)
            .where(RouteClockRow.route_id == free)
            .values(last_tick=tick)
            .execution_options(synchronize_session=False)
        )
        return result.rowcount == 1  # type: ignore[attr-defined, no-any-return]

    def all(self) -> list[RouteClock]:
        """Return every clock."""
        return [_clock(row) for row in self._session.scalars(select(RouteClockRow))]


def _clock(row: RouteClockRow) -> RouteClock:
    return RouteClock(row.route_id, row.tick_s, row.last_tick, row.horizon_s, row.horizon_hour, row.warm_at)

"""Freezes: a person holds automatic moves of one route or of all, and lifts them; the breaker's are lifted alike."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from monitor.clock import Clock
from monitor.errors import ConflictError, NotFoundError
from monitor.models.decision import Audit
from monitor.models.freeze import Freeze
from monitor.models.route import Route
from monitor.storage.controls import ControlStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.freezes import FreezeStore
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database

__all__ = ["FreezeService"]


class FreezeService:
    """Begins, shows and lifts freezes; each act is in the audit of every route that it holds."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, route: Route | None, actor: str, reason: str, hours: float | None) -> Freeze:
        """Hold automatic moves.

        Args:
            route: The route; None for all, those that are added later too.
            actor: Who.
            reason: Why.
            hours: For how long; None until it is lifted.
        """
        now = self._clock.now()
        ends = None if hours is None else now + timedelta(hours=hours)
        with self._database.transaction() as session:
            freeze = FreezeStore(session).add(None if route is None else route.id, actor, reason, now, ends)
            _record(session, freeze, "freeze", actor, freeze.said(), now)
        return freeze

    def lift(self, freeze_id: int, actor: str, reason: str) -> Freeze:
        """End one before its time. The breaker's are lifted together: two routes may have tripped it at once.

        Raises:
            NotFoundError: there is none of that id.
            ConflictError: it has ended already.
        """
        now, before = self._clock.now(), self.get(freeze_id)
        with self._database.transaction() as session:
            lifted = FreezeStore(session).lift(freeze_id, now, actor, reason)
            if lifted is not None and lifted.of_breaker:
                for one in FreezeStore(session).standing(now):
                    if one.of_breaker:
                        FreezeStore(session).lift(one.id, now, actor, reason)
            if lifted is not None:
                _record(session, lifted, "unfreeze", actor, f"freeze {freeze_id} lifted: {reason}", now)
        if lifted is None:
            how = f"lifted by {before.lifted_by}" if before.lifted_at is not None else "over"
            raise ConflictError(f"freeze {freeze_id} is {how} already; what stands: fullback freeze list")
        return lifted

    def get(self, freeze_id: int) -> Freeze:
        """Return one.

        Raises:
            NotFoundError: there is none of that id.
        """
        with self._database.reading() as session:
            found = FreezeStore(session).get(freeze_id)
        if found is None:
            raise NotFoundError(f"there is no freeze {freeze_id}; what stands: fullback freeze list")
        return found

    def standing(self, route: Route | None = None) -> list[Freeze]:
        """Return what holds a route now, or, without one, everything that holds anything."""
        with self._database.reading() as session:
            return FreezeStore(session).standing(self._clock.now(), None if route is None else route.id)

    def newest(self, limit: int) -> list[Freeze]:
        """Return freezes, newest first, ended ones too."""
        with self._database.reading() as session:
            return FreezeStore(session).newest(limit)


def _record(session: Session, freeze: Freeze, action: str, actor: str, reason: str, now: datetime) -> None:
    """Write an audit row on every route that a freeze holds."""
    if freeze.route_id is not None:
        route_ids: Sequence[int] = [freeze.route_id]
    else:
        route_ids = [route.id for route in RouteStore(session).all()]
    for route_id in route_ids:
        control = ControlStore(session).get(route_id)
        DecisionStore(session).add(
            Audit(route_id, now, actor, action, control.phase, control.phase, reason, control.epoch)
        )

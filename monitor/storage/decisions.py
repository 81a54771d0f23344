"""The audit: rows are added, never changed (a trigger in the database sees to it)."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor import __version__
from monitor.models.decision import Audit
from monitor.models.route import Phase
from monitor.storage.tables import DecisionRow

__all__ = ["DecisionStore"]


class DecisionStore:
    """Rows of ``decisions``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, audit: Audit) -> None:
        """Append a row."""
        self._session.add(
            DecisionRow(
                route_id=audit.route_id,
                incident_id=audit.incident_id,
                at=audit.at,
                actor=audit.actor,
                action=audit.action,
                from_phase=audit.from_phase,
                to_phase=audit.to_phase,
                reason=audit.reason,
                epoch=audit.epoch,
                policy_name=audit.policy_name,
                policy_version=audit.policy_version,
                evidence=None if audit.evidence is None else dict(audit.evidence),
                before=None if audit.before is None else dict(audit.before),
                after=None if audit.after is None else dict(audit.after),
                code_version=__version__,
            )
        )
        self._session.flush()

    def newest(self, route_id: int | None, limit: int, before_id: int | None = None) -> list[Audit]:
        """Return rows, newest first."""
        query = select(DecisionRow).order_by(DecisionRow.id.desc()).limit(limit)
        if route_id is not None:
            query = query.where(DecisionRow.route_id == route_id)
        if before_id is not None:
            query = query.where(DecisionRow.id < before_id)
        return [_audit(row) for row in self._session.scalars(query)]

    def routes_with(self, action: str, since: datetime) -> set[int]:
        """Return the routes with a row of that action since then."""
        query = select(DecisionRow.route_id).where(DecisionRow.action == action, DecisionRow.at >= since).distinct()
        return set(self._session.scalars(query))

    def count(self, action: str, since: datetime) -> int:
        """Return how many rows of that action there are since then, over all routes."""
        query = select(func.count()).where(DecisionRow.action == action, DecisionRow.at >= since)
        return self._session.scalar(query) or 0

    def last_of(self, route_id: int, actions: Collection[str]) -> Audit | None:
        """Return a route's newest row of one of those actions."""
        row = self._session.scalar(
            select(DecisionRow)
            .where(DecisionRow.route_id == route_id, DecisionRow.action.in_(actions))
            .order_by(DecisionRow.id.desc())
            .limit(1)
        )
        return None if row is None else _audit(row)

    def newest_among(self, route_ids: Collection[int], limit: int, before_id: int | None = None) -> list[Audit]:
        """Return rows of some routes, newest first."""
        query = select(DecisionRow).where(DecisionRow.route_id.in_(route_ids))
        if before_id is not None:
            query = query.where(DecisionRow.id < before_id)
        return [_audit(row) for row in self._session.scalars(query.order_by(DecisionRow.id.desc()).limit(limit))]

    def of_incident(self, route_id: int, incident_id: int) -> list[Audit]:
        """Return what was decided and done about an incident, oldest first."""
        rows = self._session.scalars(
            select(DecisionRow)
            .where(DecisionRow.route_id == route_id, DecisionRow.incident_id == incident_id)
            .order_by(DecisionRow.id)
        )
        return [_audit(row) for row in rows]


def _audit(row: DecisionRow) -> Audit:
    return Audit(
        id=row.id,
        route_id=row.route_id,
        incident_id=row.incident_id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        from_phase=Phase(row.from_phase),
        to_phase=Phase(row.to_phase),
        reason=row.reason,
        epoch=row.epoch,
        policy_name=row.policy_name,
        policy_version=row.policy_version,
        evidence=row.evidence,
        before=row.before,
        after=row.after,
        code_version=row.code_version,
    )

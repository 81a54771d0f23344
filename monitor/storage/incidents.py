"""Incidents: the first alarm opens one, later alarms attach to it."""

from datetime import datetime
from typing import Any

from sqlalchemy import case, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from monitor.models.incident import Alarm, Incident
from monitor.storage.tables import IncidentRow

__all__ = ["IncidentStore"]


class IncidentStore:
    """Rows of ``incidents``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def record(self, alarm: Alarm) -> int:
        """Open an incident for an alarm, or attach it to the open one; return the incident's id.

        An alarm that only advises attaches without making older evidence fresh. One that may act becomes what an
        incident is about that only advised so far, and a critical one what an incident is about that was not; what was
        decided about it is open again.
        """
        cause = {
            "stream_id": alarm.stream_id,
            "signal": alarm.signal,
            "slice": alarm.slice,
            "headline": alarm.headline,
            "onset_at": alarm.onset_at,
            "alarm_tick": alarm.tick,
            "evidence": dict(alarm.evidence),
            "effect": dict(alarm.effect),
            "advice": alarm.advice,
            "critical": alarm.critical,
        }
        opened = insert(IncidentRow).values(
            route_id=alarm.route_id,
            candidate_id=alarm.candidate_id,
            opened_at=alarm.at,
            last_alarm_at=alarm.at,
            alarms=1,
            **cause,
        )
        advised = IncidentRow.advice.is_not(None)
        lesser = or_(advised, IncidentRow.critical.is_(False)) if alarm.critical else advised
        attached: dict[str, Any] = {"alarms": IncidentRow.alarms + 1}
        if alarm.advice is None:
            attached |= {
                name: case((lesser, opened.excluded[name]), else_=IncidentRow.__table__.c[name]) for name in cause
            }
            attached |= {
                "last_alarm_at": alarm.at,
                "decided": case((lesser, null()), else_=IncidentRow.decided),
                "at_least": case((lesser, null()), else_=IncidentRow.at_least),
            }
        else:
            attached["last_alarm_at"] = case((advised, alarm.at), else_=IncidentRow.last_alarm_at)
        statement = opened.on_conflict_do_update(
            index_elements=["route_id", "candidate_id"], index_where=IncidentRow.closed_at.is_(None), set_=attached
        ).returning(IncidentRow.id)
        return int(self._session.execute(statement).scalar_one())

    def get(self, incident_id: int) -> Incident | None:
        """Return one incident."""
        row = self._session.get(IncidentRow, incident_id)
        return None if row is None else _incident(row)

    def open_of(self, route_id: int) -> list[Incident]:
        """Return the open incidents of a route, oldest first."""
        rows = self._session.scalars(
            select(IncidentRow)
            .where(IncidentRow.route_id == route_id, IncidentRow.closed_at.is_(None))
            .order_by(IncidentRow.opened_at)
        )
        return [_incident(row) for row in rows]

    def all_open(self) -> list[Incident]:
        """Return the open incidents of every route, oldest first."""
        rows = self._session.scalars(
            select(IncidentRow).where(IncidentRow.closed_at.is_(None)).order_by(IncidentRow.opened_at)
        )
        return [_incident(row) for row in rows]

    def newest(self, route_id: int | None, limit: int, before_id: int | None = None) -> list[Incident]:
        """Return incidents, newest first."""
        query = select(IncidentRow).order_by(IncidentRow.id.desc()).limit(limit)
        if route_id is not None:
            query = query.where(IncidentRow.route_id == route_id)
        if before_id is not None:
            query = query.where(IncidentRow.id < before_id)
        return [_incident(row) for row in self._session.scalars(query)]

    def set_decided(self, incident_id: int, action: str) -> None:
        """Note the action decided for an incident."""
        self._session.execute(update(IncidentRow).where(IncidentRow.id == incident_id).values(decided=action))

    def set_effect(self, incident_id: int, effect: dict[str, Any]) -> None:
        """Store the estimate shown to people."""
        self._session.execute(update(IncidentRow).where(IncidentRow.id == incident_id).values(effect=effect))

    def set_at_least(self, incident_id: int, bound: dict[str, Any]) -> None:
        """Store the lower bound on the harm that is shown to people."""
        self._session.execute(update(IncidentRow).where(IncidentRow.id == incident_id).values(at_least=bound))

    def close(self, incident_id: int, at: datetime, by: str) -> bool:
        """Close an incident; False if it was closed already."""
        result = self._session.execute(
            update(IncidentRow)
            .where(IncidentRow.id == incident_id, IncidentRow.closed_at.is_(None))
            .values(closed_at=at, closed_by=by)
        )
        return result.rowcount == 1  # type: ignore[attr-defined, no-any-return]


def _incident(row: IncidentRow) -> Incident:
    return Incident(
        id=row.id,
        route_id=row.route_id,
        candidate_id=row.candidate_id,
        stream_id=row.stream_id,
        signal=row.signal,
        slice=row.slice,
        headline=row.headline,
        opened_at=row.opened_at,
        onset_at=row.onset_at,
        alarm_tick=row.alarm_tick,
        last_alarm_at=row.last_alarm_at,
        alarms=row.alarms,
        evidence=row.evidence,
        effect=row.effect,
        decided=row.decided,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        advice=row.advice,
        critical=row.critical,
        at_least=row.at_least,
    )

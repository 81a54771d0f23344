"""The probes that were sent: each is stored before it leaves, so that its events are known when they come."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from monitor.models.probe import ClaimedProbe, ProbeAnswers, ProbeWay
from monitor.models.route import Phase
from monitor.storage.event_tables import ProbeRow
from monitor.storage.tables import RouteControlRow

__all__ = ["ProbeStore", "sent_among"]


class ProbeStore:
    """Rows of ``probes``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def hold(self, route_id: int, epoch: int, phase: Phase) -> bool:
        """Lock the route's control row if it still stands so: two senders take turns, one that slept sends nothing."""
        return (
            self._session.scalar(
                select(RouteControlRow.route_id)
                .where(
                    RouteControlRow.route_id == route_id,
                    RouteControlRow.epoch == epoch,
                    RouteControlRow.phase == phase,
                )
                .with_for_update()
            )
            is not None
        )

    def add(self, route_id: int, epoch: int, way: ProbeWay, request_ids: Collection[str], at: datetime) -> None:
        """Store probes that are about to be sent."""
        rows = [
            {"route_id": route_id, "request_id": one, "epoch": epoch, "way": way, "sent_at": at} for one in request_ids
        ]
        if rows:
            self._session.execute(insert(ProbeRow), rows)

    def end(self, route_id: int, failed: Mapping[str, bool], at: datetime) -> None:
        """Store how probes ended, by their ids."""
        for request_id, one in failed.items():
            self._session.execute(
                update(ProbeRow)
                .where(ProbeRow.route_id == route_id, ProbeRow.request_id == request_id)
                .values(ended_at=at, failed=one)
            )

    def sent(self, route_id: int, way: ProbeWay, since: datetime, epoch: int | None = None) -> int:
        """Count probes sent from an instant on, of one epoch where it is named."""
        query = select(func.count()).where(
            ProbeRow.route_id == route_id, ProbeRow.way == way, ProbeRow.sent_at >= since
        )
        if epoch is not None:
            query = query.where(ProbeRow.epoch == epoch)
        return int(self._session.execute(query).scalar_one())

    def answers(self, route_id: int, way: ProbeWay, since: datetime) -> ProbeAnswers:
        """Return what came back of the probes sent from an instant on."""
        row = self._session.execute(
            select(
                func.count(ProbeRow.ended_at),
                func.count().filter(ProbeRow.failed.is_(True)),
            ).where(ProbeRow.route_id == route_id, ProbeRow.way == way, ProbeRow.sent_at >= since)
        ).one()
        return ProbeAnswers(row[0], row[1])

    def forget(self, before: datetime) -> None:
        """Delete what is older than an instant."""
        self._session.execute(delete(ProbeRow).where(ProbeRow.sent_at < before))


async def sent_among(
    connection: psycopg.AsyncConnection[Any], wanted: Collection[tuple[int, str]]
) -> dict[tuple[int, str], ClaimedProbe]:
    """Return which of these (route, request id) were sent as probes."""
    if not wanted:
        return {}
    cursor = await connection.execute(
        "SELECT route_id, request_id, way, sent_at FROM probes WHERE route_id = ANY(%s) AND request_id = ANY(%s)",
        [sorted({route for route, _ in wanted}), sorted({request for _, request in wanted})],
    )
    return {(row[0], row[1]): ClaimedProbe(ProbeWay(row[2]), row[3]) for row in await cursor.fetchall()}

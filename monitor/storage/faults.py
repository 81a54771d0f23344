"""Fault counts: a row for each place where a variant's answers of one day failed."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from monitor.models.fault import Fault, FaultCount

__all__ = ["FaultStore", "add_fault_counts"]


async def add_fault_counts(connection: psycopg.AsyncConnection[Any], counts: Sequence[FaultCount]) -> None:
    """Add to the counts. They come in one order, so that two writers never wait for each other in a circle."""
    if not counts:
        return
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO fault_counts AS f (route_id, variant_id, start_day, signal, reason, detail, n) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s) "
            "ON CONFLICT (route_id, variant_id, start_day, signal, reason, detail) DO UPDATE SET n = f.n + excluded.n",
            [(one.route_id, one.variant_id, one.day, *one.fault, one.n) for one in counts],
        )


class FaultStore:
    """Reads of ``fault_counts``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def top(self, route_id: int, since: date, signal: str | None, limit: int) -> list[FaultCount]:
        """Return the most frequent faults of a route's variants since a day; ``day`` is the last one of each."""
        rows = self._session.execute(
            text(
                "SELECT variant_id, max(start_day) AS day, signal, reason, detail, sum(n)::bigint AS n "
                "FROM fault_counts WHERE route_id = :route AND start_day >= :since "
                "AND (CAST(:signal AS text) IS NULL OR signal = :signal) "
                "GROUP BY variant_id, signal, reason, detail "
                "ORDER BY n DESC, variant_id, signal, reason, detail LIMIT :limit"
            ),
            {"route": route_id, "since": since, "signal": signal, "limit": limit},
        )
        return [
            FaultCount(route_id, row.variant_id, row.day, Fault(row.signal, row.reason, row.detail), row.n)
            for row in rows
        ]

    def forget(self, before: date) -> None:
        """Delete the counts of days before a day."""
        self._session.execute(text("DELETE FROM fault_counts WHERE start_day < :before"), {"before": before})

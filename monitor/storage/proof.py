"""What a flip is proven by and prepared with: who answered users, and how the baseline does."""

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from monitor.models.event import Leg
from monitor.models.tick import PrimaryCounts

__all__ = ["ProofStore"]


class ProofStore:
    """Reads of ``events`` for the controller."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def primaries(
        self,
        route_id: int,
        since: datetime,
        until: datetime,
        *,
        sources: Collection[str] = (),
        but: Collection[str] = (),
        leg: Leg = Leg.PRIMARY,
    ) -> PrimaryCounts:
        """Count requests by the variant that served the primary leg, started in [since, until).

        The leg is told by the router's access log or the mirror marker, never by our desired state.
        A request with an access-log record counts by that record alone.

        Args:
            route_id: The route.
            since: First start.
            until: First start that no longer counts.
            sources: Only the events of these shippers; all, where none is named.
            but: Not the events of these.
            leg: Users' requests; or probes, which the router sent on as if a user had asked.
        """
        rows = self._session.execute(
            text(
                "SELECT variant_id, count(*) AS n FROM ("
                "SELECT DISTINCT ON (request_id) request_id, variant_id FROM events "
                "WHERE route_id = :route AND start_day BETWEEN :first AND :last "
                "AND started_at >= :since AND started_at < :until "
                "AND leg = :leg AND variant_id IS NOT NULL "
                "AND (cardinality(CAST(:sources AS text[])) = 0 OR source = ANY(:sources)) "
                "AND NOT (source = ANY(:but)) "
                "ORDER BY request_id, (recorder = 'gateway') DESC, attempt DESC) AS requests GROUP BY variant_id"
            ),
            {
                "route": route_id,
                "since": since,
                "until": until,
                "leg": leg.value,
                "sources": list(sources),
                "but": list(but),
                **_days(since, until),
            },
        )
        return PrimaryCounts({row.variant_id: row.n for row in rows})

    def last_primary(
        self, route_id: int, variant_ids: Collection[int], since: datetime, until: datetime
    ) -> datetime | None:
        """Return when the last primary request of one of the variants began in [since, until)."""
        found: datetime | None = self._session.execute(
            text(
                "SELECT max(started_at) FROM events WHERE route_id = :route AND start_day BETWEEN :first AND :last "
                "AND started_at >= :since AND started_at < :until AND leg = 'primary' AND variant_id = ANY(:variants)"
            ),
            {
                "route": route_id,
                "since": since,
                "until": until,
                "variants": list(variant_ids),
                **_days(since, until),
            },
        ).scalar_one()
        return found

    def draining(
        self,
        route_id: int,
        candidates: Collection[int],
        since: datetime,
        flipped: datetime,
        *,
        sources: Collection[str] = (),
        but: Collection[str] = (),
    ) -> int:
        """Count primary requests that a candidate began in [since, flipped) and ended after it, of these shippers."""
        return int(
            self._session.execute(
                text(
                    "SELECT count(DISTINCT request_id) FROM events "
                    "WHERE route_id = :route AND start_day BETWEEN :first AND :last "
                    "AND started_at >= :since AND started_at < :flipped "
                    "AND leg = 'primary' AND variant_id = ANY(:candidates) "
                    "AND (cardinality(CAST(:sources AS text[])) = 0 OR source = ANY(:sources)) "
                    "AND NOT (source = ANY(:but)) "
                    "AND started_at + make_interval(secs => duration_ms / 1000.0) > :flipped"
                ),
                {
                    "sources": list(sources),
                    "but": list(but),
                    "route": route_id,
                    "since": since,
                    "flipped": flipped,
                    "candidates": list(candidates),
                    **_days(since, flipped),
                },
            ).scalar_one()
        )

    def health(self, route_id: int, variant_id: int, since: datetime, until: datetime) -> tuple[int, int]:
        """Return (answers, failed answers) of a variant's server or gateway records started in [since, until)."""
        row = self._session.execute(
            text(
                "SELECT count(*) AS n, count(*) FILTER "
                "(WHERE readings[array_position(layout.names, 'request_error')] > 0) AS failed "
                "FROM events JOIN reading_layouts AS layout ON layout.id = layout_id "
                "WHERE route_id = :route AND start_day BETWEEN :first AND :last "
                "AND started_at >= :since AND started_at < :until AND variant_id = :variant "
                "AND leg IN ('primary', 'shadow')"
            ),
            {"route": route_id, "variant": variant_id, "since": since, "until": until, **_days(since, until)},
        ).one()
        return row.n, row.failed

    def answered(self, route_id: int, variant_id: int, since: datetime, until: datetime) -> int:
        """Count the requests that a variant answered on either leg, each once."""
        return int(
            self._session.execute(
                text(
                    "SELECT count(DISTINCT request_id) FROM events "
                    "WHERE route_id = :route AND start_day BETWEEN :first AND :last "
                    "AND started_at >= :since AND started_at < :until AND variant_id = :variant "
                    "AND leg IN ('primary', 'shadow')"
                ),
                {"route": route_id, "variant": variant_id, "since": since, "until": until, **_days(since, until)},
            ).scalar_one()
        )


def _days(since: datetime, until: datetime) -> dict[str, object]:
    return {"first": since.astimezone(UTC).date(), "last": until.astimezone(UTC).date()}

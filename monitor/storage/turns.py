"""Turns of conversations: one read a tick."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from detectors.reactions import Reaction
from monitor.models.conversation import TurnRecord
from monitor.models.turn import Turn
from monitor.storage.layouts import LayoutStore

__all__ = ["TurnStore"]

_SAID: Final = (Reaction.RETRY, Reaction.REGENERATE, Reaction.CORRECTION)


class TurnStore:
    """The turns among ``events``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def between(self, route_id: int, since: datetime, until: datetime) -> list[TurnRecord]:
        """Return the turns on primary legs that started in [since, until), in the order in which they started.

        Further attempts of a request are turns too: they are how a client sends a failed one again.
        """
        places = {
            layout: {name: place for place, name in enumerate(names)}
            for layout, names in LayoutStore(self._session).names().items()
        }
        rows = self._session.execute(
            text(
                "SELECT coalesce('session:' || session_id, 'subject:' || subject) AS session, event_key, variant_id, "
                "started_at, coalesce(duration_ms, 0) AS ms, status, failure, turn, layout_id, readings, slices "
                "FROM events WHERE route_id = :route AND start_day BETWEEN :first AND :last "
                "AND started_at >= :since AND started_at < :until AND leg = 'primary' AND turn IS NOT NULL "
                "AND variant_id IS NOT NULL AND (session_id IS NOT NULL OR subject IS NOT NULL) "
                "ORDER BY started_at, event_key"
            ),
            {
                "route": route_id,
                "first": since.astimezone(UTC).date(),
                "last": (until - timedelta(microseconds=1)).astimezone(UTC).date(),
                "since": since,
                "until": until,
            },
        )
        return [
            TurnRecord(
                session=row.session,
                id=str(row.event_key),
                variant_id=row.variant_id,
                started_s=row.started_at.timestamp(),
                ended_s=row.started_at.timestamp() + max(0.0, row.ms) / 1000.0,
                failed=row.failure is not None or (row.status is not None and row.status >= 400),  # noqa: PLR2004
                turn=Turn.unpacked(bytes(row.turn)),
                said=_said(places[row.layout_id], row.readings),
                slices=tuple(row.slices),
            )
            for row in rows
        ]


def _said(places: Mapping[str, int], readings: list[float | None]) -> frozenset[Reaction]:
    return frozenset(
        reaction for reaction in _SAID if (place := places.get(reaction.value)) is not None and readings[place]
    )

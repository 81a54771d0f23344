"""Fingerprints: which ``system_fingerprint`` each variant's answers carried, since when and until when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, case, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from monitor.storage.tables import FingerprintRow

__all__ = ["Fingerprint", "FingerprintStore"]

_MOST_READ = 1000
_KEPT_PER_VARIANT = 20


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One fingerprint of a variant. ``first_seen_at`` starts anew when it comes back after a long absence."""

    route_id: int
    variant_id: int
    text: str
    first_seen_at: datetime
    last_seen_at: datetime


class FingerprintStore:
    """Rows of ``fingerprints``, and the one read of ``events`` that feeds them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def received(self, since: datetime, until: datetime, oldest: timedelta) -> list[Fingerprint]:
        """Return the fingerprints in the answers that were received in [since, until], however late, grouped.

        ``oldest`` is the age up to which events are taken: partitions of earlier days stay untouched.
        """
        rows = self._session.execute(
            text(
                "SELECT route_id, variant_id, system_fingerprint, min(started_at) AS first, max(started_at) AS last "
                "FROM events WHERE start_day BETWEEN :first_day AND :last_day "
                "AND received_at BETWEEN :since AND :until "
                "AND variant_id IS NOT NULL AND system_fingerprint IS NOT NULL "
                "GROUP BY route_id, variant_id, system_fingerprint ORDER BY first LIMIT :most"
            ),
            {
                "since": since,
                "until": until,
                "first_day": (since - oldest).astimezone(UTC).date(),
                "last_day": until.astimezone(UTC).date() + timedelta(days=1),
                "most": _MOST_READ,
            },
        )
        return [Fingerprint(row.route_id, row.variant_id, row[2], row.first, row.last) for row in rows]

    def of_variant(self, variant_id: int) -> list[Fingerprint]:
        """Return a variant's fingerprints, the newest last."""
        rows = self._session.scalars(
            select(FingerprintRow)
            .where(FingerprintRow.variant_id == variant_id)
            .order_by(FingerprintRow.first_seen_at, FingerprintRow.last_seen_at, FingerprintRow.fingerprint)
        )
        return [_fingerprint(row) for row in rows]

    def of_route(self, route_id: int) -> list[Fingerprint]:
        """Return the fingerprints of a route's variants, the newest last."""
        rows = self._session.scalars(
            select(FingerprintRow)
            .where(FingerprintRow.route_id == route_id)
            .order_by(FingerprintRow.first_seen_at, FingerprintRow.last_seen_at, FingerprintRow.fingerprint)
        )
        return [_fingerprint(row) for row in rows]

    def keep(self, found: Iterable[Fingerprint], absence: timedelta, present: str | None) -> None:
        """Store sightings. One of a fingerprint that was away for longer than ``absence`` counts as a first one.

        That of the ``present`` fingerprint never does: the variant had no traffic meanwhile.
        """
        for one in found:
            insertion = insert(FingerprintRow).values(
                route_id=one.route_id,
                variant_id=one.variant_id,
                fingerprint=one.text,
                first_seen_at=one.first_seen_at,
                last_seen_at=one.last_seen_at,
            )
            new = insertion.excluded
            came_back = and_(
                FingerprintRow.fingerprint != (present or ""), new.first_seen_at - FingerprintRow.last_seen_at > absence
            )
            self._session.execute(
                insertion.on_conflict_do_update(
                    index_elements=["route_id", "variant_id", "fingerprint"],
                    set_={
                        "first_seen_at": case((came_back, new.first_seen_at), else_=FingerprintRow.first_seen_at),
                        "last_seen_at": func.greatest(FingerprintRow.last_seen_at, new.last_seen_at),
                    },
                )
            )

    def prune(self, variant_id: int) -> None:
        """Drop all but a variant's newest fingerprints."""
        kept = (
            select(FingerprintRow.fingerprint)
            .where(FingerprintRow.variant_id == variant_id)
            .order_by(FingerprintRow.last_seen_at.desc(), FingerprintRow.fingerprint)
            .limit(_KEPT_PER_VARIANT)
        )
        self._session.execute(
            delete(FingerprintRow).where(
                FingerprintRow.variant_id == variant_id, FingerprintRow.fingerprint.not_in(kept)
            )
        )


def _fingerprint(row: FingerprintRow) -> Fingerprint:
    return Fingerprint(row.route_id, row.variant_id, row.fingerprint, row.first_seen_at, row.last_seen_at)

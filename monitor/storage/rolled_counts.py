"""Counts of streams by minute and hour, each written once, and how far that has come."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Index, Integer, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from monitor.models.count_history import WIDTHS, Bucket, Resolution
from monitor.storage.session import driver
from monitor.storage.tables import Base
from monitor.storage.tick_form import decoded

__all__ = ["RollUpMarkRow", "RolledCountRow", "RolledCountStore", "width_s"]

_CELLS: Final = 4
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ADD: Final = """
INSERT INTO rolled_counts (route_id, stream_id, width_s, started_at, ticks, complete, missing, histogram)
SELECT %(route)s, n.stream_id, %(width)s, n.started_at, n.ticks, string_to_array(n.complete, ',')::bigint[],
    ARRAY[n.candidate, n.baseline], n.histogram::jsonb
FROM unnest(%(streams)b::bigint[], %(starts)b::timestamptz[], %(ticks)b::integer[], %(complete)b::text[],
    %(candidate)b::bigint[], %(baseline)b::bigint[], %(histograms)b::text[])
    AS n (stream_id, started_at, ticks, complete, candidate, baseline, histogram)
ON CONFLICT DO NOTHING
"""
_ROLLED: Final = (
    "SELECT stream_id, started_at, ticks, complete, missing, histogram::text AS histogram FROM rolled_counts "
)
_TICKS: Final = (
    "SELECT stream_id, started_at, counts::text AS counts FROM tick_counts "
    "WHERE route_id = :route AND started_at >= :since AND started_at < :until"
)


class RolledCountRow(Base):
    """What one stream counted in one minute or hour."""

    __tablename__ = "rolled_counts"
    __table_args__ = (Index(None, "route_id", "width_s", "started_at"),)

    route_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    stream_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    width_s: Mapped[int] = mapped_column(Integer, primary_key=True)
    started_at: Mapped[datetime] = mapped_column(primary_key=True)
    ticks: Mapped[int] = mapped_column(Integer)
    complete: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    missing: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    histogram: Mapped[dict[str, Any]] = mapped_column(JSONB)


class RollUpMarkRow(Base):
    """Until when a route's counts are rolled up."""

    __tablename__ = "roll_up_marks"

    route_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    width_s: Mapped[int] = mapped_column(Integer, primary_key=True)
    until: Mapped[datetime]


_bins = msgspec.json.Decoder(dict[int, int])


def width_s(resolution: Resolution) -> int:
    """Return how many seconds an entry of a rolled-up resolution holds."""
    return round(WIDTHS[resolution].total_seconds())


class RolledCountStore:
    """Rows of ``rolled_counts`` and ``roll_up_marks``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def mark(self, route_id: int, resolution: Resolution) -> datetime | None:
        """Return until when a route is rolled up."""
        row = self._session.get(RollUpMarkRow, (route_id, width_s(resolution)))
        return None if row is None else row.until

    def take(self, route_id: int, resolution: Resolution, otherwise: datetime) -> datetime | None:
        """Return the mark and hold it until the transaction ends; None while another transaction holds it."""
        key = {"route_id": route_id, "width_s": width_s(resolution)}
        self._session.execute(insert(RollUpMarkRow).values(**key, until=otherwise).on_conflict_do_nothing())
        return self._session.execute(
            text(
                "SELECT until FROM roll_up_marks WHERE route_id = :route_id AND width_s = :width_s "
                "FOR UPDATE SKIP LOCKED"
            ),
            key,
        ).scalar()

    def move(self, route_id: int, resolution: Resolution, until: datetime) -> None:
        """Move the mark that this transaction holds."""
        self._session.execute(
            text("UPDATE roll_up_marks SET until = :until WHERE route_id = :route AND width_s = :width"),
            {"route": route_id, "width": width_s(resolution), "until": until},
        )

    def oldest(self, route_id: int, resolution: Resolution, since: datetime = _EVER) -> datetime | None:
        """Return when the oldest stored tick, minute or hour of a route since an instant began: one index probe."""
        if resolution is Resolution.TICK:
            return self._session.execute(
                text("SELECT min(started_at) FROM tick_counts WHERE route_id = :route AND started_at >= :since"),
                {"route": route_id, "since": since},
            ).scalar()
        return self._session.execute(
            text(
                "SELECT min(started_at) FROM rolled_counts "
                "WHERE route_id = :route AND width_s = :width AND started_at >= :since"
            ),
            {"route": route_id, "width": width_s(resolution), "since": since},
        ).scalar()

    def ticks(self, route_id: int, since: datetime, until: datetime) -> tuple[list[Bucket], int]:
        """Return the ticks of all streams of a route that began in [since, until), and how many were damaged."""
        rows = self._session.execute(text(_TICKS), {"route": route_id, "since": since, "until": until})
        found, damaged = [], 0
        for row in rows:
            counts = decoded(row.counts)
            if counts is None:
                damaged += 1
                continue
            found.append(Bucket(row.stream_id, row.started_at, 1, counts.complete, counts.missing, counts.histogram))
        return found, damaged

    def of_route(self, route_id: int, resolution: Resolution, since: datetime, until: datetime) -> list[Bucket]:
        """Return what all streams of a route counted in [since, until)."""
        where = "WHERE route_id = :route AND width_s = :width AND started_at >= :since AND started_at < :until"
        return self._rolled(where, route=route_id, width=width_s(resolution), since=since, until=until)

    def of_stream(
        self, route_id: int, stream_id: int, resolution: Resolution, since: datetime, until: datetime
    ) -> list[Bucket]:
        """Return what one stream counted in [since, until), oldest first: one range of the primary key."""
        where = (
            "WHERE route_id = :route AND stream_id = :stream AND width_s = :width "
            "AND started_at >= :since AND started_at < :until ORDER BY started_at"
        )
        values = {"route": route_id, "stream": stream_id, "width": width_s(resolution)}
        return self._rolled(where, **values, since=since, until=until)

    def _rolled(self, where: str, **values: Any) -> list[Bucket]:
        rows = self._session.execute(text(_ROLLED + where), values)
        return [
            Bucket(
                row.stream_id,
                row.started_at,
                row.ticks,
                tuple(tuple(row.complete[at : at + _CELLS]) for at in range(0, len(row.complete), _CELLS)),
                (row.missing[0], row.missing[1]),
                _bins.decode(row.histogram),
            )
            for row in rows
        ]

    def add(self, route_id: int, resolution: Resolution, buckets: Sequence[Bucket]) -> None:
        """Store what streams counted, all in one statement; what is stored already stays as it is."""
        if not buckets:
            return
        driver(self._session).execute(
            _ADD,
            {
                "route": route_id,
                "width": width_s(resolution),
                "streams": [one.stream_id for one in buckets],
                "starts": [one.started_at for one in buckets],
                "ticks": [one.ticks for one in buckets],
                "complete": [",".join(map(str, _flat(one.complete))) for one in buckets],
                "candidate": [one.missing[0] for one in buckets],
                "baseline": [one.missing[1] for one in buckets],
                "histograms": [msgspec.json.encode(one.histogram).decode() for one in buckets],
            },
        )

    def forget(self, route_id: int, resolution: Resolution, before: datetime) -> int:
        """Delete a route's entries that began before an instant; return how many there were."""
        result = self._session.execute(
            text("DELETE FROM rolled_counts WHERE route_id = :route AND width_s = :width AND started_at < :before"),
            {"route": route_id, "width": width_s(resolution), "before": before},
        )
        return int(result.rowcount)  # type: ignore[attr-defined]


def _flat(complete: Iterable[Iterable[int]]) -> list[int]:
    return [cell for level in complete for cell in level]

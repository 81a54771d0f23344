"""Stored events: one statement writes a batch, one reads a tick."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

from monitor.models.event import Leg, Record, Recorder, Rejection
from monitor.models.tick import LegRecord, PrimaryCounts

__all__ = ["Account", "EventStore", "Identity", "Lags", "add_accounts", "add_events", "add_rejections", "identity_of"]

Identity = tuple[int, date, UUID]
"""What is unique in ``events``: route, start day, event key."""

_COLUMNS: dict[str, str] = {
    "route_id": "bigint",
    "start_day": "date",
    "event_key": "uuid",
    "variant_id": "bigint",
    "source": "text",
    "recorder": "text",
    "leg": "text",
    "rule": "text",
    "attempt": "smallint",
    "request_id": "text",
    "session_id": "text",
    "backend": "text",
    "mirrored": "boolean",
    "started_at": "timestamptz",
    "received_at": "timestamptz",
    "status": "smallint",
    "failure": "text",
    "duration_ms": "real",
    "ttft_ms": "real",
    "finish_reason": "text",
    "prompt_tokens": "integer",
    "completion_tokens": "integer",
    "requested_model": "text",
    "response_model": "text",
    "system_fingerprint": "text",
    "slices": "text",
    "readings": "text",
}
_SEPARATOR = "\x1f"
_CONVERTED = {"slices": f"string_to_array(slices, E'\\x{ord(_SEPARATOR):02x}')", "readings": "readings::jsonb"}
_INSERT = (
    f"INSERT INTO events ({', '.join(_COLUMNS)}) "  # noqa: S608 - constants of this module
    f"SELECT {', '.join(_CONVERTED.get(name, name) for name in _COLUMNS)} "
    f"FROM unnest({', '.join(f'%s::{kind}[]' for kind in _COLUMNS.values())}) AS new ({', '.join(_COLUMNS)}) "
    "ORDER BY route_id, start_day, event_key "
    "ON CONFLICT DO NOTHING RETURNING route_id, start_day, event_key"
)


@dataclass(frozen=True, slots=True)
class Account:
    """``n`` records of a source ended with ``outcome`` (stored, duplicate, rejected) for ``reason``."""

    source: str
    outcome: str
    reason: str
    n: int


def identity_of(record: Record) -> Identity:
    """Return a record's place in ``events``: two records are one event if they share it."""
    return record.attribution.route_id, record.event.started_at.astimezone(UTC).date(), record.key


async def add_events(connection: psycopg.AsyncConnection[Any], records: Sequence[Record]) -> set[Identity]:
    """Store the records that are not stored yet and return their identities. Rows are locked in key order."""
    if not records:
        return set()
    await _ensure_partitions(connection, {record.event.started_at.astimezone(UTC).date() for record in records})
    columns = list(zip(*(_row(record) for record in records), strict=True))
    cursor = await connection.execute(_INSERT, [list(column) for column in columns])
    return {(row[0], row[1], row[2]) for row in await cursor.fetchall()}


async def _ensure_partitions(connection: psycopg.AsyncConnection[Any], days: Iterable[date]) -> None:
    """Create the day partitions that are missing; the catalogue is asked first, because creating takes a lock."""
    names = {f"events_{day:%Y%m%d}": day for day in sorted(days)}
    cursor = await connection.execute(
        "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relkind = 'r'", [list(names)]
    )
    for (known,) in await cursor.fetchall():
        names.pop(known, None)
    for name, day in names.items():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])
        await connection.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF events FOR VALUES FROM ({}) TO ({})").format(
                sql.Identifier(name), sql.Literal(day), sql.Literal(day + timedelta(days=1))
            )
        )


def _row(record: Record) -> tuple[Any, ...]:
    event, attribution = record.event, record.attribution
    answer, outcome = event.exchange.answer, event.exchange.outcome
    return (
        attribution.route_id,
        event.started_at.astimezone(UTC).date(),
        record.key,
        attribution.variant_id,
        record.source,
        event.recorder.value,
        attribution.leg.value,
        attribution.rule,
        event.attempt,
        event.request_id,
        event.session_id,
        event.backend,
        event.mirrored,
        event.started_at,
        record.received_at,
        outcome.status,
        None if outcome.failure is None else outcome.failure.value,
        event.duration_ms,
        event.exchange.timing.ttft_ms,
        None if answer is None else answer.finish_reason,
        None if answer is None else answer.prompt_tokens,
        None if answer is None else answer.completion_tokens,
        event.requested_model,
        event.response_model,
        event.system_fingerprint,
        _SEPARATOR.join(event.slices),
        json.dumps({name: _number(value) for name, value in record.readings.items()}),
    )


def _number(value: float) -> float | str:
    """JSON has no infinity: a time-out's latency is the string "inf", which ``float`` reads back."""
    return value if math.isfinite(value) else "inf"


async def add_rejections(
    connection: psycopg.AsyncConnection[Any], source: str, door: str, rejections: Sequence[Rejection], at: datetime
) -> None:
    """Store rejected records in the dead-letter table."""
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO dead_letters (received_at, source, door, code, detail, pointer, size, skeleton) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [(at, source, door, r.code, r.detail, r.pointer, r.size, r.skeleton) for r in rejections],
        )


async def add_accounts(connection: psycopg.AsyncConnection[Any], accounts: Sequence[Account], at: datetime) -> None:
    """Add to the hour's accounts, in key order so that two writers never wait for each other in a circle."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO ingest_accounts AS a (source, hour, outcome, reason, n, last_at) "
            "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (source, hour, outcome, reason) "
            "DO UPDATE SET n = a.n + excluded.n, last_at = greatest(a.last_at, excluded.last_at)",
            [
                (a.source, hour, a.outcome, a.reason, a.n, at)
                for a in sorted(accounts, key=lambda a: (a.source, a.outcome, a.reason))
            ],
        )


@dataclass(frozen=True, slots=True)
class Lags:
    """How late events arrive, both arms pooled."""

    n: int
    quantile_s: float | None


class EventStore:
    """Reads of ``events``. Every read names the days it needs, so that other partitions are not touched."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def legs(self, route_id: int, since: datetime, until: datetime) -> list[LegRecord]:
        """Return the first attempts with a known leg and variant that started in [since, until)."""
        rows = self._session.execute(
            text(
                "SELECT request_id, recorder, leg, variant_id, started_at, readings, slices, mirrored FROM events "
                "WHERE route_id = :route AND start_day BETWEEN :first AND :last "
                "AND started_at >= :since AND started_at < :until "
                "AND attempt = 1 AND leg <> 'unknown' AND variant_id IS NOT NULL"
            ),
            {"route": route_id, "since": since, "until": until, **_days(since, until)},
        )
        return [
            LegRecord(
                request_id=row.request_id,
                recorder=Recorder(row.recorder),
                leg=Leg(row.leg),
                variant_id=row.variant_id,
                started_at=row.started_at,
                readings={name: float(value) for name, value in row.readings.items()},
                slices=tuple(row.slices),
                mirrored=row.mirrored,
            )
            for row in rows
        ]

    def lags(self, route_id: int, since: datetime, until: datetime, quantile: float) -> Lags:
        """Return the lag from start to receipt over events received in [since, until), both arms pooled.

        Stamps in the future count as zero lag: they can never shorten or stretch a horizon.
        """
        row = self._session.execute(
            text(
                "SELECT count(*) AS n, percentile_cont(:q) WITHIN GROUP (ORDER BY "
                "greatest(extract(epoch FROM received_at - started_at), 0)) AS lag FROM events "
                "WHERE route_id = :route AND start_day BETWEEN :first AND :last "
                "AND received_at >= :since AND received_at < :until AND started_at >= :since "
                "AND leg <> 'unknown' AND variant_id IS NOT NULL"
            ),
            {"route": route_id, "since": since, "until": until, "q": quantile, **_days(since, until)},
        ).one()
        return Lags(row.n, None if row.lag is None else float(row.lag))

    def first_event_at(self, route_id: int, since: datetime) -> datetime | None:
        """Return when the oldest event since an instant was received."""
        return self._session.execute(
            text(
                "SELECT min(received_at) FROM events WHERE route_id = :route AND start_day >= :day "
                "AND received_at >= :since AND variant_id IS NOT NULL AND leg <> 'unknown'"
            ),
            {"route": route_id, "day": since.astimezone(UTC).date(), "since": since},
        ).scalar()

    def primaries(self, route_id: int, since: datetime, until: datetime) -> PrimaryCounts:
        """Count requests by the variant that served the primary leg, started in [since, until).

        The leg is told by the router's access log or the mirror marker, never by our desired state.
        A request with an access-log record counts by that record alone.
        """
        rows = self._session.execute(
            text(
                "SELECT variant_id, count(*) AS n FROM ("
                "SELECT DISTINCT ON (request_id) request_id, variant_id FROM events "
                "WHERE route_id = :route AND start_day BETWEEN :first AND :last "
                "AND started_at >= :since AND started_at < :until "
                "AND leg = 'primary' AND variant_id IS NOT NULL "
                "ORDER BY request_id, (recorder = 'gateway') DESC, attempt DESC) AS requests GROUP BY variant_id"
            ),
            {"route": route_id, "since": since, "until": until, **_days(since, until)},
        )
        return PrimaryCounts({row.variant_id: row.n for row in rows})

    def health(self, route_id: int, variant_id: int, since: datetime, until: datetime) -> tuple[int, int]:
        """Return (answers, failed answers) of a variant's server or gateway records started in [since, until)."""
        row = self._session.execute(
            text(
                "SELECT count(*) AS n, count(*) FILTER (WHERE (readings->>'request_error')::float > 0) AS failed "
                "FROM events WHERE route_id = :route AND start_day BETWEEN :first AND :last "
                "AND started_at >= :since AND started_at < :until AND variant_id = :variant AND leg <> 'unknown'"
            ),
            {"route": route_id, "variant": variant_id, "since": since, "until": until, **_days(since, until)},
        ).one()
        return row.n, row.failed

    def received_at(self, route_id: int, since: datetime) -> datetime | None:
        """Return when the newest event of a route was received, looking back to ``since``."""
        return self._session.execute(
            text("SELECT max(received_at) FROM events WHERE route_id = :route AND start_day >= :day"),
            {"route": route_id, "day": since.astimezone(UTC).date()},
        ).scalar()

    def accounts(self) -> list[Account]:
        """Return how many records of each source ended how, over all time."""
        rows = self._session.execute(
            text(
                "SELECT source, outcome, reason, sum(n)::bigint AS n FROM ingest_accounts "
                "GROUP BY source, outcome, reason ORDER BY source, outcome, reason"
            )
        )
        return [Account(row.source, row.outcome, row.reason, row.n) for row in rows]


def _days(since: datetime, until: datetime) -> dict[str, date]:
    return {"first": since.astimezone(UTC).date(), "last": until.astimezone(UTC).date()}

"""Stored events: one copy writes a commit's batches, one statement reads a tick."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

from detectors.registry import all_names
from monitor.models.event import Record, Rejection
from monitor.models.tick import Arrival
from monitor.storage.copy import COPY_END, COPY_START, RowPacker
from monitor.storage.days import ensure_days
from monitor.storage.layouts import Layout, ensure_layout
from monitor.storage.texts import Blob, compressed

__all__ = [
    "EVENT_COLUMNS",
    "Account",
    "Begun",
    "EventStore",
    "Identity",
    "Lags",
    "add_accounts",
    "add_events",
    "add_identified",
    "add_rejections",
    "event_row",
    "identity_of",
]

Identity = tuple[int, date, bytes]
"""What is unique in ``events``: route, start day, event key."""

_LABEL_COLUMNS: dict[str, str] = {
    "route_id": "bigint",
    "start_day": "date",
    "variant_id": "bigint",
    "source": "text",
    "recorder": "text",
    "leg": "text",
    "rule": "text",
    "attempt": "smallint",
    "backend": "text",
    "mirrored": "boolean",
    "status": "smallint",
    "failure": "text",
    "finish_reason": "text",
    "requested_model": "text",
    "response_model": "text",
    "system_fingerprint": "text",
    "slices": "text[]",
    "layout_id": "integer",
}
"""Columns whose values repeat from event to event."""
EVENT_COLUMNS: dict[str, str] = {
    **_LABEL_COLUMNS,
    "event_key": "uuid",
    "request_id": "text",
    "session_id": "text",
    "started_at": "timestamptz",
    "received_at": "timestamptz",
    "duration_ms": "real",
    "ttft_ms": "real",
    "prompt_tokens": "integer",
    "completion_tokens": "integer",
    "readings": "real[]",
    "subject": "text",
    "turn": "bytea",
    "text_blob": "uuid",
    "text_index": "integer",
}
_TEXT_COLUMNS = {
    "route_id": "bigint",
    "start_day": "date",
    "blob_id": "uuid",
    "codec": "text",
    "body": "bytea",
}
_EVENTS = RowPacker(tuple(EVENT_COLUMNS.values()), labels=len(_LABEL_COLUMNS))
_TEXTS = RowPacker(tuple(_TEXT_COLUMNS.values()))
_COMPRESS_ELSEWHERE_OVER = 64 * 1024

_MERGE = (
    f"INSERT INTO events ({', '.join(EVENT_COLUMNS)}) "  # noqa: S608 - constants of this module
    f"SELECT {', '.join(EVENT_COLUMNS)} FROM pg_temp.incoming ORDER BY start_day, route_id, event_key "
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
    """Store the records that are not stored yet, whatever their days, and return their identities."""
    if not records:
        return set()
    first: dict[Identity, Record] = {}
    for record in records:
        first.setdefault(identity_of(record), record)
    await ensure_days(connection, {day for _, day, _ in first})
    return await add_identified(connection, first, await ensure_layout(connection, all_names()))


async def add_identified(
    connection: psycopg.AsyncConnection[Any], records: Mapping[Identity, Record], layout: Layout
) -> set[Identity]:
    """Store the records that are not stored yet and return their identities.

    Nearly always all of them are new: they are copied straight into the table. If one is not, the copy is
    rolled back and they are merged. Rows are written in one order, so that writers never wait in a circle.

    Raises:
        UnpackableError: a value does not fit its column.
        psycopg.Error: Postgres refuses a row.
    """
    if not records:
        return set()
    ordered = sorted(records, key=_write_order)
    blobs, places = _texts(ordered, records)
    rows = [_EVENTS.pack(event_row(identity, records[identity], layout, places.get(identity))) for identity in ordered]
    try:
        async with connection.transaction():
            compressing = _start_compressing(blobs)
            await _copy(connection, "events", EVENT_COLUMNS, rows)
            await _copy(connection, "event_texts", _TEXT_COLUMNS, map(_TEXTS.pack, await compressing))
    except (psycopg.errors.UniqueViolation, psycopg.errors.CheckViolation):
        await ensure_days(connection, {day for _, day, _ in ordered})
        return await _merge(connection, rows, blobs, places)
    return set(ordered)


def _write_order(identity: Identity) -> tuple[date, int, bytes]:
    """Days first: each is a table of its own, and COPY writes table by table."""
    route_id, day, key = identity
    return day, route_id, key


async def _merge(
    connection: psycopg.AsyncConnection[Any],
    rows: Iterable[bytes],
    blobs: Sequence[Blob],
    places: Mapping[Identity, tuple[UUID, int]],
) -> set[Identity]:
    """Store the rows that are new, by way of a temporary table; then the texts of those alone."""
    await connection.execute("CREATE TEMPORARY TABLE incoming (LIKE events) ON COMMIT DROP")
    await _copy(connection, "pg_temp.incoming", EVENT_COLUMNS, rows)
    cursor = await connection.execute(_MERGE)
    new = {(row[0], row[1], row[2].bytes) for row in await cursor.fetchall()}
    await connection.execute("DROP TABLE pg_temp.incoming")
    wanted = {place for identity, place in places.items() if identity in new}
    for blob in blobs:
        blob.keep({index for blob_id, index in wanted if blob_id == blob.blob_id})
    packed = map(_TEXTS.pack, await _start_compressing([blob for blob in blobs if blob.size]))
    await _copy(connection, "event_texts", _TEXT_COLUMNS, packed)
    return new


async def _copy(
    connection: psycopg.AsyncConnection[Any], table: str, columns: Iterable[str], rows: Iterable[bytes]
) -> None:
    body = b"".join(rows)
    if not body:
        return
    statement = sql.SQL(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)")
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        await copy.write(COPY_START + body + COPY_END)


def _texts(
    ordered: Sequence[Identity], records: Mapping[Identity, Record]
) -> tuple[list[Blob], dict[Identity, tuple[UUID, int]]]:
    """Give every text its place in a blob of its route and day."""
    blobs: list[Blob] = []
    places: dict[Identity, tuple[UUID, int]] = {}
    for identity in ordered:
        body = records[identity].text
        if body is None:
            continue
        route_id, day, _ = identity
        if not blobs or blobs[-1].full or (blobs[-1].route_id, blobs[-1].day) != (route_id, day):
            blobs.append(Blob(route_id, day, uuid4(), []))
        places[identity] = blobs[-1].blob_id, blobs[-1].add(body)
    return blobs, places


def _start_compressing(blobs: Sequence[Blob]) -> "asyncio.Future[list[tuple[int, date, UUID, str, bytes]]]":
    """Compress while the rows are copied: on a thread, unless it is over before a thread would start."""
    loop = asyncio.get_running_loop()
    if sum(blob.size for blob in blobs) > _COMPRESS_ELSEWHERE_OVER:
        return loop.run_in_executor(None, compressed, blobs)
    done: asyncio.Future[list[tuple[int, date, UUID, str, bytes]]] = loop.create_future()
    done.set_result(compressed(blobs))
    return done


def event_row(identity: Identity, record: Record, layout: Layout, place: tuple[UUID, int] | None) -> tuple[Any, ...]:
    """Return a record as the columns of ``events``; ``place`` is where its text is."""
    event, attribution, exchange = record.event, record.attribution, record.event.exchange
    answer, outcome = exchange.answer, exchange.outcome
    return (
        identity[0],
        identity[1],
        attribution.variant_id,
        record.source,
        event.recorder,
        attribution.leg,
        attribution.rule,
        event.attempt,
        event.backend,
        event.mirrored,
        outcome.status,
        outcome.failure,
        None if answer is None else answer.finish_reason,
        event.requested_model,
        event.response_model,
        event.system_fingerprint,
        event.slices,
        layout.id,
        record.key,
        event.request_id,
        event.session_id,
        event.started_at,
        record.received_at,
        event.duration_ms,
        exchange.timing.ttft_ms,
        None if answer is None else answer.prompt_tokens,
        None if answer is None else answer.completion_tokens,
        [*map(record.readings.get, layout.names)],
        event.subject,
        record.turn,
        None if place is None else place[0],
        None if place is None else place[1],
    )


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


@dataclass(frozen=True, slots=True)
class Begun:
    """Requests that one replica of a variant began."""

    variant_id: int
    backend: str
    requests: int


class EventStore:
    """Reads of ``events``. Every read names the days it needs, so that other partitions are not touched."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def late(self, route_id: int, start: datetime, after: datetime, until: datetime) -> int:
        """Count events received in [after, until) that had started before ``start``, up to a day: those that came late.

        With the tick's start, and when the tick before and the tick itself close, each late event counts for one tick.
        """
        return int(
            self._session.execute(
                text(
                    "SELECT count(*) FROM events WHERE route_id = :route AND start_day BETWEEN :first AND :last "
                    "AND received_at >= :after AND received_at < :until AND started_at < :start "
                    "AND leg IN ('primary', 'shadow') AND variant_id IS NOT NULL"
                ),
                {
                    "route": route_id,
                    "start": start,
                    "after": after,
                    "until": until,
                    **_days(start - timedelta(days=1), start),
                },
            ).scalar_one()
        )

    def arrivals(self, route_id: int, since: datetime, until: datetime, tick_s: float) -> list[Arrival]:
        """Return how many requests each replica began in each tick of [since, until), as its server tells."""
        rows = self._session.execute(
            text(
                "SELECT floor(extract(epoch FROM started_at) / :tick_s)::bigint AS tick, variant_id, backend, "
                "count(*) AS n FROM events "
                "WHERE route_id = :route AND start_day BETWEEN :first AND :last "
                "AND started_at >= :since AND started_at < :until AND recorder = 'server' "
                "AND attempt = 1 AND leg IN ('primary', 'shadow') AND variant_id IS NOT NULL GROUP BY 1, 2, 3"
            ),
            {"route": route_id, "since": since, "until": until, "tick_s": tick_s, **_days(since, until)},
        )
        return [Arrival(row.tick, row.variant_id, row.backend, row.n) for row in rows]

    def begun(self, route_id: int, since: datetime, until: datetime) -> list[Begun]:
        """Return how many requests each replica began in [since, until), as its server tells; ``arrivals`` of one tick.

        Without the tick of each event, which costs more than all else.
        """
        rows = self._session.execute(
            text(
                "SELECT variant_id, backend, count(*) AS n FROM events "
                "WHERE route_id = :route AND start_day BETWEEN :first AND :last "
                "AND started_at >= :since AND started_at < :until AND recorder = 'server' "
                "AND attempt = 1 AND leg IN ('primary', 'shadow') AND variant_id IS NOT NULL GROUP BY 1, 2"
            ),
            {"route": route_id, "since": since, "until": until, **_days(since, until)},
        )
        return [Begun(row.variant_id, row.backend, row.n) for row in rows]

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
                "AND leg IN ('primary', 'shadow') AND variant_id IS NOT NULL"
            ),
            {"route": route_id, "since": since, "until": until, "q": quantile, **_days(since, until)},
        ).one()
        return Lags(row.n, None if row.lag is None else float(row.lag))

    def first_event_at(self, route_id: int, since: datetime) -> datetime | None:
        """Return when the oldest event since an instant was received."""
        return self._session.execute(
            text(
                "SELECT min(received_at) FROM events WHERE route_id = :route AND start_day >= :day "
                "AND received_at >= :since AND variant_id IS NOT NULL AND leg IN ('primary', 'shadow')"
            ),
            {"route": route_id, "day": since.astimezone(UTC).date(), "since": since},
        ).scalar()

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

"""The writer: many requests share one commit, and each is answered only after it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import psycopg
import structlog

from detectors.registry import all_names
from monitor.clock import Clock
from monitor.errors import DatabaseUnavailableError, OverloadedError
from monitor.models.event import Record, Rejection
from monitor.services.fault_counts import FaultTally
from monitor.services.probe_events import tell_probes
from monitor.services.weight import weight_of
from monitor.storage.copy import UnpackableError
from monitor.storage.days import ensure_days
from monitor.storage.events import (
    Account,
    Identity,
    add_accounts,
    add_events,
    add_identified,
    add_rejections,
    identity_of,
)
from monitor.storage.faults import add_fault_counts
from monitor.storage.layouts import Layout, ensure_layout
from monitor.storage.recent import RecentIdentities
from monitor.storage.session import SILENCE

__all__ = ["Batch", "BatchResult", "GroupWriter"]

_CONNECT_TIMEOUT_S = 5
_MOST_PER_COMMIT = 4000
_QUEUE_BYTES = 256 * 1024 * 1024
_log = structlog.get_logger("fullback.writer")


@dataclass(frozen=True, slots=True)
class Batch:
    """One request's records. ``received`` = records + rejections, always."""

    source: str
    door: str
    records: tuple[Record, ...]
    rejections: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch: received = stored + duplicates + rejected."""

    received: int
    stored: int
    duplicates: int
    rejections: tuple[Rejection, ...]


@dataclass(slots=True)
class _Waiting:
    batch: Batch
    weight: int
    """Bytes, about."""
    done: "asyncio.Future[BatchResult]"


class GroupWriter:
    """One task with one connection: whatever queued up while a commit ran goes into the next one."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        queue_records: int,
        queue_bytes: int = _QUEUE_BYTES,
        commit_timeout_s: float,
        group_commit: bool = True,
    ) -> None:
        self._url = url
        self._clock = clock
        self._queue_records = queue_records
        self._queue_bytes = queue_bytes
        self._commit_timeout_s = commit_timeout_s
        self._most_per_commit = _MOST_PER_COMMIT if group_commit else 1
        self._recent = RecentIdentities()
        self._faults = FaultTally()
        self._days: set[date] = set()
        self._layout: Layout | None = None
        self._waiting: list[_Waiting] = []
        self._queued = 0
        self._queued_bytes = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._closing = False

    def start(self) -> None:
        """Start the task in the running loop."""
        self._task = asyncio.create_task(self._run(), name="fullback-writer")

    async def stop(self) -> None:
        """Commit what is queued, then end."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        await self._disconnect()

    @property
    def queued(self) -> int:
        """Records that wait for a commit."""
        return self._queued

    @property
    def queued_bytes(self) -> int:
        """What they take of the memory, about."""
        return self._queued_bytes

    async def submit(self, batch: Batch) -> BatchResult:
        """Store a batch; returns after its commit.

        Raises:
            OverloadedError: too many or too large records wait already, or the service is stopping.
            DatabaseUnavailableError: Postgres did not commit (in time). Nothing is lost: the sender sends again.
        """
        weight = weight_of(batch.records, batch.rejections)
        self._check_room(_size(batch), weight)
        waiting = _Waiting(batch, weight, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._queued += _size(batch)
        self._queued_bytes += weight
        self._wake.set()
        try:
            return await asyncio.wait_for(waiting.done, self._commit_timeout_s)
        except TimeoutError:
            raise DatabaseUnavailableError(
                f"no commit within {self._commit_timeout_s:g} s; send again, what was stored is recognised"
            ) from None

    def _check_room(self, size: int, weight: int) -> None:
        """Refuse what does not fit beside what waits; an empty queue takes a batch of any size."""
        if self._closing or (self._queued and self._queued + size > self._queue_records):
            raise OverloadedError(f"{self._queued} records wait for a commit, the most is {self._queue_records}")
        if self._queued and self._queued_bytes + weight > self._queue_bytes:
            raise OverloadedError(
                f"records of {self._queued_bytes} bytes wait for a commit, the most is {self._queue_bytes}"
            )

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                group = self._take()
                awaited = [waiting for waiting in group if not waiting.done.done()]
                try:
                    if awaited:  # whoever gave up sends again: writing theirs too would only add to the delay
                        await self._commit(awaited)
                finally:
                    self._queued -= sum(_size(waiting.batch) for waiting in group)
                    self._queued_bytes -= sum(waiting.weight for waiting in group)
            if self._closing:
                return

    def _take(self) -> list[_Waiting]:
        """Take whole requests from the front of the queue, up to about the most records of one commit."""
        size = taken = 0
        for waiting in self._waiting:
            size += _size(waiting.batch)
            taken += 1
            if size >= self._most_per_commit:
                break
        group, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return group

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        """Commit a group. A record Postgres refuses costs its neighbours nothing: they are retried apart."""
        try:
            results = await self._write([waiting.batch for waiting in group])
        except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction) as error:
            await self._disconnect()
            if isinstance(error, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure):
                await self._commit(group)
                return
            self._fail(group, error)
        except (psycopg.Error, UnpackableError) as error:
            await self._apart(group, error)
        except Exception as error:  # noqa: BLE001 - whatever happens, nobody waits for ever and the task lives on
            await self._disconnect()
            self._fail(group, error)
        else:
            for waiting, result in zip(group, results, strict=True):
                _resolve(waiting, result)

    async def _apart(self, group: Sequence[_Waiting], error: Exception) -> None:
        _log.warning("commit refused, retrying apart", error=type(error).__name__, requests=len(group))
        await self._disconnect()
        if len(group) > 1:
            for waiting in group:
                await self._commit([waiting])
            return
        try:
            batch = await self._without_poison(group[0].batch)
        except Exception as worse:  # noqa: BLE001 - it says nothing of the records: they are to be sent again
            await self._disconnect()
            self._fail(group, worse)
            return
        if len(batch.records) == len(group[0].batch.records):
            self._fail(group, error)  # no record is to blame
            return
        await self._commit([_Waiting(batch, group[0].weight, group[0].done)])

    async def _without_poison(self, batch: Batch) -> Batch:
        """Find the records that Postgres refuses, by halves, in a transaction that is rolled back."""
        connection = await self._connect()
        bad: dict[int, Rejection] = {}
        async with connection.transaction(force_rollback=True):
            await _find_poison(connection, list(enumerate(batch.records)), bad)
        good = tuple(record for index, record in enumerate(batch.records) if index not in bad)
        return replace(batch, records=good, rejections=batch.rejections + tuple(bad.values()))

    async def _write(self, batches: Sequence[Batch]) -> list[BatchResult]:
        connection = await self._connect()
        now = self._clock.now()
        identities = [[identity_of(record) for record in batch.records] for batch in batches]
        fresh: dict[Identity, Record] = {}
        for batch, keys in zip(batches, identities, strict=True):
            for identity, record in zip(keys, batch.records, strict=True):
                if identity not in self._recent:
                    fresh.setdefault(identity, record)
        await self._open_days(connection, {day for _, day, _ in fresh})
        if self._layout is None:
            self._layout = await ensure_layout(connection, all_names())
        async with connection.transaction():
            await tell_probes(connection, fresh)
            new = await add_identified(connection, fresh, self._layout)
            await add_fault_counts(connection, self._faults.count((key[1], fresh[key]) for key in new))
            unclaimed = set(new)
            results = [_result(batch, keys, unclaimed) for batch, keys in zip(batches, identities, strict=True)]
            accounts: Counter[tuple[str, str, str]] = Counter()
            for batch, result in zip(batches, results, strict=True):
                accounts[batch.source, "stored", ""] += result.stored
                accounts[batch.source, "duplicate", ""] += result.duplicates
                for rejection in batch.rejections:
                    accounts[batch.source, "rejected", rejection.code] += 1
                if batch.rejections:
                    await add_rejections(connection, batch.source, batch.door, batch.rejections, now)
            await add_accounts(connection, [Account(*key, n) for key, n in accounts.items() if n], now)
        self._recent.add(fresh)
        return results

    async def _open_days(self, connection: psycopg.AsyncConnection[Any], days: set[date]) -> None:
        """Create missing partitions, asking Postgres once a connection for each day."""
        missing = days - self._days
        if missing:
            await ensure_days(connection, missing)
            self._days |= missing

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._url,
                autocommit=True,
                connect_timeout=_CONNECT_TIMEOUT_S,
                prepare_threshold=None,
                **SILENCE,
                options=(
                    "-c timezone=UTC -c synchronous_commit=on -c lock_timeout=5s "
                    f"-c statement_timeout={int(self._commit_timeout_s * 1000)}"
                ),
            )
        return self._connection

    async def _disconnect(self) -> None:
        """Close the connection and forget what was learnt on it: the next may lead to another server."""
        connection, self._connection = self._connection, None
        self._recent.clear()
        self._days.clear()
        self._layout = None
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.close()

    def _fail(self, group: Sequence[_Waiting], error: Exception) -> None:
        _log.warning("commit failed", error=type(error).__name__, requests=len(group))
        for waiting in group:
            if not waiting.done.done():
                waiting.done.set_exception(
                    DatabaseUnavailableError(
                        f"PostgreSQL did not commit ({type(error).__name__}); nothing was stored, send again"
                    )
                )


def _size(batch: Batch) -> int:
    return len(batch.records) + len(batch.rejections)


def _resolve(waiting: _Waiting, result: BatchResult) -> None:
    if not waiting.done.done():
        waiting.done.set_result(result)


async def _find_poison(
    connection: psycopg.AsyncConnection[Any], records: Sequence[tuple[int, Record]], bad: dict[int, Rejection]
) -> None:
    """Try the records behind a savepoint; if they are refused, try each half."""
    try:
        async with connection.transaction():
            await add_events(connection, [record for _, record in records])
    except (psycopg.DataError, psycopg.IntegrityError, UnpackableError) as error:
        if len(records) == 1:
            index = records[0][0]
            bad[index] = Rejection(index, "not_storable", f"PostgreSQL refused it ({type(error).__name__})")
            return
        half = len(records) // 2
        await _find_poison(connection, records[:half], bad)
        await _find_poison(connection, records[half:], bad)


def _result(batch: Batch, identities: Sequence[Identity], new: set[Identity]) -> BatchResult:
    """Count a batch against the keys its commit stored; a key counts for the first record that carries it."""
    stored = 0
    for identity in identities:
        if identity in new:
            new.discard(identity)
            stored += 1
    return BatchResult(
        received=len(batch.records) + len(batch.rejections),
        stored=stored,
        duplicates=len(batch.records) - stored,
        rejections=batch.rejections,
    )

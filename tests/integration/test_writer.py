"""The group-commit writer against a real PostgreSQL: nothing acknowledged is lost, whatever goes wrong."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
import pytest
from msgspec.structs import replace

from detectors.types import Exchange
from monitor.clock import FakeClock
from monitor.errors import DatabaseUnavailableError, OverloadedError
from monitor.models.event import Attribution, Event, Leg, Record, Recorder, Rejection
from monitor.services.attribution import event_key
from monitor.services.weight import RECORD_BYTES, REJECTION_BYTES
from monitor.services.writer import Batch, GroupWriter
from tests.conftest import START

POISON = 100_000
"""No smallint: PostgreSQL refuses it."""
PATIENCE_S = 5.0


def record(n: int, attempt: int = 1, request_id: str | None = None) -> Record:
    event = Event(
        recorder=Recorder.SERVER,
        request_id=request_id or f"r{n}",
        started_at=START,
        exchange=Exchange(),
        event_id=f"e{n}",
        attempt=attempt,
    )
    return Record(
        event, Attribution(0, None, Leg.PRIMARY, "test"), "test", event_key("test", event, Leg.PRIMARY), {}, START
    )


def batch(*records: Record, rejections: tuple[Rejection, ...] = ()) -> Batch:
    return Batch("test", "native", records, rejections)


@asynccontextmanager
async def writing(url, *, queue_records=10_000, queue_bytes=1 << 28, commit_timeout_s=PATIENCE_S):
    writer = GroupWriter(
        url,
        FakeClock(START),
        queue_records=queue_records,
        queue_bytes=queue_bytes,
        commit_timeout_s=commit_timeout_s,
    )
    writer.start()
    try:
        yield writer
    finally:
        await writer.stop()


def rows(url, statement):
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def stored(url):
    return rows(url, "SELECT count(*) FROM events")[0][0]


def accounts(url):
    return dict(rows(url, "SELECT outcome, sum(n)::int FROM ingest_accounts GROUP BY outcome"))


def test_many_requests_share_a_commit(database_url):
    async def run():
        async with writing(database_url) as writer:
            await writer.submit(batch(record(0)))
            return await asyncio.gather(*(writer.submit(batch(record(n))) for n in range(1, 201)))

    results = asyncio.run(run())
    assert {(r.received, r.stored) for r in results} == {(1, 1)}
    assert rows(database_url, "SELECT count(*), count(DISTINCT xmin::text) FROM events") == [(201, 2)]


def test_an_answer_comes_only_after_the_commit(database_url):
    """What another connection sees at the moment of the answer is what survives a crash."""

    async def run():
        async with writing(database_url) as writer:
            for n in range(20):
                await writer.submit(batch(record(n)))
                assert stored(database_url) == n + 1

    asyncio.run(run())


def test_a_blocked_commit_is_not_answered(database_url):
    async def run():
        async with writing(database_url, commit_timeout_s=0.3) as writer:
            await writer.submit(batch(record(0)))
            with psycopg.connect(database_url) as blocker:
                blocker.execute("LOCK TABLE ingest_accounts")
                with pytest.raises(DatabaseUnavailableError):
                    await writer.submit(batch(record(1)))
            return await writer.submit(batch(record(1)))

    result = asyncio.run(run())
    assert result.stored + result.duplicates == 1
    assert stored(database_url) == 2


def test_a_record_that_postgres_refuses_costs_its_neighbours_nothing(database_url):
    async def run():
        async with writing(database_url) as writer:
            return await asyncio.gather(
                writer.submit(batch(record(1), record(2, attempt=POISON), record(3))),
                writer.submit(batch(record(4), rejections=(Rejection(1, "too_long", "x is too long"),))),
            )

    first, second = asyncio.run(run())
    assert (first.received, first.stored, first.duplicates, len(first.rejections)) == (3, 2, 0, 1)
    assert first.rejections[0].code == "not_storable"
    assert (second.received, second.stored, len(second.rejections)) == (2, 1, 1)
    assert stored(database_url) == 3
    assert accounts(database_url) == {"stored": 3, "rejected": 2}
    assert rows(database_url, "SELECT code FROM dead_letters ORDER BY code") == [("not_storable",), ("too_long",)]


@pytest.mark.parametrize("request_id", ["nul\0", "half \ud83d"], ids=["nul", "surrogate"])
def test_a_text_that_postgres_cannot_hold_is_rejected(database_url, request_id):
    async def run():
        async with writing(database_url) as writer:
            return await writer.submit(batch(record(1), record(2, request_id=request_id)))

    result = asyncio.run(run())
    assert (result.stored, [r.code for r in result.rejections]) == (1, ["not_storable"])


def test_what_is_no_records_fault_is_no_loss(database_url):
    """A refusal that hits every record (rights, a missing table) says nothing of them: send again."""

    async def run():
        async with writing(database_url) as writer:
            rows(database_url, "ALTER TABLE events RENAME TO hidden")
            with pytest.raises(DatabaseUnavailableError):
                await writer.submit(batch(record(1)))
            rows(database_url, "ALTER TABLE hidden RENAME TO events")
            return await writer.submit(batch(record(1)))

    assert asyncio.run(run()).stored == 1
    assert accounts(database_url) == {"stored": 1}


def test_a_refusal_of_the_accounts_is_no_loss(database_url):
    """No record is to blame, so none is rejected, and nobody waits for ever."""

    async def run():
        async with writing(database_url) as writer:
            rows(database_url, "ALTER TABLE ingest_accounts RENAME TO hidden")
            with pytest.raises(DatabaseUnavailableError):
                await writer.submit(batch(record(1)))
            rows(database_url, "ALTER TABLE hidden RENAME TO ingest_accounts")
            return await writer.submit(batch(record(1)))

    assert asyncio.run(run()).stored == 1


def test_two_writers_with_the_same_records_lose_and_double_nothing(database_url):
    records = [record(n) for n in range(300)]

    async def run():
        async with writing(database_url) as one, writing(database_url) as other:
            barrier = asyncio.Barrier(2)

            async def send(writer, mine):
                results = []
                for at in range(0, len(mine), 50):
                    await barrier.wait()
                    results.append(await writer.submit(batch(*mine[at : at + 50])))
                return results

            return await asyncio.gather(send(one, records), send(other, records[::-1]))

    results = [result for sent in asyncio.run(run()) for result in sent]
    assert sum(r.received for r in results) == 600
    assert (sum(r.stored for r in results), sum(r.duplicates for r in results)) == (300, 300)
    assert stored(database_url) == 300
    assert accounts(database_url) == {"stored": 300, "duplicate": 300}


def test_two_writers_may_open_the_same_day(database_url):
    days = [replace(record(n), event=replace(record(n).event, started_at=START - timedelta(days=n))) for n in range(5)]

    async def run():
        async with writing(database_url) as one, writing(database_url) as other:
            return await asyncio.gather(one.submit(batch(*days)), other.submit(batch(*days[::-1])))

    results = asyncio.run(run())
    assert (sum(r.stored for r in results), stored(database_url)) == (5, 5)


def test_a_killed_connection_is_replaced(database_url):
    async def run():
        async with writing(database_url) as writer:
            await writer.submit(batch(record(1)))
            rows(
                database_url,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            with pytest.raises(DatabaseUnavailableError):
                await writer.submit(batch(record(2)))
            return await writer.submit(batch(record(2)))

    assert asyncio.run(run()).stored == 1
    assert stored(database_url) == 2


def test_a_connection_killed_while_poison_is_looked_for_is_no_loss(database_url, monkeypatch):
    async def run():
        async with writing(database_url) as writer:
            connect = writer._connect
            calls = 0

            async def failing():
                nonlocal calls
                calls += 1
                if calls == 2:
                    raise psycopg.OperationalError("the connection was closed")
                return await connect()

            monkeypatch.setattr(writer, "_connect", failing)
            with pytest.raises(DatabaseUnavailableError):
                await writer.submit(batch(record(1), record(2, attempt=POISON)))
            return await writer.submit(batch(record(1), record(2, attempt=POISON)))

    result = asyncio.run(run())
    assert (result.received, result.stored, len(result.rejections)) == (2, 1, 1)


def test_a_full_queue_says_so(database_url):
    async def run():
        async with writing(database_url, queue_records=10) as writer:
            first = asyncio.create_task(writer.submit(batch(*(record(n) for n in range(8)))))
            await asyncio.sleep(0)
            assert writer.queued == 8
            with pytest.raises(OverloadedError):
                await writer.submit(batch(*(record(n) for n in range(8, 12))))
            assert (await first).stored == 8
            return await writer.submit(batch(*(record(n) for n in range(20))))

    result = asyncio.run(run())
    assert (result.stored, result.duplicates) == (12, 8), "an empty queue takes a batch of any size"


def test_a_queue_full_of_large_records_says_so(database_url):
    """Three records of a megabyte are few, and yet too many."""

    def large(n):
        return replace(record(n), text=b"x" * (1 << 20))

    async def run():
        async with writing(database_url, queue_bytes=3 << 20) as writer:
            first = [asyncio.create_task(writer.submit(batch(large(n)))) for n in range(2)]
            await asyncio.sleep(0)
            assert writer.queued_bytes == 2 * (RECORD_BYTES + (1 << 20))
            with pytest.raises(OverloadedError, match=f"{writer.queued_bytes} bytes wait"):
                await writer.submit(batch(large(2)))
            small = asyncio.create_task(writer.submit(batch(record(3), rejections=(Rejection(1, "bad", "why"),))))
            await asyncio.sleep(0)
            assert (writer.queued, writer.queued_bytes) == (4, 2 * (1 << 20) + 3 * RECORD_BYTES + REJECTION_BYTES + 3)
            assert [result.stored for result in await asyncio.gather(*first, small)] == [1, 1, 1]
            assert (writer.queued, writer.queued_bytes) == (0, 0)
            return await writer.submit(batch(*(large(n) for n in range(4, 9))))

    assert asyncio.run(run()).stored == 5, "an empty queue takes a batch of any size"


def test_what_failed_or_was_given_up_leaves_no_weight(database_url):
    async def run():
        async with writing(database_url, commit_timeout_s=0.3) as writer:
            await writer.submit(batch(record(0)))
            with psycopg.connect(database_url) as blocker:
                blocker.execute("LOCK TABLE ingest_accounts")
                with pytest.raises(DatabaseUnavailableError):
                    await writer.submit(batch(record(1)))
            await writer.submit(batch(record(2), record(3, attempt=POISON)))
            return writer.queued, writer.queued_bytes

    assert asyncio.run(run()) == (0, 0)


def test_stopping_commits_what_waits_and_takes_nothing_more(database_url):
    async def run():
        async with writing(database_url) as writer:
            waiting = [asyncio.create_task(writer.submit(batch(record(n)))) for n in range(10)]
            await asyncio.sleep(0)
        results = await asyncio.gather(*waiting)
        with pytest.raises(OverloadedError):
            await writer.submit(batch(record(99)))
        return results

    assert sum(r.stored for r in asyncio.run(run())) == 10
    assert stored(database_url) == 10


def test_postgres_away_is_an_error_and_not_a_wait(database_url):
    async def run():
        async with writing("postgresql://nobody@127.0.0.1:1/none") as writer:
            with pytest.raises(DatabaseUnavailableError):
                await writer.submit(batch(record(1)))
            assert writer.queued == 0

    asyncio.run(run())

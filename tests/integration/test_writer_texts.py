"""Texts and resends through the writer: every stored event finds its own text, whichever way it was stored."""

import asyncio
import random
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from monitor.models.event import Record
from monitor.storage.events import identity_of
from monitor.storage.recent import RecentIdentities
from monitor.storage.session import Database
from monitor.storage.texts import TextStore
from tests.conftest import START
from tests.integration.test_writer import accounts, batch, record, rows, stored, writing


def told(n: int, days: int = 0, text: bytes | None = None) -> Record:
    plain = record(n)
    event = replace(plain.event, started_at=START - timedelta(days=days))
    return replace(plain, event=event, text=text or b'{"request":"text of %d"}' % n)


def texts(database: Database, records: list[Record]) -> list[bytes | None]:
    with database.reading() as session:
        store = TextStore(session)
        return [
            store.text_of(route, day, UUID(bytes=each.key)) for each in records for route, day, _ in [identity_of(each)]
        ]


@pytest.fixture
def forgetful(monkeypatch):
    """No resend is recognised in memory: every one reaches Postgres, as after a restart."""
    monkeypatch.setattr(RecentIdentities, "__contains__", lambda *_: False)


def test_every_event_finds_its_own_text(database, database_url):
    records = [told(n, days=n % 3) for n in range(200)]
    silent = replace(record(900), text=None)

    async def run():
        async with writing(database_url) as writer:
            return await writer.submit(batch(*records, silent))

    assert asyncio.run(run()).stored == 201
    assert texts(database, records) == [each.text for each in records]
    assert texts(database, [silent]) == [None]
    assert rows(database_url, "SELECT count(*) FROM event_texts") == [(3,)], "one blob a route and day"


def test_large_texts_are_spread_over_blobs(database, database_url):
    source = random.Random(3)  # noqa: S311 - a seeded test
    records = [told(n, text=source.randbytes(3 * 2**20)) for n in range(6)]

    async def run():
        async with writing(database_url, commit_timeout_s=30) as writer:
            return await writer.submit(batch(*records))

    assert asyncio.run(run()).stored == 6
    assert texts(database, records) == [each.text for each in records]
    assert rows(database_url, "SELECT count(*) FROM event_texts") == [(2,)]


def test_a_resend_in_a_later_commit_changes_nothing(database, database_url, forgetful):
    records = [told(n) for n in range(60)]
    again = [replace(each, text=b'{"request":"another"}') for each in records]

    async def run():
        async with writing(database_url) as writer:
            first = await writer.submit(batch(*records[:40]))
            second = await writer.submit(batch(*again[20:40], *records[40:]))
            third = await writer.submit(batch(*again))
        return first, second, third

    results = asyncio.run(run())
    assert [(r.stored, r.duplicates) for r in results] == [(40, 0), (20, 20), (0, 60)]
    assert texts(database, records) == [each.text for each in records]
    assert rows(database_url, "SELECT count(*) FROM event_texts") == [(2,)], "no blob without a new event"
    assert accounts(database_url) == {"stored": 60, "duplicate": 80}


def test_a_resend_within_one_batch_counts_for_the_first(database, database_url):
    records = [told(n) for n in range(10)]
    twice = [each for one in records for each in (one, replace(one, text=b'{"request":"another"}'))]

    async def run():
        async with writing(database_url) as writer:
            return await asyncio.gather(writer.submit(batch(*twice)), writer.submit(batch(*records)))

    first, second = asyncio.run(run())
    assert (first.stored, first.duplicates, second.stored, second.duplicates) == (10, 10, 0, 10)
    assert texts(database, records) == [each.text for each in records]


def test_a_restart_forgets_nothing_that_counts(database, database_url):
    records = [told(n) for n in range(30)]

    async def run():
        results = []
        for _ in range(2):
            async with writing(database_url) as writer:
                results.append(await writer.submit(batch(*records)))
        return results

    assert [(r.stored, r.duplicates) for r in asyncio.run(run())] == [(30, 0), (0, 30)]
    assert texts(database, records) == [each.text for each in records]


def test_a_resend_is_recognised_before_it_reaches_postgres(database_url, monkeypatch):
    sent = []

    async def run():
        from monitor.services import writer as module

        add = module.add_identified

        async def counting(connection, records, layout):
            sent.append(len(records))
            return await add(connection, records, layout)

        monkeypatch.setattr(module, "add_identified", counting)
        async with writing(database_url) as writer:
            return [await writer.submit(batch(*(told(n) for n in range(5)))) for _ in range(2)]

    assert [(r.stored, r.duplicates) for r in asyncio.run(run())] == [(5, 0), (0, 5)]
    assert sent == [5, 0]


def test_two_writers_with_overlapping_events_keep_each_text_once(database, database_url, forgetful):
    """Both copy at the same instant, in opposite orders and over three days; each event is stored by one of them."""
    records = [told(n, days=n % 3) for n in range(240)]

    async def run():
        async with writing(database_url) as one, writing(database_url) as other:
            barrier = asyncio.Barrier(2)

            async def send(writer, mine):
                results = []
                for at in range(0, len(mine), 40):
                    await barrier.wait()
                    results.append(await writer.submit(batch(*mine[at : at + 40])))
                return results

            return await asyncio.gather(send(one, records), send(other, [*records[20:], *records[:20]]))

    results = [result for sent in asyncio.run(run()) for result in sent]
    assert sum(r.received for r in results) == 480
    assert (sum(r.stored for r in results), sum(r.duplicates for r in results)) == (240, 240)
    assert stored(database_url) == 240
    assert texts(database, records) == [each.text for each in records]


def test_a_dropped_day_is_opened_again(database, database_url):
    """Retention may drop a partition that the writer remembers."""

    async def run():
        async with writing(database_url) as writer:
            await writer.submit(batch(told(1)))
            rows(database_url, f"DROP TABLE events_{START:%Y%m%d}, event_texts_{START:%Y%m%d}")
            return await writer.submit(batch(told(2)))

    assert asyncio.run(run()).stored == 1
    assert texts(database, [told(2)]) == [told(2).text]

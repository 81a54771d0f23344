"""The lease over a real database: one leader, whatever happens at once."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from monitor.config import Settings
from monitor.factory import Factory
from monitor.scheduler import Worker
from monitor.storage.locks import LeaseStore
from monitor.storage.session import Database
from tests.support.world import race

LEASE = timedelta(seconds=15)


@pytest.fixture
def other(database_url):
    """A second process's connections."""
    opened = Database(database_url)
    yield opened
    opened.close()


def hold(database: Database, holder: str, now: datetime) -> bool:
    with database.transaction() as session:
        return LeaseStore(session).hold("worker", holder, now, LEASE)


def epoch(database: Database) -> int:
    with database.reading() as session:
        return session.execute(text("SELECT epoch FROM leases WHERE name = 'worker'")).scalar_one()


def test_two_connections_race_for_a_free_lease_and_one_gets_it(database, other, clock):
    for _ in range(20):
        now = clock.now()
        results = race(lambda: hold(database, "a", now), lambda: hold(other, "b", now))  # noqa: B023
        assert sorted(results) == [False, True]
        holder = "ab"[results.index(True)]
        assert hold(database, holder, now)
        assert not hold(database, "ab".replace(holder, ""), now)
        clock.advance(LEASE)


def test_the_first_row_is_made_by_a_race_too(database, other, clock):
    results = race(*(lambda who=who: hold(other, who, clock.now()) for who in "abcd"))
    assert sorted(results) == [False, False, False, True]
    assert epoch(database) == 1


def test_a_renewal_keeps_the_epoch_and_moves_the_expiry(database, clock):
    assert hold(database, "a", clock.now())
    for _ in range(5):
        clock.advance(LEASE - timedelta(seconds=1))
        assert not hold(database, "b", clock.now())
        assert hold(database, "a", clock.now())
    assert epoch(database) == 1


def test_an_expired_lease_is_taken_over_and_the_epoch_rises(database, clock):
    assert hold(database, "a", clock.now())
    clock.advance(LEASE - timedelta(microseconds=1))
    assert not hold(database, "b", clock.now())
    clock.advance(timedelta(microseconds=1))
    assert hold(database, "b", clock.now())
    assert epoch(database) == 2
    assert not hold(database, "a", clock.now())


def test_a_released_lease_is_free_at_once(database, clock):
    assert hold(database, "a", clock.now())
    with database.transaction() as session:
        LeaseStore(session).release("worker", "a", clock.now())
    assert hold(database, "b", clock.now())


def test_only_the_holder_can_release(database, clock):
    assert hold(database, "a", clock.now())
    with database.transaction() as session:
        LeaseStore(session).release("worker", "b", clock.now())
    assert not hold(database, "b", clock.now())


def test_only_the_leading_worker_runs_its_jobs(database, other, clock):
    first, second = (Worker(Factory(Settings(), clock=clock, database=one)) for one in (database, other))
    ran = []
    assert first.leads()
    second._guarded("job", lambda: ran.append("second"))()
    first._guarded("job", lambda: ran.append("first"))()
    assert ran == ["first"]
    clock.advance(timedelta(seconds=Settings().lease_s))
    second._guarded("job", lambda: ran.append("second"))()
    first._guarded("job", lambda: ran.append("first"))()
    assert ran == ["first", "second"]


def test_a_failing_job_does_not_end_the_timer(database, clock):
    worker = Worker(Factory(Settings(), clock=clock, database=database))

    def fail():
        raise RuntimeError("a bug")

    worker._guarded("job", fail)()
    assert worker.leads()

"""What a tick is read from and written to, over a real PostgreSQL."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from monitor.models.tick import tick_of, tick_start
from monitor.services.memory import Memory
from monitor.storage.leg_columns import _READ, read_legs
from monitor.storage.session import driver
from monitor.storage.streams import StreamStore
from tests.support.events import World, event

SKEW = timedelta(seconds=5)


@pytest.fixture
def world(client, factory, clock):
    world = World(client, factory, clock)
    world.warm_up()
    return world


def read(world, start, *, closes=timedelta(hours=1)):
    end = start + timedelta(seconds=2)
    with world.factory.database.reading() as session:
        return read_legs(session, world.route.id, start, end, since=start - SKEW, until=end + SKEW, closes=end + closes)


def test_columns_hold_what_was_stored(world):
    start = tick_start(tick_of(world.clock.now(), 2) + 10, 2)
    world.clock.advance(timedelta(seconds=40))
    world.post(
        event(f"one-{n}", start + timedelta(seconds=n), backend=backend, host=host, tags=[f"tag {n}"])
        for n in (-3, 0, 1, 3)
        for backend, host in (("cand", "llm.example"), ("base", "llm.example-shadow"))
    )
    world.post([event("one-0", start - timedelta(seconds=1), event_id="x", backend="cand", host="llm.example")])
    legs = read(world, start)
    with world.factory.database.reading() as session:
        rows = session.execute(
            text(
                "SELECT request_id, leg, variant_id, started_at, completion_tokens, slices, readings, names "
                "FROM events JOIN reading_layouts AS l ON l.id = layout_id WHERE request_id IN ('one-0', 'one-1')"
            )
        ).all()
    assert len(legs.request) == len(rows) == 5, "beyond the tick only legs of requests that have one in it"
    assert len(set(legs.request.tolist())) == 2
    stored = sorted(
        (
            row.variant_id,
            row.leg == "shadow",
            round(row.started_at.timestamp() * 1e6),
            row.completion_tokens,
            tuple(sorted(row.slices)),
            tuple(sorted((n, pytest.approx(v)) for n, v in zip(row.names, row.readings, strict=True) if v is not None)),
        )
        for row in rows
    )
    found = sorted(
        (
            int(legs.variant[n]),
            bool(legs.shadow[n]),
            int(legs.began_us[n]),
            int(legs.tokens[n]),
            tuple(sorted(legs.sets[legs.slice_set[n]])),
            tuple(
                sorted(
                    (name, value)
                    for name, value in zip(legs.signals, legs.readings[:, n].tolist(), strict=True)
                    if value == value  # noqa: PLR0124
                )
            ),
        )
        for n in range(5)
    )
    assert found == stored


def test_what_came_after_the_close_is_not_read_however_late_the_tick_is_closed(world):
    start = tick_start(tick_of(world.clock.now(), 2) + 1, 2)
    world.clock.advance(timedelta(seconds=5))
    world.post([event("early", start, host="llm.example")])
    world.clock.advance(timedelta(seconds=30))
    world.post([event("late", start, host="llm.example")])
    assert len(read(world, start).request) == 2
    assert len(read(world, start, closes=timedelta(seconds=10)).request) == 1


def test_retries_and_legs_that_nobody_can_name_are_not_read(world):
    start = tick_start(tick_of(world.clock.now(), 2) + 1, 2)
    world.clock.advance(timedelta(seconds=5))
    again, nobodys = event("again", start, host="llm.example", attempt=2), event("nobodys", start)
    world.post([event("first", start, host="llm.example"), again, nobodys])
    with world.factory.database.reading() as session:
        rows = session.execute(text("SELECT request_id, leg FROM events WHERE started_at = :start"), {"start": start})
        stored = {row.request_id: row.leg for row in rows}
    assert stored == {"first": "primary", "again": "primary", "nobodys": "unknown"}
    assert len(read(world, start).request) == 1


def test_a_tick_without_events_is_empty(world):
    legs = read(world, tick_start(tick_of(world.clock.now(), 2) + 500, 2))
    assert len(legs.request) == 0
    assert legs.readings.shape[1] == 0


def test_a_stream_that_another_wrote_is_read_again(world):
    world.run(3)
    memory = world.factory.evaluate._memory
    with world.factory.database.reading() as session:
        streams, memories = memory.recall(StreamStore(session), world.route.id)
    assert {one.id for one in streams} == set(memories)
    changed = streams[0].id
    with world.factory.database.transaction() as session:
        session.execute(text("UPDATE streams SET reason = 'by hand' WHERE id = :id"), {"id": changed})
    with world.factory.database.reading() as session:
        streams, memories = memory.recall(StreamStore(session), world.route.id)
        fresh, none = Memory().recall(StreamStore(session), world.route.id)
    assert {one.id for one in streams} - set(memories) == {changed}
    assert next(one.reason for one in streams if one.id == changed) == "by hand"
    assert len(fresh) == len(streams)
    assert not none


def test_a_tick_is_read_from_its_own_days_table_alone(world):
    """Beside a year of stored days the plan names one, or two around midnight."""
    start = tick_start(tick_of(world.clock.now(), 2), 2)
    values = {
        "route": world.route.id,
        "first": start.date(),
        "last": start.date(),
        "start": start,
        "end": start + timedelta(seconds=2),
        "since": start - SKEW,
        "until": start + SKEW,
        "closes": start + timedelta(hours=1),
        "seed": 1,
    }
    with world.factory.database.transaction() as session:
        for back in range(1, 30):
            day = start.date() - timedelta(days=back)
            after = day + timedelta(days=1)
            session.execute(
                text(f"CREATE TABLE events_{day:%Y%m%d} PARTITION OF events FOR VALUES FROM ('{day}') TO ('{after}')")
            )
        told = driver(session).execute("EXPLAIN (ANALYZE, FORMAT TEXT) " + _READ, values).fetchall()
    plan = "\n".join(line for (line,) in told)
    scanned = set(re.findall(r"Scan.* on (events_\d{8}) ", plan))
    assert scanned == {f"events_{start:%Y%m%d}"}, plan

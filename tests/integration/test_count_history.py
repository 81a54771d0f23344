"""Counts rolled up by minute and hour over a real PostgreSQL, and read back at the resolution that suffices."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from detectors.registry import SIGNALS
from detectors.types import PairCounts, Verdict
from monitor.models.count_history import ROLLED, Resolution
from monitor.models.evidence import Evidence, Stream
from monitor.models.key import Scope
from monitor.models.tick import RouteClock, ScoredTick, tick_of, tick_start
from monitor.services import roll_up
from monitor.services.count_history import count_history
from monitor.services.roll_up import RollUpService
from monitor.storage.clocks import ClockStore
from monitor.storage.rolled_counts import RolledCountStore
from monitor.storage.session import Database
from monitor.storage.streams import StreamStore
from tests.support.events import CANDIDATE, add_route, bearer, key
from tests.support.world import race

TICK_S = 10.0
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POLICY = {"signals": {name: {"weight": 0} for name in SIGNALS if name not in {"schema_validity", "latency_e2e"}}}


@pytest.fixture
def route(factory, clock):
    """A route with two streams, and a clock that has closed everything up to now."""
    made = add_route(factory, policy=POLICY)
    close_until(factory, made, clock.now())
    return made


@pytest.fixture
def streams(factory, route):
    candidate = next(v for v in factory.routes.variants(route) if v.name == CANDIDATE)
    with factory.database.transaction() as session:
        return StreamStore(session).add(
            [
                Stream(
                    0, route.id, candidate.id, signal, "all", "f", 1e6, {}, 0, Verdict.UNDECIDED, "", Evidence(),
                    factory.clock.now()
                )
                for signal in ("schema_validity", "latency_e2e")
            ]
        )  # fmt: skip


def close_until(factory, route, at):
    with factory.database.transaction() as session:
        ClockStore(session).start(RouteClock(route.id, TICK_S, tick_of(at, TICK_S) - 1, 5.0, at, at))


def add_ticks(factory, streams, since, until, every=1):
    """Ticks whose counts tell which tick they are of; returns the sum of the first stream's pairs."""
    bits, tail = streams
    total = 0
    with factory.database.transaction() as session:
        store = StreamStore(session)
        for tick in range(tick_of(since, TICK_S), tick_of(until, TICK_S), every):
            table = PairCounts(1, tick % 3, 0, 20 + tick % 5)
            levels = (PairCounts(0, tick % 2, 0, 9), PairCounts(0, 0, 1, 9), PairCounts(0, 0, 0, 10))
            one = ScoredTick((table,), (table,), (table,), table.n, 1, tick % 2)
            strata = {("prompt:1k", "load:1"): {100: 4, 210: 1}, ("prompt:8k", "load:1"): {100: 5}}
            other = ScoredTick(levels, levels, levels, 10, histogram=strata)
            store.add_ticks(tick, tick_start(tick, TICK_S), [(bits, one), (tail, other)])
            total += table.n
    return total


def read(factory, stream, since, until, resolution):
    with factory.database.reading() as session:
        now = factory.clock.now()
        return count_history(session, stream, TICK_S, since, until, now, factory.kept, resolution).buckets


def rows(factory, statement):
    with factory.database.reading() as session:
        return [tuple(row) for row in session.execute(text(statement))]


def test_every_resolution_says_the_same_whether_rolled_up_or_not(factory, clock, route, streams):
    now = clock.now()
    total = add_ticks(factory, streams, now - 3 * HOUR, now)
    before = {(s.id, one): read(factory, s, now - 3 * HOUR, now, one) for s in streams for one in Resolution}
    assert rows(factory, "SELECT count(*) FROM rolled_counts") == [(0,)]
    assert factory.roll_up.run() == 2 * (180 + 3)
    for (stream, one), expected in before.items():
        again = read(factory, next(s for s in streams if s.id == stream), now - 3 * HOUR, now, one)
        assert again == expected
    assert [len(before[streams[0].id, one]) for one in Resolution] == [1080, 180, 3]
    for one in Resolution:
        assert sum(sum(bucket.complete[0]) for bucket in before[streams[0].id, one]) == total
    hour = before[streams[1].id, Resolution.HOUR][0]
    assert (hour.histogram, len(hour.complete), hour.ticks) == ({100: 9 * 360, 210: 360}, 3, 360)


def test_only_whole_minutes_of_closed_ticks_are_rolled_up_and_each_once(factory, clock, route, streams):
    now = clock.now()
    add_ticks(factory, streams, now - timedelta(minutes=5), now + timedelta(minutes=5))
    close_until(factory, route, now - timedelta(seconds=10))
    assert factory.roll_up.run() == 2 * 4, "the last minute is not closed to its end"
    stored = rows(factory, "SELECT * FROM rolled_counts ORDER BY 1, 2, 3, 4")
    assert factory.roll_up.run() == 0
    assert rows(factory, "SELECT * FROM rolled_counts ORDER BY 1, 2, 3, 4") == stored
    close_until(factory, route, now + timedelta(minutes=2))
    assert factory.roll_up.run() == 2 * (3 + 1), "three minutes, and the hour that ended with the first of them"
    counted = rows(factory, "SELECT width_s, count(*), sum(ticks) FROM rolled_counts GROUP BY 1 ORDER BY 1")
    assert counted == [(60, 14, 14 * 6), (3600, 2, 2 * 5 * 6)]


def test_a_crash_between_sums_and_mark_leaves_neither(factory, clock, route, streams, monkeypatch):
    add_ticks(factory, streams, clock.now() - timedelta(minutes=30), clock.now())

    def crash(*_):
        raise RuntimeError("the process died")

    with monkeypatch.context() as broken:
        broken.setattr(RolledCountStore, "move", crash)
        with pytest.raises(RuntimeError):
            factory.roll_up.run()
    assert rows(factory, "SELECT (SELECT count(*) FROM rolled_counts), (SELECT count(*) FROM roll_up_marks)") == [
        (0, 0)
    ]
    assert factory.roll_up.run() == 2 * (30 + 1)


def test_two_workers_roll_up_together(factory, clock, route, streams, database_url):
    """The hours' mark cannot pass the minutes', whoever moves which."""
    total = add_ticks(factory, streams, clock.now() - 2 * HOUR, clock.now())
    own = [Database(database_url, pool_size=2) for _ in range(2)]
    stored = race(*(RollUpService(one).run for one in own))
    for one in own:
        one.close()
    assert not [one for one in stored if isinstance(one, Exception)], stored
    factory.roll_up.run()
    assert rows(factory, "SELECT width_s, count(*) FROM rolled_counts GROUP BY 1 ORDER BY 1") == [(60, 240), (3600, 4)]
    sums = (
        "SELECT sum(complete[1] + complete[2] + complete[3] + complete[4]) FROM rolled_counts "
        f"WHERE stream_id = {streams[0].id} GROUP BY width_s"
    )
    assert rows(factory, sums) == [(total,), (total,)]


def test_a_mark_that_another_holds_is_passed_by(factory, clock, route, streams):
    add_ticks(factory, streams, clock.now() - timedelta(minutes=3), clock.now())
    factory.roll_up.run()
    add_ticks(factory, streams, clock.now(), clock.now() + timedelta(minutes=3))
    close_until(factory, route, clock.now() + timedelta(minutes=3))
    with factory.database.transaction() as session:
        assert RolledCountStore(session).take(route.id, Resolution.MINUTE, clock.now()) is not None
        assert factory.roll_up.run() == 0


def test_a_run_ends_in_time_and_the_next_goes_on(factory, clock, route, streams, monkeypatch):
    add_ticks(factory, streams, clock.now() - HOUR, clock.now())
    monkeypatch.setattr(roll_up, "_WITHIN_S", 0.0)
    assert factory.roll_up.run() == 0
    monkeypatch.undo()
    assert factory.roll_up.run() == 2 * 61


def test_a_damaged_tick_is_left_out_of_a_roll_up(factory, clock, route, streams):
    now = clock.now()
    add_ticks(factory, streams, now - timedelta(minutes=2), now)
    damaged = ('{"complete": [[1, -2, 0, 5]], "missing": [0, 0]}', '{"complete": [[1, 2]], "missing": [0, 0]}', "[]")
    with factory.database.transaction() as session:
        for n, counts in enumerate(damaged):
            session.execute(
                text("UPDATE tick_counts SET counts = CAST(:counts AS jsonb) WHERE tick = :tick AND stream_id = :id"),
                {"counts": counts, "tick": tick_of(now, TICK_S) - 1 - n, "id": streams[0].id},
            )
    factory.roll_up.run()
    [first, last] = read(factory, streams[0], now - timedelta(minutes=2), now, Resolution.MINUTE)
    assert (first.ticks, last.ticks) == (6, 3)
    assert len(read(factory, streams[0], now - timedelta(minutes=2), now, Resolution.TICK)) == 9


def test_nothing_is_dropped_before_it_is_rolled_up(factory, clock, route, streams):
    now = clock.now()
    add_ticks(factory, streams, now - 9 * DAY, now - 9 * DAY + 2 * HOUR, every=30)
    factory.retention.run()
    assert rows(factory, "SELECT count(*) FROM tick_counts") == [(48,)]
    factory.roll_up.run()
    factory.retention.run()
    assert rows(factory, "SELECT count(*) FROM tick_counts") == [(0,)], "older than seven days, and rolled up"
    kept = "SELECT width_s, sum(ticks) FROM rolled_counts GROUP BY 1 ORDER BY 1"
    assert rows(factory, kept) == [(60, 48), (3600, 48)]
    clock.advance(30 * DAY)
    factory.retention.run()
    assert rows(factory, kept) == [(3600, 48)]
    clock.advance(370 * DAY)
    factory.retention.run()
    assert rows(factory, "SELECT count(*) FROM rolled_counts") == [(0,)]


@pytest.fixture
def ask(client, factory, route, streams):
    headers = bearer(key(factory, Scope.READ, source="reader"))

    def get(stream=None, **query):
        place = f"/v1/routes/{route.name}/streams/{stream or streams[0].id}/history"
        return client.get(place, params=query, headers=headers)

    return get


def test_the_api_takes_the_coarsest_resolution_that_suffices(factory, clock, route, streams, ask):
    now = clock.now()
    total = add_ticks(factory, streams, now - 8 * DAY, now, every=360)
    factory.roll_up.run()
    told = {}
    for name, length in (("hour", 8 * DAY), ("minute", DAY), ("tick", HOUR)):
        told[name] = ask(**{"from": (now - length).isoformat()}).json()
        assert told[name]["resolution"] == name
        assert (told[name]["candidate"], told[name]["signal"]) == (CANDIDATE, "schema_validity")
    assert sum(item["candidate_n"] for item in told["hour"]["items"]) == total
    assert len(told["minute"]["items"]) == 24
    assert ask().json()["items"] == told["tick"]["items"], "the last hour unless something else is asked for"
    assert ask(**{"from": (now - DAY).isoformat(), "resolution": "hour"}).json()["width_s"] == 3600
    tail = ask(stream=streams[1].id).json()["items"][0]
    assert tail["pooled"]["p50"] == pytest.approx(1.02**101)
    assert tail["pooled"]["p99"] == pytest.approx(1.02**211)
    assert "pooled" not in told["tick"]["items"][0]


def test_what_is_too_much_or_not_there_is_refused(factory, clock, ask):
    week = (clock.now() - 7 * DAY).isoformat()
    refused = ask(**{"from": week, "resolution": "tick"})
    assert refused.status_code == 422
    assert "60,480 entries" in refused.json()["detail"]
    assert ask(**{"from": clock.now().isoformat(), "to": week}).status_code == 422
    assert ask(stream=999_999).status_code == 404
    assert ask(stream=2**70).status_code in {404, 422}
    other = add_route(factory, name="other", backends=("b2", "c2"))
    assert factory.routes.get("other").id == other.id


def test_another_routes_stream_is_not_shown(client, factory, streams):
    add_route(factory, name="other", backends=("b2", "c2"))
    headers = bearer(key(factory, Scope.READ, source="reader"))
    assert client.get(f"/v1/routes/other/streams/{streams[0].id}/history", headers=headers).status_code == 404


def test_a_year_old_stream_reads_as_few_rows_as_a_young_one(factory, clock, route, streams):
    """Index ranges of one stream: what is stored before, or of other streams, is not touched."""
    with factory.database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO rolled_counts SELECT :route, s, w, at, 6, '{1,2,3,4}', '{0,0}', '{}' "
                "FROM generate_series(:first, :first + 9) AS s, (VALUES (60), (3600)) AS width (w), "
                "generate_series(:now - interval '40 days', :now - interval '1 minute', w * interval '1 s') AS at"
            ),
            {"route": route.id, "first": streams[0].id, "now": clock.now()},
        )
        for one in ROLLED:
            RolledCountStore(session).take(route.id, one, clock.now())
        session.execute(text("ANALYZE rolled_counts"))
        plan = session.execute(
            text(
                "EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM rolled_counts WHERE route_id = :r AND stream_id = :s "
                "AND width_s = 60 AND started_at >= :since AND started_at < :now ORDER BY started_at"
            ),
            {"r": route.id, "s": streams[0].id, "since": clock.now() - DAY, "now": clock.now()},
        ).scalar_one()[0]["Plan"]
    assert (plan["Node Type"], plan["Index Name"], plan["Actual Rows"]) == ("Index Scan", "pk_rolled_counts", 1440)
    assert len(read(factory, streams[0], clock.now() - 35 * DAY, clock.now(), None)) == 35 * 24


def test_the_console_draws_a_month(client, factory, clock, route, streams):
    add_ticks(factory, streams, clock.now() - 6 * DAY, clock.now(), every=360)
    factory.roll_up.run()
    page = client.get(f"/routes/{route.name}?minutes=43200&stream={streams[0].id}")
    assert page.status_code == 200
    assert 'aria-current="true">30 d</a>' in page.text
    assert "2026-02-24" in page.text
    assert "Late events" in page.text

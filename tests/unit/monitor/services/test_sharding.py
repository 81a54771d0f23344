"""Who evaluates a route while several workers run."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.models.tick import RouteClock, tick_start
from monitor.services.sharding import Shards

CLOCK = RouteClock(1, 10.0, 100, 5.0, datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
DUE = tick_start(102, 10.0) + timedelta(seconds=5)


def at(last_tick):
    return replace(CLOCK, last_tick=last_tick)


def test_a_route_that_nobody_is_known_to_work_on_is_tried():
    shards = Shards()
    for _ in range(3):
        assert shards.mine(CLOCK, DUE)


def test_a_route_stays_with_the_worker_that_closes_it():
    shards = Shards()
    for tick in range(101, 110):
        assert shards.mine(at(tick - 1), DUE)
        shards.closed(at(tick))


def test_a_route_that_another_moves_is_left_to_it_until_it_is_late():
    shards = Shards()
    shards.closed(at(100))
    assert not shards.mine(at(101), DUE + timedelta(seconds=10)), "another closed the tick after ours"
    assert not shards.mine(at(101), DUE + timedelta(seconds=29)), "it is not late yet"
    assert shards.mine(at(101), DUE + timedelta(seconds=30)), "two ticks behind: it is taken over"
    shards.closed(at(102))
    assert shards.mine(at(102), DUE)


def test_a_clock_that_was_started_anew_is_nobodys():
    shards = Shards()
    shards.mine(replace(CLOCK, warm_at=None), DUE)
    assert shards.mine(at(400), DUE), "it became warm"
    shards.closed(at(401))
    assert shards.mine(replace(at(4_000), tick_s=1.0), DUE)


def test_routes_are_told_apart():
    shards = Shards()
    shards.closed(at(100))
    assert shards.mine(replace(CLOCK, route_id=2), DUE)

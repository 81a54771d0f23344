from datetime import UTC, datetime, timedelta

import pytest

from monitor.models.event import Leg, Recorder
from monitor.services.load import Footing, RouteLoad, advice_on
from tests.support.record_by_record import LegRecord, arrivals_of

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TICK_S = 10.0
HOUR = 360
BASELINE, CANDIDATE = 1, 2


def record(request, variant=CANDIDATE, backend="a", after=1.0, recorder=Recorder.SERVER, leg=Leg.PRIMARY):
    return LegRecord(request, recorder, leg, variant, START + timedelta(seconds=after), {}, (), None, backend)


def replicas(count, each):
    return {f"replica-{n}": each for n in range(count)}


def route(ticks, candidate, baseline, load=None, first=1):
    """A route whose arms get so many requests a tick on each of their replicas."""
    load = load or RouteLoad(TICK_S, first - 1)
    for tick in range(load.last_tick + 1, load.last_tick + 1 + ticks):
        load.append(tick, {CANDIDATE: replicas(*candidate), BASELINE: replicas(*baseline)})
    return load


def test_requests_are_counted_where_their_server_says_they_began():
    found = arrivals_of(
        [
            record("r1"),
            record("r2"),
            record("r2", leg=Leg.SHADOW),
            record("r3", backend="b"),
            record("r4", variant=BASELINE),
            record("r5", after=-0.1),
            record("r6", after=10.0),
            record("r7", recorder=Recorder.GATEWAY),
        ],
        START,
        START + timedelta(seconds=10),
    )
    assert found == {CANDIDATE: {"a": 3, "b": 1}, BASELINE: {"a": 1}}


def test_the_same_requests_on_half_as_many_replicas_are_twice_the_load():
    load = route(30, candidate=(2, 40), baseline=(4, 20))
    assert load.overlap_since(CANDIDATE, BASELINE, 1) == 0.0
    even = route(30, candidate=(3, 20), baseline=(3, 20))
    assert even.overlap_since(CANDIDATE, BASELINE, 1) == 1.0


def test_replicas_of_unequal_load_count_by_their_requests():
    load = RouteLoad(TICK_S, 0)
    for tick in range(1, 61):
        load.append(tick, {CANDIDATE: {"busy": 90, "idle": 10}, BASELINE: {"one": 90}})
    assert load.overlap_since(CANDIDATE, BASELINE, 20) == pytest.approx(0.9, abs=0.02)


def test_the_level_is_the_busier_arms_octave():
    assert route(10, candidate=(1, 50), baseline=(1, 50)).footing(CANDIDATE, BASELINE) == Footing("load:2")
    assert route(10, candidate=(1, 50), baseline=(2, 25)).footing(CANDIDATE, BASELINE).level == "load:2"
    assert route(10, candidate=(2, 25), baseline=(1, 50)).footing(CANDIDATE, BASELINE).level == "load:2"
    assert route(10, candidate=(9, 1), baseline=(9, 1)).footing(CANDIDATE, BASELINE).level == "load:-1", "the lowest"
    assert route(10, candidate=(1, 9_000), baseline=(1, 9_000)).footing(CANDIDATE, BASELINE).level == "load:4"
    assert route(10, candidate=(1, 9), baseline=(0, 0)).footing(CANDIDATE, BASELINE) == Footing()


def test_a_busier_spell_of_one_arm_is_left_out_until_it_is_what_is_usual():
    load = route(HOUR, candidate=(2, 40), baseline=(2, 40))
    assert not load.footing(CANDIDATE, BASELINE).unlike
    load = route(12, candidate=(2, 120), baseline=(2, 40), load=load)
    assert load.footing(CANDIDATE, BASELINE).unlike
    load = route(120, candidate=(2, 40), baseline=(2, 40), load=load)
    assert not load.footing(CANDIDATE, BASELINE).unlike
    load = route(HOUR, candidate=(2, 120), baseline=(2, 40), load=load)
    assert not load.footing(CANDIDATE, BASELINE).unlike, "tested again, and an alarm advises"
    assert load.overlap_since(CANDIDATE, BASELINE, load.last_tick - 50) == 0.0


def test_a_busier_hour_of_both_arms_is_compared():
    load = route(HOUR, candidate=(2, 20), baseline=(2, 20))
    load = route(20, candidate=(2, 80), baseline=(2, 80), load=load)
    assert load.footing(CANDIDATE, BASELINE) == Footing("load:3")


def test_a_replica_that_is_gone_is_forgotten_after_ten_minutes():
    load = route(60, candidate=(4, 20), baseline=(4, 20))
    load = route(60, candidate=(2, 40), baseline=(4, 20), load=load)
    assert load.footing(CANDIDATE, BASELINE).unlike
    assert load.footing(CANDIDATE, CANDIDATE).level == "load:2", "40 requests in 10 s each"


def test_an_hour_is_kept():
    load = route(2 * HOUR, candidate=(2, 20), baseline=(2, 20))
    assert len(load._ticks) == HOUR
    assert sum(load._hour[CANDIDATE].values()) == HOUR * 40


def test_the_window_begins_where_it_is_told_to():
    load = route(100, candidate=(1, 50), baseline=(1, 50))
    load = route(20, candidate=(1, 200), baseline=(1, 50), load=load)
    assert load.overlap_since(CANDIDATE, BASELINE, 110) == 0.0
    assert load.overlap_since(CANDIDATE, BASELINE, 1) > 0.5
    assert load.overlap_since(CANDIDATE, BASELINE, 999) is None


def test_only_enough_overlap_lets_an_alarm_act():
    assert advice_on(0.5) is None
    assert "overlaps by 49 % (limit 50 %)" in advice_on(0.494)
    assert "not known" in advice_on(None)

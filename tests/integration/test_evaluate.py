"""Evaluation over a real PostgreSQL under a clock that the test moves: from stored events to verdicts."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from detectors.registry import SIGNALS
from monitor.models.route import Phase
from monitor.models.tick import RouteClock, tick_of
from monitor.services.evaluate import EvaluateService
from monitor.storage.clocks import ClockStore
from monitor.storage.controls import ControlStore
from monitor.storage.session import Database
from monitor.storage.streams import StreamStore
from monitor.telemetry import LATE_EVENTS
from tests.support.events import BAD, CANDIDATE, GOOD, POLICY, Behaviour, World, add_route, event

SCHEMA, ERRORS, LATENCY = "schema_validity", "request_error", "latency_e2e"


@pytest.fixture
def world(client, factory, clock):
    return World(client, factory, clock)


@pytest.fixture
def warm(world):
    world.warm_up()
    return world


def clock_of(world):
    with world.factory.database.reading() as session:
        return ClockStore(session).get(world.route.id)


def counts(world, signal=SCHEMA, slice_="all"):
    """Stored pairs of each tick of the candidate's stream."""
    with world.factory.database.reading() as session:
        streams = StreamStore(session)
        one = next(
            s
            for s in streams.of_route(world.route.id)
            if (s.signal, s.slice) == (signal, slice_) and s.candidate_id == candidate_id(world)
        )
        return {row["tick"]: row["complete"][0] for row in streams.ticks(one, 0, 2**60)}, one


def candidate_id(world):
    return next(v.id for v in world.factory.routes.variants(world.route) if v.name == CANDIDATE)


def verdicts(world, *, a_a=False):
    return {(s["signal"], s["slice"]): s["verdict"] for s in world.shown()["streams"] if s["a_a"] == a_a}


def test_the_horizon_is_fixed_by_the_warm_up(world):
    world.factory.evaluate.run()
    assert not world.shown()["warm"]
    world.warm_up()
    shown = world.shown()
    assert shown["horizon_s"] == pytest.approx(1.5 * 2.3 + 1.0, abs=0.2), "1.5 times the longest lag and a second"
    assert shown["tick_s"] == 2


@pytest.mark.parametrize(("lag_s", "horizon_s"), [(0, 2), (30, 6)], ids=["floor", "ceiling"])
def test_the_horizon_stays_between_floor_and_ceiling(client, factory, clock, lag_s, horizon_s):
    world = World(client, factory, clock, policy={**POLICY, "horizon_floor_s": 2, "horizon_ceiling_s": 6})
    late = timedelta(seconds=lag_s)
    for _ in range(12):
        start = clock.now()
        clock.advance(timedelta(seconds=2))
        at = start + timedelta(seconds=1.9) - late
        world.post(event(f"{clock.now()}-{n}", at, host="llm.example") for n in range(40))
        factory.evaluate.run()
    assert world.shown()["warm"]
    assert world.shown()["horizon_s"] == horizon_s


def test_stamps_in_the_future_do_not_move_the_horizon(client, factory, clock):
    world = World(client, factory, clock)
    for n in range(8):
        world.post([event(f"ahead-{n}-{i}", clock.now() + timedelta(minutes=9), host="llm.example") for i in range(40)])
        world.tick()
        factory.evaluate.run()
    assert world.shown()["horizon_s"] == pytest.approx(4.45, abs=0.2)


def test_the_horizon_holds_within_the_hour_and_follows_the_hour_before(warm):
    fixed = warm.shown()["horizon_s"]
    warm.lag = timedelta(seconds=3)
    warm.run(6)
    assert warm.shown()["horizon_s"] == fixed
    warm.clock.advance(timedelta(hours=1))
    warm.factory.evaluate.run()
    assert fixed < warm.shown()["horizon_s"] == POLICY["horizon_ceiling_s"]


def test_healthy_twins_raise_no_alarm(warm):
    warm.run(25)
    assert warm.incidents() == []
    assert "harm" not in verdicts(warm).values()
    assert verdicts(warm)[SCHEMA, "all"] == "undecided"
    assert verdicts(warm, a_a=True)[SCHEMA, "all"] in {"undecided", "inconclusive"}


def test_a_schema_fault_is_one_incident_of_harm(warm):
    warm.candidate = Behaviour(bad=0.08)
    assert warm.run(90, until=lambda: bool(warm.incidents()))
    warm.run(20)
    (incident,) = warm.incidents()
    assert (incident["signal"], incident["candidate"]) == (SCHEMA, CANDIDATE)
    assert incident["headline"].startswith("Schema failures: candidate ")
    assert "% of requests" in incident["headline"]
    stream = warm.stream(SCHEMA)
    assert stream["verdict"] == "harm"
    assert stream["reason"].startswith("Schema failures: candidate ")


def test_the_confirmation_replaces_the_estimate_that_the_alarm_selected(warm):
    warm.candidate = Behaviour(bad=0.2)
    assert warm.run(60, until=lambda: bool(warm.incidents()))
    first = warm.incidents()[0]["effect"]
    assert first["window"] == "since onset"
    assert warm.run(10, until=lambda: warm.incidents()[0]["effect"]["window"] == "confirmation")
    effect = warm.incidents()[0]["effect"]
    assert effect["low"] <= effect["difference"] <= effect["high"]
    assert effect["pairs"] >= 50
    warm.run(32)
    settled = warm.incidents()[0]["effect"]
    warm.run(3)
    assert warm.incidents()[0]["effect"] == settled, "the window ends"


def test_a_tick_is_closed_exactly_once(warm, database_url):
    """Two evaluators, one tick, both past every check but the clock row."""
    for _ in range(6):
        warm.tick()
    route, policy = warm.route, warm.factory.policies.get(warm.route.policy)
    clock = clock_of(warm)
    barrier, outcomes = threading.Barrier(2), []

    def close():
        own = Database(database_url, pool_size=1)
        evaluator = EvaluateService(own, warm.factory.policies, warm.clock)
        barrier.wait()
        try:
            outcomes.append(evaluator.close_tick(route, policy, clock, clock.last_tick + 1))
        except Exception as error:  # noqa: BLE001 - looked at below
            outcomes.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=close) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(map(str, outcomes)) == ["False", "True"]
    ticks, stream = counts(warm)
    before = stream.state["detector"]["totals"]
    assert not warm.factory.evaluate.close_tick(route, policy, clock, clock.last_tick + 1), "a replay is refused"
    assert not warm.factory.evaluate.close_tick(route, policy, clock, clock.last_tick + 3), "and a leap too"
    again, stream = counts(warm)
    assert again == ticks
    assert stream.state["detector"]["totals"] == before
    assert stream.last_tick == clock.last_tick + 1


def test_two_workers_split_the_routes_and_none_waits(factory, clock, database_url):
    """Each tick of each route is closed once; a route stays with its worker, and outlives it."""
    routes = [add_route(factory, name=f"r{n}", backends=(f"base-{n}", f"cand-{n}"), policy=POLICY) for n in range(3)]
    with factory.database.transaction() as session:
        for route in routes:
            now = clock.now()
            ClockStore(session).start(RouteClock(route.id, 2, tick_of(now, 2) - 3, 2.0, now, now))
    own = [Database(database_url, pool_size=2) for _ in range(2)]
    workers = [EvaluateService(one, factory.policies, clock) for one in own]
    for round_ in range(6):
        clock.advance(timedelta(seconds=2))
        barrier, closed = threading.Barrier(2), []

        def work(worker, barrier=barrier, closed=closed):
            barrier.wait()
            closed.append(worker.run())

        threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sum(closed) == (6 if round_ == 0 else 3), "each due tick of each route once, by whichever worker"
    left = [set(worker._shards._others) for worker in workers]
    assert not left[0] & left[1], "each route is somebody's"
    clock.advance(timedelta(seconds=60))
    assert workers[0].run() == 90, "what the other leaves lying is taken over"
    for one in own:
        one.close()


def test_a_clock_that_jumps_closes_each_tick_once(factory, clock):
    """Back: nothing is due. Ahead: at most two hundred ticks a run, in their order, until all are closed."""
    route = add_route(factory, policy=POLICY)
    now = clock.now()
    with factory.database.transaction() as session:
        ClockStore(session).start(RouteClock(route.id, 2, tick_of(now, 2) - 1, 2.0, now, now))
    clock.advance(timedelta(seconds=10))
    assert factory.evaluate.run() == 4
    clock.advance(timedelta(hours=-3))
    assert factory.evaluate.run() == 0
    clock.advance(timedelta(hours=3))
    assert factory.evaluate.run() == 0
    clock.advance(timedelta(seconds=410))
    assert [factory.evaluate.run() for _ in range(3)] == [200, 5, 0]
    with factory.database.reading() as session:
        assert {one.last_tick for one in StreamStore(session).of_route(route.id)} == {tick_of(now, 2) + 208}


def test_a_tick_that_another_closes_now_is_not_waited_for(warm, database_url):
    for _ in range(4):
        warm.tick()
    with warm.factory.database.transaction() as session:
        assert ClockStore(session).advance(warm.route.id, clock_of(warm).last_tick + 1)
        other = Database(database_url, pool_size=2)
        assert EvaluateService(other, warm.factory.policies, warm.clock).run() == 0
        other.close()


def test_two_evaluators_may_warm_up_together(world, database_url):
    for _ in range(7):
        world.tick()
    barrier, troubles = threading.Barrier(2), []

    def run():
        own = Database(database_url, pool_size=2)
        evaluator = EvaluateService(own, world.factory.policies, world.clock)
        barrier.wait()
        try:
            evaluator.run()
        except Exception as error:  # noqa: BLE001 - looked at below
            troubles.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert troubles == []
    assert world.shown()["warm"]


def test_a_routes_clock_is_kept_by_one_at_a_time(world):
    """Another evaluator is about to fix the horizon: this one waits, and works with what it left."""
    for _ in range(7):
        world.tick()
    thread = threading.Thread(target=world.factory.evaluate.run)
    with world.factory.database.transaction() as session:
        ClockStore(session).lock(world.route.id)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        assert clock_of(world) is None
    thread.join(30)
    assert world.shown()["warm"]


def test_a_crash_while_a_tick_is_closed_leaves_nothing(warm, monkeypatch):
    for _ in range(4):
        warm.tick()
    before, last = counts_or_none(warm), clock_of(warm).last_tick

    def crash(*_):
        raise RuntimeError("the process died")

    with monkeypatch.context() as broken:
        broken.setattr("monitor.services.closing.Closing.confirm", crash)
        with pytest.raises(RuntimeError):
            warm.factory.evaluate.run()
    assert clock_of(warm).last_tick == last
    assert counts_or_none(warm) == before
    assert warm.factory.evaluate.run() >= 2
    ticks, stream = counts(warm)
    assert stream.state["detector"]["totals"][0]["n00"] > 0
    assert stream.last_tick == clock_of(warm).last_tick
    assert set(ticks) <= set(range(last + 1, stream.last_tick + 1))


def counts_or_none(world):
    try:
        return counts(world)[0]
    except StopIteration:
        return None


def test_one_routes_trouble_does_not_hold_up_another(client, factory, clock, monkeypatch):
    broken = World(client, factory, clock, name="a-broken", backends=("a-base", "a-cand"))
    whole = World(client, factory, clock, name="chat")
    whole.warm_up()
    run_route = EvaluateService._run_route

    def fail(self, route, fleet):
        if route.name == broken.name:
            raise RuntimeError("this route cannot be evaluated")
        return run_route(self, route, fleet)

    monkeypatch.setattr(EvaluateService, "_run_route", fail)
    last = clock_of(whole).last_tick
    clock.advance(timedelta(seconds=20))
    with pytest.raises(RuntimeError):
        factory.evaluate.run()
    assert clock_of(whole).last_tick > last


def test_what_comes_late_is_not_counted(warm):
    start = warm.clock.now()
    warm.run(6)
    tick = tick_of(start + timedelta(seconds=1), 2)
    before, stream = counts(warm)
    assert tick in before
    told = LATE_EVENTS.labels(warm.name)._value.get()
    warm.post(
        event(f"late-{n}", start + timedelta(seconds=1), backend=backend, host=host, response=None, status=503)
        for n in range(40)
        for backend, host in (("cand", "llm.example"), ("base", "llm.example-shadow"))
    )
    warm.factory.evaluate.run()
    after, again = counts(warm)
    assert after[tick] == before[tick]
    assert again.state["detector"]["totals"] == stream.state["detector"]["totals"]
    warm.run(5)
    assert LATE_EVENTS.labels(warm.name)._value.get() == told + 80, "each once, in the tick that it was received in"


def is_answer(record, backend):
    return record.get("backend") == backend and "response" in record


def test_losing_the_candidates_bad_answers_invents_nothing(warm):
    warm.candidate = Behaviour(bad=0.3)
    warm.keep = lambda r: not (is_answer(r, "cand") and r["response"]["choices"][0]["message"]["content"] == BAD)
    warm.run(25)
    assert warm.incidents() == []
    assert verdicts(warm)[SCHEMA, "all"] == "inconclusive"
    assert "broken pairing" in warm.stream(SCHEMA)["reason"]


def test_losing_the_baselines_bad_answers_invents_nothing(warm):
    """Both are bad at times; the loss makes the baseline look perfect."""
    warm.candidate = warm.baseline = Behaviour(bad=0.2)
    warm.keep = lambda r: not (is_answer(r, "base") and r["response"]["choices"][0]["message"]["content"] == BAD)
    warm.run(25)
    assert warm.incidents() == []
    assert verdicts(warm)[SCHEMA, "all"] == "inconclusive"


def test_losing_the_candidates_good_answers_invents_nothing(warm):
    warm.keep = lambda r: not (is_answer(r, "cand") and r["response"]["choices"][0]["message"]["content"] == GOOD)
    warm.run(25)
    assert warm.incidents() == []


def test_losing_the_candidates_server_log_makes_it_no_slower(warm):
    """The gateway's times include the way to it: they stand for no server's."""
    warm.baseline = Behaviour(latency_ms=100.0)
    warm.candidate = Behaviour(latency_ms=100.0)
    warm.run(25)
    warm.keep = lambda r: not is_answer(r, "cand")
    warm.run(25)
    assert warm.incidents() == []


def test_a_mirror_that_copies_a_part_is_not_broken(client, factory, clock):
    world = World(client, factory, clock, mirror_percent=50.0)
    world.mirrored = 0.5
    world.warm_up()
    world.run(30)
    assert world.stream(SCHEMA)["verdict"] == "undecided"
    assert world.stream(SCHEMA)["one_sided_share"] == 0


def test_no_mirror_at_all_is_inconclusive(warm):
    warm.mirrored = 0.0
    warm.candidate = Behaviour(bad=0.5)
    warm.run(35)
    assert warm.incidents() == []
    assert set(verdicts(warm).values()) == {"inconclusive"}


def test_no_data_is_inconclusive(warm):
    warm.run(20)
    assert warm.stream(SCHEMA)["verdict"] == "undecided"
    for _ in range(40):
        warm.clock.advance(timedelta(seconds=2))
        warm.factory.evaluate.run()
    assert warm.incidents() == []
    assert set(verdicts(warm).values()) == {"inconclusive"}
    assert "no data" in warm.stream(SCHEMA)["reason"]


def test_thin_data_is_inconclusive(client, factory, clock):
    world = World(client, factory, clock, requests=8)
    world.warm_up()
    world.requests = 1
    world.run(20)
    assert "thin data" in world.stream(SCHEMA)["reason"]


def test_a_dead_candidate_is_seen_from_the_access_log_alone(client, factory, clock):
    alone = {name: {"weight": 0} for name in SIGNALS if name != ERRORS}
    world = World(client, factory, clock, policy={**POLICY, "signals": alone})
    world.warm_up()
    world.run(3)
    world.candidate = Behaviour(dead=True)
    assert world.run(30, until=lambda: bool(world.incidents()))
    (incident,) = world.incidents()
    assert incident["signal"] == ERRORS
    assert world.stream(ERRORS)["verdict"] == "harm"


def test_slowness_is_harm_only_once_there_are_thresholds(warm):
    warm.run(25)
    assert warm.stream(LATENCY)["log_statistic"] is not None
    warm.candidate = Behaviour(latency_ms=400.0)
    assert warm.run(60, until=lambda: bool(warm.incidents()))
    (incident,) = warm.incidents()
    assert incident["signal"].startswith("latency_")


def test_without_thresholds_slowness_is_not_tested(warm):
    warm.candidate = Behaviour(latency_ms=2_000.0)
    warm.run(5)
    assert warm.incidents() == []
    assert warm.stream(LATENCY)["verdict"] == "inconclusive"


def test_a_baseline_that_differs_from_itself_proves_nothing(warm):
    """Copies come out worse than the originals: the two legs are not alike."""
    warm.holdback = 0.5
    served = World._served

    def worse_as_copy(request_id, at, backend, host):
        normal = warm.baseline
        if host.endswith("-shadow"):
            return served(warm, request_id, at, backend, host)
        warm.baseline = warm.candidate = Behaviour(bad=0.3)
        found = served(warm, request_id, at, backend, host)
        warm.baseline = normal
        return found

    warm._served = worse_as_copy
    assert warm.run(60, until=lambda: "differs" in warm.stream(SCHEMA)["reason"] or bool(warm.incidents()))
    warm.run(30)
    assert "differs" in warm.stream(SCHEMA, a_a=True)["reason"]
    assert warm.stream(SCHEMA)["verdict"] == "inconclusive"
    assert warm.incidents() == []


def set_control(world, **changes):
    with world.factory.database.transaction() as session:
        store = ControlStore(session)
        seen = store.get(world.route.id)
        assert store.replace(seen, replace(seen, **changes))


def totals(world, signal=SCHEMA):
    return Counter(counts(world, signal)[1].state["detector"]["totals"][0]).total()


def test_streams_freeze_during_a_flip_and_restart_after_it(warm):
    warm.run(20)
    live = totals(warm)
    set_control(warm, phase=Phase.APPLYING)
    warm.candidate = Behaviour(bad=0.5)
    warm.run(20)
    assert warm.incidents() == []
    frozen = totals(warm)
    assert frozen - live <= 40 * 4, "only ticks that were due before"
    warm.candidate = Behaviour()
    set_control(warm, phase=Phase.ARMED, epoch=1)
    warm.run(6)
    assert totals(warm) < live, "from zero, under the new epoch"


def test_a_threshold_never_falls_on_live_evidence(warm):
    warm.run(20)
    before, _ = warm.stream(SCHEMA), totals(warm)
    assert before["pairs"] > 400
    warm.factory.policies.add(warm.route.policy, {**POLICY, "false_rollbacks_per_month": 10}, "test")
    warm.run(2)
    after = warm.stream(SCHEMA)
    assert after["log_threshold"] < before["log_threshold"]
    assert after["pairs"] <= 200, "the evidence began anew"


def test_a_policy_version_that_changes_no_test_keeps_the_evidence(warm):
    warm.run(20)
    before = totals(warm)
    warm.factory.policies.add(warm.route.policy, {**POLICY, "evidence_ttl_s": 900}, "test")
    warm.run(2)
    assert totals(warm) > before


def test_another_tick_length_starts_the_clock_anew(warm):
    warm.run(10)
    warm.factory.policies.add(warm.route.policy, {**POLICY, "tick_s": 4}, "test")
    warm.run(12)
    assert warm.shown()["tick_s"] == 4
    assert warm.shown()["warm"]
    assert warm.stream(SCHEMA)["pairs"] < 10 * 40


def test_a_certificate_is_a_safe_verdict(warm):
    warm.run(10)
    tick = clock_of(warm).last_tick
    with warm.factory.database.transaction() as session:
        session.execute(
            text(
                "UPDATE streams SET state = "
                "jsonb_set(state, '{detector,safe,until_tick}', to_jsonb(CAST(:tick AS int))) "
                "WHERE signal = :signal AND slice = 'all' AND candidate_id = :candidate"
            ),
            {"tick": tick + 3, "signal": SCHEMA, "candidate": candidate_id(warm)},
        )
    warm.run(2)
    assert warm.stream(SCHEMA)["verdict"] == "safe"
    assert "within the margin" in warm.stream(SCHEMA)["reason"]
    warm.run(4)
    assert warm.stream(SCHEMA)["verdict"] == "undecided", "it expires"


def test_harm_latches_for_as_long_as_the_evidence_may_be_acted_on(client, factory, clock):
    world = World(client, factory, clock, policy={**POLICY, "evidence_ttl_s": 60})
    world.warm_up()
    world.candidate = Behaviour(bad=0.3)
    assert world.run(60, until=lambda: bool(world.incidents()))
    world.candidate = Behaviour()
    world.run(3)
    assert world.stream(SCHEMA)["verdict"] == "harm"
    clock.advance(timedelta(seconds=61))
    factory.evaluate.run()
    assert world.stream(SCHEMA)["verdict"] != "harm"

"""Latency under load through the real evaluation: what is slow under load of its own is told and moves nothing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
from sqlalchemy import text

from monitor.models.incident import Alarm
from monitor.models.route import Mode, Phase
from monitor.services.evaluate import EvaluateService
from monitor.storage.controls import ControlStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.incidents import IncidentStore
from monitor.storage.streams import StreamStore
from tests.support.events import BASE, CANDIDATE, Behaviour, World

E2E = "latency_e2e"


class Replicated(World):
    """Each backend is so many replicas, which take turns; their server names them."""

    replicas: ClassVar[Mapping[str, int]] = {"cand": 2, "base": 2}
    left = 0.0
    """Share of the candidate's users who leave after ``patience_ms``."""
    patience_ms = 50.0

    def _served(self, request_id, at, backend, host):
        found = super()._served(request_id, at, backend, host)
        if found is None:
            return None
        found["variant"] = CANDIDATE if backend == "cand" else BASE
        found["backend"] = f"{backend}-{self._n % self.replicas[backend]}"
        if backend == "cand" and self.random.random() < self.left:
            found |= {"error": "cancelled", "duration_ms": self.patience_ms}
        return found


def a_world(client, factory, clock, mode=Mode.AUTO):
    world = Replicated(client, factory, clock, mode=mode)
    world.warm_up()
    world.run(28)
    assert world.stream(E2E)["log_statistic"] is not None, "there are thresholds"
    return world


@pytest.fixture
def world(client, factory, clock):
    return a_world(client, factory, clock)


def kept(world):
    with world.factory.database.reading() as session:
        return IncidentStore(session).open_of(world.route.id)


def decisions(world):
    with world.factory.database.reading() as session:
        return [(audit.action, audit.reason) for audit in DecisionStore(session).newest(world.route.id, 50)][::-1]


def phase(world):
    with world.factory.database.reading() as session:
        return ControlStore(session).get(world.route.id).phase


def make_slow(world, ticks=60):
    world.candidate = Behaviour(latency_ms=500.0)
    assert world.run(ticks, until=lambda: bool(world.incidents()))


def test_slowness_under_equal_load_moves_traffic(world):
    make_slow(world)
    (incident,) = world.incidents()
    assert (incident["signal"], incident["advice"]) == (E2E, None)
    assert world.stream(E2E)["verdict"] == "harm"
    world.factory.reconciler.run()
    assert phase(world) is not Phase.ARMED


def test_slowness_on_fewer_replicas_is_told_once_and_moves_nothing(client, factory, clock):
    lopsided = Replicated(client, factory, clock, mode=Mode.AUTO)
    lopsided.replicas = {"cand": 1, "base": 3}
    lopsided.warm_up()
    lopsided.run(28)
    make_slow(lopsided)
    (incident,) = lopsided.incidents()
    assert "overlaps by 0 % (limit 50 %): compare under equal load; nothing is moved" in incident["advice"]
    stream = lopsided.stream(E2E)
    assert stream["verdict"] == "inconclusive"
    assert stream["reason"].endswith(incident["advice"])
    for _ in range(3):
        factory.reconciler.run()
        lopsided.run(2)
    assert phase(lopsided) is Phase.ARMED
    ((action, reason),) = [one for one in decisions(lopsided) if one[0] in {"advise", "roll_back", "would_roll_back"}]
    assert action == "advise"
    assert reason.endswith("nothing is moved")


def test_another_kind_of_harm_lifts_the_advice_and_becomes_the_cause(client, factory, clock):
    world = Replicated(client, factory, clock, mode=Mode.AUTO)
    world.replicas = {"cand": 1, "base": 3}
    world.warm_up()
    world.run(28)
    make_slow(world)
    factory.reconciler.run()
    assert phase(world) is Phase.ARMED
    (advised,) = kept(world)
    world.candidate = Behaviour(latency_ms=500.0, bad=0.5)
    assert world.run(30, until=lambda: world.incidents()[0]["advice"] is None)
    (incident,) = kept(world)
    assert incident.id == advised.id
    assert incident.opened_at == advised.opened_at
    assert (incident.signal, incident.decided) == ("schema_validity", None)
    assert incident.headline.startswith("Schema failures")
    assert incident.alarm_tick > advised.alarm_tick
    assert incident.stream_id != advised.stream_id
    factory.reconciler.run()
    assert phase(world) is not Phase.ARMED


def test_advice_neither_renews_nor_replaces_evidence_that_may_act(world):
    world.candidate = Behaviour(bad=0.5)
    assert world.run(60, until=lambda: bool(world.incidents()))
    (before,) = kept(world)
    alarm = Alarm(
        world.route.id,
        before.candidate_id,
        before.stream_id + 1,
        E2E,
        "all",
        before.alarm_tick + 9,
        before.last_alarm_at + timedelta(minutes=5),
        before.onset_at,
        "slow",
        {},
        {},
        advice="Compare them",
    )
    with world.factory.database.transaction() as session:
        IncidentStore(session).record(alarm)
    (after,) = kept(world)
    assert after == replace(before, alarms=before.alarms + 1)


def test_a_spell_of_load_of_one_arm_is_left_out_and_said_so(world):
    """The candidate's second replica is gone, after ten minutes without a request of its own."""
    world.replicas = {"cand": 1, "base": 2}
    world.run(6)
    load = world.factory.evaluate._loads._known[world.route.id]
    for key in [key for key in load._seen if key[1] == "cand-1"]:
        load._seen[key] -= 300
    world.candidate = Behaviour(latency_ms=500.0)
    world.run(8)
    assert world.incidents() == []
    assert world.stream(E2E)["verdict"] == "inconclusive"
    assert "not compared now" in world.stream(E2E)["reason"]
    assert world.stream("schema_validity")["verdict"] == "undecided", "other signals go on"


def test_after_a_restart_load_and_thresholds_are_as_before(world):
    route, evaluate = world.route, world.factory.evaluate
    stream = next(one for one in stored(world) if one.signal == E2E and one.slice == "all" and not is_aa(world, one))
    load, history = evaluate._loads._known[route.id], evaluate._histories._known[stream.id]
    candidate, baseline = stream.candidate_id, baseline_of(world)
    fresh = EvaluateService(world.factory.database, world.factory.policies, world.clock)
    world.factory.__dict__["evaluate"] = fresh
    world.tick()
    before = load.last_tick
    while fresh.run() == 0:
        world.tick()
    again = fresh._loads._known[route.id]
    assert again.overlap_since(candidate, baseline, 0) == pytest.approx(
        load.overlap_since(candidate, baseline, 0), abs=0.05
    )
    assert again._seen.keys() == load._seen.keys()
    assert {one.tick for one in load._ticks if one.requests} <= {one.tick for one in again._ticks}
    assert before < again.last_tick
    restored = fresh._histories._known[stream.id]
    for stratum, counts in history.windows[1].sums.items():
        assert (counts <= restored.windows[1].sums[stratum]).all(), "nothing of it is missing"
    assert ("prompt:1k", "output:64") in restored.windows[1].sums


def stored(world):
    with world.factory.database.reading() as session:
        return StreamStore(session).of_route(world.route.id)


def baseline_of(world):
    return next(v.id for v in world.factory.routes.variants(world.route) if v.name == BASE)


def is_aa(world, stream):
    return stream.candidate_id == baseline_of(world)


def test_histograms_of_the_release_before_count_for_all_pairs(world):
    with world.factory.database.transaction() as session:
        session.execute(text("UPDATE tick_counts SET counts = counts - 'strata'"))
    world.factory.__dict__["evaluate"] = EvaluateService(world.factory.database, world.factory.policies, world.clock)
    world.run(1)
    stream = next(one for one in stored(world) if one.signal == E2E and not is_aa(world, one))
    history = world.factory.evaluate._histories._known[stream.id]
    assert history.thresholds(("prompt:1k", "output:64", "load:3"))[0] is not None
    assert history.thresholds(("prompt:1k",)) == history.thresholds(())
    make_slow(world)


def test_the_release_before_can_read_what_is_stored_now(world):
    with world.factory.database.reading() as session:
        rows = session.execute(
            text("SELECT counts FROM tick_counts JOIN streams ON id = stream_id WHERE signal = :s"), {"s": E2E}
        ).scalars()
        for counts in rows:
            parts = [bins for _, bins in counts.get("strata", [])]
            assert all(int(index) and n > 0 for index, n in counts["histogram"].items())
            assert sum(counts["histogram"].values()) == sum(n for bins in parts for n in bins.values())


def test_clients_that_leave_early_trip_no_guard_and_hide_no_more_than_themselves(world):
    world.left = 0.1
    world.run(30)
    assert world.incidents() == []
    assert world.stream(E2E)["verdict"] == "undecided"
    assert world.stream(E2E)["one_sided_share"] == 0
    make_slow(world)


def test_clients_that_leave_past_the_threshold_are_slow_requests(world):
    world.left, world.patience_ms = 0.4, 1_500.0
    assert world.run(60, until=lambda: bool(world.incidents()))
    assert world.incidents()[0]["signal"] == E2E

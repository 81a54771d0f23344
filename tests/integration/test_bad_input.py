"""What is wrong in what comes in, or in what was stored: a reason each time, never a silent alarm, never a stop."""

import json
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from monitor.models.tick import tick_of, tick_start
from monitor.services.evaluate import EvaluateService
from monitor.services.stored_states import sound
from monitor.storage.clocks import ClockStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.late_events import LateEventStore
from monitor.storage.streams import StreamStore
from tests.support.events import CANDIDATE, POLICY, Behaviour, World, event, stamp

SCHEMA, ERRORS, LATENCY = "schema_validity", "request_error", "latency_e2e"


@pytest.fixture
def world(client, factory, clock):
    world = World(client, factory, clock)
    world.warm_up()
    return world


def execute(world, statement, **values):
    with world.factory.database.transaction() as session:
        assert session.execute(text(statement), values).rowcount > 0


def stored(world, signal=SCHEMA):
    """The candidate's stream of a signal as it is stored."""
    candidate = next(v.id for v in world.factory.routes.variants(world.route) if v.name == CANDIDATE)
    with world.factory.database.reading() as session:
        streams = StreamStore(session).of_route(world.route.id)
    return next(s for s in streams if (s.signal, s.slice, s.candidate_id) == (signal, "all", candidate))


def last_tick(world):
    with world.factory.database.reading() as session:
        return ClockStore(session).get(world.route.id).last_tick


def restart(world):
    """Evaluate with another process: nothing is in memory."""
    database, policies = world.factory.database, world.factory.policies
    world.factory.__dict__["evaluate"] = EvaluateService(database, policies, world.clock)


def totals(world, signal=SCHEMA):
    return stored(world, signal).state["detector"]["totals"][0]


# What comes in


def test_a_duration_below_zero_or_no_number_is_refused_and_its_batch_is_not(world):
    now = world.clock.now()
    records = [event("fine", now), event("below", now, duration_ms=-3.0), event("huge", now, duration_ms=1e300)]
    lines = "\n".join([*map(json.dumps, records), json.dumps(event("nan", now)).replace("210.0", "NaN")])
    answer = world.client.post("/v1/events", content=lines, headers=world._headers).json()
    assert (answer["stored"], answer["rejected"]) == (1, 3), answer
    world.run(4)
    assert world.incidents() == []


def test_a_stored_reading_that_is_no_number_counts_as_missing(world):
    """Missing scores against the claim: what was good evidence of harm is none any more."""
    world.candidate = Behaviour(bad=0.5)
    for _ in range(30):
        world.tick()
        execute(world, "UPDATE events SET readings = array_fill('NaN'::real, ARRAY[cardinality(readings)])")
        world.factory.evaluate.run()
    assert world.incidents() == []
    assert world.stream(SCHEMA)["verdict"] == "inconclusive"


def test_a_stored_latency_below_zero_is_a_censored_one_and_no_harm(world):
    world.run(25)
    world.candidate = Behaviour(latency_ms=2_000.0)
    for _ in range(20):
        world.tick()
        execute(world, "UPDATE events SET readings = (SELECT array_agg(-abs(r) ORDER BY n) FROM "
                       "unnest(readings) WITH ORDINALITY AS u (r, n))")  # fmt: skip
        world.factory.evaluate.run()
    assert world.incidents() == []
    assert world.stream(LATENCY)["verdict"] != "harm"


def test_ticks_without_an_event_are_closed_and_say_no_data(world):
    world.run(5)
    seen = []
    for _ in range(40):
        world.clock.advance(timedelta(seconds=2))
        world.factory.evaluate.run()
        seen.append(totals(world))
    assert seen[6] == seen[-1], "after those that were still open"
    assert last_tick(world) == tick_of(world.clock.now(), 2) - 4
    assert "no data" in world.stream(SCHEMA)["reason"]
    assert world.incidents() == []


@pytest.mark.parametrize("missing", ["cand", "base"])
def test_an_arm_that_is_missing_is_broken_pairing_and_no_harm(world, missing):
    world.candidate = world.baseline = Behaviour(bad=0.2)
    world.keep = lambda record: record.get("backend") != missing
    world.run(38)
    assert world.incidents() == []
    assert world.stream(SCHEMA)["verdict"] == "inconclusive"
    reason = world.stream(SCHEMA)["reason"]
    assert ("broken pairing" if missing == "cand" else "no data") in reason, (
        "of no shadow at all the variant is unknown"
    )


def test_a_baseline_that_always_fails_makes_no_candidate_harmful(world):
    world.baseline = Behaviour(failed=1.0)
    world.run(40)
    assert world.incidents() == []
    assert world.stream(ERRORS)["baseline_rate"] > 0.5
    assert world.stream(ERRORS)["verdict"] in {"undecided", "inconclusive"}
    world.candidate = Behaviour(failed=1.0)
    world.run(20)
    assert world.incidents() == [], "both fail alike"


def test_counts_that_do_not_add_up_are_left_out_of_what_is_read_back(world):
    """After a restart the tail thresholds are read from stored ticks: a damaged one is passed over."""
    world.run(25)
    damage = (
        '{"complete": [[5, -1, 0, 2]], "missing": [0, 0]}',
        '{"complete": [[1, 2, 3]], "missing": [0, 0], "histogram": {"100": 4}}',
        '{"complete": [[1, 2, 3, 4]], "missing": [0, 0], "histogram": {"x": "y"}}',
        '{"complete": [[1, 2, 3, 4]], "missing": [0, 0], "histogram": {"99999": 4}}',
        '{"missing": "none"}',
        "17",
    )
    tick = last_tick(world)
    for n, counts in enumerate(damage):
        execute(world, "UPDATE tick_counts SET counts = CAST(:c AS jsonb) WHERE tick = :t", c=counts, t=tick - n)
    restart(world)
    world.run(3)
    assert last_tick(world) >= tick + 3
    assert world.stream(LATENCY)["verdict"] != "harm"
    assert world.client.get(f"/routes/{world.name}?stream={stored(world).id}").status_code == 200


# Clocks


def test_a_clock_that_goes_back_while_the_tick_changes_closes_no_time_twice(world):
    world.run(5)
    closed = tick_start(last_tick(world) + 1, 2)
    world.factory.policies.add(world.route.policy, {**POLICY, "tick_s": 3}, "test")
    world.clock.advance(timedelta(hours=-2))
    world.factory.evaluate.run()
    with world.factory.database.reading() as session:
        clock = ClockStore(session).get(world.route.id)
    assert clock.tick_s == 3
    assert tick_start(clock.last_tick + 1, 3) >= closed
    world.clock.advance(timedelta(hours=2))
    world.run(12)
    assert world.incidents() == []


def test_a_tick_that_is_closed_again_changes_nothing(world):
    world.run(3)
    before = stored(world)
    route, policy = world.route, world.factory.policies.get(world.route.policy)
    with world.factory.database.reading() as session:
        clock = ClockStore(session).get(route.id)
    for again in (0, -1):
        assert not world.factory.evaluate.close_tick(route, policy, clock, clock.last_tick + again)
    assert stored(world) == before


# What was stored


DAMAGE = {
    "nothing": "'{}'",
    "no_object": "'[]'",
    "another_form": "jsonb_set(state, '{detector,format}', '99')",
    "text_for_a_number": "jsonb_set(state, '{detector,log_r,0}', '\"NaN\"')",
    "infinite_evidence": "jsonb_set(state, '{detector,log_r,0}', '1e999')",
    "too_few_bets": "jsonb_set(state, '{detector,log_r}', '[1.0]')",
    "inflation_below_one": "jsonb_set(state, '{detector,inflation,0,phi}', '0')",
    "a_count_below_zero": "jsonb_set(state, '{detector,totals,0,n10}', '-5')",
    "seen_the_future": "jsonb_set(state, '{detector,last_tick}', '99999999999')",
    "a_guard_that_does_not_add_up": "jsonb_set(state, '{guard}', '[1.0, 5.0]')",
    "an_alarm_without_a_time": "jsonb_set(state, '{alarm}', '{\"at\": \"yesterday\"}')",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_state_restarts_its_stream_and_no_other(world, damage):
    world.run(6)
    hurt, well = stored(world), stored(world, ERRORS)
    execute(world, f"UPDATE streams SET state = {damage} WHERE id = :id", id=hurt.id)
    restart(world)
    with capture_logs() as logs:
        world.run(1)
    assert [(one["log_level"], one["streams"]) for one in logs if one["event"] == "stored states damaged"] == [
        ("warning", 1)
    ]
    with world.factory.database.reading() as session:
        audit = DecisionStore(session).newest(world.route.id, 1)[0]
    assert (audit.action, audit.actor) == ("streams_restarted", "fullback")
    assert "schema_validity / all" in audit.reason
    after = stored(world)
    assert (after.id, after.last_tick) == (hurt.id, last_tick(world))
    assert sum(totals(world).values()) <= 80, "from zero"
    assert sum(totals(world, ERRORS).values()) > sum(well.state["detector"]["totals"][0].values()), "the other goes on"
    assert world.incidents() == []
    world.run(2)
    assert last_tick(world) > after.last_tick
    assert stored(world).fingerprint == hurt.fingerprint


def test_a_damaged_state_cannot_alarm(world):
    """Evidence of any size, in a form that is not wrong: infinite, it would be an alarm at once."""
    world.run(6)
    execute(world, "UPDATE streams SET state = jsonb_set(state, '{detector,log_r}', (SELECT jsonb_agg(1e999) FROM "
                   "jsonb_array_elements(state -> 'detector' -> 'log_r')))")  # fmt: skip
    restart(world)
    world.run(5)
    assert world.incidents() == []


def test_evidence_of_a_newer_release_is_read_as_far_as_it_is_known(world):
    world.run(3)
    one = stored(world)
    execute(world, "UPDATE streams SET evidence = evidence || '{\"news\": 1}' WHERE id = :id", id=one.id)
    assert stored(world).evidence == one.evidence
    execute(world, 'UPDATE streams SET evidence = \'{"pairs": "many"}\' WHERE id = :id', id=one.id)
    assert world.stream(SCHEMA)["pairs"] == 0
    restart(world)
    world.run(2)
    assert world.stream(SCHEMA)["pairs"] > 0


def test_a_sound_state_is_read_as_it_was_written(world):
    world.run(4)
    with world.factory.database.reading() as session:
        streams = StreamStore(session).of_route(world.route.id)
    found = sound(streams, {}, last_tick(world) + 1)
    assert found.damaged == ()
    again = {one.id: msgspec.json.decode(msgspec.json.encode(found.memories[one.id].to_json())) for one in streams}
    assert again == {one.id: one.state for one in streams}
    assert len(sound(streams, {}, last_tick(world)).damaged) == len(streams), "this tick was folded already"


# What comes late


@pytest.mark.parametrize("candidate", ["bad", "good"])
def test_what_is_late_counts_nowhere_whether_good_or_bad(client, factory, clock, candidate):
    """A late failure of the candidate beside a late good answer, and the other way round: the same is left."""
    world = World(client, factory, clock)
    world.warm_up()
    start = clock.now()
    world.run(6)
    before = stored(world)
    failed = {"status": 503, "response": None}
    world.post(
        event(
            f"late-{n}", start + timedelta(seconds=1), backend=backend, host=host,
            **(failed if (backend == "cand") == (candidate == "bad") else {}),
        )
        for n in range(40)
        for backend, host in (("cand", "llm.example"), ("base", "llm.example-shadow"))
    )  # fmt: skip
    world.run(5)
    with factory.database.reading() as session:
        streams = StreamStore(session)
        ticks = streams.ticks(stored(world, ERRORS), 0, 2**60)
        late = LateEventStore(session).by_tick(world.route.id, start)
    assert all(tick["complete"][0][:3] == (0, 0, 0) for tick in ticks), "not one failure is counted"
    assert [one.n for one in late] == [80]
    assert before.last_tick < last_tick(world)
    assert world.shown()["late_events_last_hour"] == 80


def test_late_events_are_told_by_hour_and_by_tick(world):
    start = world.clock.now()
    world.run(6)
    world.post([event(f"late-{n}", start, host="llm.example") for n in range(7)])
    world.run(4)
    told = world.client.get(f"/v1/routes/{world.name}/late-events", headers=world._reading).json()
    assert told["events"] == 7
    assert [one["events"] for one in told["hours"]] == [7]
    assert [one["events"] for one in told["ticks"]] == [7]
    page = world.client.get(f"/routes/{world.name}").text
    assert "7 in the last hour: they came after their tick had closed" in page
    world.clock.advance(timedelta(days=8))
    world.factory.retention.run()
    later = world.client.get(f"/v1/routes/{world.name}/late-events", params={"hours": 168}, headers=world._reading)
    assert later.json()["events"] == 0


def test_a_stamp_far_ahead_holds_up_no_tick(world):
    world.post([event("ahead", world.clock.now() + timedelta(minutes=9), host="llm.example")])
    before = last_tick(world)
    world.run(5)
    assert last_tick(world) >= before + 4
    assert stamp(world.clock.now())

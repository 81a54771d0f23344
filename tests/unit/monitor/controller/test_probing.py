"""Probes: their ids, how many, what they ask, and what counts as an answer."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.controller.counters import rise
from monitor.controller.look_baseline import room_in
from monitor.controller.look_traffic import shortfall
from monitor.controller.probing import AT_ONCE, answered_well, how_many, question
from monitor.controller.readings import Traffic
from monitor.controller.verify import ProofState, judge_traffic
from monitor.errors import RoutingError
from monitor.models.acting import DrainPolicy, ProbePolicy, VerifyPolicy
from monitor.models.probe import ClaimedProbe, ProbeWay, new_probe_id, probe_id_in
from monitor.models.tick import PrimaryCounts
from monitor.replay.stage import _reaching_nothing
from monitor.routing.bounded_http import Answer
from monitor.routing.meters import Load

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
PROBE = ProbePolicy("http://127.0.0.1:9/v1/chat/completions", "chat", key_env="SOME_KEY")
BASE, CAND = 1, 2
small = st.integers(0, 2000)


# Ids


def test_an_id_is_a_uuid_with_a_first_group_of_ours():
    one = new_probe_id()
    assert one.startswith("fb0be000-")
    assert UUID(one).version == 4
    assert probe_id_in(one) == one
    assert len({new_probe_id() for _ in range(1000)}) == 1000


@pytest.mark.parametrize("version", "49ab")
def test_what_routers_and_engines_do_to_an_id_is_undone(version):
    one = new_probe_id()
    marked = one[:14] + version + one[15:]
    assert probe_id_in(marked) == one
    assert probe_id_in(f"chatcmpl-{marked}") == one


@pytest.mark.parametrize(
    "other",
    [
        "",
        "r17",
        "fb0be000-",
        "fb0be000-not-a-uuid",
        "FB0BE000-1111-4111-8111-111111111111",
        "fb0be000-1111-4111-8111-111111111111-and-more",
        "x-fb0be000-1111-4111-8111-111111111111",
        "cmpl-fb0be000-1111-4111-8111-111111111111",
        "0b0be000-1111-4111-8111-111111111111",
    ],
)
def test_other_ids_are_users(other):
    assert probe_id_in(other) is None


@given(st.text())
def test_any_text_may_be_an_id(text):
    assert probe_id_in(text) is None


@pytest.mark.parametrize(("late_s", "covers"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_a_known_id_is_a_probes_only_about_when_it_was_sent(late_s, covers):
    assert ClaimedProbe(ProbeWay.ROUTER, AT).covers(AT + timedelta(seconds=late_s)) is covers


# How many


@given(st.integers(-50, 2000), small, small)
def test_never_more_than_wanted_left_or_at_once(wanted, sent, most):
    number = how_many(wanted, sent, most)
    assert 0 <= number <= AT_ONCE
    assert number <= max(0, wanted)
    assert sent + number <= max(sent, most)


def traffic(users: int, probed: int = 0, sent: int = 0, leaked: int = 0, probe_leaked: int = 0) -> Traffic:
    after, probes = PrimaryCounts({BASE: users, CAND: leaked}), PrimaryCounts({BASE: probed, CAND: probe_leaked})
    return Traffic(AT, after, PrimaryCounts({}), probed=probes, probes_sent=sent)


def test_the_target_with_the_fewest_requests_says_how_many_are_lacking():
    assert shortfall({"a": traffic(290), "b": traffic(40, probed=10, sent=10)}, BASE, [CAND], 300) == 250
    assert shortfall({"": traffic(300)}, BASE, [CAND], 300) == 0
    assert shortfall({}, BASE, [CAND], 300) == 0


def test_probes_whose_events_may_still_come_are_not_sent_twice():
    assert shortfall({"": traffic(0, probed=5, sent=13)}, BASE, [CAND], 20, lately=8) == 7
    assert shortfall({"": traffic(0, probed=5, sent=13)}, BASE, [CAND], 20, lately=0) == 15, "those are lost"


@pytest.mark.parametrize("leak", [{"leaked": 1}, {"probe_leaked": 1}])
def test_a_leak_needs_no_more_probes(leak):
    assert shortfall({"": traffic(0, **leak)}, BASE, [CAND], 300) == 0


# What they prove

seldom = st.integers(0, 400)


@given(seldom, seldom, seldom, seldom, seldom)
def test_probes_never_stand_in_for_users_who_are_missed(users, probed, was_served, was_away, requests):
    """Whatever is proven with probes holds for the users alone, but for how many were asked for."""
    before = PrimaryCounts({BASE: was_served, CAND: was_away})
    policy, found = VerifyPolicy(requests=max(1, requests)), traffic(users, probed, sent=probed)
    proof = judge_traffic(replace(found, before=before), BASE, [CAND], policy, to_baseline=True)
    if proof.state is ProofState.PROVEN:
        assert users + probed >= requests
        assert users > was_served or not was_away or was_served + was_away < 5
        assert users or was_served + was_away < 5


@given(seldom, seldom, st.integers(1, 400))
def test_a_probe_that_a_candidate_answers_is_a_leak_however_many_users_the_baseline_answers(users, probed, leaked):
    found = traffic(users, probed, sent=400, probe_leaked=leaked)
    proof = judge_traffic(found, BASE, [CAND], VerifyPolicy(requests=1), to_baseline=True)
    assert proof.state is ProofState.LEAKED


def test_users_too_few_to_be_missed_may_be_proven_for_by_probes():
    found = replace(traffic(0, probed=60, sent=60), before=PrimaryCounts({CAND: 4}))
    policy = VerifyPolicy(requests=60)
    assert judge_traffic(found, BASE, [CAND], policy, to_baseline=True).state is ProofState.PROVEN
    missed = replace(found, before=PrimaryCounts({CAND: 5}))
    assert judge_traffic(missed, BASE, [CAND], policy, to_baseline=True).state is ProofState.SILENT


def test_a_replay_asks_no_real_server():
    policy = {
        "tick_s": 2,
        "verify": {"requests": 30, "probe": {"url": "http://a"}, "counters": [{"url": "http://b"}]},
        "preflight": {"min_events": 20, "probe": {}, "drain": {"meters": {}}, "scale": {"replicas": 3}},
    }
    kept = {"tick_s": 2, "verify": {"requests": 30}, "preflight": {"min_events": 20}}
    assert _reaching_nothing(policy) == kept
    assert _reaching_nothing({"verify": "wrong"}) == {"verify": "wrong"}, "what is wrong is told by the schema"


# What is asked, and what counts


def test_a_probe_is_a_short_chat_completion_with_its_id_and_token():
    one = question(PROBE, "fb0be000-1", "s3cret")
    assert (one.method, one.url) == ("POST", PROBE.url)
    assert one.headers["x-request-id"] == "fb0be000-1"
    assert one.headers["authorization"] == "Bearer s3cret"
    body = json.loads(one.content)
    assert body["model"] == "chat"
    assert body["max_tokens"] <= 8
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert "s3cret" not in repr(one)
    assert "authorization" not in question(PROBE, "fb0be000-1", None).headers


@pytest.mark.parametrize(
    ("answer", "well"),
    [
        (Answer(200, b'{"choices": [{}]}'), True),
        (Answer(200, b'{"choices": []}'), False),
        (Answer(200, b"<html>welcome</html>"), False),
        (Answer(200, b"\xff"), False),
        (Answer(200, b"[" * 100_000), False),
        (Answer(503, b'{"choices": [{}]}'), False),
        (RoutingError("connection refused"), False),
    ],
)
def test_only_a_completion_is_an_answer(answer, well):
    assert answered_well(answer) is well


# Counters and meters


@pytest.mark.parametrize(("base", "now", "rose"), [(5, 5, 0), (5, 7, 2), (5, 0, 0), (500, 3, 3)])
def test_a_counter_that_fell_was_set_back_and_all_it_shows_is_new(base, now, rose):
    assert rise(base, now) == rose


@pytest.mark.parametrize(
    ("load", "ok", "readable"),
    [
        (Load(0, 0.2, 2), True, True),
        (Load(2, 0.2, 2), False, True),
        (Load(0, 0.95, 2), False, True),
        (Load(0, None, 2), True, True),
        (Load(0, 0.2, 1, ("http://b/metrics: answered 500",)), False, False),
        (Load(None, None, 0), False, False),
    ],
)
def test_what_is_not_known_is_never_room(load, ok, readable):
    room = room_in(load, DrainPolicy(max_waiting=1, max_cache_used=0.9))
    assert (room.ok, room.readable) == (ok, readable)


def test_an_engine_without_a_cache_to_show_is_judged_by_its_queue_and_says_so():
    assert room_in(Load(0, None, 1), DrainPolicy()).reason.endswith("; no cache is shown")

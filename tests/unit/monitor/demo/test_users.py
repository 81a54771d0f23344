"""Conversations as the demo's users hold them, and what they do about the answers they read."""

# ruff: noqa: S311 - these generators guard nothing

import random
from collections import Counter
from itertools import pairwise

import pytest

from detectors.registry import SIGNALS
from detectors.types import Exchange
from monitor.demo.answers import compose, kind_of
from monitor.demo.damage import Case, answer_of_another, say_nothing, say_nothing_of_it
from monitor.demo.scenarios import KINDS, SCENARIOS
from monitor.demo.sentences import REFUSALS
from monitor.demo.users import Conversation, Impression, TrafficPlan, impression_of
from monitor.intake.completions import read_request

READ = ("correction", "retry_loop", "regenerate")


def hold(talk, change=None):
    """Play a conversation to its end; return its requests."""
    asked, going_on = [], True
    while going_on:
        request_id, body = talk.next_request()
        body = {**body, "messages": list(body["messages"])}
        asked.append((request_id, body))
        rng = random.Random(len(asked))
        answer = compose(body, rng)
        going_on = talk.hear((change(Case(body, answer, rng)) if change else answer).message)
    return asked


def talks(number, scenario=None, **plan):
    return [Conversation(TrafficPlan(**plan), random.Random(seed), scenario) for seed in range(number)]


def reactions(scenario, change=None, number=150):
    """Return how often each reaction is read in the later requests, and of how many requests."""
    found, total = Counter(), 0
    for talk in talks(number, scenario):
        for before, (_, body) in zip([None, *(asked := hold(talk, change))], asked, strict=False):
            if before is None:
                continue
            total += 1
            exchange = Exchange(request=read_request(body))
            found["again"] += body["messages"] == before[1]["messages"]
            for name in READ:
                reading = SIGNALS[name].read(exchange)
                found[name] += reading is not None and reading.value == 1.0
    return found, total


def test_histories_carry_the_answers_given():
    for asked in map(hold, talks(150)):
        for _, body in asked:
            messages = body["messages"]
            assert messages[0]["role"] == "user"
            assert messages[-1]["role"] in {"user", "tool"}
            for before, after in pairwise(messages):
                assert after["role"] in {"user": {"assistant"}, "assistant": {"user", "tool"}}.get(
                    before["role"], {"tool", "assistant"}
                )
            calls = [call["id"] for message in messages for call in message.get("tool_calls", ())]
            assert calls == [m["tool_call_id"] for m in messages if m["role"] == "tool"]


def test_conversations_have_their_lengths_and_an_agent_hands_results_back():
    plain = [len(hold(talk)) for talk in talks(120, "ticket")]
    assert set(plain) == {1, 2, 3, 4, 5}
    steps = [body for talk in talks(60, "agent") for _, body in hold(talk) if body["messages"][-1]["role"] == "tool"]
    assert steps
    assert {body["tool_choice"] for body in steps} == {"auto"}


def test_kinds_and_streaming_have_their_shares():
    bodies = [talk.next_request()[1] for talk in talks(3000)]
    kinds = Counter(kind_of(body) for body in bodies)
    assert kinds["structured"] / 3000 == pytest.approx(KINDS["structured"], abs=0.05)
    assert kinds["tools"] / 3000 == pytest.approx(KINDS["tools"], abs=0.05)
    assert sum("stream" in body for body in bodies) / 3000 == pytest.approx(0.5, abs=0.05)
    assert all(("stream" in body) != ("logprobs" in body) for body in bodies)
    assert sum(each.share for each in SCENARIOS.values()) == pytest.approx(1)


def test_request_ids_are_unique_and_the_plan_is_kept():
    asked = [
        turn for talk in talks(300, kinds=("chat",), turns=1, max_tokens=24, logprobs=False) for turn in hold(talk)
    ]
    assert len({request_id for request_id, _ in asked}) == len(asked) >= 300
    assert all(body["max_tokens"] == 24 and kind_of(body) == "chat" and "logprobs" not in body for _, body in asked)


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        ("About number 12345: it is here.", Impression.FINE),
        (REFUSALS[0], Impression.FINE),
        ("About number 54321: it is here.", Impression.WRONG),
        ("It is here.", Impression.NOTHING),
        ("", Impression.NOTHING),
    ],
)
def test_a_user_looks_for_the_number_they_named(answer, seen):
    assert impression_of("Where is order 12345?", answer) is seen


def test_nobody_misses_a_number_they_did_not_name():
    assert impression_of("And now?", "Well.") is Impression.FINE


def test_an_answer_about_another_number_is_corrected():
    found, total = reactions("chat", answer_of_another)
    assert found["correction"] > 0.3 * total
    assert found["retry_loop"] + found["regenerate"] + found["again"] == 0


@pytest.mark.parametrize("change", [say_nothing_of_it, say_nothing])
def test_an_answer_that_says_nothing_of_it_is_asked_for_again(change):
    found, total = reactions("chat", change)
    assert min(found["retry_loop"], found["again"], found["regenerate"]) > 0.02 * total
    assert found["retry_loop"] > 0.15 * total


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if SCENARIOS[name].kind in {"chat", "long"}])
def test_good_answers_are_rarely_taken_for_bad_ones(scenario):
    found, total = reactions(scenario, number=100)
    assert sum(found.values()) <= 0.05 * total


def test_good_answers_are_taken_for_bad_ones_now_and_then():
    found, total = reactions("chat", number=1200)
    assert 0 < sum(found.values()) < 0.03 * total


@pytest.mark.parametrize("scenario", ["ticket", "agent"])
def test_programs_say_nothing_about_answers(scenario):
    found, _ = reactions(scenario, say_nothing if scenario == "ticket" else None)
    assert not +found

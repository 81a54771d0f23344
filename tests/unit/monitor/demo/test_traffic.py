"""Conversations as the demo's users hold them."""

# ruff: noqa: S311 - these generators guard nothing

import random
from collections import Counter

import pytest

from monitor.demo.answers import compose, kind_of
from monitor.demo.traffic import Conversation, TrafficPlan


def hold(talk):
    """Play a conversation to its end; return its requests."""
    asked, going_on = [], True
    while going_on:
        request_id, body = talk.next_request()
        asked.append((request_id, {**body, "messages": list(body["messages"])}))
        going_on = talk.hear(compose(body, random.Random(len(asked))).message)
    return asked


def test_histories_carry_the_answers_given():
    talks = [hold(Conversation(TrafficPlan(), random.Random(seed))) for seed in range(100)]
    assert {len(asked) for asked in talks} == {1, 2, 3, 4, 5}
    for asked in talks:
        for number, (_, body) in enumerate(asked):
            roles = [message["role"] for message in body["messages"] if message["role"] != "tool"]
            assert roles == ["user", "assistant"] * number + ["user"]
            calls = [call["id"] for message in body["messages"] for call in message.get("tool_calls", ())]
            assert calls == [m["tool_call_id"] for m in body["messages"] if m["role"] == "tool"]


def test_kinds_and_streaming_have_their_shares():
    bodies = [Conversation(TrafficPlan(), random.Random(seed)).next_request()[1] for seed in range(3000)]
    kinds = Counter(kind_of(body) for body in bodies)
    assert kinds["structured"] / 3000 == pytest.approx(0.5, abs=0.05)
    assert kinds["chat"] / 3000 == pytest.approx(0.3, abs=0.05)
    assert sum("stream" in body for body in bodies) / 3000 == pytest.approx(0.5, abs=0.05)


def test_request_ids_are_unique_and_the_plan_is_kept():
    plan = TrafficPlan(kinds=("chat",), turns=1, max_tokens=24)
    asked = [turn for seed in range(300) for turn in hold(Conversation(plan, random.Random(seed)))]
    assert len({request_id for request_id, _ in asked}) == 300
    assert all(body["max_tokens"] == 24 and kind_of(body) == "chat" for _, body in asked)

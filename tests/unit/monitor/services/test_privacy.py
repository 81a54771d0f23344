import json
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from detectors.types import Answer, Exchange, Failure, Outcome, ToolCall
from monitor.models.event import Event, Recorder
from monitor.models.text import TextMode, TextPolicy
from monitor.services.privacy import LARGEST_TEXT, kept_text, selected, subject_digests

REQUEST = {"messages": [{"role": "user", "content": "I am bob@example.com"}]}
RESPONSE = {"choices": [{"message": {"content": "Hello Bob"}}]}
EVENT = Event(Recorder.SERVER, "r1", datetime(2026, 11, 21, tzinfo=UTC), Exchange(outcome=Outcome(200)))
ALL = TextPolicy(TextMode.ALL)
FAILURES = TextPolicy(TextMode.FAILURES)


def kept(event=EVENT, request=REQUEST, response=RESPONSE, policy=ALL, readings=None):
    found = kept_text(event, request, response, policy, readings or {})
    return None if found is None else json.loads(found)


def outcome(status=None, failure=None):
    return replace(EVENT, exchange=Exchange(outcome=Outcome(status, failure)))


def test_nothing_is_kept_by_default():
    assert kept(policy=TextPolicy()) is None


def test_all_keeps_the_redacted_bodies():
    assert kept() == {"request": {"messages": [{"role": "user", "content": "I am [email]"}]}, "response": RESPONSE}


@pytest.mark.parametrize(
    ("event", "readings", "keeps"),
    [
        (EVENT, {"schema_validity": 0.0, "latency_e2e": 912.0}, False),
        (EVENT, {"schema_validity": 1.0}, True),
        (EVENT, {"refusal": 1.0}, True),
        (outcome(503), {}, True),
        (outcome(None, Failure.TIMEOUT), {}, True),
        (outcome(None, Failure.CANCELLED), {}, False),
    ],
)
def test_failures_keeps_bad_answers_and_failed_outcomes(event, readings, keeps):
    assert (kept(event, policy=FAILURES, readings=readings) is not None) is keeps


def test_a_sample_keeps_both_legs_or_neither():
    policy = TextPolicy(TextMode.SAMPLE, 10)
    events = [replace(EVENT, request_id=f"r{n}", backend=leg) for n in range(5000) for leg in ("a", "b")]
    taken = [selected(event, policy, {}) for event in events]
    assert taken[::2] == taken[1::2]
    assert 0.085 < sum(taken) / len(taken) < 0.115


@pytest.mark.parametrize(("percent", "keeps"), [(0, False), (100, True)])
def test_the_ends_of_a_sample(percent, keeps):
    policy = TextPolicy(TextMode.SAMPLE, percent)
    assert all(selected(replace(EVENT, request_id=str(n)), policy, {}) is keeps for n in range(200))


def test_a_larger_sample_includes_the_smaller():
    ids = [replace(EVENT, request_id=str(n)) for n in range(500)]
    small, large = ({e.request_id for e in ids if selected(e, TextPolicy(TextMode.SAMPLE, p), {})} for p in (5, 20))
    assert small < large


def test_a_gateway_record_and_an_event_without_bodies_have_no_text():
    assert kept(replace(EVENT, recorder=Recorder.GATEWAY)) is None
    assert kept(request=None, response=None) is None


def test_of_a_stream_the_assembled_answer_is_kept():
    answer = Answer("mail bob@exa" + "mple.com", (ToolCall("send", '{"to": "bob@example.com"}'),), "stop")
    found = kept(replace(EVENT, exchange=Exchange(answer=answer)), response=None)
    assert found["response"] == {
        "streamed": True,
        "content": "mail [email]",
        "tool_calls": [{"name": "send", "arguments": '{"to": "[email]"}'}],
        "finish_reason": "stop",
    }


@pytest.mark.parametrize(
    "content", ["x" * 900_000, [{"text": "y" * 2_000}] * 400, ["z" * 200] * 4_000, [["a"] * 50_000] * 4]
)
def test_the_size_is_bounded_and_a_cut_is_marked(content):
    found = kept_text(EVENT, {"messages": content}, RESPONSE, ALL, {})
    assert len(found) <= LARGEST_TEXT
    assert b"[cut: " in found
    json.loads(found)


def test_a_cut_never_uncovers_half_an_address():
    text = "x" * 65_530 + " bob@example.com " + "y" * 600_000
    assert b"bob" not in kept_text(EVENT, {"prompt": text}, None, ALL, {})


def test_a_subject_is_hashed_with_the_first_key_and_found_by_all():
    plain = subject_digests((), "bob")
    keyed = subject_digests((b"new", b"old"), "bob")
    assert len(plain) == 1
    assert keyed[1:] == [*subject_digests((b"old",), "bob")[:1], *plain]
    assert len({*keyed}) == 3
    assert all(len(one) == 32 and "bob" not in one for one in keyed)

"""Which stored events are turns of a conversation, and what is read of them."""

from datetime import timedelta

import pytest

from detectors.reactions import Reaction
from detectors.turns import answer_digest
from monitor.storage.turns import TurnStore
from tests.support.events import SHADOW_SUFFIX, add_route, bearer, body, event, key, reply

QUESTION, ANSWER = "Which of the trains to Porto takes bicycles?", "The train at 7:40 takes bicycles."
SECOND = timedelta(seconds=1)


@pytest.fixture
def route(factory):
    return add_route(factory)


@pytest.fixture
def told(client, factory, route, clock):
    """Store events and return the turns among them that started within the last minute."""
    headers = bearer(key(factory))
    since = clock.now()

    def told(*events):
        assert client.post("/v1/events", json=list(events), headers=headers).json()["stored"] == len(events)
        with factory.database.reading() as session:
            return TurnStore(session).between(route.id, since, since + 60 * SECOND)

    told.since = since
    return told


def asked(name, at, *says, **fields):
    roles = ("user", "assistant")
    messages = [{"role": roles[place % 2], "content": text} for place, text in enumerate(says or (QUESTION,))]
    request = {**body(structured=False), "messages": messages}
    sent = {"host": "llm.example", "session_id": "s1", "request": request, "response": reply(ANSWER)}
    return event(name, at, **{**sent, **fields})


def test_only_primary_legs_of_someone_are_turns(told):
    found = told(
        asked("a", told.since),
        asked("b", told.since, host=f"llm.example{SHADOW_SUFFIX}"),
        asked("c", told.since, session_id=None),
        asked("d", told.since, backend="elsewhere"),
    )
    assert [one.started_s for one in found] == [told.since.timestamp()]


def test_a_period_holds_its_beginning_and_not_its_end_in_order(told):
    offsets = (60, 59.5, 0, -0.5, 30)
    found = told(*(asked(f"r{at}", told.since + at * SECOND) for at in offsets))
    assert [one.started_s - told.since.timestamp() for one in found] == [0, 30, 59.5]
    assert found[0].ended_s - found[0].started_s == pytest.approx(0.21)


def test_a_session_comes_before_a_subject_and_the_two_are_never_the_same(told):
    found = told(
        asked("a", told.since, subject="s1"),
        asked("b", told.since + SECOND, session_id=None, subject="s1"),
        asked("c", told.since + 2 * SECOND, subject="s2"),
    )
    assert found[0].session == found[2].session == "session:s1"
    assert found[1].session.startswith("subject:")


def test_what_failed_and_further_attempts_are_turns_too(told):
    error = {"response": None, "status": 503}
    found = told(
        asked("a", told.since, **error),
        asked("a", told.since + SECOND, attempt=2, event_id="again"),
        asked("b", told.since + 2 * SECOND, response=None, status=400),
    )
    assert [one.failed for one in found] == [True, False, True]
    assert [one.turn.answer is None for one in found] == [True, False, True]


def test_what_a_request_says_is_read_with_it(told):
    found = told(
        asked("a", told.since),
        asked("b", told.since + SECOND, QUESTION, ANSWER, "No, I meant the trains to Lisbon."),
    )
    assert [one.said for one in found] == [frozenset(), {Reaction.CORRECTION}]
    assert found[1].turn.asked.previous == found[0].turn.answer != answer_digest(ANSWER, bytes(32))

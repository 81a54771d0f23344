"""What is kept of a request's turn, and which turns are read again, tick by tick and after a restart."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from msgspec import structs

from detectors.turns import answer_digest, turn_fingerprint
from detectors.types import Answer, Exchange, Message, Outcome, Request
from monitor.models.conversation import TurnRecord
from monitor.models.event import Event, Leg, Recorder
from monitor.models.turn import Turn
from monitor.services.conversations import _LONGEST_ANSWER, Conversations
from monitor.services.turns import turn_key, turn_of
from tests.conftest import START

KEY = turn_key([b"an invented key"])
ASKED = (Message("user", "Which train goes to Porto tomorrow morning?"),)
EXCHANGE = Exchange(Request(ASKED), Answer(text="The train at nine."), Outcome(status=200))
MATURES_S = 60.0
TICK = timedelta(seconds=10)


def kept(leg=Leg.PRIMARY, exchange=EXCHANGE, **ids):
    event = Event(Recorder.SERVER, "r1", START, exchange, **(ids or {"session_id": "s1"}))
    return turn_of(event, exchange, leg, KEY)


def test_a_turn_is_kept_with_its_answers_digest():
    assert Turn.unpacked(kept()) == Turn(turn_fingerprint(ASKED, KEY), answer_digest("The train at nine.", KEY))
    assert kept(subject="someone") == kept(session_id="s1")


@pytest.mark.parametrize("answer", [None, Answer(text=None)])
def test_an_answer_that_was_not_logged_has_no_digest(answer):
    assert Turn.unpacked(kept(exchange=structs.replace(EXCHANGE, answer=answer))).answer is None
    assert Turn.unpacked(kept(exchange=structs.replace(EXCHANGE, answer=Answer(text="")))).answer == answer_digest(
        "", KEY
    )


@pytest.mark.parametrize("leg", [Leg.SHADOW, Leg.UNKNOWN])
def test_nobody_reacts_to_another_leg(leg):
    assert kept(leg) is None


def test_nothing_is_kept_of_what_cannot_be_matched():
    assert kept(session_id=None) is None
    assert kept(exchange=structs.replace(EXCHANGE, request=None)) is None
    assert kept(exchange=structs.replace(EXCHANGE, request=Request((Message("user", None),)))) is None


def test_digests_of_different_keys_match_nothing():
    keys = [turn_key(keys) for keys in ([], [b"one"], [b"other"], [b"one", b"other"])]
    assert keys[1] == keys[3], "the first is in use"
    assert len({answer_digest("The train at nine.", key) for key in keys}) == 3


class Stored:
    """Turns in memory, and which spans of them were read."""

    def __init__(self, *starts_s):
        self.turns = [self._turn(at) for at in sorted(starts_s)]
        self.read = []

    def _turn(self, at):
        asked = turn_fingerprint(ASKED, KEY)
        begun = START.timestamp() + at
        return TurnRecord(f"s{at}", f"r{at}", 1, begun, begun + 1.0, False, Turn(asked, None), frozenset(), ())

    def between(self, _, since, until):
        self.read.append((since, until))
        return [one for one in self.turns if since.timestamp() <= one.started_s < until.timestamp()]


def ticked(store, ticks, conversations=None, *, matures_s=MATURES_S):
    """Close these ticks; a new service each time unless one is given. Return how many sessions matured."""
    found = []
    for tick in ticks:
        service = conversations or Conversations()
        start = START + tick * TICK
        found.append(len(service.matured(store, 1, tick, start, start + TICK, matures_s)))
    return found


def test_every_turn_is_read_once_by_one_service():
    store = Stored()
    ticked(store, range(100, 110), Conversations())
    (back, until), *rest = store.read
    assert back == until - timedelta(seconds=2 * MATURES_S) - _LONGEST_ANSWER
    assert all(one[1] == other[0] for one, other in pairwise([(back, until), *rest]))


@pytest.mark.parametrize("restarted", [False, True])
def test_a_session_counts_in_the_tick_in_which_its_time_is_over(restarted):
    store = Stored(1_003)
    found = ticked(store, range(99, 112), None if restarted else Conversations())
    assert found == [int(tick == 106) for tick in range(99, 112)]


def test_a_tick_that_was_left_out_closed_again_or_of_another_maturity_starts_anew():
    store, service = Stored(1_003), Conversations()
    assert ticked(store, [100, 101], service) == [0, 0]
    assert len(store.read) == 3
    ticked(store, [103], service)
    assert len(store.read) == 5
    ticked(store, [103], service)
    assert len(store.read) == 7
    assert ticked(store, [104], service, matures_s=45.0) == [1]
    assert len(store.read) == 9


def test_a_session_that_was_going_on_before_the_reach_of_a_restart_does_not_count_as_new():
    """Its turns are closer to each other than a pause, back beyond what is read."""
    store = Stored()
    store.turns = [replace(store._turn(at), session="long") for at in range(0, 2_000, 50)]
    assert sum(ticked(store, range(180, 200))) == 0


def test_a_session_whose_beginning_may_be_older_than_what_is_read_does_not_count():
    """Its first turn that is read was answered for ten minutes; the one before it is out of reach."""
    start = 100 * TICK.total_seconds()
    reach = start - 2 * MATURES_S - _LONGEST_ANSWER.total_seconds()
    store = Stored()
    before, slow = (replace(store._turn(reach + at), session="slow") for at in (-5, 10))
    store.turns = [before, replace(slow, ended_s=START.timestamp() + start + 5 - MATURES_S)]
    assert ticked(store, [100]) == [0]


def test_what_breaks_off_is_read_again():
    class Failing(Stored):
        def between(self, route_id, since, until):
            found = super().between(route_id, since, until)
            if len(self.read) == 3:
                raise ConnectionError("gone")
            return found

    store, service = Failing(1_003), Conversations()
    ticked(store, [105], service)
    with pytest.raises(ConnectionError):
        ticked(store, [106], service)
    assert ticked(store, [106], service) == [1]
    assert len(store.read) == 5

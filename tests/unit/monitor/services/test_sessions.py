"""Sessions: one bit a session and arm, after the same time for everyone."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from detectors.reactions import MAX_LOOK_BACK, Reaction
from detectors.turns import answer_digest, turn_fingerprint
from detectors.types import Message
from monitor.models.conversation import TurnRecord
from monitor.models.turn import Turn
from monitor.services import sessions as module
from monitor.services.sessions import Sessions

KEY = bytes(range(32))
W = 60.0


def turn(session, started, *says, answer="The answer.", variant=1, said=(), lasts=1.0, slices=(), failed=False):
    """A turn whose history alternates user and assistant; the last of ``says`` is the user's."""
    roles = ["user" if place % 2 == 0 else "assistant" for place in range(len(says))]
    asked = turn_fingerprint([Message(role, text) for role, text in zip(roles, says, strict=True)], KEY)
    return TurnRecord(
        session=session,
        id=f"{session}-{started}",
        variant_id=variant,
        started_s=float(started),
        ended_s=float(started) + lasts,
        failed=failed,
        turn=Turn(asked, None if answer is None else answer_digest(answer, KEY)),
        said=frozenset(said),
        slices=tuple(slices),
    )


def first(session, started, **more):
    return turn(session, started, "Which train goes to Porto tomorrow morning?", **more)


def corrected(session, started, answer="The answer.", **more):
    question = "Which train goes to Porto tomorrow morning?"
    return turn(session, started, question, answer, "No, I meant Lisbon.", said={Reaction.CORRECTION}, **more)


def follow(sessions, turns, until):
    sessions.add(sorted(turns, key=lambda one: (one.started_s, one.id)))
    return sessions.matured(until)


def test_a_correction_indicts_the_answer_before_it_and_the_variant_that_gave_it():
    turns = [first("a", 100, variant=7, slices=["first_turn"]), corrected("a", 110, variant=7), first("b", 100)]
    found = follow(Sessions(W, 0.0), turns, 200.0)
    assert {(one.variant_id, one.reactions) for one in found} == {
        (7, frozenset({Reaction.CORRECTION})),
        (1, frozenset()),
    }
    assert next(one for one in found if one.variant_id == 7).slices == {"all", "first_turn"}


def test_a_session_counts_once_however_often_its_user_reacts():
    turns = [first("a", 100), corrected("a", 110), corrected("a", 120), corrected("a", 130)]
    assert len(follow(Sessions(W, 0.0), turns, 1_000.0)) == 1


def test_a_session_counts_a_fixed_time_after_its_first_answer_ended():
    sessions = Sessions(W, 0.0)
    assert follow(sessions, [first("a", 100, lasts=5.0)], 165.0) == []
    assert len(sessions.matured(165.1)) == 1
    assert sessions.matured(1_000.0) == []


def test_what_is_said_after_that_time_does_not_count():
    in_time = follow(Sessions(W, 0.0), [first("a", 100), corrected("a", 160.9)], 200.0)
    too_late = follow(Sessions(W, 0.0), [first("a", 100), corrected("a", 161.1)], 200.0)
    assert in_time[0].reactions
    assert not too_late[0].reactions


def test_a_session_goes_on_until_a_pause_and_then_another_begins():
    going_on = [first("a", 100 + 50 * step) for step in range(6)]
    assert len(follow(Sessions(W, 0.0), going_on, 10_000.0)) == 1
    again = [first("a", 100), first("a", 162)]
    assert len(follow(Sessions(W, 0.0), again, 10_000.0)) == 2


def test_each_arm_of_a_session_answers_for_its_own_answers():
    turns = [first("a", 100, variant=1), corrected("a", 110, variant=2)]
    found = {one.variant_id: one.reactions for one in follow(Sessions(W, 0.0), turns, 200.0)}
    assert found == {1: {Reaction.CORRECTION}, 2: frozenset()}


def test_an_answer_that_was_not_logged_is_recognised_by_being_the_latest():
    turns = [first("a", 100, answer=None), corrected("a", 110)]
    assert follow(Sessions(W, 0.0), turns, 200.0)[0].reactions == {Reaction.CORRECTION}


def test_another_models_answer_is_nobodys():
    turns = [first("a", 100), corrected("a", 110, answer="Something else.")]
    assert follow(Sessions(W, 0.0), turns, 200.0)[0].reactions == frozenset()


def test_the_same_request_again_is_a_regeneration_and_after_a_failure_a_retry_of_the_call():
    again = follow(Sessions(W, 0.0), [first("a", 100), first("a", 110)], 200.0)
    failed = follow(Sessions(W, 0.0), [first("a", 100, failed=True, answer=None), first("a", 110)], 200.0)
    assert again[0].reactions == {Reaction.REGENERATE}
    assert failed[0].reactions == {Reaction.API_RETRY}


def test_the_second_variant_of_a_session_answers_for_its_own_answer_too():
    turns = [
        first("a", 100, variant=1),
        turn("a", 110, "And which one comes back in the evening?", variant=2, answer="Another."),
        corrected("a", 120, variant=1, answer="Another."),
    ]
    found = {one.variant_id: one.reactions for one in follow(Sessions(W, 0.0), turns, 200.0)}
    assert found == {1: frozenset(), 2: {Reaction.CORRECTION}}


def test_a_pause_lasts_from_the_latest_end_of_an_answer():
    assert len(follow(Sessions(W, 0.0), [first("a", 100), first("a", 160.9)], 1_000.0)) == 1
    assert len(follow(Sessions(W, 0.0), [first("a", 100), first("a", 161)], 1_000.0)) == 2
    overlapping = [first("a", 100, lasts=50.0), first("a", 110), first("a", 180)]
    assert len(follow(Sessions(W, 0.0), overlapping, 1_000.0)) == 1


def test_an_answer_is_watched_no_longer_than_the_first_of_its_session():
    """It ended before the first one did, and its user spoke more than the maturity after that."""
    turns = [
        first("a", 100, lasts=90.0, variant=1),
        turn("a", 105, "And which one comes back in the evening?", answer="Another.", variant=2),
        corrected("a", 180, answer="Another."),
    ]
    assert {one.reactions for one in follow(Sessions(W, 0.0), turns, 1_000.0)} == {frozenset()}


def test_of_a_long_session_only_the_first_turns_are_kept():
    def last_words(at):
        said = [first("a", 100 + step / 10, answer=None, lasts=0.0) for step in range(at - 1)]
        said.append(turn("a", 115, "And which one comes back in the evening?", answer="Another.", lasts=0.0, variant=2))
        found = follow(Sessions(W, 0.0), [*said, corrected("a", 120, answer="Another.")], 1_000.0)
        return {one.variant_id: one.reactions for one in found}

    assert last_words(MAX_LOOK_BACK - 1)[2] == {Reaction.CORRECTION}
    assert last_words(MAX_LOOK_BACK)[2] == frozenset()


def test_what_was_said_is_not_kept_once_a_session_has_counted():
    sessions = Sessions(W, 0.0)
    assert len(follow(sessions, [first("a", 100), corrected("a", 110)], 162.0)) == 1
    assert follow(sessions, [corrected("a", 165)], 400.0) == []
    assert sessions._latest["a"].turns == []


def test_a_session_that_goes_on_for_long_is_not_forgotten_and_counts_once():
    sessions, found = Sessions(W, 0.0), []
    for step in range(60):
        sessions.add([first("a", 10.0 * step)] if step % 5 == 0 else [])
        found += sessions.matured(10.0 * (step + 1))
    assert len(found) == 1


def test_sessions_seen_first_when_following_began_do_not_count():
    sessions = Sessions(W, known_from_s=100.0)
    found = follow(sessions, [first("old", 99), first("new", 100)], 1_000.0)
    assert len(found) == 1


def test_sessions_that_are_over_are_forgotten():
    sessions = Sessions(W, 0.0)
    for step in range(400):
        sessions.add([first(f"s{step}", 10.0 * step)])
        sessions.matured(10.0 * (step + 1))
    assert len(sessions) <= W / 10.0 + 2 * module._PRUNED_EVERY


def test_beyond_the_bound_new_sessions_are_not_followed(monkeypatch):
    monkeypatch.setattr(module, "MOST_SESSIONS", 3)
    sessions = Sessions(W, 0.0)
    assert len(follow(sessions, [first(f"s{n}", 100 + n) for n in range(9)], 130.0)) == 0
    found = follow(sessions, [corrected("s1", 140)], 1_000.0)
    assert len(found) == 3
    assert [one.reactions for one in found].count(frozenset({Reaction.CORRECTION})) == 1, "known ones go on"
    assert len(follow(sessions, [first("s1", 1_000)], 2_000.0)) == 1


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 600), st.booleans(), st.sampled_from((1, 2))), max_size=30
    ),
    st.lists(st.integers(1, 700), max_size=6),
)
def test_how_the_ticks_fall_changes_nothing(drawn, cuts):
    turns = [
        corrected(f"{name}", at, variant=variant) if speaks else first(f"{name}", at, variant=variant)
        for name, at, speaks, variant in {
            (name, at): (name, at, speaks, variant) for name, at, speaks, variant in drawn
        }.values()
    ]
    turns.sort(key=lambda one: (one.started_s, one.id))
    whole = follow(Sessions(W, 0.0), turns, 2_000.0)
    sessions, parts = Sessions(W, 0.0), []
    bounds = [0, *sorted(set(cuts)), 2_000]
    for low, high in pairwise(bounds):
        sessions.add(one for one in turns if low <= one.started_s < high)
        parts += sessions.matured(float(high))
    assert sorted(map(repr, parts)) == sorted(map(repr, whole))


@given(st.booleans(), st.booleans(), st.integers(0, 2**64 - 1), st.integers(0, 255), st.binary(min_size=8, max_size=8))
def test_a_stored_turn_is_read_back(has_previous, has_answer, sketch, words, digest):
    asked = turn_fingerprint([Message("user", "Where is it?")], KEY)
    asked = type(asked)(asked.exact, sketch, words, asked.history, digest if has_previous else None)
    kept = Turn(asked, digest if has_answer else None)
    assert Turn.unpacked(kept.packed()) == kept
    assert len(kept.packed()) == 42

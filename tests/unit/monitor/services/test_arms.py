"""Arms between ticks: what is folded when, and the reference once the baseline is gone."""

import json
import random

from hypothesis import given
from hypothesis import strategies as st

from detectors.reactions import Reaction
from detectors.types import ArmCounts, Margin
from monitor.models.conversation import SessionRecord
from monitor.services.arms import AWAY_TICKS, FEWEST_REFERENCE, Arms, score_sessions, take

MARGIN, THRESHOLD = Margin(absolute=0.01), 1e6
ticks = st.builds(
    lambda n, x, m, y: ArmCounts(n, min(n, x), m, min(m, y)),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 3),
    st.integers(0, 3),
)


@given(st.lists(ticks, max_size=40))
def test_every_session_is_folded_once_or_waits(drawn):
    arms, folded = Arms(), ArmCounts()
    for tick in drawn:
        arms, due, _ = take(arms, tick, MARGIN, THRESHOLD)
        assert due == ArmCounts() or min(due.candidate_n, due.baseline_n) >= 5
        folded += due
    assert folded + arms.waiting == sum(drawn, ArmCounts())
    assert arms.reference_n == sum(tick.baseline_n for tick in drawn)


@given(ticks, st.lists(ticks, max_size=20))
def test_when_sessions_are_folded_depends_on_how_many_there_are_alone(first, rest):
    def when(outcomes):
        arms, found = Arms(), []
        for tick in outcomes:
            arms, due, _ = take(arms, tick, MARGIN, THRESHOLD)
            found.append(due.n)
        return found

    drawn = [first, *rest]
    assert when(drawn) == when([ArmCounts(tick.candidate_n, 0, tick.baseline_n, 0) for tick in drawn])


def test_without_any_baseline_sessions_do_not_wait_for_ever():
    arms = Arms()
    for _ in range(2_000):
        arms, due, alarm = take(arms, ArmCounts(10, 5), MARGIN, THRESHOLD)
        assert due == ArmCounts()
        assert alarm is None, "there is no reference"
    assert arms.waiting.n < 5_000


def learned(bad_of_ten=1, n=1_000):
    arms = Arms()
    for _ in range(n // 10):
        arms, _, _ = take(arms, ArmCounts(0, 0, 10, bad_of_ten), MARGIN, THRESHOLD)
    return arms


def after(arms, rate, ticks_, seed=1):
    draw = random.Random(seed)  # noqa: S311 - a simulation
    for tick in range(ticks_):
        bad = sum(draw.random() < rate for _ in range(10))
        arms, _, alarm = take(arms, ArmCounts(10, bad), MARGIN, THRESHOLD)
        if alarm is not None:
            return tick, alarm, arms
    return None


def test_once_the_baseline_is_gone_the_candidate_is_compared_with_the_reference():
    tick, alarm, arms = after(learned(), 0.3, 600)
    assert tick >= AWAY_TICKS, "not before the baseline counts as away"
    assert (alarm.counts.baseline_n, alarm.counts.baseline_bad) == (1_000, 100)
    assert alarm.counts.candidate_n == 10 * (tick - AWAY_TICKS + 1), "only sessions since then"
    assert set(arms.log_r) == {None}, "it starts anew"


def test_a_candidate_as_good_as_the_reference_raises_no_alarm():
    assert after(learned(), 0.1, 3_000) is None


def test_too_small_a_reference_is_none():
    assert after(learned(n=FEWEST_REFERENCE - 10), 0.9, 600) is None
    assert after(learned(n=FEWEST_REFERENCE), 0.9, 600) is not None


def test_a_small_reference_is_taken_as_unsure_as_it_is():
    """14 % against 10 % of 200: the reference's own rate may be as high."""
    assert after(learned(n=FEWEST_REFERENCE), 0.14, 1_500) is None
    assert after(learned(n=20_000), 0.14, 1_500) is not None


def test_the_comparison_begins_with_the_first_tick_beyond_those_that_count_as_away():
    arms = learned()
    for _ in range(AWAY_TICKS):
        arms, _, _ = take(arms, ArmCounts(3, 1), MARGIN, THRESHOLD)
    assert (arms.since_n, arms.since_bad) == (0, 0)
    arms, _, _ = take(arms, ArmCounts(3, 1), MARGIN, THRESHOLD)
    assert (arms.since_n, arms.since_bad) == (3, 1)


def test_five_sessions_of_each_arm_are_enough():
    arms, due, _ = take(Arms(), ArmCounts(4, 1, 5, 1), MARGIN, THRESHOLD)
    assert due == ArmCounts()
    _, due, _ = take(arms, ArmCounts(1, 0), MARGIN, THRESHOLD)
    assert due == ArmCounts(5, 1, 5, 1)


def test_a_baseline_that_is_back_ends_the_comparison():
    arms = learned()
    for _ in range(AWAY_TICKS + 5):
        arms, _, _ = take(arms, ArmCounts(1, 1), MARGIN, THRESHOLD)
    assert arms.since_n
    arms, _, _ = take(arms, ArmCounts(1, 1, 1, 0), MARGIN, THRESHOLD)
    assert (arms.since_n, arms.since_bad, set(arms.log_r), arms.baseline_away) == (0, 0, {None}, 0)


def test_empty_ticks_raise_no_alarm():
    arms = learned()
    for _ in range(AWAY_TICKS + 50):
        arms, _, alarm = take(arms, ArmCounts(), MARGIN, 2.0)
        assert alarm is None


@given(st.lists(ticks, max_size=10))
def test_what_is_stored_is_read_back(drawn):
    arms = learned(n=300)
    for tick in [ArmCounts(3, 3)] * (AWAY_TICKS + 1) + drawn:
        arms, _, _ = take(arms, tick, MARGIN, 1e300)
    assert Arms.from_json(json.loads(json.dumps(arms.to_json()))) == arms


def session(variant, *reactions):
    return SessionRecord(variant, frozenset({"all"}), frozenset(reactions))


def test_sessions_are_counted_once_by_who_answered_and_whether_its_users_reacted():
    sessions = [session(1, Reaction.CORRECTION), session(1), session(2), session(2, Reaction.RETRY), session(3)]
    assert score_sessions(sessions, 1, 2, "correction") == ArmCounts(2, 1, 2, 0)
    assert score_sessions(sessions, 1, 2, "retry_loop") == ArmCounts(2, 0, 2, 1)


def test_a_client_that_sends_a_failed_call_again_counts_as_a_retry_alone():
    sessions = [session(1, Reaction.API_RETRY), session(2)]
    assert score_sessions(sessions, 1, 2, "retry_loop") == ArmCounts(1, 1, 1, 0)
    assert score_sessions(sessions, 1, 2, "regenerate") == ArmCounts(1, 0, 1, 0)

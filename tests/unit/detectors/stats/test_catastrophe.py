import json
from dataclasses import replace
from itertools import product
from math import inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.stats import catastrophe
from detectors.stats.budget import threshold
from detectors.stats.catastrophe import BreakState, broken_margin, fold, initial, log_increments
from detectors.types import Margin, PairCounts

A = threshold(259_200, 0.1, catastrophe.SHARE)
BROKEN = broken_margin(Margin(absolute=0.005))
CLIENTS = [f"client-{i}" for i in range(8)]
CELL = {(1, 1): PairCounts(n11=1), (1, 0): PairCounts(n10=1), (0, 1): PairCounts(n01=1), (0, 0): PairCounts(n00=1)}


def test_the_reserved_share_buys_decades():
    assert pytest.approx(103_680_000) == A
    assert 10 * A / (365.25 * 86_400) > 32


def test_the_bold_bet_has_a_closed_form():
    found = log_increments(PairCounts(n11=2, n10=30, n00=5), Margin(absolute=0.1))
    assert found[1] == pytest.approx(30 * log(2) - 37 * log(1.1))
    assert log_increments(PairCounts(n10=30, n01=1), Margin(absolute=0.1))[1] == -inf
    assert log_increments(PairCounts(), Margin(absolute=0.1)).tolist() == [0.0, 0.0]


@settings(deadline=None)
@given(
    st.tuples(*[st.floats(0.001, 1)] * 4),
    st.builds(Margin, st.floats(0, 0.9), st.floats(0, 2)),
)
def test_a_pair_within_the_margin_expects_at_most_one(weights, margin):
    p11, p10, p01, p00 = np.array(weights) / sum(weights)
    excess = p10 - (1 + margin.relative) * p01 - margin.relative * p11 - margin.absolute
    if excess > 0:  # move the mass that is beyond the margin to "both good"
        p10, p00 = p10 - excess, p00 + excess
        if p10 < 0:
            return
    e = np.array([np.exp(log_increments(CELL[cell], margin)) for cell in ((1, 1), (1, 0), (0, 1), (0, 0))])
    assert (np.array([p11, p10, p01, p00]) @ e <= 1 + 1e-9).all()


def test_several_pairs_at_the_margin_expect_exactly_one():
    margin = Margin(absolute=0.1)
    cells = dict(zip(CELL, (0.05, 0.14, 0.04, 0.77), strict=True))  # 0.14 - 0.04 = 0.1
    total = np.zeros(2)
    for pairs in product(CELL, repeat=4):
        counts = sum((CELL[each] for each in pairs), PairCounts())
        total += np.prod([cells[each] for each in pairs]) * np.exp(log_increments(counts, margin))
    assert total == pytest.approx([1.0, 1.0])


def first_alarm(pairs, clients=CLIENTS, per_tick=1, a=A):
    state = initial()
    for tick, counts in enumerate(pairs):
        state, alarm = fold(state, a, BROKEN, tick, counts, clients)
        if alarm:
            return (tick + 1) * per_tick, alarm
    return None, None


def test_a_dead_candidate_is_seen_after_31_to_33_pairs():
    # Many small ticks start many bets; a single tick starts one.
    assert first_alarm([PairCounts(n10=32)]) == (None, None)
    assert first_alarm([PairCounts(n10=33)])[0] == 1
    pairs, alarm = first_alarm([PairCounts(n10=1)] * 100)
    assert pairs == 31
    assert alarm.since == PairCounts(n10=31)
    assert alarm.since_tick == 0
    assert alarm.log_statistic >= alarm.log_threshold == log(A)


def test_a_dead_candidate_is_seen_within_one_tick_whatever_came_before():
    quiet = [PairCounts(n11=1, n01=2, n00=97)] * 500
    ticks, alarm = first_alarm([*quiet, PairCounts(n10=45, n11=1)])
    assert ticks == 501
    assert alarm.since_tick == 500


def test_one_lost_leg_does_not_hide_it():
    pairs, _ = first_alarm([PairCounts(n10=98, n01=2)] * 5)
    assert pairs == 1


def test_thirty_failures_are_needed():
    assert first_alarm([PairCounts(n10=1)] * 29, a=2.0) == (None, None)
    assert first_alarm([PairCounts(n10=1)] * 40, a=2.0)[0] == 30


def test_five_clients_are_needed_and_few_never_suffice():
    assert first_alarm([PairCounts(n10=1)] * 500, CLIENTS[:4]) == (None, None)
    assert first_alarm([PairCounts(n10=1)] * 500, CLIENTS[:5])[0] == 31


def test_failures_of_both_arms_and_tolerated_harm_never_alarm():
    assert first_alarm([PairCounts(n11=50)] * 200) == (None, None)
    assert first_alarm([PairCounts(n10=8, n00=92)] * 2_000) == (None, None)


def test_quiet_ticks_alone_never_alarm():
    assert first_alarm([PairCounts()] * 300, a=20.0) == (None, None)


def test_a_partly_broken_candidate_is_seen():
    ticks, alarm = first_alarm([PairCounts(n10=40, n01=1, n00=59)] * 50)
    assert ticks <= 4
    assert alarm.since.n10 >= 30


def test_an_alarm_starts_afresh():
    state, alarm = fold(initial(), A, BROKEN, 7, PairCounts(n10=60), CLIENTS)
    assert alarm
    assert state == BreakState(last_tick=7)
    assert state.log_statistic == -inf


def test_a_bad_run_forgets_its_clients():
    state, _ = fold(initial(), A, BROKEN, 0, PairCounts(n10=5), CLIENTS[:3])
    assert state.clients == tuple(CLIENTS[:3])
    state, _ = fold(state, A, BROKEN, 1, PairCounts(n00=500), ())
    assert (state.clients, state.since, state.run) == ((), PairCounts(), 0.0)


@settings(deadline=None)
@given(st.lists(st.sampled_from(CLIENTS), max_size=20), st.randoms())
def test_the_order_of_clients_does_not_matter(seen, random):
    shuffled = list(seen)
    random.shuffle(shuffled)
    states = [fold(initial(), A, BROKEN, 0, PairCounts(n10=3), each)[0] for each in (seen, shuffled)]
    assert states[0] == states[1]
    assert len(states[0].clients) == min(5, len(set(seen)))


@settings(deadline=None)
@given(st.lists(st.builds(PairCounts, *[st.integers(0, 30)] * 4), max_size=12))
def test_state_survives_json_and_stays_small(ticks):
    state = initial()
    for tick, counts in enumerate(ticks):
        state, _ = fold(state, A, BROKEN, tick, counts, CLIENTS)
        stored = json.dumps(state.to_json(), allow_nan=False)
        assert len(stored) < 600
        assert BreakState.from_json(json.loads(stored)) == state


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), max_size=8), st.integers(0, 7))
def test_the_conditions_only_withhold(failures, clients):
    # Whatever the gates say, the statistic is what the plain e-detector would be.
    state = plain = initial()
    for tick, n10 in enumerate(failures):
        counts = PairCounts(n10=n10, n00=40 - n10)
        state, _ = fold(state, 1e300, BROKEN, tick, counts, CLIENTS[:clients])
        r = np.logaddexp(0, np.array(plain.log_r)) + log_increments(counts, BROKEN)
        plain = replace(plain, log_r=tuple(r))
    assert state.log_statistic == pytest.approx(plain.log_statistic)


def test_the_margin_is_never_narrower_than_the_streams():
    assert broken_margin(Margin(absolute=0.3)).absolute == 0.3
    assert broken_margin(Margin()).absolute == 0.1


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: fold(BreakState(last_tick=4), A, BROKEN, 4, PairCounts()), "tick must be > 4"),
        (lambda: fold(initial(), 1.0, BROKEN, 0, PairCounts()), "threshold must be > 1"),
        (lambda: fold(initial(), inf, BROKEN, 0, PairCounts()), "threshold must be > 1"),
        (lambda: BreakState.from_json({"format": 0}), "format must be 1, got 0"),
    ],
)
def test_errors_name_the_rule(call, named):
    with pytest.raises(ValueError, match=named):
        call()

"""The mix of two arms: exact under exchange, blind to common drift, quick where an arm gets other requests."""

from itertools import product
from math import comb, exp, inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.stats import mix


def exact_mean(total, odds, n):
    """The mean of exp(theta X) over every way to choose the baseline's sessions."""
    mean = 0.0
    for x in product(*(range(k + 1) for k in total)):
        if sum(x) == n:
            ways = np.prod([comb(k, each) for k, each in zip(total, x, strict=True)])
            mean += ways * exp(sum(o * each for o, each in zip(odds, x, strict=True)))
    return mean / comb(sum(total), n)


@given(
    st.lists(st.integers(0, 6), min_size=2, max_size=4),
    st.lists(st.floats(-3, 3), min_size=4, max_size=4),
    st.integers(0, 12),
)
@settings(max_examples=80, deadline=None)
def test_the_e_value_has_mean_one_over_all_assignments(total, odds, n):
    n, odds = min(n, sum(total)), odds[: len(total)]
    mean = 0.0
    for x in product(*(range(k + 1) for k in total)):
        if sum(x) == n:
            ways = np.prod([comb(k, each) for k, each in zip(total, x, strict=True)])
            mean += ways * exp(mix.log_increment(x, total, odds))
    assert mean / comb(sum(total), n) == pytest.approx(1.0, rel=1e-9)


def test_the_formula_is_that_of_the_noncentral_distribution():
    total, odds, x = [5, 3, 4], [0.7, -0.2, 0.4], [2, 0, 2]
    told = sum(o * each for o, each in zip(odds, x, strict=True)) - log(exact_mean(total, odds, 4))
    assert mix.log_increment(x, total, odds) == pytest.approx(told, rel=1e-12)


@pytest.mark.parametrize("size", [10_000, 1_000_000])
def test_large_ticks_are_as_exact(size):
    total, odds = [size, size // 3, 7], [0.3, -0.5, 1.0]
    x = [size // 20, size // 60, 1]
    again = mix.log_increment([k - each for k, each in zip(total, x, strict=True)], total, [-o for o in odds])
    assert mix.log_increment(x, total, odds) == pytest.approx(again, rel=1e-6, abs=1e-4)


@pytest.mark.parametrize(
    ("baseline", "total", "odds"),
    [([0, 0], [5, 5], [1, -1]), ([5, 5], [5, 5], [1, -1]), ([2, 0], [9, 0], [1, -1]), ([2, 1], [9, 9], [2, 2])],
)
def test_what_tells_nothing_is_exactly_nothing(baseline, total, odds):
    assert mix.log_increment(baseline, total, odds) == 0.0


@pytest.mark.parametrize(("baseline", "total"), [([3, 0], [2, 2]), ([-1, 1], [2, 2]), ([1], [2, 2])])
def test_counts_are_checked(baseline, total):
    with pytest.raises(ValueError, match="baseline"):
        mix.log_increment(baseline, total, [0.0, 0.0])


def stream(random, ticks, *, of_baseline, of_candidate, state=None, n_b=2, n_v=38):
    """The largest statistic of some ticks; mixes are functions of the tick."""
    state, largest = state or mix.MixState(), -inf
    for tick in range(ticks):
        candidate = random.multinomial(random.poisson(n_v), of_candidate(tick))
        baseline = random.multinomial(random.poisson(n_b), of_baseline(tick))
        state = mix.fold(state, candidate.tolist(), baseline.tolist())
        largest = max(largest, mix.log_statistic(state))
    return largest


def drifting(tick):
    share = 0.5 + 0.4 * np.sin(tick / 40.0)
    return [share, 0.9 - share, 0.1]


def test_drift_that_the_arms_share_is_no_evidence():
    """60 streams of 200 ticks at A = 4,000: at most 5 % may alarm, 3 expected; 8 has a chance of 1 %."""
    random = np.random.default_rng(1)
    alarms = sum(stream(random, 200, of_baseline=drifting, of_candidate=drifting) >= log(4_000) for _ in range(60))
    assert alarms < 8


def test_an_arm_that_gets_other_requests_is_found():
    random = np.random.default_rng(2)
    other = lambda _: [0.3, 0.6, 0.1]  # noqa: E731
    for _ in range(2):
        found = stream(random, 400, of_baseline=other, of_candidate=lambda _: [0.6, 0.3, 0.1])
        assert found >= log(2.6e6)


def test_odds_are_learned_from_the_ticks_before_alone():
    state = mix.fold(mix.MixState(), [50, 0], [0, 50])
    assert mix.log_statistic(state) == 0.0, "the first tick is bet on with even odds"
    assert mix.log_statistic(mix.fold(state, [50, 0], [0, 50])) > 2.0


def test_one_tick_tells_three_nats_at_most():
    state = mix.fold(mix.MixState(), [500, 0], [0, 500])
    assert mix.log_statistic(mix.fold(state, [500, 0], [0, 500])) <= 3.0 + log(2.0) + 1e-9


def test_new_categories_begin_with_nothing_known():
    state = mix.fold(mix.MixState(), [5], [5])
    state = mix.fold(state, [5, 3], [5, 2])
    assert len(state.baseline[0]) == 2
    assert mix.log_statistic(state) == pytest.approx(log(2.0))


def test_what_is_stored_is_read_back():
    state = mix.fold(mix.fold(mix.MixState(), [5, 1], [1, 1]), [4, 1], [0, 2])
    assert mix.MixState.from_json(state.to_json()) == state
    assert mix.log_statistic(mix.reset(state)) == -inf
    assert mix.reset(state).baseline == state.baseline

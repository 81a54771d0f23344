"""The declared share of an arm: silent within a fifth of it, quick beyond, on either side."""

from math import inf, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.stats import sample_ratio, shiryaev_roberts


@given(st.floats(0.01, 0.8), st.floats(0.8, 1.2))
def test_the_mean_is_at_most_one_for_every_tolerated_share(share, times):
    p = share * times
    gains = sample_ratio.log_increments(1, 1, share), sample_ratio.log_increments(1, 0, share)
    assert np.all(p * np.exp(gains[0]) + (1 - p) * np.exp(gains[1]) <= 1.0 + 1e-9)


@given(st.integers(0, 50), st.integers(0, 50), st.floats(0.01, 0.8))
def test_sessions_add_up_in_any_order(one, other, share):
    parts = sample_ratio.log_increments(60, one, share) + sample_ratio.log_increments(60, other, share)
    assert parts == pytest.approx(sample_ratio.log_increments(120, one + other, share))


def test_an_empty_tick_tells_nothing():
    assert not sample_ratio.log_increments(0, 0, 0.05).any()


def largest(random, share, declared, ticks=500, n=20):
    log_r, most = np.full(sample_ratio.BETS, -inf), -inf
    for _ in range(ticks):
        gain = sample_ratio.log_increments(n, random.binomial(n, share), declared)
        log_r = shiryaev_roberts.update(log_r, gain)
        most = max(most, shiryaev_roberts.log_statistic(log_r, sample_ratio.log_weights()))
    return most


@pytest.mark.parametrize("share", [0.0401, 0.05, 0.0599])
def test_what_is_tolerated_stays_silent(share):
    """20 streams of 500 ticks at A = 10,000: 5 % of them may alarm."""
    random = np.random.default_rng(3)
    assert sum(largest(random, share, 0.05) >= log(10_000) for _ in range(20)) <= 4


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.5])
def test_another_share_is_found(share):
    assert largest(np.random.default_rng(4), share, 0.05) >= log(2.6e6)


@pytest.mark.parametrize(
    ("given_", "told"),
    [((5, 6, 0.1), "baseline"), ((-1, 0, 0.1), "n must"), ((5, 1, 0.9), "share"), ((5, 1, 0.0), "share")],
)
def test_arguments_are_checked(given_, told):
    with pytest.raises(ValueError, match=told):
        sample_ratio.log_increments(*given_)

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, poisson

from detectors.stats import conditional
from detectors.types import Margin

RELATIVE = [0.0, 0.15, 1.0]
BOTH = [conditional.log_increments, conditional.safe_log_increments]


@pytest.mark.parametrize("relative", RELATIVE)
def test_increments_are_the_formula(relative):
    n_v, x_v, n_b, x_b = 4_000, 7, 9_000, 5
    p0 = n_v * (1 + relative) / (n_v * (1 + relative) + n_b)
    for increments, sign in zip(BOTH, (1, -1), strict=True):
        found = increments([n_v, x_v, n_b, x_b], Margin(relative=relative))
        for j, step in enumerate(conditional.STEPS):
            odds = p0 / (1 - p0) * np.exp(sign * step)
            q = odds / (1 + odds)
            assert found[j] == pytest.approx(x_v * np.log(q / p0) + x_b * np.log((1 - q) / (1 - p0)))


def expected_e(pmf_v, pmf_b, sizes, increments, margin):
    """E[exp(s)] by enumeration of both arms' failures."""
    n_v, n_b = sizes
    total = 0.0
    for x_v, x_b in product(range(len(pmf_v)), range(len(pmf_b))):
        total += pmf_v[x_v] * pmf_b[x_b] * np.exp(increments([n_v, x_v, n_b, x_b], margin))
    return total


@pytest.mark.parametrize("relative", RELATIVE)
@pytest.mark.parametrize("sizes", [(12, 12), (20, 5), (5, 20)], ids=str)
@pytest.mark.parametrize("rate", [0.001, 0.05, 0.3, 0.5])
def test_independent_answers_at_the_margin_expect_at_most_one(relative, sizes, rate):
    margin, tolerated = Margin(relative=relative), min(1.0, (1 + relative) * rate)
    pmf_v, pmf_b = (binom.pmf(range(n + 1), n, p) for n, p in zip(sizes, (tolerated, rate), strict=True))
    for increments in BOTH:
        assert (expected_e(pmf_v, pmf_b, sizes, increments, margin) <= 1 + 1e-12).all()


@pytest.mark.parametrize("relative", RELATIVE)
def test_poisson_counts_at_the_margin_expect_exactly_one(relative):
    sizes, rate = (300, 900), 0.004
    pmf_v = poisson.pmf(range(40), sizes[0] * rate * (1 + relative))
    pmf_b = poisson.pmf(range(60), sizes[1] * rate)
    for increments in BOTH:
        found = expected_e(pmf_v, pmf_b, sizes, increments, Margin(relative=relative))
        assert found == pytest.approx(np.ones(conditional.BETS), abs=1e-6)


def test_within_the_margin_expects_less_and_beyond_it_more():
    sizes, margin = (30, 30), Margin(relative=0.5)

    def at(candidate):
        pmfs = (binom.pmf(range(31), 30, p) for p in (candidate, 0.02))
        return expected_e(*pmfs, sizes, conditional.log_increments, margin)

    assert (at(0.02) < at(0.03)).all()
    assert (at(0.2)[:4] > 1.4).all()


def test_answers_of_unequal_rates_and_shared_failures_only_lower_it():
    margin, cells = Margin(), [[1, x, 1, y] for x, y in product((0, 1), repeat=2)]
    e = np.exp(conditional.log_increments(cells, margin))
    apart, together = np.array([0.81, 0.09, 0.09, 0.01]), np.array([0.88, 0.02, 0.02, 0.08])
    assert (together @ e < apart @ e).all()
    assert (apart @ e <= 1.0).all()


@settings(deadline=None)
@given(
    st.integers(1, 10**6),
    st.integers(1, 10**6),
    st.integers(0, 1_000),
    st.integers(0, 1_000),
    st.floats(0, 3),
    st.floats(0.001, 3),
)
def test_monotonicity(n_v, n_b, x_v, x_b, relative, wider):
    cells, margin = [n_v, x_v, n_b, x_b], Margin(relative=relative)
    found = conditional.log_increments(cells, margin)
    assert np.isfinite(found).all()
    assert (conditional.log_increments([n_v, x_v + 1, n_b, x_b], margin) > found).all()
    assert (conditional.log_increments([n_v, x_v, n_b, x_b + 1], margin) < found).all()
    assert (conditional.log_increments(cells, Margin(relative=relative + wider)) <= found + 1e-9).all()
    safe = conditional.safe_log_increments(cells, margin)
    assert (conditional.safe_log_increments([n_v, x_v + 1, n_b, x_b], margin) < safe).all()


@pytest.mark.parametrize("cells", [(50, 9, 0, 0), (0, 0, 50, 9), (0, 0, 0, 0), (50, 0, 50, 0)])
def test_an_empty_arm_or_a_quiet_tick_says_exactly_nothing(cells):
    for increments in BOTH:
        assert increments(cells, Margin(relative=0.2)).tolist() == [0.0] * 6


def test_any_leading_axes():
    cells = np.arange(24).reshape(2, 3, 4) + 1
    found = conditional.log_increments(cells, Margin(relative=0.1))
    assert found.shape == (2, 3, 6)
    assert found[1, 2].tolist() == conditional.log_increments(cells[1, 2], Margin(relative=0.1)).tolist()
    assert conditional.prior().sum() == pytest.approx(1.0)


def test_an_absolute_margin_is_refused():
    for increments in BOTH:
        with pytest.raises(ValueError, match=r"absolute must be 0 .* got 0\.01"):
            increments([10, 1, 10, 1], Margin(absolute=0.01))

from math import log

import numpy as np
import pytest

from detectors.stats import paired
from detectors.types import Margin, PairCounts

MARGINS = [Margin(), Margin(absolute=0.005), Margin(relative=0.15), Margin(absolute=0.02, relative=0.5)]


@pytest.mark.parametrize("margin", MARGINS)
def test_increments_are_the_formula_of_the_four_counts(margin):
    r, m = margin.relative, margin.absolute
    lam = 0.21 / (1 + r + m)
    expected = (
        3 * log(1 + lam * (1 - m)) + 2 * log(1 - lam * (1 + r + m)) + 5 * log(1 - lam * (r + m)) + 90 * log(1 - lam * m)
    )
    assert paired.log_increments(PairCounts(5, 3, 2, 90).cells, margin)[4] == pytest.approx(expected)


@pytest.mark.parametrize("margin", MARGINS)
def test_expected_factor_is_exactly_one_at_the_margin(margin):
    baseline = 0.1
    candidate = (1 + margin.relative) * baseline + margin.absolute
    both = 0.04
    cells = np.array([both, candidate - both, baseline - both, 1 - candidate - baseline + both])
    assert cells @ np.exp(paired.coefficients(margin)) == pytest.approx(np.ones(8))
    assert cells @ np.exp(paired.safe_coefficients(margin)) == pytest.approx(np.ones(8))


@pytest.mark.parametrize("margin", MARGINS)
def test_harm_helps_one_claim_and_hurts_the_other(margin):
    harmful = PairCounts(n11=2, n10=30, n01=1, n00=67)
    assert paired.log_increments(harmful.cells, margin).max() > 5
    assert (paired.safe_log_increments(harmful.cells, margin) < 0).all()
    healthy = PairCounts(n11=2, n10=0, n01=6, n00=92)
    assert (paired.log_increments(healthy.cells, margin) < 0).all()
    assert paired.safe_log_increments(healthy.cells, margin).max() > 1


def test_an_empty_tick_says_nothing():
    assert not paired.log_increments(PairCounts().cells, Margin(absolute=0.1)).any()
    assert not paired.safe_log_increments(PairCounts().cells, Margin(absolute=0.1)).any()


def test_prior_is_proportional_to_the_root_and_sums_to_one():
    assert paired.prior().sum() == pytest.approx(1.0)
    assert paired.prior()[7] / paired.prior()[0] == pytest.approx((0.88 / 0.03) ** 0.5)


def test_cached_tables_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        paired.coefficients(Margin())[0, 0] = 1.0


def test_the_contrast_is_the_candidates_excess_its_weight_and_its_variance():
    assert paired.contrast(PairCounts(7, 5, 2, 90).cells).tolist() == [3.0, 104.0, 7.0]

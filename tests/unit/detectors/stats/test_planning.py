from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from detectors.stats.planning import kl_inf, pairs_to_detect, smallest_detectable
from detectors.types import Margin

HALF_POINT = Margin(absolute=0.005)


def test_growth_is_zero_for_what_the_margin_tolerates():
    assert kl_inf(0.015, 0.01, 0.005, HALF_POINT) == 0.0
    assert pairs_to_detect(0.012, 0.01, 0.005, HALF_POINT, threshold=1e6) == inf


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.builds(Margin, st.floats(0, 0.3), st.floats(0, 1)))
def test_growth_is_the_largest_over_all_bets(candidate, baseline, shared, margin):
    """scipy.optimize.minimize_scalar(lambda u: -E log(1 + u Z / (1 + r + m)), bounds=(0, 1), method="bounded")."""
    both = max(0.0, candidate + baseline - 1.0) * (1 - shared) + min(candidate, baseline) * shared
    cells = np.array([both, candidate - both, baseline - both, 1.0 - candidate - baseline + both]).clip(0.0)
    slack = margin.relative + margin.absolute
    scores = np.array([-slack, 1.0 - margin.absolute, -1.0 - slack, -margin.absolute]) / (1.0 + slack)

    def loss(u):
        return -float(cells @ np.log1p(u * scores))

    expected = -minimize_scalar(loss, bounds=(0.0, 1.0 - 1e-9), method="bounded", options={"xatol": 1e-9}).fun
    assert kl_inf(candidate, baseline, both, margin) == pytest.approx(max(0.0, expected), rel=1e-5, abs=1e-9)


def test_growth_and_delay_are_monotone_in_the_candidates_rate():
    rates = [0.02, 0.03, 0.05, 0.1, 0.5, 1.0]
    growth = [kl_inf(rate, 0.01, 0.01 * rate, HALF_POINT) for rate in rates]
    delays = [pairs_to_detect(rate, 0.01, 0.01 * rate, HALF_POINT, threshold=1e6) for rate in rates]
    assert growth == sorted(growth)
    assert delays == sorted(delays, reverse=True)


def test_delay_scales_with_phi():
    def delay(phi):
        return pairs_to_detect(0.02, 0.01, 0.005, HALF_POINT, threshold=1e6, phi=phi)

    assert delay(4.0) == pytest.approx(4 * delay(1.0))


def test_smallest_detectable_inverts_the_delay():
    rate = smallest_detectable(0.01, HALF_POINT, 1e6, 20_000)
    assert pairs_to_detect(rate, 0.01, 0.01 * rate, HALF_POINT, threshold=1e6) == pytest.approx(20_000, rel=1e-3)


def test_more_pairs_see_less_and_few_see_nothing():
    seen = [smallest_detectable(0.01, HALF_POINT, 1e6, n) for n in (100, 1_000, 10_000, 1_000_000)]
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] > 0.015
    assert smallest_detectable(0.01, HALF_POINT, 1e6, 5) is None


@pytest.mark.parametrize(
    ("table", "named"),
    [((1.2, 0.1, 0.1), "candidate"), ((0.1, -0.1, 0.0), "baseline"), ((0.1, 0.1, 0.2), "both")],
)
def test_tables_are_checked(table, named):
    with pytest.raises(ValueError, match=named):
        kl_inf(*table, HALF_POINT)


@pytest.mark.parametrize(
    "bad", [{"threshold": 1.0}, {"threshold": 9.0, "phi": 0.5}, {"threshold": 9.0, "pairs_per_tick": 0}]
)
def test_plans_are_checked(bad):
    with pytest.raises(ValueError, match="must be"):
        pairs_to_detect(0.02, 0.01, 0.005, HALF_POINT, **bad)

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from detectors.stats import unpaired
from detectors.stats.planning import (
    kl_inf,
    pairs_to_detect,
    sessions_to_detect,
    smallest_detectable,
    smallest_detectable_of_arms,
)
from detectors.stats.shiryaev_roberts import log_statistic, update
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


POINT = Margin(absolute=0.01)


def sessions(rate, share=0.05, **changes):
    return float(sessions_to_detect(rate, 0.02, share, POINT, **{"threshold": 2.6e6, **changes}))


def test_arms_see_nothing_that_the_margin_tolerates():
    assert sessions(0.03) == sessions(0.0) == inf
    assert sessions(0.04) < inf


def test_arms_see_more_harm_sooner_and_all_rates_at_once():
    rates = [0.04, 0.06, 0.1, 0.3, 1.0]
    needed = [sessions(rate) for rate in rates]
    assert needed == sorted(needed, reverse=True)
    assert sessions_to_detect(rates, 0.02, 0.05, POINT, threshold=2.6e6).tolist() == pytest.approx(needed)


def test_arms_of_one_size_need_the_fewest_sessions():
    assert sessions(0.06, 0.5) < sessions(0.06, 0.2) < sessions(0.06, 0.05) < sessions(0.06, 0.01)


@pytest.mark.parametrize(("rate", "n_v", "n_b"), [(0.08, 190, 10), (0.05, 100, 100)])
def test_arms_are_planned_as_folds_of_the_expected_sessions_see_them(rate, n_v, n_b):
    gain = unpaired.log_increments([n_v, n_v * rate, n_b, n_b * 0.02], POINT, 0.02)
    log_r, ticks = np.full(unpaired.BETS, -inf), 0
    while log_statistic(log_r, np.log(unpaired.prior())) < np.log(2.6e6):
        log_r, ticks = update(log_r, gain, cap=inf), ticks + 1
    told = sessions(rate, n_b / (n_v + n_b), sessions_per_tick=n_v + n_b)
    assert told == pytest.approx(ticks * (n_v + n_b), rel=0.35)


def test_phi_and_levels_cost_arms_what_they_cost_pairs():
    assert sessions(0.06, phi=3.0) == pytest.approx(3.0 * sessions(0.06))
    assert sessions(0.06, levels=3) > sessions(0.06)


@pytest.mark.parametrize(("n_v", "n_b"), [(19_000, 1_000), (5_000, 5_000)])
def test_the_smallest_rate_of_arms_takes_just_their_sessions(n_v, n_b):
    rate = smallest_detectable_of_arms(0.02, POINT, 2.6e6, n_v, n_b)
    assert sessions(rate, n_b / (n_v + n_b)) == pytest.approx(n_v + n_b, rel=1e-3)


@pytest.mark.parametrize(("n_v", "n_b"), [(0, 100), (100, 0), (20, 1)])
def test_too_few_sessions_see_nothing(n_v, n_b):
    assert smallest_detectable_of_arms(0.02, POINT, 2.6e6, n_v, n_b) is None


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({"candidate": 1.5}, "candidate"),
        ({"baseline": -0.1}, "baseline"),
        ({"share": 0.0}, "share"),
        ({"share": 1.0}, "share"),
        ({"threshold": 1.0}, "threshold"),
        ({"phi": 0.5}, "phi"),
        ({"sessions_per_tick": 0.0}, "sessions_per_tick"),
    ],
)
def test_plans_of_arms_are_checked(bad, named):
    asked = {"candidate": 0.1, "baseline": 0.02, "share": 0.05, "margin": POINT, "threshold": 1e6, **bad}
    with pytest.raises(ValueError, match=named):
        sessions_to_detect(**asked)

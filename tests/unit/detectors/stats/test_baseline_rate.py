import numpy as np
import pytest

from detectors.stats.baseline_rate import HALF_LIFE_TICKS, BaselineRate, Rates
from detectors.types import ArmCounts


def fold(counts, ticks, state=None):
    state = state or BaselineRate()
    rates = Rates(np.array([[state.bad]]), np.array([[state.n]]))
    for _ in range(ticks):
        rates.observe(bad=np.array([[counts.baseline_bad]]), n=np.array([[counts.baseline_n]]))
    assert rates.expected.item() == BaselineRate(rates.bad.item(), rates.n.item()).expected
    return BaselineRate(rates.bad.item(), rates.n.item())


def test_it_learns_the_baselines_rate_and_ignores_the_candidates():
    learned = fold(ArmCounts(candidate_n=100, candidate_bad=90, baseline_n=100, baseline_bad=3), 500)
    assert learned.expected == pytest.approx(0.03, rel=0.02)


def test_half_of_it_is_forgotten_after_the_half_life():
    state = BaselineRate(bad=64.0, n=1_024.0)
    later = fold(ArmCounts(), HALF_LIFE_TICKS, state)
    assert (later.bad, later.n) == pytest.approx((32.0, 512.0))


def test_it_starts_and_ends_at_one_percent():
    assert BaselineRate().expected == 0.01
    assert fold(ArmCounts(), 3_000, BaselineRate(bad=500.0, n=1_000.0)).expected == pytest.approx(0.01)


@pytest.mark.parametrize(("bad", "clipped"), [(0, 1e-4), (10_000, 0.9)])
def test_it_stays_inside_the_open_interval(bad, clipped):
    assert fold(ArmCounts(baseline_n=10_000, baseline_bad=bad), 100).expected == clipped

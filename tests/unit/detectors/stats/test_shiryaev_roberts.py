from math import exp, inf, log

import numpy as np
import pytest

from detectors.stats.shiryaev_roberts import log_statistic, update


def test_recursion_equals_the_plain_one():
    r, log_r = 0.0, np.array([-inf])
    for s in (0.3, -1.0, 0.0, 2.5, -0.2):
        r = (1 + r) * exp(s)
        log_r = update(log_r, np.array([s]))
    assert log_r[0] == pytest.approx(log(r))


def test_empty_ticks_add_one_each():
    log_r = np.array([-inf])
    for _ in range(10):
        log_r = update(log_r, np.zeros(1))
    assert exp(log_r[0]) == pytest.approx(10.0)


def test_tempering_comes_before_the_cap():
    assert update(np.array([-inf]), np.array([8.0]), cap=3.0, phi=2.0)[0] == pytest.approx(3.0)
    assert update(np.array([-inf]), np.array([4.0]), cap=3.0, phi=2.0)[0] == pytest.approx(2.0)


def test_tempered_and_capped_factor_has_mean_at_most_one():
    s, p = np.array([log(1.9), log(0.1)]), np.array([0.5, 0.5])
    for cap in (0.1, 1.0, inf):
        for phi in (1.0, 1.7, 40.0):
            assert p @ np.exp(update(np.full(2, -inf), s, cap=cap, phi=phi)) <= 1.0 + 1e-12


def test_huge_values_stay_finite():
    log_r = update(np.array([1e6, -1e6]), np.array([1e6, -1e6]), cap=inf)
    assert np.isfinite(log_r).all()


def test_statistic_is_the_weighted_sum():
    found = log_statistic(np.array([log(4.0), log(8.0)]), np.log([0.25, 0.75]))
    assert found == pytest.approx(log(7.0))
    assert log_statistic(np.full(2, -inf), np.log([0.5, 0.5])) == -inf


@pytest.mark.parametrize(("cap", "phi", "named"), [(0.0, 1.0, "cap"), (3.0, 0.9, "phi"), (3.0, float("nan"), "phi")])
def test_parameters_are_checked(cap, phi, named):
    with pytest.raises(ValueError, match=named):
        update(np.zeros(1), np.zeros(1), cap=cap, phi=phi)

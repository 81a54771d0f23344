from inspect import signature
from math import inf, nan

import numpy as np
import pytest
from scipy.stats import anderson_ksamp, ks_2samp

from detectors.stats.equality import MOST_EXACT, anderson_darling, kolmogorov_smirnov


def samples(seed, sizes=(40, 70), *, ties=False):
    rng = np.random.default_rng(seed)
    one, other = rng.lognormal(0, 1, sizes[0]), rng.lognormal(0.2, 1, sizes[1])
    return (one.round(1), other.round(1)) if ties else (one, other)


@pytest.mark.parametrize("seed", range(3))
def test_d_is_scipys(seed):
    one, other = samples(seed)
    expected = ks_2samp(one, other)
    assert kolmogorov_smirnov(one, other) == pytest.approx((expected.statistic, expected.pvalue))


def scipy_a2(one, other):
    """SciPy's statistic is A^2 standardised: (A^2 - 1) / sigma of the sample sizes."""
    chosen = {"variant": "midrank"} if "variant" in signature(anderson_ksamp).parameters else {}
    return anderson_ksamp([one, other], **chosen).statistic


@pytest.mark.filterwarnings("ignore:p-value")
@pytest.mark.parametrize("ties", [False, True])
def test_a_squared_is_scipys_before_standardising(ties):
    sigmas = []
    for seed in range(5):
        one, other = samples(seed, ties=ties)
        sigmas.append((anderson_darling(one, other) - 1.0) / scipy_a2(one, other))
    assert sigmas == pytest.approx([sigmas[0]] * 5, rel=1e-9)
    assert 0.7 < sigmas[0] < 0.8  # sqrt(2 (pi^2 - 9) / 3) = 0.76 in large samples


def test_a_squared_has_mean_one_and_the_stated_tail_for_equal_distributions():
    rng = np.random.default_rng(11)
    found = np.array([anderson_darling(rng.random(80), rng.random(120)) for _ in range(1_500)])
    assert found.mean() == pytest.approx(1.0, abs=0.07)
    assert np.mean(found > 2.492) == pytest.approx(0.05, abs=0.02)


def test_time_outs_are_the_largest_values():
    d, _ = kolmogorov_smirnov([1, 2, 3, inf], [1, 2, 3, 4])
    assert d == 0.25
    assert anderson_darling([1, 2, 3, inf], [1, 2, 3, 4]) == pytest.approx(anderson_darling([1, 2, 3, 9], [1, 2, 3, 4]))


def test_large_windows_are_asymptotic_and_cheap():
    one, other = samples(1, (MOST_EXACT + 1, 20))
    assert kolmogorov_smirnov(one, other)[1] == pytest.approx(ks_2samp(one, other, method="asymp").pvalue)


@pytest.mark.parametrize("call", [kolmogorov_smirnov, anderson_darling])
def test_errors_name_the_rule(call):
    with pytest.raises(ValueError, match="candidate must hold at least 1 value"):
        call([], [1.0])
    with pytest.raises(ValueError, match="baseline must hold at least 1 value and no nan"):
        call([1.0], [nan])


def test_equal_values_have_no_order():
    with pytest.raises(ValueError, match="must not all be equal"):
        anderson_darling([1.0], [1.0, 1.0])

"""Intervals against published numbers, SciPy and a brute-force inversion."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest, norm

from detectors.stats.intervals import difference, paired_difference, rate_interval, unpaired_difference
from detectors.types import ArmCounts, PairCounts

# contingencytables::Tango_asymptotic_score_CI_paired_2x2(bentur_2009), Fagerland et al. 2014, table VI:
# a = 1, b = 1, c = 7, d = 12
BENTUR = (PairCounts(1, 1, 7, 12), -0.286, -0.517, -0.026)


def test_published_airway_example():
    counts, estimate, low, high = BENTUR
    found = paired_difference(counts)
    assert (found.estimate, found.low, found.high) == pytest.approx((estimate, low, high), abs=5e-4)


def likelihood_score(counts, delta):
    """Score statistic with the restricted maximum likelihood found numerically, not by the closed form."""
    n, b, c = counts.n, counts.n10, counts.n01
    low, high = max(0.0, -delta), (1.0 - delta) / 2.0

    def loss(q):
        cells = np.array([q + delta, q, 1.0 - delta - 2.0 * q])
        return -float(np.array([b, c, n - b - c]) @ np.log(np.maximum(cells, 1e-300)))

    q = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x
    return (b - c - n * delta) / np.sqrt(n * (2.0 * q + delta - delta * delta))


@pytest.mark.parametrize(
    "counts",
    [
        PairCounts(36, 12, 2, 0),
        PairCounts(53, 40, 20, 47),
        PairCounts(2, 9, 3, 86),
        PairCounts(0, 1, 0, 43),
        PairCounts(10, 200, 120, 9_670),
    ],
    ids=str,
)
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_bounds_are_where_the_score_test_starts_to_reject(counts, level):
    found = paired_difference(counts, level)
    z = norm.ppf((1 + level) / 2)
    assert likelihood_score(counts, found.low) == pytest.approx(z, abs=2e-3)
    assert likelihood_score(counts, found.high) == pytest.approx(-z, abs=2e-3)


@pytest.mark.parametrize("n", [1, 20, 500])
def test_zero_discordance_has_a_closed_form(n):
    # Without discordant pairs the bounds are plus and minus z squared over n plus z squared.
    z = norm.ppf(0.975)
    found = paired_difference(PairCounts(n00=n))
    assert (found.low, found.high) == pytest.approx((-z * z / (n + z * z), z * z / (n + z * z)), abs=1e-9)


@pytest.mark.parametrize("counts", [PairCounts(n10=5), PairCounts(n01=5), PairCounts(n11=5), PairCounts(n10=1)])
def test_degenerate_tables_stay_inside_the_range(counts):
    found = paired_difference(counts)
    assert -1.0 <= found.low <= found.estimate <= found.high <= 1.0
    assert found.low < found.high


@pytest.mark.parametrize(("bad", "n"), [(0, 10), (1, 10), (10, 10), (7, 1_000), (500, 1_000)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_equals_scipy(bad, n, level):
    expected = binomtest(bad, n).proportion_ci(level, method="wilson")
    found = rate_interval(bad, n, level)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: paired_difference(PairCounts()), "counts"),
        (lambda: paired_difference(PairCounts(n00=1), 1.0), "level"),
        (lambda: rate_interval(0, 0), "n must"),
        (lambda: rate_interval(3, 2), "bad"),
        (lambda: rate_interval(1, 2, 0.0), "level"),
    ],
)
def test_arguments_are_checked(call, named):
    with pytest.raises(ValueError, match=named):
        call()


# Newcombe 1998, Statistics in Medicine 17:873, table II, method 10
NEWCOMBE = [
    (ArmCounts(70, 56, 80, 48), 0.0524, 0.3339),
    (ArmCounts(10, 9, 10, 3), 0.1705, 0.8090),
    (ArmCounts(7, 6, 7, 2), 0.0582, 0.8062),
    (ArmCounts(56, 5, 29, 0), -0.0381, 0.1926),
    (ArmCounts(10, 0, 20, 0), -0.1611, 0.2775),
    (ArmCounts(10, 0, 10, 0), -0.2775, 0.2775),
    (ArmCounts(10, 10, 20, 0), 0.6791, 1.0),
    (ArmCounts(10, 10, 10, 0), 0.6075, 1.0),
]


@pytest.mark.parametrize(("counts", "low", "high"), NEWCOMBE, ids=str)
def test_published_differences_of_two_samples(counts, low, high):
    found = unpaired_difference(counts)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert found.estimate == pytest.approx(
        counts.candidate_bad / counts.candidate_n - counts.baseline_bad / counts.baseline_n
    )
    assert difference(counts) == found


@pytest.mark.parametrize(("counts", "named"), [(ArmCounts(0, 0, 5, 0), "candidate_n"), (ArmCounts(5), "baseline_n")])
def test_two_samples_need_both(counts, named):
    with pytest.raises(ValueError, match=named):
        unpaired_difference(counts)

from itertools import product
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binom, binomtest, fisher_exact, multinomial, norm

from detectors.stats.exact import MOST_ANSWERS, MOST_PAIRS, paired_test, unpaired_test
from detectors.stats.intervals import paired_difference
from detectors.types import ArmCounts, Margin, PairCounts


def boschloo_by_hand(counts):
    """Fisher's p-value as the statistic, maximised over a fine grid of the common rate."""
    n_v, x_v, n_b, x_b = counts.cells

    def fisher(x, y):
        return fisher_exact([[x, y], [n_v - x, n_b - y]], alternative="greater").pvalue

    least = fisher(x_v, x_b)
    extreme = [(x, y) for x, y in product(range(n_v + 1), range(n_b + 1)) if fisher(x, y) <= least * (1 + 1e-9)]
    xs, ys = np.array(extreme).T
    return max((binom.pmf(xs, n_v, p) * binom.pmf(ys, n_b, p)).sum() for p in np.linspace(0.001, 0.999, 999))


@pytest.mark.parametrize("cells", [(12, 5, 15, 1), (20, 9, 10, 1), (9, 9, 9, 3), (15, 2, 15, 4)], ids=str)
def test_small_samples_are_boschloos(cells):
    counts = ArmCounts(*cells)
    found = unpaired_test(counts)
    assert (found.method, found.exact) == ("boschloo", True)
    assert found.p_value == pytest.approx(boschloo_by_hand(counts), rel=2e-3)


@pytest.mark.parametrize("cells", [(20, 0, 20, 0), (20, 20, 30, 30)])
def test_one_outcome_only_is_no_evidence(cells):
    assert unpaired_test(ArmCounts(*cells)).p_value == 1.0


@pytest.mark.parametrize("margin", [Margin(absolute=0.01), Margin(relative=0.5), Margin(0.02, 0.2), Margin()], ids=str)
@pytest.mark.parametrize("cells", [(900, 40, 700, 12), (300, 3, 400, 9), (250, 0, 250, 4), (250, 4, 250, 0)], ids=str)
def test_large_samples_are_the_score_test_at_the_restricted_maximum(margin, cells):
    n_v, x_v, n_b, x_b = cells
    slope, m = 1 + margin.relative, margin.absolute

    def loss(t):
        f = slope * t + m
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = [x_v, n_v - x_v, x_b, n_b - x_b] * np.log([f, 1 - f, t, 1 - t])
        return -np.nansum(parts)

    t = minimize_scalar(loss, bounds=(1e-12, (1 - m) / slope - 1e-12), method="bounded", options={"xatol": 1e-12}).x
    f = slope * t + m
    z = (x_v / n_v - slope * x_b / n_b - m) / np.sqrt(f * (1 - f) / n_v + slope**2 * t * (1 - t) / n_b)
    found = unpaired_test(ArmCounts(*cells), margin)
    assert (found.method, found.exact) == ("score", False)
    assert found.p_value == pytest.approx(norm.sf(z), rel=1e-3)


@pytest.mark.parametrize(("n10", "n01"), [(0, 0), (7, 1), (3, 9), (40, 20)])
def test_without_a_margin_pairs_are_mcnemars(n10, n01):
    found = paired_test(PairCounts(n11=3, n10=n10, n01=n01, n00=50))
    expected = binomtest(n10, n10 + n01, alternative="greater").pvalue if n10 + n01 else 1.0
    assert found.method == "mcnemar"
    assert found.p_value == pytest.approx(expected)


def unconditional_by_hand(counts, m):
    """Every table of n pairs, ordered by Tango's statistic with its nuisance found numerically, on a fine grid."""

    def statistic(b, c):
        n = counts.n
        linear = (2 * n - b + c) * m - b - c
        q = (np.sqrt(linear**2 + 8 * n * c * m * (1 - m)) - linear) / (4 * n)
        return (b - c - n * m) / np.sqrt(n * (2 * q + m * (1 - m)))

    n, least = counts.n, statistic(counts.n10, counts.n01)
    tables = [(b, c) for b, c in product(range(n + 1), repeat=2) if b + c <= n and statistic(b, c) >= least - 1e-9]
    rows = np.array([(b, c, n - b - c) for b, c in tables])
    nuisance = np.linspace(0, (1 - m) / 2, 600)
    return max(multinomial.pmf(rows, n, [q + m, q, max(0.0, 1 - 2 * q - m)]).sum() for q in nuisance)


@pytest.mark.parametrize("m", [0.02, 0.1, 0.4])
@pytest.mark.parametrize(
    "counts", [PairCounts(1, 7, 1, 12), PairCounts(0, 3, 0, 20), PairCounts(2, 5, 5, 10), PairCounts(0, 12, 0, 0)]
)
def test_with_a_margin_small_samples_are_the_unconditional_maximum(counts, m):
    found = paired_test(counts, Margin(absolute=m))
    assert (found.method, found.exact) == ("unconditional", True)
    assert found.p_value == pytest.approx(unconditional_by_hand(counts, m), abs=2e-4)


@pytest.mark.parametrize(
    ("m", "excess", "q"), [(0.05, 0.05, 0.02), (0.05, 0.05, 0.2), (0.2, 0.2, 0.1), (0.05, 0.0, 0.3), (0.2, 0.15, 0.2)]
)
def test_the_unconditional_test_keeps_its_level_at_the_margin_and_within(m, excess, q):
    n, alpha, size = 15, 0.05, 0.0
    for b, c in product(range(n + 1), repeat=2):
        if b + c <= n and paired_test(PairCounts(n10=b, n01=c, n00=n - b - c), Margin(absolute=m)).p_value <= alpha:
            size += multinomial.pmf([b, c, n - b - c], n, [q + excess, q, 1 - 2 * q - excess])
    assert 0.0 < size <= alpha


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 80), st.integers(0, 80), st.integers(0, 300), st.sampled_from([0.0, 0.01, 0.1]))
def test_more_failures_of_the_candidate_never_raise_the_p_value(n10, n01, n00, m):
    worse = PairCounts(n10=n10, n01=n01, n00=n00)
    better = PairCounts(n10=n10 - 1, n01=n01, n00=n00 + 1)
    assert paired_test(worse, Margin(absolute=m)).p_value <= paired_test(better, Margin(absolute=m)).p_value + 1e-6


def test_many_pairs_agree_with_tangos_interval():
    counts, margin = PairCounts(40, 70, 30, 2_000), Margin(absolute=0.005)
    found = paired_test(counts, margin)
    assert (found.method, found.exact) == ("score", False)
    level = 1 - 2 * found.p_value  # the interval of this level ends at the margin
    assert paired_difference(counts, level).low == pytest.approx(margin.absolute, abs=1e-7)


def test_cost_is_bounded():
    begin = perf_counter()
    unpaired_test(ArmCounts(MOST_ANSWERS, 120, MOST_ANSWERS, 90))
    paired_test(PairCounts(20, 60, 40, MOST_PAIRS - 120), Margin(absolute=0.02))
    assert perf_counter() - begin < 20.0
    assert unpaired_test(ArmCounts(10**7, 60_000, 10**7, 50_000)).method == "score"
    assert paired_test(PairCounts(0, 6_000, 5_000, 10**7), Margin(absolute=0.001)).method == "score"


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: unpaired_test(ArmCounts(0, 0, 5, 1)), "candidate_n must be >= 1"),
        (lambda: unpaired_test(ArmCounts(5, 1, 0, 0)), "baseline_n must be >= 1"),
        (lambda: paired_test(PairCounts()), "at least 1 pair"),
        (lambda: paired_test(PairCounts(n10=1), Margin(relative=0.1)), "relative must be 0"),
    ],
)
def test_errors_name_the_rule(call, named):
    with pytest.raises(ValueError, match=named):
        call()

from math import log

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from detectors.stats import unpaired
from detectors.types import ArmCounts, Margin

MARGINS = [Margin(), Margin(absolute=0.005), Margin(relative=0.5), Margin(absolute=0.02, relative=0.15)]
SIZES = [(100, 100), (500, 100), (100, 500), (1, 1), (7, 3)]


def divergence(a, p):
    return a * log(a / p) + (1 - a) * log((1 - a) / (1 - p))


def by_search(cells, margin, rate, alternative):
    """The formula with the projection found by SciPy instead of our own root."""
    n_v, x_v, n_b, x_b = cells

    def f(t):
        return (1 + margin.relative) * t + margin.absolute

    found = minimize_scalar(
        lambda t: n_v * divergence(alternative, f(t)) + n_b * divergence(rate, t),
        bounds=(1e-9, (1 - margin.absolute) / (1 + margin.relative) - 1e-9),
        method="bounded",
        options={"xatol": 1e-13},
    )
    t = found.x
    return (
        x_v * log(alternative / f(t))
        + (n_v - x_v) * log((1 - alternative) / (1 - f(t)))
        + x_b * log(rate / t)
        + (n_b - x_b) * log((1 - rate) / (1 - t))
    )


@pytest.mark.parametrize("margin", MARGINS, ids=str)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_increments_are_the_formula_at_the_projection(margin, sizes):
    n_v, n_b = sizes
    cells, rate = (n_v, n_v // 3, n_b, n_b // 5), 0.02
    tolerated = (1 + margin.relative) * rate + margin.absolute
    harm = unpaired.log_increments(cells, margin, rate)
    safe = unpaired.safe_log_increments(cells, margin, rate)
    for j, excess in enumerate(unpaired.EXCESSES):
        worse = tolerated + excess * max(rate, margin.absolute)
        assert harm[j] == pytest.approx(by_search(cells, margin, rate, worse), rel=1e-5, abs=1e-5)
        better = tolerated / (1 + excess)
        if better > margin.absolute or n_b > n_v:
            assert safe[j] == pytest.approx(by_search(cells, margin, rate, better), rel=1e-4, abs=1e-4)


def test_without_a_margin_the_projection_is_the_mean_rate():
    # Turner, Ly and Grunwald 2021, section 2: for equal rates t is the alternative's rate over both arms.
    rate, (n_v, x_v, n_b, x_b) = 0.1, (30, 9, 90, 8)
    v = rate * 1.6
    t = (n_v * v + n_b * rate) / (n_v + n_b)
    expected = x_v * log(v / t) + (n_v - x_v) * log((1 - v) / (1 - t))
    expected += x_b * log(rate / t) + (n_b - x_b) * log((1 - rate) / (1 - t))
    assert unpaired.log_increments([n_v, x_v, n_b, x_b], Margin(), rate)[2] == pytest.approx(expected)


@pytest.mark.parametrize("cells", [(50, 50, 0, 0), (50, 0, 0, 0), (0, 0, 50, 0), (0, 0, 50, 50), (0, 0, 0, 0)])
@pytest.mark.parametrize("margin", MARGINS, ids=str)
def test_an_empty_arm_says_exactly_nothing(cells, margin):
    assert unpaired.log_increments(cells, margin, 0.01).tolist() == [0.0] * 6
    assert unpaired.safe_log_increments(cells, margin, 0.01).tolist() == [0.0] * 6
    assert unpaired.contrast(cells).tolist() == [0.0] * 3


@pytest.mark.parametrize("margin", MARGINS, ids=str)
def test_harm_helps_one_claim_and_hurts_the_other(margin):
    harmful = ArmCounts(candidate_n=200, candidate_bad=40, baseline_n=200, baseline_bad=2).cells
    assert unpaired.log_increments(harmful, margin, 0.01).max() > 5
    assert (unpaired.safe_log_increments(harmful, margin, 0.01) < 0).all()
    healthy = ArmCounts(candidate_n=2_000, candidate_bad=2, baseline_n=2_000, baseline_bad=40).cells
    assert (unpaired.log_increments(healthy, margin, 0.01) < 0).all()
    assert unpaired.safe_log_increments(healthy, margin, 0.01).max() > 1


def test_nothing_exceeds_a_tolerated_rate_of_one():
    wide = Margin(absolute=0.5, relative=1.0)
    assert not unpaired.log_increments([100, 100, 100, 0], wide, 0.3).any()
    assert not unpaired.safe_log_increments([100, 0, 100, 100], wide, 0.3).any()
    assert unpaired.log_increments([100, 100, 100, 0], wide, 0.1).all()


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, float("nan")])
def test_the_rate_is_checked(rate):
    with pytest.raises(ValueError, match=r"rate must be in \(0, 1\)"):
        unpaired.log_increments([1, 0, 1, 0], Margin(), rate)


def test_streams_may_be_computed_together():
    rng = np.random.default_rng(5)
    sizes = rng.integers(0, 300, (4, 50, 2))
    cells = np.stack(
        [sizes[..., 0], rng.binomial(sizes[..., 0], 0.05), sizes[..., 1], rng.binomial(sizes[..., 1], 0.05)]
    )
    cells, rates = np.moveaxis(cells, 0, -1), rng.uniform(1e-4, 0.9, (4, 50))
    for increments in (unpaired.log_increments, unpaired.safe_log_increments):
        together = increments(cells, Margin(absolute=0.01), rates)
        assert together.shape == (4, 50, 6)
        alone = increments(cells[2, 7], Margin(absolute=0.01), rates[2, 7])
        assert together[2, 7] == pytest.approx(alone, rel=1e-9, abs=1e-12)


def test_the_contrast_is_the_mantel_haenszel_one():
    d, weight, _ = unpaired.contrast([40, 6, 160, 4])
    expected_bad = 40 * 10 / 200
    assert d == pytest.approx(6 - expected_bad)
    assert weight == pytest.approx(40 * 160 / 200)


@pytest.mark.parametrize(("n_v", "n_b"), [(100, 100), (20, 100), (100, 20), (2, 2), (1, 1), (1, 3)])
@pytest.mark.parametrize(("p_v", "p_b"), [(0.1, 0.1), (0.15, 0.1), (0.05, 0.2)])
def test_the_contrasts_mean_and_variance_are_right(n_v, n_b, p_v, p_b):
    rng, ticks = np.random.default_rng(8), 200_000
    sizes = np.full(ticks, n_v), np.full(ticks, n_b)
    cells = np.stack([sizes[0], rng.binomial(n_v, p_v, ticks), sizes[1], rng.binomial(n_b, p_b, ticks)], axis=-1)
    d, weight, variance = unpaired.contrast(cells).mean(axis=0)
    h = n_v * n_b / (n_v + n_b)
    assert weight == pytest.approx(h)
    assert d == pytest.approx(h * (p_v - p_b), abs=4 * unpaired.contrast(cells)[:, 0].std() / ticks**0.5)
    true = h * h * (p_v * (1 - p_v) / n_v + p_b * (1 - p_b) / n_b)
    if min(n_v, n_b) > 1 or p_v == p_b:
        assert variance == pytest.approx(true, rel=0.02)


def test_prior_sums_to_one():
    assert unpaired.prior().sum() == pytest.approx(1.0)

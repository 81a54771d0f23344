from math import log

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from detectors.stats import reference
from detectors.stats.unpaired import EXCESSES
from detectors.types import Margin


@pytest.mark.parametrize(("bad", "n"), [(0, 10), (3, 1_000), (40, 50), (7, 7)])
@pytest.mark.parametrize("confidence", [0.95, 0.999])
def test_the_bound_is_scipys(bad, n, confidence):
    expected = binomtest(bad, n, alternative="less").proportion_ci(confidence, "exact").high
    assert reference.upper_bound(bad, n, confidence) == pytest.approx(expected)


def test_without_a_reference_nothing_can_be_found():
    bound = reference.upper_bound(0, 0)
    assert bound == 1.0
    assert not reference.log_increments([100, 100], Margin(), bound).any()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((1, -1), "n must"), ((2, 1), "bad"), ((-1, 1), "bad"), ((0, 1, 1.0), "confidence")],
)
def test_the_bounds_arguments_are_checked(arguments, named):
    with pytest.raises(ValueError, match=named):
        reference.upper_bound(*arguments)


@pytest.mark.parametrize("bound", [0.0, 1.1])
def test_a_bound_is_a_rate(bound):
    with pytest.raises(ValueError, match="bound"):
        reference.log_increments([1, 0], Margin(), bound)


def test_increments_are_the_log_likelihood_ratio():
    found = reference.log_increments([50, 4], Margin(absolute=0.01, relative=0.5), 0.02)
    for j, excess in enumerate(EXCESSES):
        v = 0.04 + excess * 0.04
        assert found[j] == pytest.approx(4 * log(v / 0.04) + 46 * log((1 - v) / 0.96))


@pytest.mark.parametrize("margin", [Margin(), Margin(absolute=0.02), Margin(relative=1.0)], ids=str)
@pytest.mark.parametrize("bound", [0.001, 0.2, 0.45])
def test_no_bet_gains_within_the_tolerance(margin, bound):
    n = 30
    tick = np.stack([np.full(n + 1, n), np.arange(n + 1)], axis=-1)
    factors = np.exp(reference.log_increments(tick, margin, np.full(n + 1, bound)))
    tolerated = (1 + margin.relative) * bound + margin.absolute
    for share in (0.0, 0.3, 0.9):
        assert (binom.pmf(np.arange(n + 1), n, share * tolerated) @ factors <= 1 + 1e-12).all()
    assert binom.pmf(np.arange(n + 1), n, tolerated) @ factors == pytest.approx(np.ones(6))


def test_an_empty_tick_says_nothing():
    assert not reference.log_increments([0, 0], Margin(), 0.1).any()

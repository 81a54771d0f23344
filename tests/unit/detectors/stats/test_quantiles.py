from collections import Counter
from math import inf, isnan

import numpy as np
import pytest
from scipy.stats import binom, binomtest, norm

from detectors.stats.latency import GAMMA, OVERFLOW_BIN, bin_of, margin_bins, pool, tail_thresholds
from detectors.stats.quantiles import quantile_interval, quantile_ranks, quantile_ratio_interval
from detectors.stats.sketch import Sketch


@pytest.mark.parametrize("n", [1, 10, 59, 300, 5_000])
@pytest.mark.parametrize("q", [0.5, 0.9, 0.99])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_ranks_miss_on_each_side_with_half_of_alpha_and_no_rank_less_would_do(n, q, level):
    low, high = quantile_ranks(n, q, level)
    tail = (1 - level) / 2
    assert binom.cdf(low - 1, n, q) < tail <= binom.cdf(low, n, q)
    assert binom.sf(high - 1, n, q) <= tail < binom.sf(high - 2, n, q) or low == high - 1


def test_the_interval_encloses_the_order_statistics():
    values = np.sort(np.random.default_rng(7).lognormal(5, 1, 3_000))
    low, high = quantile_ranks(3_000, 0.95)
    found = quantile_interval(Sketch.of(values), 0.95)
    assert found.low <= values[low - 1] < found.low * GAMMA * (1 + 1e-9)
    assert found.high / GAMMA * (1 - 1e-9) <= values[high - 1] < found.high
    assert found.low <= found.estimate <= found.high


def test_too_few_values_bound_nothing_and_time_outs_have_no_upper_bound():
    assert quantile_interval(Sketch.of(range(1, 101)), 0.99).high == inf
    assert quantile_interval(Sketch.of([5.0]), 0.5).low == -inf
    assert quantile_interval(Sketch.of([10.0] * 900 + [inf] * 100), 0.95).high == inf


@pytest.mark.calibration
def test_intervals_cover():
    rng, runs, n = np.random.default_rng(20_261_121), 150, 600
    true, single, ratio = np.exp(5 + 0.6 * norm.ppf(0.95)), 0, 0
    for _ in range(runs):
        prompt = rng.normal(2.5, 0.4, n)  # what both arms share
        base, candidate = (np.exp(prompt + rng.normal(2.5, np.sqrt(0.6**2 - 0.4**2), n)) for _ in range(2))
        interval = quantile_interval(Sketch.of(base), 0.95)
        single += interval.low <= true < interval.high
        pairs = Counter(zip(map(bin_of, 1.15 * candidate), map(bin_of, base), strict=True))
        found = quantile_ratio_interval(pairs, 0.95)
        ratio += found.low <= 1.15 <= found.high
    assert binomtest(single, runs, 0.95, "less").pvalue > 0.001
    assert binomtest(ratio, runs, 0.95, "less").pvalue > 0.001


def by_hand(pairs, shift, q):
    """p-value of one shift from the module ``latency`` and SciPy."""
    candidate, baseline = Counter(), Counter()
    for (v, b), count in pairs.items():
        candidate[v] += count
        baseline[b] += count
    (edge,) = tail_thresholds(pool(candidate, baseline, shift), levels=(q,), minimum=1)
    slow = {(v, b): (v >= min(edge + shift, OVERFLOW_BIN), b >= edge) for v, b in pairs}
    n10 = sum(count for pair, count in pairs.items() if slow[pair] == (True, False))
    n01 = sum(count for pair, count in pairs.items() if slow[pair] == (False, True))
    return binomtest(n10, n10 + n01).pvalue if n10 + n01 else 1.0


def test_the_ratio_interval_inverts_the_exceedance_test():
    rng = np.random.default_rng(3)
    base = rng.lognormal(5, 0.7, 800)
    slow = base * 1.3 * rng.lognormal(0, 0.2, 800)
    pairs = Counter(zip(map(bin_of, slow), map(bin_of, base), strict=True))
    kept = [shift for shift in range(-60, 61) if by_hand(pairs, shift, 0.9) > 0.05]
    found = quantile_ratio_interval(pairs, 0.9)
    assert found.low == pytest.approx(GAMMA ** (kept[0] - 1))
    assert found.high == pytest.approx(GAMMA ** (kept[-1] + 1))
    assert found.low < 1.3 < found.high
    assert kept[0] > margin_bins(0.1)


def test_swapping_the_arms_inverts_the_interval():
    rng = np.random.default_rng(5)
    pairs = Counter(zip(rng.integers(200, 260, 500).tolist(), rng.integers(190, 250, 500).tolist(), strict=True))
    one = quantile_ratio_interval(pairs, 0.9)
    other = quantile_ratio_interval(Counter({(b, v): count for (v, b), count in pairs.items()}), 0.9)
    assert one.estimate == pytest.approx(1 / other.estimate)
    assert one.low == pytest.approx(1 / other.high, rel=0.05)
    assert one.high == pytest.approx(1 / other.low, rel=0.05)


def test_few_pairs_and_time_outs():
    assert quantile_ratio_interval({(100, 100): 2}, 0.9).low == 0.0
    assert quantile_ratio_interval({(100, 100): 2}, 0.9).high == inf
    assert isnan(quantile_ratio_interval({(OVERFLOW_BIN, OVERFLOW_BIN): 50}, 0.9).estimate)
    dead = quantile_ratio_interval({(OVERFLOW_BIN, 100): 50}, 0.9)
    assert (dead.estimate, dead.high) == (inf, inf)
    assert dead.low > 900  # slower whatever factor is allowed for
    alive = quantile_ratio_interval({(100, OVERFLOW_BIN): 50}, 0.9)
    assert alive.low == 0.0
    assert alive.high < 1 / 900
    assert quantile_ratio_interval({(100, OVERFLOW_BIN): 50}, 0.9).estimate == 0.0


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: quantile_ranks(0, 0.5), "n must be >= 1"),
        (lambda: quantile_ranks(5, 1.0), "q must be in"),
        (lambda: quantile_ranks(5, 0.5, 1.0), "level must be in"),
        (lambda: quantile_interval(Sketch(), 0.5), "n must be >= 1"),
        (lambda: quantile_ratio_interval({}, 0.5), "at least 1 pair"),
        (lambda: quantile_ratio_interval({(1, 1): 0}, 0.5), "counts must be >= 1"),
        (lambda: quantile_ratio_interval({(1, 9_999): 1}, 0.5), "bins must be in"),
        (lambda: quantile_ratio_interval({(1, 1): 1}, 0.0), "q must be in"),
    ],
)
def test_errors_name_the_rule(call, named):
    with pytest.raises(ValueError, match=named):
        call()

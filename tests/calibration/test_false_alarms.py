"""Seeded simulations of the promises: false alarms within the budget, delay close to the optimum."""

from math import inf

import numpy as np
import pytest
from scipy.stats import binom

from detectors.stats import inflation, paired, shiryaev_roberts
from detectors.stats.planning import kl_inf, pairs_to_detect
from detectors.types import Margin
from tests.support.cusum import optimal_delay

pytestmark = pytest.mark.calibration

PAIRS = 100
STREAMS, TICKS, PROMISE = 2_000, 1_000, 0.05
THRESHOLD = TICKS / PROMISE
CONFIDENCE = 0.999
LOG_WEIGHTS = np.log(paired.prior())


def table(candidate, baseline, shared):
    """Cell probabilities n11, n10, n01, n00; both arms fail together in ``shared`` of the rarer failures."""
    both = shared * np.minimum(candidate, baseline)
    return np.stack([both, candidate - both, baseline - both, 1 - candidate - baseline + both], axis=-1)


def alarms(ticks, margin, *, threshold, cap=3.0, phi=1.0):
    """Yield per tick which streams alarm, reset at each alarm; ``ticks`` yields counts (streams, 4)."""
    log_r = None
    for counts in ticks:
        if log_r is None:
            log_r = np.full((len(counts), paired.BETS), -inf)
        log_r = shiryaev_roberts.update(log_r, counts @ paired.coefficients(margin), cap=cap, phi=phi)
        alarm = np.logaddexp.reduce(log_r + LOG_WEIGHTS, axis=1) >= np.log(threshold)
        log_r[alarm] = -inf
        yield alarm


def baseline_rates(kind, rng):
    """Baseline rate per tick; everything here happens to both arms at once."""
    tick = np.arange(TICKS)
    if kind == "drift":
        return 0.01 * (1 + 0.8 * np.sin(tick / 40)) * np.where(tick > TICKS / 2, 2.0, 1.0)
    if kind == "common bursts":
        return np.where(np.repeat(rng.random(TICKS // 20) < 0.1, 20), 0.1, 0.01)
    return np.full(TICKS, 0.01)


@pytest.mark.parametrize("kind", ["steady", "drift", "common bursts"])
@pytest.mark.parametrize("margin", [Margin(absolute=0.005), Margin(), Margin(relative=0.5)], ids=str)
def test_false_alarms_at_the_margin_stay_within_the_budget(kind, margin):
    rng = np.random.default_rng(20_240_601)
    rates = baseline_rates(kind, rng)
    ticks = (
        rng.multinomial(PAIRS, table((1 + margin.relative) * rate + margin.absolute, rate, 0.5), size=STREAMS)
        for rate in rates
    )
    count = sum(alarms(ticks, margin, threshold=THRESHOLD))
    alarmed = int((count > 0).sum())
    assert alarmed <= binom.ppf(CONFIDENCE, STREAMS, PROMISE), f"{alarmed / STREAMS:.4f} of {PROMISE} promised"
    assert count.mean() <= PROMISE + 3.1 * count.std() / STREAMS**0.5
    assert alarmed >= 0.1 * PROMISE * STREAMS, "a budget that is never used means a test that sees nothing"


def bursts(rng, streams, ticks, length=12, share=0.1, quiet=0.01, burst=0.05):
    """Rates of one arm with bursts of its own, a tick a row."""
    blocks = rng.random((ticks // length + 2, streams)) < share
    offset = rng.integers(length, size=streams)
    rows = (np.arange(ticks)[:, None] + offset) // length
    return np.where(np.take_along_axis(blocks, rows, axis=0), burst, quiet)


def learned_phi(rng, ticks=12_000):
    state = inflation.InflationState()
    candidate, baseline = bursts(rng, 1, ticks)[:, 0], bursts(rng, 1, ticks)[:, 0]
    for x, y in zip(candidate, baseline, strict=True):
        _, n10, n01, _ = rng.multinomial(PAIRS, table(x, y, 0.0))
        state = inflation.observe(state, n10 - n01, PAIRS, n10 + n01, hold=False)
    return float(np.mean([phi for _, phi in state.pending] or [inflation.estimate(state)]))


def test_bursts_of_one_arm_are_tempered():
    rng = np.random.default_rng(7)
    streams, ticks = 400, 1_000
    threshold = ticks / PROMISE
    candidate, baseline = bursts(rng, streams, ticks), bursts(rng, streams, ticks)
    counts = [rng.multinomial(PAIRS, table(x, y, 0.0)) for x, y in zip(candidate, baseline, strict=True)]
    untempered = sum(alarms(counts, Margin(), threshold=threshold))
    tempered = sum(alarms(counts, Margin(), threshold=threshold, phi=learned_phi(rng)))
    assert (untempered > 0).mean() > 5 * PROMISE, "the fault that tempering is for"
    assert (tempered > 0).sum() <= binom.ppf(CONFIDENCE, streams, PROMISE)


def test_safe_certificates_of_a_harmful_candidate_are_rare():
    rng = np.random.default_rng(11)
    margin, runs = Margin(absolute=0.005), 4_000
    log_e, best = np.zeros((runs, paired.BETS)), np.full(runs, -inf)
    for _ in range(300):
        counts = rng.multinomial(PAIRS, table(0.015, 0.01, 0.5), size=runs)
        log_e += counts @ paired.safe_coefficients(margin)
        best = np.maximum(best, np.logaddexp.reduce(log_e + LOG_WEIGHTS, axis=1))
    assert (best >= np.log(100.0)).sum() <= binom.ppf(CONFIDENCE, runs, 0.01)


# Delay against the exact optimum.

EFFECTS = [
    (0.10, 0.05, Margin(absolute=0.02)),
    (0.10, 0.05, Margin(absolute=0.01)),
    (0.03, 0.01, Margin(absolute=0.005)),
]
ARL_TICKS = 2e5


def best_bet(cells, scores):
    grid = np.linspace(1e-4, 0.999, 4_000) / -scores.min()
    return grid[np.argmax(np.log1p(np.outer(grid, scores)) @ cells)]


def oracle_delay(cells, scores):
    """Page's CUSUM that knows the law after the change, against the least favourable law at the margin."""
    null = cells / (1.0 + best_bet(cells, scores) * scores)
    return optimal_delay(cells, null / null.sum(), ARL_TICKS * PAIRS)


@pytest.mark.parametrize(("candidate", "baseline", "margin"), EFFECTS)
def test_delay_is_within_a_quarter_of_the_optimum(candidate, baseline, margin):
    rng = np.random.default_rng(3)
    cells = table(candidate, baseline, 0.5)
    scores = np.array([0.0, 1.0, -1.0, 0.0]) - margin.absolute
    runs = 2_000
    delay = np.zeros(runs)
    ticks = (rng.multinomial(PAIRS, cells, size=runs) for _ in range(600))
    for tick, alarm in enumerate(alarms(ticks, margin, threshold=ARL_TICKS, cap=inf), 1):
        delay[alarm & (delay == 0)] = tick * PAIRS
        if delay.all():
            break
    assert delay.all()
    ratio = delay.mean() / oracle_delay(cells, scores)
    assert 1.0 <= ratio <= 1.25, f"{ratio:.3f}"
    planned = pairs_to_detect(candidate, baseline, 0.5 * baseline, margin, threshold=ARL_TICKS, pairs_per_tick=PAIRS)
    assert 0.93 < planned / delay.mean() < 1.02


def test_growth_is_the_best_bets_growth():
    cells, scores = table(0.1, 0.05, 0.5), np.array([0.0, 1.0, -1.0, 0.0]) - 0.02
    growth = cells @ np.log1p(best_bet(cells, scores) * scores)
    assert kl_inf(0.1, 0.05, 0.025, Margin(absolute=0.02)) == pytest.approx(growth, rel=1e-5)

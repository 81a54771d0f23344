"""Seeded simulations of the unpaired test: false alarms within the budget, delay close to the unpaired optimum."""

from math import inf

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binom

from detectors.stats import inflation, shiryaev_roberts, unpaired
from detectors.stats.baseline_rate import BaselineRate, observe
from detectors.stats.designs import DESIGNS
from detectors.types import ArmCounts, Design, Margin
from tests.support.cusum import optimal_delay

pytestmark = pytest.mark.calibration

RATIOS = [(100, 100), (100, 20), (20, 100)]
STREAMS, TICKS, PROMISE = 1_000, 1_000, 0.05
CONFIDENCE = 0.999
COARSE = DESIGNS[Design.UNPAIRED].coarse


def draw(rng, sizes, candidate, baseline, streams):
    """Cells of one tick, shape (streams, 4)."""
    n_v, n_b = (np.full(streams, n) for n in sizes)
    return np.stack([n_v, rng.binomial(n_v, candidate), n_b, rng.binomial(n_b, baseline)], axis=-1)


def alarms(ticks, margin, *, threshold, cap=3.0, phi=1.0, learned=BaselineRate()):  # noqa: B008  # frozen
    """Yield per tick which streams alarm, reset at each alarm. ``BaselineRate`` in arrays, all streams at once."""
    log_r, memory = None, learned
    log_weights = np.log(unpaired.prior())
    for cells in ticks:
        if log_r is None:
            log_r = np.full((len(cells), unpaired.BETS), -inf)
            memory = [np.full(len(cells), learned.bad), np.full(len(cells), learned.n)]
        rate = np.clip((memory[0] + 0.5) / (memory[1] + 50.0), 1e-4, 0.9)
        gain = unpaired.log_increments(cells, margin, rate)
        log_r = shiryaev_roberts.update(log_r, gain, cap=cap, phi=phi)
        if phi > 1.5:
            log_r[:, COARSE] = -inf
        alarm = np.logaddexp.reduce(log_r + log_weights, axis=1) >= np.log(threshold)
        log_r[alarm] = -inf
        memory = [0.5 ** (1 / 70) * kept + cells[:, i] for kept, i in zip(memory, (3, 2), strict=True)]
        yield alarm


def test_the_plug_in_above_is_the_streams():
    arms = ArmCounts(candidate_n=9, baseline_n=40, baseline_bad=3)
    learned = observe(BaselineRate(bad=7.0, n=90.0), arms)
    again = [0.5 ** (1 / 70) * 7.0 + 3, 0.5 ** (1 / 70) * 90.0 + 40]
    assert (learned.bad, learned.n) == pytest.approx(again)
    assert learned.expected == pytest.approx((again[0] + 0.5) / (again[1] + 50.0))


def baseline_rates(kind):
    tick = np.arange(TICKS)
    if kind == "drift":
        return 0.01 * (1 + 0.8 * np.sin(tick / 40)) * np.where(tick > TICKS / 2, 2.0, 1.0)
    return np.full(TICKS, 0.01)


@pytest.mark.parametrize("sizes", RATIOS, ids=str)
@pytest.mark.parametrize(
    ("kind", "margin"),
    [
        ("steady", Margin(absolute=0.005)),
        ("drift", Margin(absolute=0.005)),
        ("drift", Margin()),
        ("drift", Margin(relative=0.5)),
    ],
    ids=str,
)
def test_false_alarms_at_the_margin_stay_within_the_budget(kind, margin, sizes):
    rng = np.random.default_rng(20_240_601)
    ticks = (
        draw(rng, sizes, (1 + margin.relative) * rate + margin.absolute, rate, STREAMS) for rate in baseline_rates(kind)
    )
    count = sum(alarms(ticks, margin, threshold=TICKS / PROMISE))
    alarmed = int((count > 0).sum())
    assert alarmed <= binom.ppf(CONFIDENCE, STREAMS, PROMISE), f"{alarmed / STREAMS:.4f} of {PROMISE} promised"
    assert count.mean() <= PROMISE + 3.1 * count.std() / STREAMS**0.5
    assert alarmed >= 0.1 * PROMISE * STREAMS, "a budget that is never used means a test that sees nothing"


@pytest.mark.parametrize("sizes", RATIOS, ids=str)
def test_arms_that_are_equal_within_a_margin_hardly_ever_alarm(sizes):
    rng = np.random.default_rng(4)
    ticks = (draw(rng, sizes, rate, rate, STREAMS) for rate in baseline_rates("drift"))
    assert sum(alarms(ticks, Margin(absolute=0.005), threshold=TICKS / PROMISE)).sum() <= 2


def bursts(rng, streams, ticks, length=12, share=0.1):
    """Rates of one arm with bursts of its own, a tick a row."""
    blocks = rng.random((ticks // length + 2, streams)) < share
    rows = (np.arange(ticks)[:, None] + rng.integers(length, size=streams)) // length
    return np.where(np.take_along_axis(blocks, rows, axis=0), 0.05, 0.01)


@pytest.mark.parametrize("sizes", RATIOS, ids=str)
def test_bursts_of_one_arm_are_tempered(sizes):
    rng = np.random.default_rng(7)
    streams, threshold = 300, TICKS / PROMISE
    state = inflation.InflationState()
    for rates in zip(bursts(rng, 1, 12_000), bursts(rng, 1, 12_000), strict=True):
        contrast = unpaired.contrast(draw(rng, sizes, *rates, streams=1)[0])
        state = inflation.observe(state, *contrast.tolist(), hold=False)
    phi = float(np.mean([phi for _, phi in state.pending]))
    rates = zip(bursts(rng, streams, TICKS), bursts(rng, streams, TICKS), strict=True)
    ticks = [draw(rng, sizes, *each, streams=streams) for each in rates]
    untempered = sum(alarms(ticks, Margin(), threshold=threshold))
    tempered = sum(alarms(ticks, Margin(), threshold=threshold, phi=phi))
    assert (untempered > 0).mean() > 5 * PROMISE, "the fault that tempering is for"
    assert (tempered > 0).sum() <= binom.ppf(CONFIDENCE, streams, PROMISE)


@pytest.mark.parametrize("sizes", RATIOS, ids=str)
def test_safe_certificates_of_a_harmful_candidate_are_rare(sizes):
    rng = np.random.default_rng(11)
    margin, runs = Margin(absolute=0.005), 2_000
    log_e, best = np.zeros((runs, unpaired.BETS)), np.full(runs, -inf)
    for _ in range(300):
        cells = draw(rng, sizes, 0.015, 0.01, runs)
        log_e += unpaired.safe_log_increments(cells, margin, np.full(runs, 0.01))
        best = np.maximum(best, np.logaddexp.reduce(log_e + np.log(unpaired.prior()), axis=1))
    assert (best >= np.log(100.0)).sum() <= binom.ppf(CONFIDENCE, runs, 0.01)


ARL_TICKS = 2e5
EFFECTS = [
    (0.10, 0.05, Margin(absolute=0.02)),
    (0.03, 0.01, Margin(absolute=0.005)),
]


def oracle_ticks(sizes, candidate, baseline, margin):
    """The CUSUM that knows both rates, against the nearest law at the margin: answers come in the arms' proportions."""

    def law(p_v, p_b):
        share = sizes[0] / sum(sizes)
        return np.array([share * p_v, share * (1 - p_v), (1 - share) * p_b, (1 - share) * (1 - p_b)])

    cells = law(candidate, baseline)
    nearest = minimize_scalar(
        lambda t: float(cells @ np.log(cells / law((1 + margin.relative) * t + margin.absolute, t))),
        bounds=(1e-6, 0.9 - margin.absolute),
        method="bounded",
        options={"xatol": 1e-12},
    ).x
    null = law((1 + margin.relative) * nearest + margin.absolute, nearest)
    return optimal_delay(cells, null, ARL_TICKS * sum(sizes), size=2_000, halvings=14) / sum(sizes)


@pytest.mark.parametrize("sizes", RATIOS, ids=str)
@pytest.mark.parametrize(("candidate", "baseline", "margin"), EFFECTS)
def test_delay_is_within_a_quarter_of_the_optimum(sizes, candidate, baseline, margin):
    rng, runs = np.random.default_rng(3), 2_000  # the ratio's standard error is then 0.01
    learned = BaselineRate(bad=100.0 * sizes[1] * baseline, n=100.0 * sizes[1])
    delay = np.zeros(runs)
    ticks = (draw(rng, sizes, candidate, baseline, runs) for _ in range(3_000))
    for tick, alarm in enumerate(alarms(ticks, margin, threshold=ARL_TICKS, cap=inf, learned=learned), 1):
        delay[alarm & (delay == 0)] = tick
        if delay.all():
            break
    assert delay.all()
    ratio = delay.mean() / oracle_ticks(sizes, candidate, baseline, margin)
    assert 1.0 <= ratio <= 1.25, f"{ratio:.3f}"

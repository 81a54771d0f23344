"""Seeded simulations of the budget: wherever the truth lies within the margin, alarms stay within the promise."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from detectors.calibration.bounds import Share
from detectors.calibration.certificates import confirmation_coverage, falsely_safe
from detectors.calibration.delays import EFFECTS
from detectors.calibration.false_alarms import false_alarms
from detectors.calibration.traffic import samples
from detectors.calibration.truths import PROMISE, TRUTHS
from detectors.stats import unpaired
from detectors.types import Margin

pytestmark = pytest.mark.calibration

CONFIDENCE = 0.999
HORIZON = 1_000
LEARNED = 5_000
"""Ticks by which phi rests on 23 of the longest blocks."""
FEW = {name: 200 for name in TRUTHS if name.startswith("bursts")}
FEW |= {"latency-drift": 100, "latency-margin": 40, "latency-aborts": 40, "bursts-untempered": 40}
HARDLY_EVER = {"equal", "lost-90-at-margin", "aborts", "aborts-baseline", "latency-margin", "latency-aborts"}
HARDLY_EVER |= {name for name in TRUTHS if name.startswith("bursts")}
"""Truths so far inside the margin, or so heavily tempered, that a few alarms need not show."""


def simulated(name, streams, **changes):
    truth = TRUTHS[name]
    truth = replace(truth, **{"burn_in": min(truth.burn_in, LEARNED), **changes})
    return false_alarms(np.random.default_rng(20_240_601), truth, streams=streams, ticks=HORIZON)


@pytest.mark.parametrize("name", [name for name, truth in TRUTHS.items() if truth.promised])
def test_false_alarms_stay_within_the_promise(name):
    streams = FEW.get(name, 300 if name.startswith("unpaired") else 1_000)
    found = simulated(name, streams)
    assert found.limit == PROMISE * TRUTHS[name].allowed
    assert found.share.count <= binom.ppf(CONFIDENCE, found.share.of, found.limit), f"{found.share.value:.4f}"
    if name not in HARDLY_EVER:
        assert found.mean >= 0.1 * PROMISE, "a budget that is never used means a test that sees nothing"


@pytest.mark.parametrize("name", ["lost-90-complete", "bursts-untempered"])
def test_what_the_guards_are_for(name):
    assert simulated(name, FEW.get(name, 100), burn_in=0).share.value > 5 * PROMISE


def test_phi_is_learned_where_bursts_are_private():
    assert simulated("bursts", 40).phi > 3.0


def test_bounds_are_clopper_and_pearsons():
    for count, of in ((0, 50), (3, 200), (200, 200)):
        exact = binomtest(count, of).proportion_ci(confidence_level=0.95, method="exact")
        assert (Share(count, of).low, Share(count, of).high) == pytest.approx((exact.low, exact.high))
    with pytest.raises(ValueError, match=r"got 3 of 2"):
        Share(3, 2)


@pytest.mark.parametrize("effect", [EFFECTS[0], EFFECTS[5]], ids=str)
def test_the_confirmation_interval_holds_the_truth(effect):
    share, bias = confirmation_coverage(np.random.default_rng(12), effect, runs=600)
    assert share.low <= 0.95 <= share.high
    assert abs(bias) < 0.05


def test_a_harmful_candidate_is_hardly_ever_certified():
    found = falsely_safe(np.random.default_rng(11), Margin(absolute=0.005), 0.01, runs=1_000, at_once=True)
    assert found.count <= binom.ppf(CONFIDENCE, found.of, 0.01)


@pytest.mark.parametrize("sizes", [(100, 100), (100, 20), (20, 100)], ids=str)
def test_nor_is_one_of_two_samples(sizes):
    rng, runs, margin = np.random.default_rng(11), 1_000, Margin(absolute=0.005)
    log_e, best = np.zeros((runs, unpaired.BETS)), np.full(runs, -np.inf)
    for _ in range(200):
        cells = samples(rng, runs, sizes, 0.015, 0.01)[:, 0]
        log_e += unpaired.safe_log_increments(cells, margin, np.full(runs, 0.01))
        best = np.maximum(best, np.logaddexp.reduce(log_e + np.log(unpaired.prior()), axis=1))
    assert (best >= np.log(100.0)).sum() <= binom.ppf(CONFIDENCE, runs, 0.01)

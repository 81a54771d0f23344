"""Delays beside the exact optimum, and what is said of them elsewhere."""

from math import inf

import numpy as np
import pytest

from detectors.calibration import tails
from detectors.calibration.cusum import expected_run, nearest_law
from detectors.calibration.delays import (
    ARL_TICKS,
    EFFECTS,
    TAIL_EFFECTS,
    UNPAIRED_EFFECTS,
    delay,
    level_optima,
    optimum,
    tail_delay,
)
from detectors.calibration.losses import delay_with_losses
from detectors.calibration.traffic import PAIRS, table
from detectors.stats.planning import kl_inf, pairs_to_detect
from detectors.types import Margin

pytestmark = pytest.mark.calibration


@pytest.mark.parametrize("effect", [EFFECTS[3], EFFECTS[4], EFFECTS[5], EFFECTS[6]], ids=str)
def test_delay_is_within_a_quarter_of_the_optimum(effect):
    found, best = delay(np.random.default_rng(3), effect, runs=1_500), optimum(effect)
    assert 1.0 <= found.mean / best <= 1.25 + 2 * found.error / best, f"{found.mean / best:.3f}"
    planned = pairs_to_detect(
        effect.candidate,
        effect.baseline,
        0.5 * effect.baseline,
        effect.margin,
        threshold=ARL_TICKS,
        pairs_per_tick=PAIRS,
    )
    assert 0.92 < planned / PAIRS / found.mean < 1.05


@pytest.mark.parametrize("effect", UNPAIRED_EFFECTS, ids=str)
def test_delay_of_two_samples_is_within_a_quarter_of_the_optimum(effect):
    found, best = delay(np.random.default_rng(3), effect, runs=700, clean=50), optimum(effect)
    assert 1.0 <= found.mean / best <= 1.25 + 2 * found.error / best, f"{found.mean / best:.3f}"


@pytest.mark.parametrize("effect", [TAIL_EFFECTS[0], TAIL_EFFECTS[1], TAIL_EFFECTS[2]], ids=lambda each: each.title)
def test_the_mixture_of_levels_is_close_to_the_best_single_level(effect):
    found, best = tail_delay(np.random.default_rng(4), effect, runs=700, levels=(0, 1, 2)), min(level_optima(effect))
    assert 1.0 <= found.mean / best <= 1.35 + 2 * found.error / best, f"{found.mean / best:.3f}"


def test_a_level_without_excess_has_no_optimum():
    assert level_optima(TAIL_EFFECTS[1])[0] == inf
    assert tails.LEVELS[0] == 0.9


def test_phi_costs_in_proportion():
    once, thrice = (delay(np.random.default_rng(5), EFFECTS[5], runs=300, phi=phi).mean for phi in (1.0, 3.0))
    assert 2.5 < thrice / once < 3.5


def test_clean_hours_are_no_debt():
    fresh, after = (delay(np.random.default_rng(6), EFFECTS[6], runs=400, clean=clean).mean for clean in (0, 300))
    assert after <= fresh * 1.03


def test_lost_legs_delay_an_alarm_but_complete_pairs_hardly():
    effect = EFFECTS[5]
    found = [
        delay_with_losses(np.random.default_rng(7), effect, lost, runs=100, longest=400, complete=complete)
        for lost, complete in ((0.0, False), (0.01, False), (0.05, False), (0.05, True))
    ]
    assert found[0] < found[1] < found[2] == inf
    assert found[3] < 1.5 * found[0]


def test_run_length_of_a_walk_with_a_known_answer():
    # Up or down by one step with even odds, reflected at 0: from 0, height h takes h (h + 1) steps.
    assert expected_run([0.5, 0.5], [1.0, -1.0], 6.0, size=6) == pytest.approx(42.0)


def test_nearest_law_lies_at_the_margin():
    margin = Margin(absolute=0.01, relative=0.2)
    null = nearest_law(table(0.1, 0.05), margin)
    assert null[0] + null[1] == pytest.approx(1.2 * (null[0] + null[2]) + 0.01, abs=1e-3)
    growth = table(0.1, 0.05) @ np.log(table(0.1, 0.05) / null)
    assert growth == pytest.approx(kl_inf(0.1, 0.05, 0.025, margin), rel=1e-3)

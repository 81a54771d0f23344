"""Seeded simulations of the conditional test for rare events and of the detector of broken variants."""

from math import inf

import numpy as np
import pytest
from scipy.stats import binom

from detectors.stats import catastrophe, conditional, shiryaev_roberts, unpaired
from detectors.types import Margin, PairCounts

pytestmark = pytest.mark.calibration

STREAMS, TICKS, PROMISE, CONFIDENCE = 1_000, 1_000, 0.05, 0.999
MARGIN = Margin(relative=0.5)
RATE = 2e-4
"""Of the baseline: two failures in ten thousand answers."""


def delays(rng, sizes, candidate, increments, bets, *, threshold, ticks=TICKS, baseline=lambda _: RATE):
    """First alarm of each stream in ticks, ``inf`` where there was none. ``candidate`` is the ratio to the baseline."""
    log_r, first = np.full((STREAMS, bets), -inf), np.full(STREAMS, inf)
    n_v, n_b = (np.full(STREAMS, n) for n in sizes)
    for tick in range(ticks):
        rate = baseline(tick)
        cells = np.stack([n_v, rng.binomial(n_v, candidate * rate), n_b, rng.binomial(n_b, rate)], axis=-1)
        log_r = shiryaev_roberts.update(log_r, increments(cells))
        alarm = np.logaddexp.reduce(log_r - np.log(bets), axis=1) >= np.log(threshold)
        first = np.minimum(first, np.where(alarm, tick + 1, inf))
        log_r[alarm] = -inf
    return first


@pytest.mark.parametrize("sizes", [(500, 500), (1_000, 100), (100, 1_000)], ids=str)
@pytest.mark.parametrize("kind", ["steady", "drift"])
def test_false_alarms_at_the_margin_stay_within_the_budget(kind, sizes):
    rng = np.random.default_rng(20_261_121)
    first = delays(
        rng,
        sizes,
        1.0 + MARGIN.relative,
        lambda cells: conditional.log_increments(cells, MARGIN),
        conditional.BETS,
        threshold=TICKS / PROMISE,
        baseline=lambda tick: RATE * (1 + 0.8 * np.sin(tick / 40)) if kind == "drift" else RATE,
    )
    assert np.isfinite(first).sum() <= binom.ppf(CONFIDENCE, STREAMS, PROMISE)


def test_without_a_rate_to_learn_it_is_as_fast_as_the_projection_that_is_told_the_rate():
    sizes, ratio, threshold = (1_000, 1_000), 5.0, 1e6
    means = []
    for increments, bets in (
        (lambda cells: conditional.log_increments(cells, MARGIN), conditional.BETS),
        (lambda cells: unpaired.log_increments(cells, MARGIN, np.full(STREAMS, RATE)), unpaired.BETS),
    ):
        first = delays(np.random.default_rng(7), sizes, ratio, increments, bets, threshold=threshold, ticks=600)
        assert np.isfinite(first).all()
        means.append(first.mean())
    assert means[0] <= 1.15 * means[1]


def test_a_candidate_at_the_broken_margin_alarms_within_the_budget():
    # Ten points more failures than the baseline are not yet broken: the null's edge, with gates that are open.
    rng, streams, ticks, promise = np.random.default_rng(20_261_121), 400, 150, 0.1
    margin, clients = catastrophe.broken_margin(Margin()), [f"client-{i}" for i in range(5)]
    cells = rng.multinomial(40, [0.02, 0.13, 0.03, 0.82], size=(streams, ticks))  # n11, n10, n01, n00
    alarmed = 0
    for stream in cells:
        state, seen = catastrophe.initial(), False
        for tick, row in enumerate(stream):
            state, alarm = catastrophe.fold(state, ticks / promise, margin, tick, PairCounts(*row.tolist()), clients)
            seen |= alarm is not None
        alarmed += seen
    assert alarmed <= binom.ppf(CONFIDENCE, streams, promise)


@pytest.mark.parametrize(("share", "most"), [(1.0, 40), (0.9, 50), (0.6, 110), (0.4, 240)])
def test_pairs_until_a_broken_candidate_is_seen(share, most):
    rng, margin, a = np.random.default_rng(3), catastrophe.broken_margin(Margin()), 1.04e8
    clients, pairs = [f"client-{i}" for i in range(5)], []
    for _ in range(60):
        state, alarm, tick = catastrophe.initial(), None, 0
        while alarm is None:
            row = rng.multinomial(10, [0.01 * share, 0.99 * share, 0.01 * (1 - share), 0.99 * (1 - share)])
            state, alarm = catastrophe.fold(state, a, margin, tick, PairCounts(*row.tolist()), clients)
            tick += 1
        pairs.append(10 * tick)
    assert np.mean(pairs) <= most

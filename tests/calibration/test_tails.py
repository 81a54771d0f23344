"""Simulated latency: thresholds and counts are the service's, and the exact table is what counting converges to."""

import numpy as np
import pytest

from detectors.calibration import tails
from detectors.stats import latency

pytestmark = pytest.mark.calibration


def always(law):
    while True:
        yield law


@pytest.mark.parametrize(("law", "relative"), [(tails.slower(1.5), 0.15), (tails.slower_tail(1.5), 0.05)])
def test_counts_and_thresholds_are_the_services(law, relative):
    rng, shift = np.random.default_rng(5), latency.margin_bins(relative)
    ticks = [tails.binned(arms) for arms in tails.events(rng, 2, 34, always(law))]
    rng = np.random.default_rng(5)
    for at, cells in enumerate(tails.tail_cells(tails.events(rng, 2, 34, always(law)), 2, relative)):
        for stream in range(2):
            past = ticks[max(0, at - 30) : at]
            pooled = latency.merge(
                *(
                    latency.pool(histogram(one.candidate[stream]), histogram(one.baseline[stream]), shift)
                    for one in past
                )
            )
            for level, edge in enumerate(latency.tail_thresholds(pooled)):
                if edge is None:
                    assert cells[stream, level].sum() == 0
                    continue
                x, y = ticks[at].candidate[stream] >= edge + shift, ticks[at].baseline[stream] >= edge
                table = [(x & y).sum(), (x & ~y).sum(), (~x & y).sum(), (~x & ~y).sum()]
                assert cells[stream, level].tolist() == table


def test_a_tick_is_held_against_the_thresholds_from_before_it():
    ticks = list(tails.events(np.random.default_rng(7), 3, 13, always(tails.EQUAL), drifts=False))
    slow = tails.Arms(*(np.full_like(arm, 120 * tails.STEPS) for arm in (ticks[-1].candidate, ticks[-1].baseline)))
    *_, last = tails.tail_cells(iter([*ticks[:-1], slow]), 3, 0.0)
    assert last[..., 0].tolist() == [[100] * 3] * 3, "its own answers would have raised the thresholds of 95 and 99 %"


def histogram(bins):
    index, counts = np.unique(bins, return_counts=True)
    return dict(zip(index.tolist(), counts.tolist(), strict=True))


def test_the_exact_table_is_what_counting_converges_to():
    law, streams = tails.slower_tail(1.5), 800
    rng = np.random.default_rng(6)

    def laws():
        for tick in range(40):
            yield tails.EQUAL if tick < 36 else law

    cells = list(tails.tail_cells(tails.events(rng, streams, 40, laws(), drifts=False), streams, 0.15))
    # Thresholds then come from a finite pool, which moves them by a bin now and then.
    counted = np.mean(cells[36], axis=0) / cells[36][0, 0].sum()
    exact = tails.joint_table(law, 0.15)
    assert exact.sum() == pytest.approx(1.0)
    for level in range(3):
        x, y = exact[level + 1 :].sum(), exact[:, level + 1 :].sum()
        assert counted[level][:2].sum() == pytest.approx(x, rel=0.1)
        assert counted[level][[0, 2]].sum() == pytest.approx(y, rel=0.1)


def test_equal_arms_have_equal_chances_and_a_slower_one_has_not():
    equal, slower = tails.joint_table(tails.EQUAL, 0.0), tails.joint_table(tails.slower(1.2), 0.0)
    assert equal == pytest.approx(equal.T)
    assert (slower.sum(axis=1) > slower.sum(axis=0))[1:].all()


def test_aborted_answers_of_the_candidate_count_as_fast():
    runs = [
        sum(tails.counted(np.random.default_rng(8), 20, 30, law=tails.slower(1.5), relative=0.0, aborts=aborts))
        for aborts in (False, True)
    ]
    bad = [run[..., :2].sum(axis=(0, 2)) for run in runs]
    assert (bad[1] < bad[0]).all()
    tested = [run.sum(axis=2) for run in runs]
    assert (tested[1] > 0.85 * tested[0]).all(), "a missing leg still makes a pair; thresholds only come a little later"


def test_a_candidate_cannot_be_faster():
    with pytest.raises(ValueError, match=r"factor must be >= 1, got 0\.9"):
        tails.slower(0.9)

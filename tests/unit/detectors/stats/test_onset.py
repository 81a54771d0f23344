import numpy as np

from detectors.stats.onset import OnsetState, Runs, initial, leading
from detectors.types import PairCounts

ONE = np.array([0.0, 0.0, 0.0, 1.0]).reshape(4, 1, 1)


def fold(increments, start=0):
    """One bet of one stream; each tick adds one pair. Return the first tick of the run and the pairs since."""
    runs = Runs(np.zeros((1, 1, 1)), np.zeros((1, 1, 1), dtype=np.int64), np.zeros((4, 1, 1, 1)))
    totals = np.zeros((4, 1, 1))
    for tick, s in enumerate(increments, start):
        runs.observe(tick, np.full((1, 1, 1), s), totals)
        totals += ONE
    return runs.starts().item(), (totals[:, None] - runs.before).sum()


def test_nothing_is_ahead_at_first():
    assert leading(initial(8, PairCounts())) is None
    assert fold([])[0] == -1
    assert fold([0.0, -1.0])[0] == -1


def test_onset_is_the_first_tick_of_the_positive_run():
    assert fold([0.5, -1.0, 0.2, 0.4, -0.1], start=10) == (12, 3)


def test_a_run_ends_at_zero():
    assert fold([1.0, -1.0])[0] == -1
    assert fold([1.0, -1.0, 2.0]) == (2, 1)


def test_empty_ticks_do_not_begin_a_run():
    assert fold([0.0, 0.0, 1.0]) == (2, 1)


def test_the_leading_bet_brings_its_counts_and_the_first_of_equals_leads():
    counts = tuple(PairCounts(n10=i) for i in range(4))
    found = leading(OnsetState((0.1, 0.9, 0.9, 0.3), (5, 6, 7, 8), counts))
    assert (found.tick, found.component, found.counts) == (6, 1, counts[1])


def test_levels_come_in_order_where_bets_are_equal():
    runs = Runs(np.zeros((2, 2, 1)), np.zeros((2, 2, 1), dtype=np.int64), None)
    runs.observe(3, np.array([[[0.1], [0.7]], [[0.7], [0.7]]]), np.zeros((4, 2, 1)))
    first, value = runs.leading()
    assert (first.item(), value.item()) == (1, 0.7), "the second bet of the first level"

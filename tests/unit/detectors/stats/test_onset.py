from detectors.stats.onset import initial, leading, update
from detectors.types import PairCounts

PAIR = [PairCounts(n00=1)]


def fold(increments, start=0):
    state = initial(1, PairCounts())
    for tick, s in enumerate(increments, start):
        state = update(state, tick, [s], PAIR)
    return state


def test_nothing_is_ahead_at_first():
    assert leading(initial(8, PairCounts())) is None
    assert leading(fold([0.0, -1.0])) is None


def test_onset_is_the_first_tick_of_the_positive_run():
    found = leading(fold([0.5, -1.0, 0.2, 0.4, -0.1], start=10))
    assert found.tick == 12
    assert found.counts.n == 3


def test_a_run_ends_at_zero():
    assert leading(fold([1.0, -1.0])) is None
    assert leading(fold([1.0, -1.0, 2.0])).tick == 2


def test_empty_ticks_do_not_begin_a_run():
    assert leading(fold([0.0, 0.0, 1.0])).tick == 2


def test_the_leading_bet_brings_its_levels_counts():
    levels = [PairCounts(n10=1), PairCounts(n10=5)]
    state = update(initial(4, PairCounts()), 3, [0.1, 0.2, 0.9, 0.3], levels)
    found = leading(state)
    assert (found.component, found.counts) == (2, levels[1])

import pytest

from detectors.stats.guard import GuardState, observe, trips


def test_trips_above_two_percent_of_enough_requests():
    assert trips(observe(GuardState(), pairs=970, one_sided=30))
    assert not trips(observe(GuardState(), pairs=980, one_sided=20))
    assert not trips(observe(GuardState(), pairs=20, one_sided=20))


def test_forgets_with_a_half_life_of_thirty_ticks():
    state = observe(GuardState(), pairs=0, one_sided=100)
    for _ in range(30):
        state = observe(state, pairs=0, one_sided=0)
    assert state.requests == pytest.approx(50.0)


def test_recovers_when_both_legs_arrive_again():
    state = observe(GuardState(), pairs=900, one_sided=100)
    for _ in range(60):
        state = observe(state, pairs=1000, one_sided=0)
    assert not trips(state)


def test_share_of_nothing_is_zero():
    assert GuardState().share == 0.0


@pytest.mark.parametrize("counts", [{"pairs": -1, "one_sided": 0}, {"pairs": 0, "one_sided": -1}])
def test_counts_are_checked(counts):
    with pytest.raises(ValueError, match="must be >= 0"):
        observe(GuardState(), **counts)

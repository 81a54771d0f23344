from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.stats.overlap import PLACES, overlap, place_of

SAMPLES = st.dictionaries(st.integers(-60, 60), st.floats(0.5, 1e4), min_size=1, max_size=12)


@pytest.mark.parametrize("value", [0.0, -1.0, nan])
def test_values_are_above_zero(value):
    with pytest.raises(ValueError, match="value"):
        place_of(value)


def test_places_are_eighths_of_octaves():
    assert [place_of(2.0**n) for n in (-3, 0, 5)] == [-24, 0, 40]
    assert place_of(1.99) == PLACES - 1
    with pytest.raises(OverflowError):
        place_of(inf)


@pytest.mark.parametrize(("factor", "shared"), [(1.0, 1.0), (2**0.25, 0.75), (2**0.5, 0.5), (2.0, 0.0), (9.0, 0.0)])
@pytest.mark.parametrize("base", [0.3, 1.0, 1.9, 7.0])
def test_two_constants_overlap_by_their_distance_wherever_they_are(base, factor, shared):
    found = overlap({place_of(base): 3.0}, {place_of(base * factor): 700.0})
    assert found == pytest.approx(shared, abs=1 / PLACES)


def test_a_sample_of_nothing_overlaps_with_nothing():
    assert overlap({}, {0: 1.0}) is None
    assert overlap({0: 1.0}, {0: 0.0}) is None


def test_alike_in_part():
    assert overlap({0: 50.0, 80: 50.0}, {0: 1.0}) == pytest.approx(0.5)
    assert overlap({0: 90.0, 80: 10.0}, {0: 10.0, 80: 90.0}) == pytest.approx(0.2)


@given(SAMPLES, SAMPLES, st.integers(-40, 40), st.floats(0.1, 100.0))
def test_it_is_a_share_symmetric_and_free_of_scale(first, second, shift, weight):
    shared = overlap(first, second)
    assert 0.0 <= shared <= 1.0
    assert overlap(second, first) == pytest.approx(shared)
    moved = [{place + shift: weight * share for place, share in sample.items()} for sample in (first, second)]
    assert overlap(*moved) == pytest.approx(shared)
    assert overlap(first, first) == pytest.approx(1.0)

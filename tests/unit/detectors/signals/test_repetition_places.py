"""Which windows of a text are looked at, how far before, and which repeating grids are no loop."""

from itertools import chain

import pytest

from detectors.signals._repetition import LONG, SHORT, find_loop
from tests.agreement.repetition_eval import Texts

PHRASES = (
    "past the red mill ",
    "over the iron bridge ",
    "down to the harbour ",
    "along the quiet lane ",
    "up the chapel stairs ",
    "through the orchard ",
)
ORDERS = ((0, 1, 2, 3, 4, 5), (0, 2, 1, 5, 3, 4), (3, 4, 1, 5, 0, 2))
"""Whatever is said last was said twice before within the same round."""


def written(size):
    return f"{Texts(7).prose(size // 3)[: size - 1]} "


@pytest.mark.parametrize("share", range(30, 100, 5))
def test_in_a_long_text_a_loop_of_an_eighth_of_it_is_found_from_a_third_on(share):
    text, loop = written(2 * LONG), "so the river bends and so the road bends " * 14
    place = len(text) * share // 100
    found = find_loop(text[:place] + loop + text[place:])
    assert found is not None
    assert abs(found.start - place) < len(loop) // 2


@pytest.mark.parametrize("size", [SHORT // 2, SHORT, LONG - 200])
@pytest.mark.parametrize("after", [20, 45])
def test_a_loop_that_is_broken_off_shortly_before_the_end_is_found(size, after):
    text = written(size)
    assert find_loop(text + "so the river bends and so the road bends " * 5 + text[:after]) is not None


def test_a_phrase_that_comes_again_within_the_round_does_not_hide_it():
    round_ = "".join(PHRASES[place] for place in chain(*ORDERS))
    assert find_loop(round_) is None
    found = find_loop(round_ * 5)
    assert found is not None
    assert found.period == len(round_.split())


@pytest.mark.parametrize("unit", ["河岸的小船", "河岸的小船慢慢走"])
def test_after_a_spaced_text_a_dense_loop_with_noise_is_found(unit):
    """A sample of the text holds none of its characters, and no window of twelve stands twice."""
    tail = list((unit * 8)[:40])
    tail[-2], tail[-22] = "月", "星"
    assert find_loop(written(1_960) + "".join(tail)) is not None


@pytest.mark.parametrize("place", range(10, 100, 10))
def test_in_a_dense_text_a_loop_is_found_wherever_it_stands(place):
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 1_000)))
    at = len(text) * place // 100
    assert find_loop(text[:at] + "河岸的小船慢慢走" * 16 + text[at:]) is not None


@pytest.mark.parametrize(
    "grid",
    [
        "no yes no no\nno yes no no\nno yes no no\nyes no no no\nno yes no no\nno yes no no",
        "no no yes no\nno no yes no\nno no yes no\nno no yes no\nno yes yes no\nno no yes no",
    ],
)
def test_in_a_grid_of_two_words_another_cell_is_no_noise(grid):
    assert find_loop(grid) is None
    assert find_loop("\n".join([grid.split("\n")[1]] * 6)) is not None


def test_one_word_again_and_again_is_a_loop_from_thirty_four_times_on():
    assert find_loop(written(300) + "guya " * 34) is not None
    assert find_loop(written(300) + "guya " * 33) is None

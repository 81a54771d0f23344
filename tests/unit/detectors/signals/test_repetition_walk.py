"""Following a period through noise: where the walk goes on, what is noise, and what is a listing."""

from hypothesis import given
from hypothesis import strategies as st

from detectors.signals._repetition_walk import _edits, follow

UNIT = [f"w{n}" for n in range(20)]


def replaced(words, changes):
    return [changes.get(at, word) for at, word in enumerate(words)]


def test_clean_copies_are_followed_both_ways():
    assert follow(UNIT * 6, 60, 20) == (0, 120, 0)


def test_after_a_bunch_of_added_words_the_unit_goes_on():
    added = [f"new{n}" for n in range(6)]
    assert follow(UNIT * 3 + UNIT[:7] + added + UNIT[7:] + UNIT * 3, 20, 20) == (0, 146, 6)


def test_one_word_after_the_bunch_may_differ_too():
    added = [*[f"new{n}" for n in range(5)], *UNIT[7:9], "odd"]
    assert follow(UNIT * 3 + UNIT[:7] + added + UNIT[10:] + UNIT * 3, 20, 20) == (0, 145, 6)


def test_what_a_walk_learned_beyond_the_loops_end_is_forgotten_before_it_turns_back():
    similar = replaced(UNIT, {at: f"other{at}" for at in range(0, 20, 2)})
    assert follow(["before", *UNIT * 6, *similar * 2], 101, 20) == (1, 121, 0)


def test_two_faults_close_together_count_as_two():
    """A word added before a word that stays and one that is changed: three words for two of the unit."""
    close = [*UNIT[:8], "new", UNIT[8], "other", *UNIT[10:]]
    assert follow(UNIT * 3 + close + UNIT * 2, 20, 20) == (0, 121, 2)


def test_faults_at_one_place_are_noise_while_most_copies_are_clean():
    words = replaced(UNIT * 8, {45: "a", 85: "b", 125: "c"})
    assert follow(words, 20, 20) == (0, 160, 3)


def test_a_field_that_differs_in_every_copy_is_a_listing():
    assert follow(replaced(UNIT * 8, {5 + 20 * n: f"name{n}" for n in range(8)}), 20, 20) is None


def test_fields_that_differ_in_turns_are_a_listing_although_none_differs_in_most_copies():
    names = {(5 if n % 2 else 12) + 20 * n: f"name{n}" for n in range(1, 9)}
    assert follow(replaced(UNIT * 9, names), 20, 20) is None


def test_more_faults_than_noise_makes_are_none():
    """Every seventh word differs, each time at another place."""
    words = replaced(UNIT * 12, {at: f"x{at}" for at in range(23, 240, 7)})
    assert follow(words, 20, 20) is None


WORDS = st.lists(st.sampled_from("abc"), max_size=6)


@given(WORDS, WORDS, WORDS)
def test_edits_are_a_distance(one, other, third):
    assert _edits(one, other) == _edits(other, one)
    assert (_edits(one, other) == 0) == (one == other)
    assert _edits(one, third) <= _edits(one, other) + _edits(other, third)
    assert abs(len(one) - len(other)) <= _edits(one, other) <= max(len(one), len(other))

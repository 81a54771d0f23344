import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.signals._folding import composed, folded, place, straight, without_quotations


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**No** “never”,\n\tthanks", "no , thanks"),
        ("I CAN’T", "i can't"),
        ("groß", "gross"),
        ("re\u0301gle\u0301", "réglé"),
        ("can\u200bnot", "cannot"),
        ("不，可以！", "不,可以!"),
        ("> quoted line\nown line", "own line"),
        ("she said 'no, I can't' twice", "she said twice"),
        ("the users' rules don't bend", "the users' rules don't bend"),
        ("「だめ」と言う", "と言う"),
    ],
)
def test_text_is_folded(text, expected):
    assert folded(text) == expected


@given(st.text(alphabet="ab '\"«»>\n\ud800’`", max_size=80))
def test_blanks_for_quotations_keep_places(text):
    plain = straight(text)
    blanked = without_quotations(plain)
    assert len(plain) == len(text) == len(blanked)
    assert all(own == plain[at] or own == " " for at, own in enumerate(blanked))


@given(st.text(max_size=60))
def test_what_has_a_place_folds_to_the_passage(text):
    passage = folded(text)
    if found := place(text, passage):
        begin, end = found
        assert 0 <= begin <= end <= len(text)


@given(st.text(max_size=60))
def test_composing_twice_changes_nothing(text):
    assert composed(composed(text)) == composed(text)

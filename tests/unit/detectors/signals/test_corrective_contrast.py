import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.signals._corrective import corrects
from detectors.signals._corrective_contrast import contrasts
from detectors.signals._turns import fold


def repairs(turn, asked, said):
    return contrasts(fold(turn), lambda: asked, lambda: said)


@pytest.mark.parametrize(
    ("asked", "said", "turn"),
    [
        ("Who won the cup?", "Ajax won the cup in 2017.", "Who won the cup in 2016?"),
        ("Who won the cup?", "Ajax won the cup in 2017.", "What about the year before?"),
        ("Wer gewann den Pokal?", "Ajax gewann den Pokal 2017.", "Wer gewann den Pokal 2016?"),
        ("When does the show start?", "Season 1 starts in May.", "What about season 2?"),
        ("When did they win?", "They won the first time in May.", "What about the second time?"),
        ("Quand ont-ils gagné ?", "La première fois en mai.", "Quelle date pour la deuxième fois ?"),
        ("Who wrote Wild Geese?", "The film was written by Ann Lee.", "Who wrote the book?"),
        ("Where can it be seen?", "It is shown in France.", "What about in Norway?"),
        ("Who sells it?", "A shop on the square sells it.", "Tell me about the market, not the shop."),
        ("Wer verkauft es?", "Der Laden am Platz.", "Den Markt, nicht den Laden."),
        ("Wer verkauft es?", "Der Laden am Platz.", "Nicht der Laden, der Markt."),
    ],
)
def test_another_value_than_the_one_the_answer_took_is_a_repair(asked, said, turn):
    assert repairs(turn, asked, said)
    assert not repairs(turn, None, said), "not logged: the user may have named the value"
    assert not repairs(turn, asked, None)
    assert not repairs(turn, asked, ""), "nothing was said"
    assert not repairs(f"{turn} {'And tell me all about it. ' * 8}", asked, said), "a long turn tells something"


@pytest.mark.parametrize(
    ("asked", "said", "turn"),
    [
        ("Who won the cup in 2017?", "Ajax won the cup in 2017.", "Who won the cup in 2016?"),
        ("Who won the cup?", "Ajax won the cup in 2017.", "And in 2016?"),
        ("Who won the cup?", "Ajax won the cup in 2017.", "And who won the cup in 2016, not the league?"),
        ("Who won the cup?", "Ajax won the cup in 2017.", "Who won the cup in 2017?"),
        ("Who won the cup?", "Ajax.", "Who won the cup in 2016?"),
        ("When does season 1 start?", "Season 1 starts in May.", "What about season 2?"),
        ("Who wrote the film Wild Geese?", "The film was written by Ann Lee.", "Who wrote the book?"),
        ("Who wrote Wild Geese?", "The film was written by Ann Lee.", "Is there also a book?"),
        ("Where in France is it?", "It is in France, in Lyon.", "What about in Norway?"),
        ("Shorten: sales fell.", "Sales fell.", "Use dropped, not fell."),
        ("Is it cold?", "Wear a coat.", "So I need a coat, not a jacket?"),
        ("Is it cold?", "Wear a coat.", "A jacket, not a parasol."),
        ("How do I make pancakes?", "Mix 2 eggs with milk.", "No eggs left, haha."),
    ],
)
def test_another_value_than_the_users_own_is_another_question(asked, said, turn):
    assert not repairs(turn, asked, said)


def test_a_contrast_does_not_count_after_a_question():
    asked, turn = (lambda: "Who won the cup?"), "Who won the cup in 2016?"
    assert corrects(turn, lambda: "Ajax won the cup in 2017.", asked)
    assert not corrects(turn, lambda: "Ajax won the cup in 2017. Do you mean another year?", asked)


@given(st.text(max_size=300), st.text(max_size=200), st.text(max_size=200))
def test_any_text_is_read(turn, asked, said):
    assert contrasts(fold(turn), lambda: asked, lambda: said) in {True, False}


@given(st.integers(1700, 2099), st.integers(1700, 2099))
def test_years_are_contrasted_in_both_directions(taken, wanted):
    turn, said = f"Who won the cup in {wanted}?", f"Ajax won the cup in {taken}."
    assert repairs(turn, "Who won the cup?", said) == (taken != wanted)
    assert not repairs(turn, f"Who won the cup in {taken}?", said)

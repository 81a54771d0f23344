import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.signals._restating import content_words, is_step, same_request
from detectors.signals._turns import fold, last_turn, without_quotations
from detectors.types import Message

LONG = (
    "Write an email to my landlord in which I ask for a repair of the kitchen window, mention that rain comes in, "
    "propose two dates in the coming week and stay polite but firm, because we waited for months already."
)
LETTER = "Write an email to {} about the late parcel, ask for new dates in May for the visit of our team and sign it"
SAME = [
    ("What is the capital of France?", "what is the captial of france"),
    ("How do I sort a list in Python?", "In Python, how do I sort a list?"),
    ("Translate this poem to German", "Please, translate this poem to german!!"),
    ("Explain photosynthesis", "I said: explain photosynthesis"),
    ("Wie hoch ist der Eiffelturm?", "wie hoch ist der Eifelturm"),
    ("Quelle est la capitale de l'Italie ?", "quelle est la capitale de l’Italie"),
    ("法国的首都是哪里?", "法国的首都是哪里呢？"),
    ("ما هي عاصمة فرنسا؟", "ما هي عاصمة فرنسا"),
    (LONG, LONG.replace("months", "weeks")),
    (LONG, LONG + " Keep it brief."),
]
OTHER = [
    ("What is the capital of France?", "What is the capital of Spain?"),
    ("Flights from Berlin to Rome", "Flights from Rome to Berlin"),
    ("Is a cat bigger than a dog?", "Is a dog bigger than a cat?"),
    ("What was the population in 2020?", "What was the population in 2021?"),
    ("What is the weather in Paris?", "What is the weather in Paris tomorrow?"),
    ("Where did the war start?", "When did the war start?"),
    ("Why is it working?", "Why is it not working?"),
    ("What is the capital of Iran?", "What is the capital of Iraq?"),
    ("法国的首都是哪里?", "德国的首都是哪里?"),
    ("서울의 인구는 얼마인가요?", "부산의 인구는 얼마인가요?"),
    (LONG, LONG + " Mention flat 12."),
    (LETTER.format("Anna"), LETTER.format("Boris")),
]
STEPS = [
    "yes",
    "continue",
    "next question",
    "Tell me another joke",
    "I don't know",
    "继续",
    "weiter",
    "もっと",
    "Otra más",
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_small_edits_ask_the_same(one, other):
    assert same_request(one, [other])
    assert same_request(other, [one])
    assert same_request(one, ["Something else entirely, please.", other])


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_another_slot_is_another_request(one, other):
    assert not same_request(one, [other])
    assert not same_request(other, [one])


@pytest.mark.parametrize("turn", STEPS)
def test_a_step_is_no_repetition(turn):
    assert is_step(turn, content_words(turn))
    assert not same_request(turn, [turn])


@given(st.text(max_size=300))
def test_folding_twice_is_folding_once_up_to_spelling(text):
    assert fold(fold(text)) == fold(fold(fold(text)))
    assert content_words(text) == content_words(text)


@given(st.text(max_size=200), st.text(max_size=200))
def test_asking_the_same_is_symmetric_for_equal_texts_and_never_raises(one, other):
    assert same_request(one, [one]) == (not is_step(one, content_words(one)))
    assert isinstance(same_request(one, [other]), bool)


@given(st.sampled_from([pair[0] for pair in SAME]), st.sampled_from(["\u200b", "\u00ad", "\ufeff", "  ", "\u2060"]))
def test_what_does_not_show_does_not_count(text, sign):
    assert same_request(text.replace(" ", f"{sign} "), [text])


def roles(*names):
    return [Message(name, "x") for name in names]


@pytest.mark.parametrize(
    ("messages", "places"),
    [
        (roles(), None),
        (roles("user"), None),
        (roles("system", "user"), None),
        (roles("user", "user"), None),
        (roles("user", "assistant"), None),
        (roles("user", "assistant", "tool"), None),
        (roles("assistant", "user"), (1, 0)),
        (roles("system", "user", "assistant", "user"), (3, 2)),
        (roles("user", "assistant", "tool", "assistant", "user", "user"), (5, 3)),
        (roles("user", "assistant", "user", "developer", "system"), (2, 1)),
    ],
)
def test_the_last_turn_is_the_users_after_an_answer(messages, places):
    assert last_turn(messages) == places


@pytest.mark.parametrize(
    "quoted",
    [
        '"no, wrong"',
        "“no, wrong”",
        "„no, wrong“",
        "«no, wrong»",
        "「no, wrong」",
        "`no, wrong`",
        "```\nno, wrong\n```",
        "```no, wrong",
        "'no, wrong'",
    ],
)
def test_quotations_are_left_out(quoted):
    left = without_quotations(f"it says {quoted}")
    assert left.startswith("it says")
    assert "wrong" not in left


def test_quoted_lines_are_left_out_and_apostrophes_stay():
    assert without_quotations("> no, wrong\nwhy?").split() == ["why?"]
    assert without_quotations("don't say it's wrong, 'cause I can't") == "don't say it's wrong, 'cause I can't"


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "word " * 200_000,
        "\ud800 " * 100_000,
        "\u0301\u0327" * 300_000,
        "一" * 500_000,
        "' \" ` >" * 100_000,
        " ".join(f"w{number}" for number in range(100_000)),
        "\x00" * 1_000_000,
        "ﷺ" * 200_000,
    ],
)
def test_comparing_takes_bounded_time(text):
    started = time.perf_counter()
    same_request(text, [text[1:], text[:-1] + "x", text[::-1]])
    assert time.perf_counter() - started < 1.0

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.signals._declining import OPENING_CHARS, READ_CHARS, Kind, declining
from detectors.signals.refusal import Refusal
from detectors.types import Answer, Exchange, Failure, Message, Outcome, Reading, Request, ToolCall

CHAT = Request(messages=(Message("user", "hello"),))
SIGNAL = Refusal()
REFUSAL = "I'm sorry, but I can't help with that."

DISGUISED = [
    "I’m sorry, but I can’t assist with that request.",
    "**I won't write that.** Let's talk about something else.",
    "I **cannot**\nhelp   with\tthat.",
    "I _cannot_ help with that.",
    "# Sorry\n\nI cannot help with that.",
    "I am **not** able to help with that.",
    "I CANNOT HELP WITH THAT.",
    "I can\u200bnot he\u00adlp with that.",
    "\ufeffI cannot help with that.",
    "Ｉ cannot help with that.",
    "<think>The user wants something odd.</think>\nI can't help with this.",
    " \n<thinking>Hm.</thinking>I can't help with this.",
    "Je ne peux pas vous aider, cela est re\u0301gle\u0301.",
    "Lo siento, no puedo ayudarte con eso \ud800.",
]
LOOK_ALIKES = [
    "",
    "\x00",
    "I can't wait to help you plan the trip!",
    "I can't help but smile at this idea.",
    'The phrase "I cannot help you" is in the first person.',
    "If the server says “I can't provide that”, restart it.",
    "'I can't help you,' she said, and left.",
    "> I cannot help you\n\nThat is what the form says.",
    "Say »Ich kann nicht helfen« when they ask.",
    "The function cannot return None here.",
    "<think>I cannot help with that",
    "<think>I can't help with that.</think>Here is the recipe.",
    "Dear Ms Kern,\n\nI am sorry that I cannot help with the bake sale.",
    "You cannot use tabs in YAML; use spaces.",
]


@pytest.mark.parametrize("text", DISGUISED)
def test_refusals_are_seen_through_spelling_and_mark_up(text):
    assert declining(text).wholly


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_look_alikes_are_left_alone(text):
    assert declining(text) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (REFUSAL, Kind.INABILITY),
        ("I must decline.", Kind.UNWILLING),
        ("I don't condone that.", Kind.UNWILLING),
        ("That is against my guidelines.", Kind.POLICY),
        ("It is not appropriate to mock the baker.", Kind.MORAL),
    ],
)
def test_the_kind_is_the_reason(text, kind):
    assert read(Answer(text=text)).reason == kind.value


@pytest.mark.parametrize(
    ("text", "passage"),
    [
        ("Well. I cannot help with that. Bye.", "I cannot help"),
        ("Well. I **cannot**\n help with that. Bye.", "I **cannot**\n help"),
        ("Ach so. Ich kann dir dabei nicht helfen. Ende.", "Ich kann dir dabei nicht helfen"),
        ("<think>Hm.</think>\nNo. I can’t assist with it.", "I can’t assist"),
        ("我不能帮你。再见。", "我不能帮你"),
    ],
)
def test_the_span_is_the_passage(text, passage):
    begin, end = read(Answer(text=text)).span
    assert text[begin:end] == passage


@pytest.mark.parametrize(
    "text",
    [
        "I cannot help you forge a permit. Permits are checked. If you don't have access to one, ask at the town hall.",
        "I can't help you pick that lock. It is not yours. I don't know the owner, but the caretaker does.",
        "我不能帮你伪造停车证。这是违法的。如果你不确定怎么申请，请问市政厅。",
        "Ich kann dir keine Anleitung dazu geben, wie du auf fremde Konten zugreifst.",
    ],
)
def test_what_is_not_known_excuses_only_near_what_declines(text):
    assert declining(text).wholly


@pytest.mark.parametrize(
    "text",
    [
        "I can't tell you who won. The race was yesterday, and I don't have access to news.",
        "I'm not able to provide a specific phone number for the mill. It has several.",
        "I can't share that address, as the village in the tale is fictional.",
    ],
)
def test_what_is_not_known_excuses_near_what_declines(text):
    assert declining(text) is None


def test_what_is_private_is_not_excused_as_unknown():
    assert declining("I can't share her address; it is not publicly available, and I respect her privacy.").wholly


def test_a_refusal_that_comes_late_is_not_one_of_the_whole():
    text = "The tour begins at the mill and goes on along the brook. " * (OPENING_CHARS // 50) + REFUSAL
    assert read(Answer(text=text)) == Reading(0.0, "partly", span=declining(text).span)


def read(answer, *, request=CHAT, outcome=None):
    return SIGNAL.read(Exchange(request, answer, outcome or Outcome(status=200)))


@pytest.mark.parametrize(
    ("answer", "value", "reason"),
    [
        (Answer(text=REFUSAL), 1.0, "inability"),
        (Answer(text="Sure."), 0.0, "answered"),
        (Answer(text=None, refusal="no"), 1.0, "declared"),
        (Answer(text="", finish_reason="content_filter"), 1.0, "content_filter"),
        (Answer(text=REFUSAL, tool_calls=(ToolCall("f", "{}"),)), 0.0, "tool_call"),
    ],
)
def test_answers_are_read(answer, value, reason):
    found = read(answer)
    assert (found.value, found.reason) == (value, reason)


def test_not_applicable_or_not_logged():
    assert read(Answer(text="x"), request=Request()) is None
    assert read(Answer(text="x"), request=None) is None
    assert read(Answer(text=None)) is None
    assert read(None) is None
    assert read(Answer(text="x"), outcome=Outcome(failure=Failure.CANCELLED)) is None


def test_a_failed_attempt_declines_nothing():
    assert read(None, outcome=Outcome(failure=Failure.TIMEOUT)).value == 0.0
    assert read(Answer(text="Your request cannot be processed."), outcome=Outcome(status=503)).value == 0.0


def test_a_content_filter_may_answer_with_an_error():
    blocked = Answer(text=None, finish_reason="content_filter")
    assert read(blocked, outcome=Outcome(status=400)).reason == "content_filter"


def test_the_last_answer_is_not_mistaken_for_another():
    for text in (REFUSAL, "Sure.", REFUSAL, "I must decline.", "Sure."):
        assert read(Answer(text=text)).value == float(text != "Sure.")


PIECES = st.sampled_from(
    [
        *(
            "I ",
            "i'm ",
            "sorry",
            " cannot ",
            "can't ",
            "help",
            " with that",
            ". ",
            "\n",
            '"',
            "'",
            "`",
            "“",
            "«",
            "> ",
            "```",
        ),
        *(
            "however, ",
            "here is ",
            "1. ",
            "<think>",
            "</think>",
            "ich kann ",
            "nicht ",
            "no puedo ",
            "我",
            "不能",
            "帮助",
        ),
        *("لا أستطيع ", "नहीं ", "\u200b", "\ud800", "İ", "ß", "ﬁ", "e\u0301", "\x00", "x" * 90, " " * 40),
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join)))
def test_any_text_has_a_reading_whose_span_is_in_it(text):
    found = declining(text)
    assert found is None or 0 <= found.span[0] < found.span[1] <= len(text)
    assert found is None or found.wholly or found.partly


@pytest.mark.parametrize(
    "text",
    [
        "i " * 400_000,
        "sorry " * 100_000,
        "<think>" * 50_000,
        "<think>" + "x" * 1_000_000 + "</think>" + REFUSAL,
        '"' * 300_000,
        "'a" * 300_000,
        "' " * 300_000,
        "«" * 300_000,
        "```" * 300_000,
        "我" * 300_000,
        "我不能" * 100_000,
        "ich kann " * 50_000,
        "ich kann nicht " * 50_000,
        "i can't really " * 50_000,
        "je ne peux " * 50_000,
        "नहीं कर सक " * 50_000,
        "لا أستطيع " * 50_000,
        "e\u0301" * 300_000,
        "\u200b" * 600_000,
        "\ud800" * 600_000,
        "i cannot" + " " * 1_000_000,
        "İ" * 300_000 + "i cannot help",
        "I don't have have have access " * 30_000,
    ],
    ids=range(23),
)
def test_reading_takes_bounded_time(text):
    started = time.perf_counter()
    declining(text)
    assert time.perf_counter() - started < 0.25


def test_what_is_far_beyond_any_answer_is_not_read():
    filler = "The tour goes on. " * (READ_CHARS // 18 + 1)
    assert declining(filler + REFUSAL) is None
    assert declining(filler[: READ_CHARS // 2] + REFUSAL).partly

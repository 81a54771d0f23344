import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.signals.empty_output import EmptyOutput, is_blank
from detectors.types import Answer, Exchange, Failure, Message, Outcome, Request, ToolCall

SIGNAL = EmptyOutput()
CHAT = Request((Message("user", "Name a town."),))
OK = Outcome(status=200)
UNSEEN = [
    " ",
    "\n",
    "\t",
    "\x00",
    "\x7f",
    "\u00a0",
    "\u00ad",
    "\u200b",
    "\u200d",
    "\u2060",
    "\u2800",
    "\u3000",
    "\u3164",
    "\ufe0f",
    "\ufeff",
]


def read(text, **answer):
    return SIGNAL.read(Exchange(CHAT, Answer(text=text, **answer), OK))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        *((mark * 3, "blank") for mark in UNSEEN),
        ("".join(UNSEEN), "blank"),
        ("<think>It is a town, then.</think>\n\u200b", "only_thought"),
        ("\n<think>It is a town, and so", "only_thought"),
    ],
)
def test_nothing_to_see_is_bad(text, reason):
    found = read(text)
    assert (found.value, found.reason) == (1.0, reason)


@pytest.mark.parametrize(
    "text", ["Ulm", " .", "\u200bUlm", "0", "\u2014", "\ud800", "<think>hm</think>Ulm", "<p></p>", "山", "\u0301"]
)
def test_anything_visible_is_an_answer(text):
    assert read(text).reason == "written"


def test_calls_and_refusals_are_answers():
    assert read("", tool_calls=(ToolCall("find", "{}"),)).reason == "tool_call"
    assert read(None, tool_calls=(ToolCall("find", "{}"),)).value == 0.0
    assert read("", refusal="I would rather not").reason == "refused"
    assert read("", finish_reason="content_filter").value == 0.0
    assert read("", finish_reason="length").value == 1.0


def test_what_was_not_logged_or_failed():
    assert read(None) is None
    assert SIGNAL.read(Exchange(CHAT, None, Outcome(failure=Failure.TIMEOUT))).reason == "no_answer"
    assert SIGNAL.read(Exchange(CHAT, Answer(text=""), Outcome(failure=Failure.CANCELLED))) is None
    assert SIGNAL.read(Exchange(Request(), Answer(text=""), OK)) is None


@given(st.text(st.sampled_from(UNSEEN)), st.text(st.sampled_from(UNSEEN)))
def test_a_visible_character_makes_the_difference(before, after):
    assert is_blank(before + after)
    assert not is_blank(f"{before}x{after}")
    assert read(f"{before}x{after}").value == 0.0


def test_a_megabyte_takes_little_time():
    began = time.perf_counter()
    assert read("\u200b" * 1_000_000).value == 1.0
    assert read("<think>" * 150_000).value == 1.0
    assert time.perf_counter() - began < 2.0

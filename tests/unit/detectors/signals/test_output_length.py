import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.signals.output_length import OutputLength, estimated_tokens
from detectors.types import Answer, Exchange, Failure, Message, Outcome, Request, ToolCall

SIGNAL = OutputLength()
CHAT = Request((Message("user", "Name a town."),))
OK = Outcome(status=200)


@pytest.mark.parametrize(
    ("answer", "value", "reason"),
    [
        (Answer(text="Ulm", completion_tokens=7), 7.0, "counted"),
        (Answer(text="abcdefgh"), 2.0, "estimated"),
        (Answer(text="abcdefgh", completion_tokens=0), 2.0, "estimated"),
        (Answer(text="abcdefgh", completion_tokens=-5), 2.0, "estimated"),
        (Answer(text="山水火木"), 3.0, "estimated"),
        (Answer(text="\ud800\x00"), 1.0, "estimated"),
        (Answer(text="", tool_calls=(ToolCall("find", '{"a": 1}'),)), 3.0, "estimated"),
        (Answer(tool_calls=(ToolCall("ping", ""),)), 1.0, "estimated"),
        (Answer(text=""), 0.0, "estimated"),
        (Answer(completion_tokens=0), 0.0, "counted"),
    ],
)
def test_tokens_are_counted_or_estimated(answer, value, reason):
    found = SIGNAL.read(Exchange(CHAT, answer, OK))
    assert (found.value, found.reason) == (value, reason)


def test_failures_have_no_length_and_what_was_not_logged_no_reading():
    assert SIGNAL.read(Exchange(CHAT, Answer(completion_tokens=9), Outcome(status=500))).value == 0.0
    assert SIGNAL.read(Exchange(CHAT, Answer(completion_tokens=9), Outcome(failure=Failure.CANCELLED))) is None
    assert SIGNAL.read(Exchange(CHAT, Answer(), OK)) is None
    assert SIGNAL.read(Exchange(CHAT, None, OK)) is None
    assert SIGNAL.read(Exchange(Request(), Answer(completion_tokens=9), OK)) is None


@given(st.text(), st.text())
def test_estimates_add_up(one, other):
    both = estimated_tokens(Answer(text=one + other))
    assert both == estimated_tokens(Answer(text=one)) + estimated_tokens(Answer(text=other))
    assert both == estimated_tokens(Answer(text=one, tool_calls=(ToolCall(other, ""),)))

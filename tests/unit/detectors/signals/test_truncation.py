import pytest

from detectors.signals.truncation import SMALL_MAX_TOKENS, Truncation
from detectors.types import Answer, Exchange, Failure, Message, Outcome, Request

SIGNAL = Truncation()
USER = (Message("user", "Tell me of the river."),)
OK = Outcome(status=200)


def read(reason, max_tokens=None, outcome=OK):
    return SIGNAL.read(Exchange(Request(USER, max_tokens=max_tokens), Answer(text="x", finish_reason=reason), outcome))


@pytest.mark.parametrize("max_tokens", [None, SMALL_MAX_TOKENS, 4_096])
def test_answers_cut_off_at_a_limit_are_bad(max_tokens):
    assert read("length", max_tokens).value == 1.0
    for reason in ("stop", "tool_calls", "content_filter", "repetition", None):
        assert read(reason, max_tokens).value == 0.0


@pytest.mark.parametrize("max_tokens", [0, 1, SMALL_MAX_TOKENS - 1])
def test_small_limits_do_not_apply_whatever_the_answer(max_tokens):
    assert read("length", max_tokens) is None
    assert read("stop", max_tokens) is None
    assert read("stop", max_tokens, Outcome(failure=Failure.TIMEOUT)) is None


def test_failures_are_not_cut_off():
    assert read("length", outcome=Outcome(status=500)).reason == "no_answer"
    assert read("length", outcome=Outcome(failure=Failure.CANCELLED)) is None
    assert SIGNAL.read(Exchange(Request(USER), None, OK)) is None
    assert SIGNAL.read(Exchange(Request(), Answer(finish_reason="length"), OK)) is None

import pytest

from detectors.signals.retry_loop import RetryLoop
from detectors.types import Answer, Exchange, Failure, Indicts, Message, Outcome, Request

SIGNAL = RetryLoop()
ASKED = "How long does the ferry to the island take?"


def talk(*turns):
    """A user's turns with an answer between each two."""
    messages = []
    for turn in turns:
        messages += [Message("user", turn), Message("assistant", "Forty minutes.")]
    return Request(messages=tuple(messages[:-1]))


def read(request, outcome=None):
    return SIGNAL.read(Exchange(request, Answer("x"), outcome or Outcome(status=200)))


@pytest.mark.parametrize(
    ("request_", "value"),
    [
        (talk(ASKED, ASKED), 1.0),
        (talk(ASKED, "how long does the fery to the island take"), 1.0),
        (talk(ASKED, "Hm, really?", ASKED), 1.0),
        (talk(ASKED, "And by plane?"), 0.0),
        (talk(ASKED, "How long does the train to the island take?"), 0.0),
        (talk("yes", "yes"), 0.0),
        (talk("next", "next"), 0.0),
        (talk(ASKED, "a b", "c d", "e f", ASKED), 0.0),
    ],
)
def test_repetitions_are_read(request_, value):
    assert read(request_).value == value


def test_applies_when_the_user_speaks_after_an_answer():
    assert read(None) is None
    assert read(Request()) is None
    assert read(talk(ASKED)) is None
    assert read(Request(messages=(*talk(ASKED, ASKED).messages, Message("assistant", "x")))) is None
    sent_twice = Request(messages=(Message("user", ASKED), Message("user", ASKED)))
    assert read(sent_twice) is None, "nobody answered between"


def test_what_was_not_logged_has_no_reading():
    assert read(talk(ASKED, None)) is None
    assert read(talk(None, ASKED)) is None
    assert read(talk(None, ASKED, ASKED)).value == 1.0, "the repetition was"


def test_speaks_about_the_answer_before_however_this_attempt_ended():
    assert SIGNAL.indicts is Indicts.PREVIOUS
    for failure in (Failure.TIMEOUT, Failure.CANCELLED):
        assert read(talk(ASKED, ASKED), Outcome(failure=failure)).value == 1.0
    assert SIGNAL.read_failure(Outcome(status=500)).value == 0.0

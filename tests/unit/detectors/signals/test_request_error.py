import pytest

from detectors.signals.request_error import RequestError
from detectors.types import Answer, Exchange, Failure, Outcome

SIGNAL = RequestError()


@pytest.mark.parametrize(
    ("outcome", "answer", "value", "reason"),
    [
        (Outcome(status=200), Answer(text="x", finish_reason="stop"), 0.0, "ok"),
        (Outcome(status=200), None, 0.0, "ok"),
        (Outcome(), Answer(text="x"), 0.0, "ok"),
        (Outcome(status=500), None, 1.0, "status"),
        (Outcome(status=503, failure=Failure.STATUS), None, 1.0, "status"),
        (Outcome(failure=Failure.STATUS), None, 1.0, "status"),
        (Outcome(status=429), None, 0.0, "client"),
        (Outcome(status=429, failure=Failure.STATUS), None, 0.0, "client"),
        (Outcome(status=404), None, 0.0, "client"),
        (Outcome(failure=Failure.TIMEOUT), None, 1.0, "timeout"),
        (Outcome(failure=Failure.CONNECT), None, 1.0, "connect"),
        (Outcome(status=200, failure=Failure.ABORT), Answer(text="par"), 1.0, "abort"),
        (Outcome(status=200, failure=Failure.ENGINE), None, 1.0, "engine"),
        (Outcome(status=499, failure=Failure.CANCELLED), None, 0.0, "cancelled"),
        (Outcome(status=200), Answer(text="", finish_reason="error"), 1.0, "finish_error"),
        (Outcome(status=200), Answer(text="", finish_reason="abort"), 1.0, "finish_abort"),
        (Outcome(status=200), Answer(text="", finish_reason="length"), 0.0, "ok"),
    ],
)
def test_outcomes_are_read(outcome, answer, value, reason):
    found = SIGNAL.read(Exchange(None, answer, outcome))
    assert (found.value, found.reason) == (value, reason)


def test_nothing_known_is_no_reading():
    assert SIGNAL.read(Exchange()) is None

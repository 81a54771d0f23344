from math import inf, nan

import pytest

from detectors.signals.logprob_shift import LogprobShift
from detectors.types import Answer, Exchange, Failure, Message, Outcome, Request

SIGNAL = LogprobShift()
CHAT = Request((Message("user", "Name a town."),))
OK = Outcome(status=200)


@pytest.mark.parametrize(("mean", "value"), [(-0.25, 0.25), (-9999.0, 9999.0), (0.0, 0.0), (1e-9, 0.0)])
def test_value_is_the_surprise_per_token(mean, value):
    assert SIGNAL.read(Exchange(CHAT, Answer(text="Ulm", mean_logprob=mean), OK)).value == value


@pytest.mark.parametrize("mean", [None, nan, inf, -inf])
def test_what_was_not_logged_has_no_reading(mean):
    assert SIGNAL.read(Exchange(CHAT, Answer(text="Ulm", mean_logprob=mean), OK)) is None


def test_failures_and_other_requests_have_no_reading():
    answer = Answer(text="Ulm", mean_logprob=-0.5)
    for outcome in (Outcome(status=500), Outcome(failure=Failure.CANCELLED)):
        assert SIGNAL.read(Exchange(CHAT, answer, outcome)) is None
    assert SIGNAL.read(Exchange(Request(), answer, OK)) is None
    assert SIGNAL.read(Exchange(None, answer, OK)) is None
    assert SIGNAL.read_failure(Outcome(status=500)).value == 0.0

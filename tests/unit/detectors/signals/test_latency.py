from math import inf, nan

import pytest

from detectors.signals.latency_e2e import LatencyE2e
from detectors.signals.latency_queue import LatencyQueue
from detectors.signals.latency_tpot import LatencyTpot
from detectors.signals.latency_ttft import LatencyTtft
from detectors.types import Answer, Exchange, Failure, Outcome, Request, Timing

STREAM = Request(stream=True)
OK = Outcome(status=200)
TIMING = Timing(ttft_ms=200.0, e2e_ms=1_190.0)
ALL = [LatencyTtft(), LatencyTpot(), LatencyE2e()]


@pytest.mark.parametrize(("signal", "ms"), list(zip(ALL, [200.0, 10.0, 1_190.0], strict=True)))
def test_values_are_milliseconds(signal, ms):
    assert signal.read(Exchange(STREAM, Answer(completion_tokens=100), OK, TIMING)).value == ms


def test_first_tokens_exist_only_in_streams():
    for request in (Request(), None):
        exchange = Exchange(request, Answer(completion_tokens=100), OK, TIMING)
        assert [signal.read(exchange) is None for signal in ALL] == [True, True, False]


@pytest.mark.parametrize("signal", ALL)
def test_time_outs_are_infinite_and_other_failures_not_slow(signal):
    def read(outcome):
        return signal.read(Exchange(STREAM, None, outcome, TIMING))

    assert read(Outcome(failure=Failure.TIMEOUT)).value == inf
    assert read(Outcome(status=504, failure=Failure.STATUS)).value == 0.0
    assert read(Outcome(status=429)).reason == "failed"


def cancelled(signal, timing, tokens=None):
    answer = None if tokens is None else Answer(completion_tokens=tokens)
    return signal.read(Exchange(STREAM, answer, Outcome(status=200, failure=Failure.CANCELLED), timing))


def test_an_answer_the_client_left_is_censored_where_it_left():
    assert cancelled(LatencyE2e(), TIMING).value == -1_190.0
    assert cancelled(LatencyE2e(), TIMING).reason == "cancelled"
    assert cancelled(LatencyTtft(), Timing(None, 700.0)).value == -700.0


def test_a_first_token_that_came_before_the_client_left_has_its_time():
    assert cancelled(LatencyTtft(), TIMING).value == 200.0
    assert cancelled(LatencyTtft(), Timing(0.0, 700.0)).value == 0.0


def test_the_pace_of_an_answer_the_client_left_is_that_of_the_tokens_that_came():
    assert cancelled(LatencyTpot(), TIMING, 16).value == 66.0
    for tokens in (15, None):
        assert cancelled(LatencyTpot(), TIMING, tokens) is None, "unknown, which is not the same as not slow"


@pytest.mark.parametrize("signal", [LatencyE2e(), LatencyTtft()])
@pytest.mark.parametrize("ms", [None, nan, inf, -1.0, 0.0])
def test_leaving_at_no_known_time_tells_nothing(signal, ms):
    assert cancelled(signal, Timing(None, ms)) is None


@pytest.mark.parametrize("signal", ALL)
@pytest.mark.parametrize("ms", [None, nan, inf, -1.0])
def test_what_was_not_recorded_has_no_reading(signal, ms):
    assert signal.read(Exchange(STREAM, Answer(completion_tokens=100), OK, Timing(ms, ms))) is None


def test_tpot_of_short_answers_is_not_slow():
    def read(tokens, timing=TIMING):
        return LatencyTpot().read(Exchange(STREAM, Answer(completion_tokens=tokens), OK, timing))

    assert read(15).reason == "too_short"
    assert read(15).value == 0.0
    assert read(16).value == 66.0
    assert read(0).value == 0.0
    assert read(None) is None
    assert read(100, Timing(300.0, 200.0)) is None


def test_queue_time_is_what_the_server_tells():
    def read(ms, outcome=OK):
        return LatencyQueue().read(Exchange(Request(), Answer(text="x"), outcome, Timing(queue_ms=ms)))

    assert read(12.5).value == 12.5
    assert read(0.0).value == 0.0
    for unknown in (None, nan, inf, -1.0):
        assert read(unknown) is None
    assert read(12.5, Outcome(status=500)).value == 12.5
    assert read(12.5, Outcome(failure=Failure.CANCELLED)).value == -12.5
    assert read(None, Outcome(failure=Failure.TIMEOUT)) is None
    assert LatencyQueue().read_failure(Outcome(failure=Failure.TIMEOUT)).value == inf
    assert LatencyQueue().read_failure(Outcome(status=500)).value == 0.0

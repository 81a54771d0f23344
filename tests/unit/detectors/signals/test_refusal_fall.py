import pytest

from detectors.signals._fall import fall_of
from detectors.signals.latency_ttft import LatencyTtft
from detectors.signals.output_length import OutputLength
from detectors.signals.refusal import Refusal
from detectors.signals.schema_validity import SchemaValidity
from detectors.types import Answer, Exchange, Failure, Message, Outcome, Request

CHAT = Request(messages=(Message("user", None),))
FALL = fall_of(Refusal(), "Fewer refusals")


def test_is_named_after_what_it_is_the_fall_of():
    assert (FALL.name, FALL.title, FALL.version) == ("refusal_fall", "Fewer refusals", Refusal.version)
    assert FALL.default_margin == Refusal.default_margin


@pytest.mark.parametrize("text", ["Sure.", "I must decline.", "I can't help with that.", ""])
def test_is_one_less_the_other_bit(text):
    exchange = Exchange(CHAT, Answer(text=text), Outcome(status=200))
    other, own = Refusal().read(exchange), FALL.read(exchange)
    assert own.value == 1.0 - other.value
    assert (own.reason, own.span) == (other.reason, other.span)


@pytest.mark.parametrize("outcome", [Outcome(status=503), Outcome(failure=Failure.TIMEOUT), Outcome(status=429)])
def test_an_answer_that_never_came_is_no_fall(outcome):
    assert FALL.read(Exchange(CHAT, None, outcome)) == FALL.read_failure(outcome)
    assert FALL.read_failure(outcome).value == 0.0


def test_a_failure_that_the_other_bit_calls_bad_is_no_fall_either():
    fall = fall_of(SchemaValidity(), "Fewer schema failures")
    outcome = Outcome(failure=Failure.TIMEOUT)
    asked = Request(messages=CHAT.messages, json_object=True)
    assert fall.read(Exchange(asked, None, outcome)).value == 0.0


def test_a_declared_refusal_in_an_error_is_a_refusal():
    blocked = Exchange(CHAT, Answer(finish_reason="content_filter"), Outcome(status=400))
    assert FALL.read(blocked).value == 0.0
    assert FALL.read(blocked).reason == "content_filter"


def test_applies_where_the_other_bit_does():
    assert FALL.read(Exchange(Request(), Answer(text="x"))) is None
    assert FALL.read(Exchange(CHAT, Answer(text=None))) is None


def test_a_latency_has_no_fall():
    with pytest.raises(ValueError, match="signal must be a bit or an amount, got 'latency_ttft'"):
        fall_of(LatencyTtft(), "Faster")


def test_the_fall_of_an_amount_is_its_reciprocal():
    fall = fall_of(OutputLength(), "Shorter answers")

    def read(tokens, **outcome):
        answer = Answer(text="x", completion_tokens=tokens)
        return fall.read(Exchange(Request((Message("user", "Go"),)), answer, Outcome(**outcome))).value

    assert read(50) > read(100) > read(200) > 0
    assert read(100) == pytest.approx(2 * read(200))
    assert read(100, status=503) == 0.0, "what never came is not short"

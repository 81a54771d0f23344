"""What every registered signal must do."""

import re
from math import inf, isfinite, nan
from pathlib import Path

import pytest
from msgspec.structs import replace

import detectors.signals
from detectors.registry import SIGNALS
from detectors.types import (
    Answer,
    Exchange,
    Failure,
    Margin,
    Message,
    Outcome,
    Reading,
    Request,
    SignalKind,
    Timing,
    ToolCall,
)

USER = (Message("user", "Name a town."),)
SCHEMA = {"type": "object", "required": ["town"]}
REQUESTS = {
    "none": None,
    "empty": Request(),
    "chat": Request(messages=USER),
    "stream": Request(messages=USER, stream=True),
    "schema": Request(messages=USER, response_schema=SCHEMA),
    "object": Request(messages=USER, json_object=True),
    "tools": Request(messages=USER, tools={"find": SCHEMA, "ping": None}),
    "all": Request(messages=USER, response_schema=True, json_object=True, tools={"find": SCHEMA}, stream=True),
    "bad_schema": Request(messages=USER, response_schema={"type": 7}),
    "no_text": Request(messages=(Message("", None),), stream=True),
    "greedy": Request(messages=USER, temperature=0.0, max_tokens=400),
    "form": Request(messages=(Message("system", "Answer as a table."), *USER), max_tokens=16),
}
HOSTILE_TEXTS = [
    "",
    "\x00",
    "\ud800 lone",
    "[" * 100_000,
    "[" * 100_000 + "]" * 100_000,
    '{"a":' * 100_000,
    "9" * 5_000,
    "1e999",
    "NaN",
    "\ufeff{}",
    "x" * 2_000_000,
    "<think>" + "y" * 500_000,
    "\u202e\u0000\uffff",
    '"' * 1_000,
    "sorry, i " * 10_000,
    '{"town": "Ulm"}',
]
ANSWERS = [Answer(text=text, completion_tokens=50, finish_reason="stop") for text in HOSTILE_TEXTS] + [
    Answer(text="Ulm", finish_reason="length", completion_tokens=0),
    Answer(text="Ulm", finish_reason="content_filter", completion_tokens=-5),
    Answer(text="", refusal="I would rather not", completion_tokens=16),
    Answer(text="", tool_calls=(ToolCall("find", "\x00{"), ToolCall("", "")), completion_tokens=10**9),
    Answer(text="", tool_calls=(ToolCall("find", "\ud800"),), completion_tokens=17),
    Answer(text="", tool_calls=(ToolCall("find", "[" * 100_000),), completion_tokens=17),
]
TIMING = Timing(ttft_ms=120.0, e2e_ms=900.0)
EACH = pytest.mark.parametrize("signal", SIGNALS.values(), ids=list(SIGNALS))


def check(signal, reading):
    assert isinstance(reading, Reading)
    assert re.fullmatch(r"[a-z0-9_]{1,40}", reading.reason), "a class, never user text"
    if signal.kind is SignalKind.BIT:
        assert reading.value in {0.0, 1.0}
    elif signal.kind is SignalKind.PRINT:
        assert 0.0 <= reading.value < 2.0**24
        assert reading.value.is_integer()
    else:
        assert reading.value == inf or (isfinite(reading.value) and reading.value >= 0.0)


@EACH
def test_describes_itself(signal):
    assert SIGNALS[signal.name] is signal
    assert re.fullmatch(r"[a-z][a-z0-9_]*", signal.name)
    assert signal.version >= 1
    assert signal.title
    assert isinstance(signal.default_margin, Margin)
    if signal.kind is SignalKind.BIT:
        assert signal.unit == ("share of requests" if signal.paired else "share of sessions")
        assert signal.default_margin == Margin(absolute=0.005 if signal.paired else 0.01)
    elif signal.kind is SignalKind.PRINT:
        assert signal.unit == "share of pairs"
        assert signal.default_margin == Margin(absolute=0.05)
    else:
        assert (signal.unit == "ms") == (signal.kind is SignalKind.LATENCY)
        assert signal.default_margin == Margin(relative=0.15)


@EACH
def test_docstring_says_what_it_sees_and_misses(signal):
    assert "Sees" in type(signal).__doc__
    assert "Applies to" in type(signal).__doc__ or "Applies when" in type(signal).__doc__


def test_every_file_is_registered():
    files = {path.stem for path in Path(detectors.signals.__path__[0]).glob("[!_]*.py")}
    assert files == {name for name in SIGNALS if name.removesuffix("_fall") not in SIGNALS or name in files}


@EACH
@pytest.mark.parametrize("request_name", REQUESTS)
def test_hostile_answers_get_a_reading_and_never_change_applicability(signal, request_name):
    exchanges = [Exchange(REQUESTS[request_name], answer, Outcome(status=200), TIMING) for answer in ANSWERS]
    readings = [signal.read(exchange) for exchange in exchanges]
    assert len({reading is None for reading in readings}) == 1
    for reading in readings:
        if reading is not None:
            check(signal, reading)


@EACH
@pytest.mark.parametrize("request_name", REQUESTS)
def test_broken_records_never_raise(signal, request_name):
    exchanges = [
        Exchange(),
        Exchange(answer=Answer()),
        Exchange(outcome=Outcome(status=-1)),
        Exchange(outcome=Outcome(status=10**9)),
        Exchange(answer=Answer(text=""), timing=Timing(nan, nan)),
        Exchange(answer=Answer(completion_tokens=20), timing=Timing(-inf, inf)),
        Exchange(answer=Answer(completion_tokens=20), timing=Timing(5.0, 1.0)),
        Exchange(answer=Answer(finish_reason="\x00\ud800")),
    ]
    for exchange in exchanges:
        reading = signal.read(replace(exchange, request=REQUESTS[request_name]))
        if reading is not None:
            check(signal, reading)


@EACH
@pytest.mark.parametrize("failure", [None, *Failure])
def test_failures_have_a_reading(signal, failure):
    for status in (None, 200, 400, 429, 500, 599):
        outcome = Outcome(status, failure)
        check(signal, signal.read_failure(outcome))


@EACH
@pytest.mark.parametrize("failure", [each for each in Failure if each is not Failure.CANCELLED])
@pytest.mark.parametrize("request_name", REQUESTS)
def test_read_of_a_failed_attempt_is_read_failure(signal, failure, request_name):
    outcome = Outcome(failure=failure)
    answered = Exchange(REQUESTS[request_name], ANSWERS[-7], Outcome(status=200), TIMING)
    reading = signal.read(Exchange(REQUESTS[request_name], None, outcome))
    assert (reading is None) == (signal.read(answered) is None), "applicability is the request's"
    if reading is not None:
        assert reading == signal.read_failure(outcome)


@EACH
def test_readings_are_repeatable(signal):
    for request in REQUESTS.values():
        for answer in ANSWERS[::3]:
            exchange = Exchange(request, answer, Outcome(status=200), TIMING)
            assert signal.read(exchange) == signal.read(exchange)

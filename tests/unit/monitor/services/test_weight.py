"""What a batch weighs while it waits: never less than it takes, and what was read off it does not wait with it."""

import gc
import tracemalloc

import pytest
from msgspec.structs import replace

from detectors.types import Answer, Exchange, Failure, Message, Outcome, Request, Timing, ToolCall
from monitor.models.event import Attribution, Event, Leg, Record, Recorder, Rejection
from monitor.services.attribution import event_key
from monitor.services.weight import RECORD_BYTES, REJECTION_BYTES, light, weight_of
from tests.conftest import START

NUMBERS = {"finish_reason": "stop", "completion_tokens": 7, "prompt_tokens": 8}


def record(exchange: Exchange, n: int = 0, text: bytes | None = None) -> Record:
    event = Event(Recorder.SERVER, f"request-{n}", START, exchange, event_id=f"event-{n}", session_id=f"session-{n}")
    key = event_key("s", event, Leg.PRIMARY)
    return Record(event, Attribution(1, 2, Leg.PRIMARY, "rule"), "s", key, {f"signal-{n}": 1.0}, START, text)


SHAPES = {
    "gateway": lambda _: Exchange(outcome=Outcome(None, Failure.TIMEOUT)),
    "chat": lambda n: Exchange(Request((Message("user", f"{n}" * 40),)), Answer(f"{n}" * 300, **NUMBERS)),
    "large text": lambda n: Exchange(Request((Message("user", f"{n}" * 50_000),)), Answer("x" * 50_000, **NUMBERS)),
    "large schema": lambda n: Exchange(Request(response_schema={"enum": [[f"{n}"] for _ in range(500)]})),
    "calls": lambda n: Exchange(None, Answer(tool_calls=tuple(ToolCall("f", f"{n}-{m}" * 9) for m in range(60)))),
    "refusal": lambda n: Exchange(None, Answer(refusal=f"{n}" * 20_000, **NUMBERS)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_takes_more_than_it_weighs(shape):
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = [record(light(SHAPES[shape](n)), n, b"%d" % n * 500) for n in range(100, 300)]
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken <= weight_of(kept, ()) == 200 * (RECORD_BYTES + 1500)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_stored_stays(shape):
    given = replace(SHAPES[shape](1), timing=Timing(1.0, 2.0))
    answer = given.answer
    numbers = None if answer is None else replace(answer, text=None, refusal=None, tool_calls=())
    assert light(given) == replace(given, request=None, answer=numbers)


def test_rejections_count():
    rejected = [Rejection(0, "code", "d" * 10, skeleton="s" * 100), Rejection(0, "code", "é" * 10)]
    assert weight_of((), rejected) == 2 * REJECTION_BYTES + 110 + 40

import json
from datetime import UTC, datetime, timedelta, timezone

import jsonschema
import msgspec
import pytest

from detectors.types import Failure
from monitor.intake.codes import Code
from monitor.intake.limits import Limits
from monitor.intake.native import NativeEvent, parse
from monitor.intake.schema import event_schema
from monitor.models.event import Event, Leg, Recorder, Rejection

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
START = "2026-11-21T07:59:00Z"
LIMITS = Limits()
BASE = {"request_id": "req-1", "started_at": START}


def read(doc, limits=LIMITS, index=0):
    raw = doc if isinstance(doc, bytes) else json.dumps(doc).encode()
    return parse(raw, index, NOW, limits)


def event(**fields):
    result = read({**BASE, **fields}).result
    assert isinstance(result, Event), result
    return result


def rejection(doc, limits=LIMITS):
    result = read(doc, limits).result
    assert isinstance(result, Rejection)
    return result


def test_the_smallest_event():
    found = event()
    assert found.request_id == "req-1"
    assert found.started_at == datetime(2026, 11, 21, 7, 59, tzinfo=UTC)
    assert found.recorder is Recorder.SERVER
    assert (found.attempt, found.backend, found.leg, found.event_id) == (1, "", None, None)
    assert found.exchange.request is None
    assert found.exchange.answer is None


def test_every_field():
    found = event(
        event_id="e-1",
        attempt=2,
        backend="int4",
        host="h-shadow",
        mirrored=True,
        leg="shadow",
        route="chat",
        variant="chat-int4",
        requested_model="chat-a",
        session_id="s-1",
        status=200,
        duration_ms=1500,
        ttft_ms=20.5,
        queue_ms=1.5,
        stream=True,
        request={
            "model": "chat",
            "messages": [{"role": "user", "content": "Hi"}],
            "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}},
        },
        response={
            "model": "chat-int4",
            "system_fingerprint": "fp-1",
            "choices": [{"index": 0, "message": {"content": "Ho"}, "finish_reason": "stop"}],
        },
    )
    assert (found.event_id, found.attempt, found.backend, found.host) == ("e-1", 2, "int4", "h-shadow")
    assert (found.mirrored, found.leg, found.route, found.variant) == (True, Leg.SHADOW, "chat", "chat-int4")
    assert (found.requested_model, found.response_model, found.system_fingerprint) == (
        "chat-a",
        "chat-int4",
        "fp-1",
    )
    assert (found.session_id, found.duration_ms) == ("s-1", 1500)
    assert (found.exchange.timing.ttft_ms, found.exchange.timing.queue_ms) == (20.5, 1.5)
    assert found.exchange.request.stream is True
    assert found.exchange.answer.text == "Ho"
    assert found.exchange.outcome.status == 200
    assert found.slices[0] == "first_turn"
    assert found.slices[1].startswith("schema:")
    assert found.slices[2:] == ("prompt:1k", "kind:structured", "endpoint:chat")


@pytest.mark.parametrize(
    ("request_body", "endpoint"),
    [
        ({"messages": []}, "chat"),
        ({"messages": [], "system": "Be brief."}, "messages"),
        ({"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5}, "chat"),
        ({"prompt": "Hi"}, "completions"),
        ({"input": "Hi"}, "responses"),
        ({"instructions": "Be brief."}, "responses"),
        ({"model": "chat"}, None),
        ({}, None),
    ],
)
def test_the_endpoint_is_told_by_the_body_unless_it_is_stated(request_body, endpoint):
    told = [name for name in event(request=request_body).slices if name.startswith("endpoint:")]
    assert told == ([] if endpoint is None else [f"endpoint:{endpoint}"])
    assert "endpoint:embeddings" in event(request=request_body, endpoint="embeddings").slices


def test_tags_are_slices_even_without_a_request():
    assert event(tags=["app:checkout", "", "app:checkout", "v12"]).slices == ("tag:app:checkout", "tag:v12")
    assert event(tags=[f"t{n}" for n in range(9)]).slices == (*(f"tag:t{n}" for n in range(8)), "tag:other")
    assert event(endpoint="chat").slices == ("endpoint:chat",)


def test_the_requested_model_and_stream_come_from_the_body():
    found = event(request={"model": "chat", "stream": True})
    assert found.requested_model == "chat"
    assert found.exchange.request.stream is True


@pytest.mark.parametrize(
    ("started_at", "micros"),
    [
        ("2026-11-21T07:59:00.150Z", 150_000),
        ("2026-11-21t07:59:00.1500009z", 150_000),
        ("2026-11-21 08:59:00.15+01:00", 150_000),
        ("2026-11-21T02:59:00.150-05:00", 150_000),
        (1795247940, 0),
        (1795247940.15, 150_000),
        (1795247940150, 150_000),
        (1795247940150000, 150_000),
        (1795247940150000999, 150_000),
    ],
)
def test_spellings_of_time(started_at, micros):
    found = event(started_at=started_at).started_at
    assert found == datetime(2026, 11, 21, 7, 59, 0, micros, tzinfo=UTC)
    assert found.tzinfo is UTC


BIG_ID = "x" * 1_000_000
GOOD = [
    {},
    {
        "event_id": None,
        "backend": None,
        "status": None,
        "error": None,
        "leg": None,
        "request": None,
        "stream": None,
    },
    {"event_id": "", "session_id": ""},
    {"request_id": "x" * 256},
    {"request_id": "идентификатор"},
    {"started_at": 1795247940150},
    {"attempt": 100},
    {"attempt": 1.0},
    {"status": 0},
    {"status": 999},
    {"leg": "unknown"},
    {"error": "timeout"},
    {"duration_ms": 0},
    {"duration_ms": 86_400_000},
    {"mirrored": False},
    {"request": {"messages": "wrong", "tools": 7, "max_tokens": "many", "response_format": []}},
    {"response": {"choices": [None, 3, {"message": "wrong"}], "usage": [], "model": 5}},
    {"response_sse": "data: rubbish\n\n"},
    {"strange_field": {"a": 1}},
    {"endpoint": None, "tags": None},
    {"endpoint": "", "tags": []},
    {"endpoint": "x" * 64, "tags": ["", "x" * 64, *(str(n) for n in range(20))]},
]
BAD = [
    ({"request_id": None}, Code.MISSING_FIELD, "/request_id"),
    ({"request_id": ""}, Code.MISSING_FIELD, "/request_id"),
    ({"request_id": 5}, Code.WRONG_TYPE, "/request_id"),
    ({"request_id": BIG_ID}, Code.TOO_LONG, "/request_id"),
    ({"request_id": "x" * 257}, Code.TOO_LONG, "/request_id"),
    ({"request_id": "a\0b"}, Code.CONTROL_CHARACTER, "/request_id"),
    ({"event_id": "a\nb"}, Code.CONTROL_CHARACTER, "/event_id"),
    ({"session_id": "\x85"}, Code.CONTROL_CHARACTER, "/session_id"),
    ({"backend": "\x7f"}, Code.CONTROL_CHARACTER, "/backend"),
    ({"started_at": None}, Code.MISSING_FIELD, "/started_at"),
    ({"started_at": True}, Code.WRONG_TYPE, "/started_at"),
    ({"started_at": {}}, Code.WRONG_TYPE, "/started_at"),
    ({"started_at": "yesterday"}, Code.TIMESTAMP_UNPARSEABLE, "/started_at"),
    ({"started_at": "2026-11-21T07:59:00"}, Code.TIMESTAMP_UNPARSEABLE, "/started_at"),
    ({"started_at": "2026-11-21"}, Code.TIMESTAMP_UNPARSEABLE, "/started_at"),
    ({"started_at": "1795247940"}, Code.TIMESTAMP_UNPARSEABLE, "/started_at"),
    ({"attempt": 0}, Code.OUT_OF_RANGE, "/attempt"),
    ({"attempt": 101}, Code.OUT_OF_RANGE, "/attempt"),
    ({"attempt": 1.5}, Code.WRONG_TYPE, "/attempt"),
    ({"attempt": True}, Code.WRONG_TYPE, "/attempt"),
    ({"status": "200"}, Code.WRONG_TYPE, "/status"),
    ({"status": 1000}, Code.OUT_OF_RANGE, "/status"),
    ({"status": 10**40}, Code.OUT_OF_RANGE, "/status"),
    ({"duration_ms": -1}, Code.OUT_OF_RANGE, "/duration_ms"),
    ({"ttft_ms": 86_400_001}, Code.OUT_OF_RANGE, "/ttft_ms"),
    ({"ttft_ms": "fast"}, Code.WRONG_TYPE, "/ttft_ms"),
    ({"queue_ms": -1}, Code.OUT_OF_RANGE, "/queue_ms"),
    ({"leg": "secondary"}, Code.OUT_OF_RANGE, "/leg"),
    ({"leg": 1}, Code.WRONG_TYPE, "/leg"),
    ({"error": "oops"}, Code.OUT_OF_RANGE, "/error"),
    ({"mirrored": "yes"}, Code.WRONG_TYPE, "/mirrored"),
    ({"stream": 1}, Code.WRONG_TYPE, "/stream"),
    ({"request": "{}"}, Code.WRONG_TYPE, "/request"),
    ({"response": []}, Code.WRONG_TYPE, "/response"),
    ({"response_sse": {}}, Code.WRONG_TYPE, "/response_sse"),
    ({"route": ["a"]}, Code.WRONG_TYPE, "/route"),
    ({"endpoint": 1}, Code.WRONG_TYPE, "/endpoint"),
    ({"endpoint": "x" * 65}, Code.TOO_LONG, "/endpoint"),
    ({"endpoint": "a\0"}, Code.CONTROL_CHARACTER, "/endpoint"),
    ({"tags": "app"}, Code.WRONG_TYPE, "/tags"),
    ({"tags": ["app", None]}, Code.WRONG_TYPE, "/tags/1"),
    ({"tags": ["x" * 65]}, Code.TOO_LONG, "/tags/0"),
    ({"tags": ["app", "a\nb"]}, Code.CONTROL_CHARACTER, "/tags/1"),
]
VALIDATOR = jsonschema.Draft202012Validator(event_schema())


@pytest.mark.parametrize("fields", GOOD)
def test_good_documents_pass_the_parser_and_the_schema(fields):
    assert isinstance(event(**fields), Event)
    VALIDATOR.validate({**BASE, **fields})


@pytest.mark.parametrize(("fields", "code", "pointer"), BAD)
def test_bad_documents_fail_the_parser_and_the_schema(fields, code, pointer):
    found = rejection({**BASE, **fields})
    assert (found.code, found.pointer) == (code.value, pointer)
    assert pointer[1:] in found.detail
    assert not VALIDATOR.is_valid({**BASE, **fields})


@pytest.mark.parametrize("name", ["request_id", "started_at"])
def test_required_fields(name):
    doc = {key: value for key, value in BASE.items() if key != name}
    assert rejection(doc).code == Code.MISSING_FIELD
    assert not VALIDATOR.is_valid(doc)


def test_the_schema_is_one_and_its_examples_hold():
    schema = event_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]) == set(NativeEvent.__struct_fields__)
    for example in schema["examples"]:
        VALIDATOR.validate(example)
        assert isinstance(read(example).result, Event)
    for name, rule in schema["properties"].items():
        assert rule["description"]
        for example in rule["examples"]:
            assert isinstance(event(**{name: example}), Event)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", Code.MALFORMED_JSON),
        (b"{", Code.MALFORMED_JSON),
        (b'{"status":NaN}', Code.MALFORMED_JSON),
        (b'{"duration_ms":Infinity}', Code.MALFORMED_JSON),
        (b'{"duration_ms":-Infinity}', Code.MALFORMED_JSON),
        (b'{"duration_ms":1e999}', Code.MALFORMED_JSON),
        (b'{"request_id":"\xff"}', Code.MALFORMED_JSON),
        (b"{'request_id': 'r'}", Code.MALFORMED_JSON),
        (b"[]", Code.NOT_AN_OBJECT),
        (b'"text"', Code.NOT_AN_OBJECT),
        (b"12", Code.NOT_AN_OBJECT),
        (b"[" * 100_000, Code.TOO_DEEP),
        (b'{"request":' * 100_000 + b"1" + b"}" * 100_000, Code.TOO_DEEP),
        (b'{"request":' * 200 + b"1" + b"}" * 200, Code.TOO_DEEP),
        (b'{"a":"' + b"x" * (1 << 21) + b'"}', Code.RECORD_TOO_LARGE),
    ],
)
def test_records_that_are_no_events(raw, code):
    found = read(raw, Limits(max_record_bytes=1_300_000), index=7).result
    assert (found.code, found.index, found.size) == (code.value, 7, len(raw))


def test_depth_within_the_limit_is_taken():
    nested = {}
    for _ in range(120):
        nested = {"a": nested}
    assert isinstance(event(request={"metadata": nested}), Event)


@pytest.mark.parametrize(
    ("delta", "code"),
    [
        (timedelta(days=3650), Code.STARTED_IN_FUTURE),
        (timedelta(minutes=11), Code.STARTED_IN_FUTURE),
        (timedelta(days=-8), Code.STARTED_TOO_LONG_AGO),
        (timedelta(days=-3650), Code.STARTED_TOO_LONG_AGO),
    ],
)
def test_clocks_that_are_off(delta, code):
    assert rejection({**BASE, "started_at": (NOW + delta).isoformat()}).code == code.value


@pytest.mark.parametrize(
    "started_at",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-21T07:59:60Z", 1e300, -(10**30)],
)
def test_times_out_of_the_calendar(started_at):
    assert rejection({**BASE, "started_at": started_at}).code == Code.TIMESTAMP_UNPARSEABLE


@pytest.mark.parametrize("started_at", [0, -5, "1970-01-01T00:00:00Z"])
def test_the_epoch_is_too_long_ago(started_at):
    assert rejection({**BASE, "started_at": started_at}).code == Code.STARTED_TOO_LONG_AGO


@pytest.mark.parametrize("delta", [timedelta(minutes=10), timedelta(days=-7)])
def test_the_limits_of_time_are_inclusive(delta):
    assert event(started_at=(NOW + delta).astimezone(timezone(timedelta(hours=5))).isoformat())


def test_the_same_id_twice_parses_twice():
    first, second = read(BASE, index=0).result, read(BASE, index=1).result
    assert first == second
    assert isinstance(first, Event)


def test_unknown_fields_are_reported():
    doc = {**BASE, "zeta": 1, "alpha": {}, "bad\nname": 1, "x" * 300: 1}
    assert read(doc).unknown_fields == ("alpha", "zeta")
    assert len(read({**BASE, **{f"f{n}": n for n in range(100)}}).unknown_fields) == 16


def test_rejections_never_hold_text_of_the_record():
    doc = {
        **BASE,
        "leg": "secret-leg",
        "request": {"messages": [{"role": "user", "content": "secret words"}], "secret": 1},
    }
    found = rejection(doc)
    assert "secret" not in repr(found)
    assert '"content":"<12 chars>"' in found.skeleton


def test_a_text_cut_within_an_emoji_is_mended():
    raw = b'{"request_id":"r","started_at":"%s","response":{"choices":[{"message":{"content":"a\\ud83d"}}]}}'
    assert read(raw % START.encode()).result.exchange.answer.text == "a\ufffd"
    whole = raw.replace(b"\\ud83d", b"\\ud83d\\ude00 \\\\ud83d \\ude00")
    assert read(whole % START.encode()).result.exchange.answer.text == "a\U0001f600 \\ud83d \ufffd"


@pytest.mark.parametrize(
    ("fields", "failure"),
    [
        ({}, None),
        ({"status": 200}, None),
        ({"status": 404, "response": {"error": {"message": "no"}}}, None),
        ({"status": 500}, Failure.STATUS),
        ({"status": 503, "error": "timeout"}, Failure.TIMEOUT),
        ({"error": "cancelled"}, Failure.CANCELLED),
        ({"response": {"error": {"message": "no"}}}, None),
        ({"status": 200, "response": {"error": {"message": "no"}}}, Failure.ENGINE),
        ({"response": {"choices": [{"finish_reason": "error", "message": {}}]}}, Failure.ENGINE),
        ({"response": {"choices": [{"finish_reason": "abort", "message": {}}]}}, None),
    ],
)
def test_failures(fields, failure):
    found = event(**fields).exchange.outcome
    assert found.failure is failure
    assert found.status == fields.get("status")


def test_a_stream_is_read_when_the_body_holds_no_answer():
    sse = 'data: {"model":"m","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
    assert event(response_sse=sse).exchange.answer.text == "Hi"
    assert event(response={}, response_sse=sse).response_model == "m"
    body = {"choices": [{"message": {"content": "body"}}]}
    assert event(response=body, response_sse=sse).exchange.answer.text == "body"


def test_a_sender_can_encode_the_struct():
    sent = NativeEvent(request_id="r", started_at=NOW, leg=Leg.SHADOW)
    raw = msgspec.json.encode(sent)
    assert json.loads(raw) == {"request_id": "r", "started_at": "2026-11-21T08:00:00Z", "leg": "shadow"}
    assert read(raw).result.leg is Leg.SHADOW

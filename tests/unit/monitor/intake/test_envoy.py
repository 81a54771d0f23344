import json
from datetime import UTC, datetime

import pytest

from detectors.types import Failure
from monitor.intake.envoy import parse
from monitor.intake.limits import Limits
from monitor.models.event import Event, Leg, Recorder

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
LINE = {
    "start_time": "2026-11-21T07:59:00.150Z",
    "request_id": "req-1",
    "upstream_cluster": "chat-int4",
    "response_code": 200,
    "duration": 1500,
    "response_flags": "-",
    "response_code_details": "via_upstream",
    "route_name": "chat",
    "authority": "chat.example.net",
}


def read(**fields):
    return parse(json.dumps({**LINE, **fields}).encode(), 3, NOW, Limits())


def test_a_line():
    found = read(method="POST").result
    assert (found.recorder, found.leg) == (Recorder.GATEWAY, Leg.PRIMARY)
    assert (found.request_id, found.event_id, found.attempt) == ("req-1", "req-1#1", 1)
    assert (found.backend, found.route, found.host) == ("chat-int4", "chat", "chat.example.net")
    assert found.duration_ms == found.exchange.timing.e2e_ms == 1500
    assert (found.exchange.request, found.exchange.answer, found.exchange.timing.ttft_ms) == (
        None,
        None,
        None,
    )
    assert (found.exchange.outcome.status, found.exchange.outcome.failure) == (200, None)
    assert read(method="POST").unknown_fields == ("method",)


def test_other_spellings_strings_and_dashes():
    line = {
        "start_time": "1795247940.150",
        "request_id": "-",
        "x-request-id": "req-1",
        "cluster": "chat-int4",
        "status": "503",
        "duration_ms": "1500",
        "response_flags": "UF,URX",
        "attempt_count": "2",
        ":authority": "chat.example.net",
        "x-session-id": "s-1",
        "route_name": "-",
    }
    found = parse(json.dumps(line).encode(), 0, NOW, Limits()).result
    assert (found.request_id, found.event_id, found.attempt, found.session_id) == (
        "req-1",
        "req-1#2",
        2,
        "s-1",
    )
    assert (found.backend, found.host, found.route, found.duration_ms) == (
        "chat-int4",
        "chat.example.net",
        None,
        1500,
    )
    assert found.started_at == datetime(2026, 11, 21, 7, 59, 0, 150_000, tzinfo=UTC)
    assert found.exchange.outcome.failure is Failure.CONNECT


@pytest.mark.parametrize(
    ("code", "flags", "details", "failure"),
    [
        (200, "-", "via_upstream", None),
        (404, "NR", "route_not_found", None),
        (429, "RL", "request_rate_limited", None),
        (504, "UT", "response_timeout", Failure.TIMEOUT),
        (200, "UT", "via_upstream", Failure.TIMEOUT),
        (408, "SI", "stream_idle_timeout", Failure.TIMEOUT),
        (504, "UMSDR", "-", Failure.TIMEOUT),
        (504, "UpstreamRequestTimeout", "-", Failure.TIMEOUT),
        (503, "UF", "-", Failure.CONNECT),
        (503, "UH", "no_healthy_upstream", Failure.CONNECT),
        (503, "URX,UF", "-", Failure.CONNECT),
        (503, "URX", "via_upstream", Failure.STATUS),
        (503, "UC", "-", Failure.CONNECT),
        (503, "LR", "-", Failure.CONNECT),
        (503, "UR", "-", Failure.CONNECT),
        (503, "NC", "-", Failure.CONNECT),
        (500, "NFCF", "-", Failure.CONNECT),
        (503, "DF", "-", Failure.CONNECT),
        (502, "UPE", "-", Failure.CONNECT),
        (200, "UC", "via_upstream", Failure.ABORT),
        (200, "UR", "via_upstream", Failure.ABORT),
        (0, "DC", "downstream_remote_disconnect", Failure.CANCELLED),
        (200, "DC", "-", Failure.CANCELLED),
        (503, "UO", "overflow", Failure.STATUS),
        (503, "FI", "fault_filter_abort", Failure.STATUS),
        (502, "DPE", "-", Failure.STATUS),
        (400, "DPE", "-", None),
        (500, "-", "via_upstream", Failure.STATUS),
    ],
)
def test_how_a_line_ended(code, flags, details, failure):
    found = read(response_code=code, response_flags=flags, response_code_details=details).result
    assert found.exchange.outcome.failure is failure
    assert found.exchange.outcome.status == code


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"request_id": "-"}, "missing_field"),
        ({"request_id": None}, "missing_field"),
        ({"request_id": "a\0"}, "control_character"),
        ({"request_id": "x" * 257}, "too_long"),
        ({"start_time": "-"}, "missing_field"),
        ({"start_time": "noon"}, "timestamp_unparseable"),
        ({"start_time": "2036-11-21T07:59:00Z"}, "started_in_future"),
        ({"start_time": "2016-11-21T07:59:00Z"}, "started_too_long_ago"),
        ({"response_code": "ok"}, "wrong_type"),
        ({"response_code": 1000}, "out_of_range"),
        ({"duration": "-1"}, "wrong_type"),
        ({"attempt": 101}, "out_of_range"),
    ],
)
def test_rejected_lines(fields, code):
    found = read(**fields).result
    assert (found.code, found.index) == (code, 3)


@pytest.mark.parametrize("attempt", [0, "0", "-", None, 1])
def test_the_first_attempt(attempt):
    found = read(attempt=attempt).result
    assert isinstance(found, Event)
    assert found.attempt == 1

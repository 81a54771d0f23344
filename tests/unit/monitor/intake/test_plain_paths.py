"""What is read in one step is read exactly as field by field and value by value."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from monitor.intake import native, split
from monitor.intake.fields import instant, plain_instant
from monitor.intake.limits import Limits
from monitor.models.event import Event
from tests.support.events import event

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LIMITS = Limits(max_record_bytes=20_000, max_batch_records=50)
VALUES = [
    None, "", "x", "é", "nul\0", "tab\t", "\x7f", "\x85", "x" * 256, "x" * 257,
    0, 1, 1.0, 1.5, -1, 100, 101, 999, 1000, 2**70, 1e308, True, False, [], {}, ["x"], {"a": 1},
    "primary", "shadow", "timeout", "status", "2026-03-02T11:59:59Z", "2026-03-02T11:59:59.123Z",
    "2026-03-02T11:59:59.1234567Z", "2026-03-02t11:59:59+02:00", "2026-03-02 11:59:59Z", "2026-W10-1T11:59:59.123Z",
    "2026-03-02T115959.12345678Z", "2026-03-02T11:59:59", "2020-01-01T00:00:00Z", "2126-01-01T00:00:00Z",
]  # fmt: skip


def outcome(raw):
    parsed = native.parse(raw, 3, NOW, LIMITS)
    return parsed.result, parsed.unknown_fields, parsed.request_body, parsed.response_body


@pytest.mark.parametrize("name", [*sorted(native.FIELDS), "strange"])
def test_one_step_and_field_by_field_agree(name, monkeypatch):
    raws = [json.dumps({**event("r1", NOW - timedelta(seconds=1)), name: value}).encode() for value in VALUES]
    raws += [raw.replace(b'"request_id"', b'"session_id"', 1) for raw in raws]
    at_once = [outcome(raw) for raw in raws]
    monkeypatch.setattr(native, "_plain", lambda *_: None)
    assert at_once == [outcome(raw) for raw in raws]


def test_an_ordinary_event_is_read_in_one_step(monkeypatch):
    monkeypatch.setattr(native, "load", None)
    raw = json.dumps(event("r1", NOW)).encode()
    assert isinstance(native.parse(raw, 0, NOW, LIMITS).result, Event)


@pytest.mark.parametrize("value", [value for value in VALUES if isinstance(value, str)])
def test_a_plain_time_is_the_time(value):
    found = plain_instant(value)
    assert found is None or found == instant({"at": value}, "at")


BODIES = [
    b"{}", b"{}\n{}", b"{} {}", b"{}\r\n\r\n{}\n", b"[{},{}]", b"[ {} , {} ]", b"[{},null]", b"[{},1]", b"[]", b"",
    b"{}\nnull", b"{}\n5", b"{}\n{",
    b'{"data":[{}]}', b'{"a":{"data":[1]}}', b'{"a":"\\ud83d"}', b"[[{}]]", b"[{}", b"[{}]x",
    b"\xef\xbb\xbf{}", b"\x1e{}\n", b'{"a":"' + b"x" * 30_000 + b'"}', b"{}\n" * 50, b"{}\n" * 51,
    b"[" + b"{}," * 50 + b"{}]",
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_body_splits_alike_at_once_and_value_by_value(body, monkeypatch):
    def told():
        try:
            return split.split(body, LIMITS)
        except Exception as error:  # noqa: BLE001 - compared
            return type(error), str(error)

    at_once = told()
    monkeypatch.setattr(split, "_plain", lambda *_: None)
    assert at_once == told()

"""What is read in one step is read exactly as field by field and value by value."""

import copy
import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from monitor.intake import native, split
from monitor.intake.fields import instant, plain_instant
from monitor.intake.limits import Limits
from monitor.intake.reasoning import REASONING_FIELDS
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
    "x" * 64, "x" * 65, ["x", "", "x", "y"], ["x" * 64, "é"], ["x" * 65], ["nul\0"], ["\x85"], ["x", None], ["x", 1],
    [["x"]], [f"tag-{n}" for n in range(8)], [f"tag-{n}" for n in range(9)], ["other", *(str(n) for n in range(9))],
    [""] * 20,
]  # fmt: skip


def outcome(raw):
    parsed = native.parse(raw, 3, NOW, LIMITS)
    bodies = [
        msgspec.json.decode(body) if isinstance(body, msgspec.Raw) else body
        for body in (parsed.request_body, parsed.response_body)
    ]
    return parsed.result, parsed.unknown_fields, bodies


@pytest.mark.parametrize("name", [*sorted(native.FIELDS), "strange"])
def test_one_step_and_field_by_field_agree(name, monkeypatch):
    raws = [json.dumps({**event("r1", NOW - timedelta(seconds=1)), name: value}).encode() for value in VALUES]
    raws += [raw.replace(b'"request_id"', b'"session_id"', 1) for raw in raws]
    at_once = [outcome(raw) for raw in raws]
    monkeypatch.setattr(native, "_plain", lambda *_: None)
    assert at_once == [outcome(raw) for raw in raws]


CALL = {"id": "c", "type": "function", "function": {"name": "find", "arguments": '{"town": 1}'}}
TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}
REQUEST = {
    "model": "chat",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Where is it?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": "Ulm", "tool_call_id": "c"},
    ],
    "tools": [TOOL],
    "max_tokens": 20,
}
CHOICE = {
    "index": 0,
    "message": {"role": "assistant", "content": "In Ulm.", "tool_calls": [CALL]},
    "logprobs": {"content": [{"token": "In", "logprob": -0.5}, {"token": " Ulm", "logprob": -1}]},
    "finish_reason": "stop",
}
RESPONSE = {
    "model": "m",
    "system_fingerprint": "fp",
    "choices": [CHOICE],
    "usage": {"completion_tokens": 3, "prompt_tokens": 9},
}
ODD = [
    *VALUES,
    [CALL], [TOOL], [{"input_schema": {}, "name": "x"}], [{"custom": {"name": "x", "input": "y"}}], [{}], [None],
    {"type": "json_schema", "json_schema": {"schema": {"type": "array"}}}, {"type": "json_object"}, {"json": True},
    {"type": "json_object", "schema": {"type": "object"}}, {"name": "find", "arguments": None}, {"name": "", "a": 1},
    {"name": "find", "arguments": {"town": 1}}, {"content": []}, {"content": [{"logprob": True}]},
    {"token_logprobs": [-1.0, None]}, {"completion_tokens": 3.0}, [{"type": "text", "text": "part"}], [CHOICE],
    [{**CHOICE, "index": 1}, CHOICE], "content_filter", "error", "user",
    "high", "none", {"effort": "low"}, {"type": "enabled", "budget_tokens": 9}, {"enable_thinking": True},
]  # fmt: skip
PLACES = [
    *(("request", name) for name in ("model", "messages", "response_format", "tools", "functions", "system", "prompt",
      "structured_outputs", "max_tokens", "max_completion_tokens", "temperature", "stream", "output_format", "other")),
    *(("request", name) for name in REASONING_FIELDS),
    *(("request", "messages", at, name) for at in (1, 2) for name in ("role", "content", "tool_calls",
      "function_call", "other")),
    *(("response", name) for name in ("model", "system_fingerprint", "choices", "usage", "error", "object", "other")),
    *(("response", "choices", 0, name) for name in ("index", "message", "text", "finish_reason", "logprobs", "other")),
    *(("response", "choices", 0, "message", name) for name in ("content", "refusal", "tool_calls", "function_call")),
    *(("response", "choices", 0, "message", "tool_calls", 0, name) for name in ("function", "custom")),
    *(("response", "choices", 0, "message", "tool_calls", 0, "function", name) for name in ("name", "arguments")),
    *(("response", "usage", name) for name in ("completion_tokens", "prompt_tokens")),
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=lambda place: "/".join(map(str, place)))
def test_bodies_read_at_once_and_value_by_value_agree(place, monkeypatch):
    raws = []
    for value in [*ODD, ...]:
        doc = copy.deepcopy({**event("r1", NOW), "request": REQUEST, "response": RESPONSE})
        *way, last = place
        holder = doc
        for step in way:
            holder = holder[step]
        if value is ...:
            holder.pop(last, None)
        else:
            holder[last] = value
        raws.append(json.dumps(doc).encode())
    at_once = [outcome(raw) for raw in raws]
    monkeypatch.setattr(native, "_plain", lambda *_: None)
    for raw, found in zip(raws, at_once, strict=True):
        assert found == outcome(raw), raw


@pytest.mark.parametrize("raw", [b'"\xff"', b'"\xc3\xa9"', b'"\\ud83d"', b'"\\ud83d\\ude00"', b'"\x01"'])
def test_what_nobody_reads_is_still_text(raw, monkeypatch):
    doc = json.dumps({**event("r1", NOW), "request": {**REQUEST, "other": "HERE"}}).encode().replace(b'"HERE"', raw)
    at_once = native.parse(doc, 3, NOW, LIMITS).result
    monkeypatch.setattr(native, "_plain", lambda *_: None)
    assert at_once == native.parse(doc, 3, NOW, LIMITS).result


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

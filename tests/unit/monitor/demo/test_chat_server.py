"""The simulated chat server, called as an ASGI app."""

import asyncio
import json
from dataclasses import replace
from statistics import mean

import pytest

from monitor.clock import SystemClock
from monitor.demo.behaviour import Behaviour, FaultFile
from monitor.demo.chat_server import ChatServer
from monitor.demo.completions import assemble, from_stream
from monitor.demo.event_log import JsonLines
from monitor.demo.scenarios import TOOLS

HEADERS = [(b"host", b"gw-shadow:1"), (b"x-request-id", b"r1"), (b"x-session-id", b"s1")]


@pytest.fixture
def server(tmp_path):
    log, injected = JsonLines(tmp_path / "log.jsonl"), JsonLines(tmp_path / "injected.jsonl")
    yield ChatServer("int4", Behaviour(1, "int4"), FaultFile(None), log, injected, SystemClock())
    log.close()
    injected.close()


def call(server, body, *, leave_after=None, gone_after_s=None, method="POST", path="/v1/chat/completions"):
    """Send one request; return status and body, with the client gone after that many messages or seconds."""
    sent = []

    async def run():
        gone = asyncio.Event()
        if gone_after_s is not None:
            asyncio.get_running_loop().call_later(gone_after_s, gone.set)
        inbox = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive():
            if inbox:
                return inbox.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)
            if leave_after is not None and len(sent) == leave_after:
                gone.set()

        await server({"type": "http", "method": method, "path": path, "headers": HEADERS}, receive, send)

    asyncio.run(run())
    return sent[0]["status"] if sent else None, b"".join(message.get("body", b"") for message in sent[1:])


def events(tmp_path):
    return [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]


def ask(**parts):
    messages = [{"role": "user", "content": "where is order 7?"}]
    return json.dumps({"model": "chat-70b", "messages": messages, **parts}).encode()


def test_an_answer_is_logged_as_sent(server, tmp_path):
    status, body = call(server, ask())
    (event,) = events(tmp_path)
    assert status == event["status"] == 200
    assert event["response"] == json.loads(body)
    assert event["request"] == json.loads(ask())
    named = ("request_id", "session_id", "host", "backend", "attempt", "requested_model", "stream")
    assert [event[name] for name in named] == ["r1", "s1", "gw-shadow:1", "int4", 1, "chat-70b", False]
    assert 0 < event["ttft_ms"] < event["duration_ms"]
    assert 0 < event["queue_ms"] < 100
    assert event["started_at"].endswith("Z")
    assert len(event["started_at"]) == len("2026-01-01T00:00:00.000Z")


@pytest.mark.parametrize("parts", [{}, {"tools": list(TOOLS)}])
def test_a_stream_amounts_to_the_logged_completion(server, tmp_path, parts):
    _, body = call(server, ask(stream=True, stream_options={"include_usage": True}, **parts))
    assert body.endswith(b"data: [DONE]\n\n")
    (event,) = events(tmp_path)
    streamed = assemble(from_stream(body))
    assert streamed == event["response"]


@pytest.fixture
def faulty(tmp_path):
    """Return a server with a fault that concerns every request."""
    logs = []

    def serve(name):
        control = tmp_path / "fault.json"
        control.write_text(json.dumps({"fault": name}))
        logs.extend([JsonLines(tmp_path / "log.jsonl"), JsonLines(tmp_path / "injected.jsonl")])
        return ChatServer("int4", Always(1, "int4"), FaultFile(control), *logs, SystemClock())

    yield serve
    for log in logs:
        log.close()


class Always(Behaviour):
    """Lets a fault spoil every answer."""

    def plan(self, request, request_id, wrong):
        return super().plan(request, request_id, replace(wrong, share=1.0))


def test_a_server_error_is_logged_as_injected(faulty, tmp_path):
    status, _ = call(faulty("error"), ask())
    (event,) = events(tmp_path)
    assert status == event["status"] == 500
    assert len((tmp_path / "injected.jsonl").read_text().splitlines()) == 1


def test_a_request_that_hangs_is_held_until_the_gateway_gives_up(faulty, tmp_path):
    call(faulty("timeout"), ask(), gone_after_s=0.5)
    (event,) = events(tmp_path)
    assert event["error"] == "cancelled"
    assert event["status"] is event["response"] is None
    assert event["duration_ms"] >= 500
    assert len((tmp_path / "injected.jsonl").read_text().splitlines()) == 1


def test_log_probabilities_come_where_they_are_asked_for(server, tmp_path):
    call(server, ask(logprobs=True))
    call(server, ask())
    asked, plain = (event["response"]["choices"][0] for event in events(tmp_path))
    assert mean(token["logprob"] for token in asked["logprobs"]["content"]) == pytest.approx(-0.3, abs=0.2)
    assert "logprobs" not in plain


def test_a_client_that_leaves_is_logged_as_cancelled(server, tmp_path):
    call(server, ask(stream=True), leave_after=3)
    (event,) = events(tmp_path)
    assert event["error"] == "cancelled"


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'"x"'])
def test_a_body_that_is_no_chat_request_is_refused(server, tmp_path, body):
    assert call(server, body)[0] == 400
    assert events(tmp_path) == []


def test_models_health_and_unknown_paths(server):
    assert json.loads(call(server, b"", method="GET", path="/v1/models")[1])["data"][0]["id"] == "chat-70b"
    assert call(server, b"", method="GET", path="/health")[0] == 200
    assert call(server, b"", method="GET", path="/nowhere")[0] == 404

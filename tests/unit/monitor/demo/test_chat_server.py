"""The simulated chat server, called as an ASGI app."""

import asyncio
import json

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


def call(server, body, *, leave_after=None, method="POST", path="/v1/chat/completions"):
    """Send one request; return status and body, with the client gone after that many messages."""
    sent = []

    async def run():
        gone = asyncio.Event()
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
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


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
    assert event["started_at"].endswith("Z")
    assert len(event["started_at"]) == len("2026-01-01T00:00:00.000Z")


@pytest.mark.parametrize("parts", [{}, {"tools": list(TOOLS)}])
def test_a_stream_amounts_to_the_logged_completion(server, tmp_path, parts):
    _, body = call(server, ask(stream=True, stream_options={"include_usage": True}, **parts))
    assert body.endswith(b"data: [DONE]\n\n")
    (event,) = events(tmp_path)
    streamed = assemble(from_stream(body))
    assert streamed == event["response"]


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

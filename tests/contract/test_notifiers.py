"""Every notifier in the registry, against a real HTTP server."""

import json
import logging
import socket
import threading
import traceback
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from slack_sdk.models.blocks import Block
from typing_extensions import override

from alerts.errors import NotifyError, UnknownNotifierError
from alerts.registry import NOTIFIERS, build
from alerts.slack import SlackWebhookNotifier
from alerts.types import Alert, AlertKind, Effect, Fact, Severity

SECRET = "T0SECRET/B0SECRET/s3cr3ttoken"
PATH = f"/services/{SECRET}"


@dataclass(frozen=True)
class Case:
    """How a notifier is pointed at a local server, and what of its settings is secret."""

    settings: Callable[[str], dict[str, str]]
    secrets: tuple[str, ...]
    check: Callable[[dict[str, Any]], None]


def check_slack(payload):
    assert payload["text"].strip()
    assert [attachment["fallback"] for attachment in payload["attachments"]] == [payload["text"]]
    blocks = payload["blocks"] + payload["attachments"][0]["blocks"]
    assert 0 < len(blocks) <= 50
    parsed = Block.parse_all(blocks)
    assert None not in parsed
    assert [block.to_dict()["type"] for block in parsed] == [block["type"] for block in blocks]


CASES = {
    "slack": Case(
        settings=lambda base: {"webhook_url": base + PATH, "timeout_s": "5"},
        secrets=(SECRET, "s3cr3ttoken", "T0SECRET"),
        check=check_slack,
    ),
}

ALERT = Alert(
    dedup_key="42:rolled_back",
    incident_id=42,
    kind=AlertKind.ROLLED_BACK,
    severity=Severity.PAGE,
    route="chat-70b <!channel>",
    candidate="awq-int4",
    baseline="bf16",
    headline="Schema validity of awq-int4 fell below the margin of 2 points.",
    occurred_at=datetime(2026, 11, 21, 7, 10, tzinfo=UTC),
    effect=Effect("schema_validity", 0.884, 0.979, -0.095, -0.11, -0.081, 0.95, 2140, "confirmation"),
    facts=(Fact("Proof", "0 of 3,000 requests"),),
    evidence_url="https://fullback.example.net/incidents/42",
    next_step="fullback incident undo 42",
)


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str = "ok"
    raw: bytes | None = None
    hold: bool = False
    stall: bool = False


class Receiver(ThreadingHTTPServer):
    """Records what was posted and answers by the script; the last answer repeats."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[tuple[str, str, bytes]] = []
        self.script = [Answer()]
        self.released = threading.Event()
        self.base = f"http://127.0.0.1:{self.server_address[1]}"

    @override
    def handle_error(self, request, client_address):
        """Say nothing when a client that timed out has gone."""


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, self.headers["Content-Type"], body))
        script = self.server.script
        answer = script.pop(0) if len(script) > 1 else script[0]
        if answer.hold:
            self.server.released.wait(30)
        if answer.raw is not None:
            self.wfile.write(answer.raw)
            self.wfile.flush()
            if answer.stall:
                self.server.released.wait(30)
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        content = answer.body.replace("{path}", self.path).encode()
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        self.server.received.append((self.path, "GET", b""))
        self.send_error(404)

    @override
    def log_message(self, format, *args):
        """Keep the test output clean."""


@contextmanager
def running():
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def receiver():
    with running() as server:
        yield server


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=sorted(NOTIFIERS))
def name(request):
    return request.param


def test_every_entry_has_a_case():
    assert set(CASES) == set(NOTIFIERS)


def test_an_entry_is_named_as_it_is_registered(name):
    assert build(name, CASES[name].settings("https://example.net")).name == name


def test_an_accepted_alert_is_posted_once_as_valid_json(name, receiver):
    build(name, CASES[name].settings(receiver.base)).notify(ALERT)

    [(path, content_type, body)] = receiver.received
    assert path == PATH
    assert content_type.startswith("application/json")
    assert "<!channel>" not in body.decode()
    CASES[name].check(json.loads(body))


def test_an_accepted_alert_counts_as_delivered_even_if_the_answer_stalls(name, receiver):
    receiver.script = [Answer(raw=b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n", stall=True)]

    build(name, {**CASES[name].settings(receiver.base), "timeout_s": "0.3"}).notify(ALERT)


SCRIPTED = {
    "429": (Answer(429, {"Retry-After": "17"}, "rate_limited"), True, 17.0),
    "429 lower case": (Answer(429, {"retry-after": "3"}), True, 3.0),
    "429 without a time": (Answer(429), True, None),
    "429 with a date": (Answer(429, {"Retry-After": "Sat, 21 Nov 2026 07:28:00 GMT"}), True, None),
    "429 with nonsense": (Answer(429, {"Retry-After": "nan"}), True, None),
    "408": (Answer(408), True, None),
    "500": (Answer(500, body="rollup_error"), True, None),
    "503": (Answer(503, {"Retry-After": "60"}), True, 60.0),
    "302": (Answer(302, {"Location": "/elsewhere"}), False, None),
    "307": (Answer(307, {"Location": "/elsewhere"}), False, None),
    "400": (Answer(400, body="{path}"), False, None),
    "403": (Answer(403, body="invalid_token"), False, None),
    "403 unexplained": (Answer(403, body="{path}"), False, None),
    "404": (Answer(404, body="no_service"), False, None),
    "410": (Answer(410, body="channel_is_archived"), False, None),
    "404 that is no text": (
        Answer(404, {"Content-Type": "text/plain; charset=nonsense"}, "\xff"),
        False,
        None,
    ),
    "no answer": (Answer(raw=b""), True, None),
    "no HTTP": (Answer(raw=b"SSH-2.0-x\r\n\r\n"), True, None),
}


def failed(notifier) -> NotifyError:
    with pytest.raises(NotifyError) as caught:
        notifier.notify(ALERT)
    return caught.value


def assert_no_leak(secrets, error, notifier, caplog, capfd):
    output = capfd.readouterr()
    shown = [
        str(error),
        repr(error),
        repr(error.args),
        error.reason,
        repr(notifier),
        repr(vars(notifier)),
        "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()),
        caplog.text,
        repr([vars(record) for record in caplog.records]),
        output.out,
        output.err,
    ]
    assert error.__cause__ is None
    assert error.__context__ is None
    assert not [text for text in shown for secret in secrets if secret in text]


@pytest.mark.parametrize("script", SCRIPTED)
def test_outcomes_tell_whether_and_when_to_retry_and_leak_nothing(name, script, receiver, caplog, capfd):
    answer, retryable, retry_after_s = SCRIPTED[script]
    receiver.script = [answer]
    notifier = build(name, CASES[name].settings(receiver.base))
    for logger in ("", "slack_sdk", "slack_sdk.webhook", "slack_sdk.webhook.client", "alerts"):
        caplog.set_level(logging.DEBUG, logger=logger)

    error = failed(notifier)

    assert (error.retryable, error.retry_after_s) == (retryable, retry_after_s)
    assert len(receiver.received) == 1
    assert_no_leak(CASES[name].secrets, error, notifier, caplog, capfd)
    if not retryable:
        assert "webhook" in error.reason


def test_success_leaks_nothing(name, receiver, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="slack_sdk")

    build(name, CASES[name].settings(receiver.base)).notify(ALERT)

    assert not [secret for secret in CASES[name].secrets if secret in caplog.text + "".join(capfd.readouterr())]


def test_a_refused_connection_is_retryable(name, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        notifier = build(name, CASES[name].settings(f"http://127.0.0.1:{unused.getsockname()[1]}"))
        error = failed(notifier)

    assert error.retryable
    assert "ConnectionRefusedError" in error.reason
    assert_no_leak(CASES[name].secrets, error, notifier, caplog, capfd)


def test_a_timeout_is_retryable(name, receiver, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    receiver.script = [Answer(hold=True)]
    notifier = build(name, {**CASES[name].settings(receiver.base), "timeout_s": "0.2"})

    error = failed(notifier)

    assert error.retryable
    assert "within 0.2 s" in error.reason
    assert_no_leak(CASES[name].secrets, error, notifier, caplog, capfd)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_another_host_never_sees_a_redirected_alert(name, status, receiver):
    with running() as other:
        receiver.script = [Answer(status, {"Location": other.base + "/taken"})]
        failed(build(name, CASES[name].settings(receiver.base)))

        assert other.received == []


def test_a_wrong_address_is_refused_without_showing_it(name):
    for base in (
        "http://hooks.example.net",
        "ftp://127.0.0.1",
        "https://user:pw@example.net",
        "https://[bad",
    ):
        with pytest.raises(ValueError, match="setting '") as caught:
            build(name, CASES[name].settings(base))
        assert not [s for s in (*CASES[name].secrets, base) if s in str(caught.value)]
        assert caught.value.__context__ is None


@pytest.mark.parametrize("host", ["http://localhost:1", "http://127.0.0.2", "http://[::1]:80", "https://x.example"])
def test_https_and_loopback_addresses_are_accepted(name, host):
    build(name, CASES[name].settings(host))


@pytest.mark.parametrize("url", [" ", "https://", "https://h:port/x", "https://h/a b", "https://h/é", "/x"])
def test_malformed_addresses_are_refused(url):
    with pytest.raises(ValueError, match="setting 'webhook_url' ") as caught:
        build("slack", {"webhook_url": url})
    assert url.strip() == "" or f"{url!r}" not in str(caught.value)


def test_a_missing_setting_is_named():
    with pytest.raises(ValueError, match="setting 'webhook_url' is missing"):
        build("slack", {})


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "inf", "soon"])
def test_a_wrong_timeout_is_named(timeout):
    with pytest.raises(ValueError, match="timeout_s"):
        build("slack", {"webhook_url": "https://example.net/x", "timeout_s": timeout})


def test_an_unknown_notifier_lists_the_known_ones():
    with pytest.raises(UnknownNotifierError, match=r"unknown notifier 'pigeon'; known: .*slack"):
        build("pigeon", {})


@pytest.mark.parametrize(
    ("status", "word", "step"),
    [
        (403, "invalid_token", "create a new webhook"),
        (404, "no_service", "create a new one and set webhook_url"),
        (410, "channel_is_archived", "restore the channel"),
    ],
)
def test_slack_reasons_say_what_to_do(status, word, step, receiver):
    receiver.script = [Answer(status, body=word + "\n")]

    reason = failed(SlackWebhookNotifier(receiver.base + PATH)).reason

    assert reason.startswith(f"Slack answered {status} {word}: ")
    assert step in reason


def test_slack_gets_the_plain_text_when_it_refuses_the_layout(receiver):
    receiver.script = [Answer(400, body="invalid_blocks"), Answer(200)]

    SlackWebhookNotifier(receiver.base + PATH).notify(ALERT)

    full, plain = (json.loads(body) for _, _, body in receiver.received)
    assert plain == {"text": full["text"]}


def test_slack_layout_and_text_refused_is_permanent(receiver):
    receiver.script = [Answer(400, body="invalid_payload")]

    assert not failed(SlackWebhookNotifier(receiver.base + PATH)).retryable
    assert len(receiver.received) == 2

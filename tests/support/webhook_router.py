"""A router behind a webhook receiver: one with faults on demand, and the one that ``docs/routers.md`` prints."""

import base64
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError
from typing_extensions import override

from monitor.models.route import TargetRef

SECRET = f"whsec_{base64.b64encode(b'of the tests, of 32 bytes in all').decode()}"
OTHER_SECRET = f"whsec_{base64.b64encode(b'the next one, of 32 bytes in all').decode()}"
TOKEN = "an-invented-token"
DOCS = Path(__file__).parents[2] / "docs" / "routers.md"

Fault = Callable[[BaseHTTPRequestHandler, bytes], None]
"""Answers a request in the router's place."""


class LoopbackServer(ThreadingHTTPServer):
    """A server on a free port that says nothing of clients that went away."""

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class WebhookRouter:
    """Keeps one route, checks signatures by the standard's own package, and can misbehave.

    ``on_post`` and ``on_get`` answer in its place while they are set, ``after_post`` after it did what was asked;
    ``swallow`` acknowledges and does nothing.
    """

    def __init__(self, state: Mapping[str, Any], fences: bool = True) -> None:
        self.state: dict[str, Any] = dict(state)
        self.scale = {"wanted": 2, "ready": 2}
        self.fences = fences
        self.token: str | None = None
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.on_post: Fault | None = None
        self.on_get: Fault | None = None
        self.after_post: Fault | None = None
        self.swallow = False
        self.ignores_dry_run = False
        self.accepted_status = 200
        self.lock = threading.Lock()
        router = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                router.get(self)

            def do_POST(self) -> None:
                router.post(self, self.rfile.read(int(self.headers["content-length"])))

            @override
            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = LoopbackServer(Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        self._record(handler, b"")
        if self.on_get is not None:
            self.on_get(handler, b"")
        elif not self._trusted(handler, b""):
            send_json(handler, 401, {"detail": "wrong signature"})
        elif handler.path.startswith("/scale"):
            send_json(handler, 200, self.scale)
        else:
            with self.lock:
                send_json(handler, 200, self.state)

    def post(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        self._record(handler, body)
        if self.on_post is not None:
            self.on_post(handler, body)
        elif not self._trusted(handler, body):
            send_json(handler, 401, {"detail": "wrong signature"})
        elif handler.path.startswith("/scale"):
            self.scale["wanted"] = max(self.scale["wanted"], json.loads(body)["data"]["replicas"])
            send_json(handler, 200, self.scale)
        else:
            status, document = self._take(json.loads(body)["data"])
            if self.after_post is None:
                send_json(handler, status, document)
            else:
                self.after_post(handler, body)

    def _take(self, wanted: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        with self.lock:
            known = {*self.state["weights"]}
            unknown = {*wanted["weights"], *([wanted["mirror"]] if isinstance(wanted["mirror"], str) else [])} - known
            if unknown:
                return 422, {"detail": f"no backend {sorted(unknown)}"}
            held = self.state["epoch"]
            if self.fences and held is not None and wanted["epoch"] < held:
                return 409, {"epoch": held}
            if not self.swallow and (self.ignores_dry_run or not wanted["dry_run"]):
                weights = {name: wanted["weights"].get(name, 0) for name in self.state["weights"]}
                self.state = {"epoch": wanted["epoch"], "weights": weights, "mirror": wanted["mirror"]}
            return self.accepted_status, dict(self.state)

    def _record(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.seen.append((handler.command, handler.path, headers, body))

    def _trusted(self, handler: BaseHTTPRequestHandler, body: bytes) -> bool:
        if handler.command == "GET" and self.token and handler.headers["authorization"] != f"Bearer {self.token}":
            return False
        try:
            Webhook(SECRET).verify(body, dict(handler.headers.items()), json_parse=False)
        except WebhookVerificationError:
            return False
        return True


def send_json(handler: BaseHTTPRequestHandler, status: int, document: Any) -> None:
    send(handler, status, json.dumps(document).encode())


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    handler.send_header("content-length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def running_router(state: Mapping[str, Any], fences: bool = True) -> Iterator[WebhookRouter]:
    router = WebhookRouter(state, fences)
    try:
        yield router
    finally:
        router.server.close()


def receiver_source() -> str:
    """The receiver as the page prints it."""
    found = re.search(r"<!-- receiver: begin -->\n```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert found, "docs/routers.md prints no receiver"
    return found[1]


@contextmanager
def documented_receiver(directory: Path) -> Iterator[Callable[[Mapping[str, Any]], TargetRef]]:
    """Run the page's receiver as it stands; the function puts its route into a state and returns a reference to it."""
    script, secret, route = directory / "receiver.py", directory / "secret", directory / "route.json"
    script.write_text(receiver_source())
    secret.write_text(f"{SECRET}\n")
    environment = {**os.environ, "PORT": "0", "RECEIVER_SECRETS": f"{OTHER_SECRET} {SECRET}"}
    with subprocess.Popen(
        [sys.executable, "-u", str(script)],
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().rsplit(" ", 1)[-1].strip()
            assert port.isdecimal(), "the page's receiver did not start"

            def fresh(state: Mapping[str, Any]) -> TargetRef:
                route.write_text(json.dumps(state))
                url = f"http://127.0.0.1:{port}/route"
                settings = {"url": url, "read_url": url, "route": "chat", "secret_file": str(secret)}
                return TargetRef("webhook", {**settings, "fences": True, "dry_run": True, "propagation_s": 0.1})

            yield fresh
        finally:
            process.terminate()
            process.wait(10)

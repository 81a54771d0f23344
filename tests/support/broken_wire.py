"""An HTTP server's front that breaks on demand: the requests get there or not, the answers come back or not."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from typing_extensions import override


class Mode(StrEnum):
    PASS = "pass"
    REFUSE = "refuse"
    """The connection breaks before the request gets there."""
    DROP_ANSWER = "drop_answer"
    """The request gets there and is done; then the connection breaks."""
    SILENCE = "silence"
    """The request gets there and is done; no answer comes, until the wire is mended."""
    ANSWER = "answer"
    """The wire answers by itself, with ``raw``; the request does not get there."""
    DRIP = "drip"
    """The true answer comes byte by byte, a hundred a second."""


class BrokenWire:
    """Forwards to ``upstream``; a fault applies to requests of ``method`` (all where None), ``times`` of them."""

    def __init__(self, upstream: httpx.Client) -> None:
        self._upstream = upstream
        self._lock = threading.Lock()
        self._mended = threading.Event()
        self.mend()
        self.seen: list[str] = []
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                wire.handle(self)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class's names

            @override
            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def break_(self, mode: Mode, *, method: str | None = None, times: int = 1_000_000, raw: bytes = b"") -> None:
        """Break from now on."""
        with self._lock:
            self._mode, self._method, self._times, self._raw = mode, method, times, raw
        self._mended.clear()

    def mend(self) -> None:
        """Forward everything again, and let go who waits."""
        with self._lock:
            self._mode, self._method, self._times, self._raw = Mode.PASS, None, 0, b""
        self._mended.set()

    def close(self) -> None:
        self.mend()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        mode, raw = self._next(handler.command)
        if mode is Mode.REFUSE:
            handler.close_connection = True
            return
        if mode is Mode.ANSWER:
            handler.wfile.write(raw)
            handler.close_connection = True
            return
        headers = {
            name: value for name, value in handler.headers.items() if name.lower() not in {"host", "content-length"}
        }
        answer = self._upstream.request(handler.command, handler.path, content=body, headers=headers)
        if mode is Mode.SILENCE:
            self._mended.wait(60)
        if mode in {Mode.DROP_ANSWER, Mode.SILENCE}:
            handler.close_connection = True
            return
        handler.send_response(answer.status_code)
        for name in ("Content-Type", "Retry-After"):
            if name in answer.headers:
                handler.send_header(name, answer.headers[name])
        handler.send_header("Content-Length", str(len(answer.content)))
        handler.end_headers()
        if mode is Mode.DRIP:
            self._drip(handler, answer.content)
        else:
            handler.wfile.write(answer.content)

    def _drip(self, handler: BaseHTTPRequestHandler, content: bytes) -> None:
        handler.close_connection = True
        for index in range(len(content)):
            if self._mended.wait(0.01):
                return
            try:
                handler.wfile.write(content[index : index + 1])
                handler.wfile.flush()
            except OSError:
                return

    def _next(self, method: str) -> tuple[Mode, bytes]:
        with self._lock:
            self.seen.append(method)
            if self._mode is Mode.PASS or self._times <= 0 or self._method not in {None, method}:
                return Mode.PASS, b""
            self._times -= 1
            return self._mode, self._raw


@contextmanager
def broken_wire(upstream: httpx.Client) -> Iterator[BrokenWire]:
    wire = BrokenWire(upstream)
    try:
        yield wire
    finally:
        wire.close()

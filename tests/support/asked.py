"""Real HTTP servers that the controller asks: a front that routes chat requests by weights, and pages of metrics."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.events import reply


@dataclass
class Seen:
    """One request as a server saw it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def request_id(self) -> str:
        return self.headers["x-request-id"]


@dataclass
class Asked:
    """A server on a free port; ``answer`` returns (status, body) for a path, and may wait."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    answer: Callable[[Seen], tuple[int, Any]] = lambda _: (200, reply("ok"))


@contextmanager
def asked() -> Iterator[Asked]:
    """Serve until the end."""
    server_of = Asked()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            self._answered(json.loads(self.rfile.read(size)) if size else {})

        def do_GET(self) -> None:
            self._answered({})

        def _answered(self, body: dict[str, Any]) -> None:
            one = Seen(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            server_of.seen.append(one)
            status, document = server_of.answer(one)
            content = document.encode() if isinstance(document, str) else json.dumps(document).encode()
            try:
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except ConnectionError:
                pass  # whoever asked has gone

        def log_message(self, *args: Any) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    server_of.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield server_of
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

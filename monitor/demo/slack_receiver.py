"""A receiver shaped like Slack's incoming webhooks, which keeps what it gets."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from typing_extensions import override

__all__ = ["SlackReceiver", "render"]

_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<(https?://[^|>]*)\|([^>]*)>")
_PATH = "/services/T000/B000/demo"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, keep: "SlackReceiver") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keep = keep


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer as Slack does: ``ok``, ``invalid_payload`` or ``no_service``."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.path.startswith("/services/"):
            self._answer(404, "no_service")
            return
        try:
            message = json.loads(body)
        except ValueError:
            self._answer(400, "invalid_payload")
            return
        if not isinstance(message, dict) or not ({"text", "blocks", "attachments"} & message.keys()):
            self._answer(400, "no_text")
            return
        self.server.keep.add(message)
        self._answer(200, "ok")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


class SlackReceiver:
    """Listens on a free loopback port; use as a context manager."""

    def __init__(self) -> None:
        self._messages: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The webhook's address."""
        return f"http://127.0.0.1:{self._server.server_port}{_PATH}"

    @property
    def messages(self) -> tuple[dict[str, Any], ...]:
        """Everything received so far, oldest first."""
        with self._lock:
            return tuple(self._messages)

    def add(self, message: dict[str, Any]) -> None:
        """Keep a message."""
        with self._lock:
            self._messages.append(message)

    def __enter__(self) -> Self:
        """Start listening."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def render(message: Mapping[str, Any]) -> str:
    """Return a message as lines for a terminal."""
    blocks = list(message.get("blocks") or ())
    for attachment in message.get("attachments") or ():
        blocks += attachment.get("blocks") or ()
    lines = [line for block in blocks for line in _block(block)]
    return "\n".join(lines or [str(message.get("text", ""))])


def _block(block: Mapping[str, Any]) -> Iterator[str]:
    match block.get("type"):
        case "header":
            yield f"*{_text(block)}*"
        case "divider":
            yield "-" * 40
        case "context":
            yield from (f"  {_text({'text': element})}" for element in block.get("elements", ()))
        case "actions":
            yield "  ".join(_button(element) for element in block.get("elements", ()))
        case _:
            if block.get("text"):
                yield from _text(block).splitlines()
            yield from (f"  {' '.join(_text({'text': item}).split())}" for item in block.get("fields", ()))


def _button(element: Mapping[str, Any]) -> str:
    address = f" {element['url']}" if element.get("url") else ""
    return f"[{_text(element)}]{address}"


def _text(holder: Mapping[str, Any]) -> str:
    text = holder.get("text", "")
    written = str(text.get("text", "")) if isinstance(text, dict) else str(text)
    return _LINK.sub(r"\2 (\1)", _DATE.sub(r"\1", written))

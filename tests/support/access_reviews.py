"""Who may do what on the tests' API server: the questions that it sends to a cluster's core, answered."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override

WORKER = "system:serviceaccount:fullback:fullback-worker"
TOKEN = "token-of-the-worker"
"""How tokens of the worker's service account begin."""


@contextmanager
def access_reviews() -> Iterator[str]:
    """Answer the API server's questions: tokens by their beginning, rights by the chart's Role for ``llm``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told = _known(review["spec"]) if review["kind"] == "TokenReview" else _allowed(review["spec"])
            body = json.dumps({**review, "status": told}).encode()
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _known(spec: Mapping[str, Any]) -> dict[str, Any]:
    known = spec["token"].startswith(TOKEN)
    return {"authenticated": known, **({"user": {"username": WORKER}} if known else {})}


def _allowed(spec: Mapping[str, Any]) -> dict[str, Any]:
    wanted = spec.get("resourceAttributes") or {}
    allowed = (
        spec.get("user") == WORKER
        and wanted.get("verb") in {"get", "patch"}
        and (wanted.get("group"), wanted.get("resource")) == ("gateway.networking.k8s.io", "httproutes")
        and not wanted.get("subresource")
        and wanted.get("namespace") == "llm"
    )
    return {"allowed": allowed}

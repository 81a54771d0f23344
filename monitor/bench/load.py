"""A cheap client: prepared requests over keep-alive sockets, one thread a connection."""

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import zstandard

__all__ = ["Load", "Outcome", "bodies_of", "post_all"]

_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda body: body,
    "gzip": lambda body: gzip.compress(body, 6),
    "zstd": lambda body: zstandard.ZstdCompressor(level=3).compress(body),
}
_OK = 200
_TRY_AGAIN = 503
_PAUSE_S = 0.05


@dataclass(slots=True)
class Outcome:
    """What the server answered."""

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    received: int = 0
    stored: int = 0
    duplicates: int = 0
    rejected: int = 0
    refused: int = 0
    """Requests answered 503 and sent again."""


@dataclass(frozen=True, slots=True)
class Load:
    """How events are sent."""

    batch: int
    connections: int
    encoding: str = "gzip"
    format: str = "ndjson"


def bodies_of(events: Iterable[bytes], load: Load) -> list[bytes]:
    """Return the bodies of the requests that carry the events."""
    bodies: list[bytes] = []
    batch: list[bytes] = []
    for event in events:
        batch.append(event)
        if len(batch) == load.batch:
            bodies.append(_body(batch, load))
            batch = []
    if batch:
        bodies.append(_body(batch, load))
    return bodies


def _body(batch: Sequence[bytes], load: Load) -> bytes:
    joined = b"\n".join(batch) + b"\n" if load.format == "ndjson" else b"[" + b",".join(batch) + b"]"
    return _ENCODERS[load.encoding](joined)


def post_all(port: int, key: str, bodies: Sequence[bytes], load: Load) -> Outcome:
    """Post every body, each connection taking the next one as soon as it was answered.

    Raises:
        RuntimeError: an answer was neither 200 nor 503, or a connection broke.
    """
    kind = "application/x-ndjson" if load.format == "ndjson" else "application/json"
    coding = "" if load.encoding == "none" else f"Content-Encoding: {load.encoding}\r\n"
    head = f"POST /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\nContent-Type: {kind}\r\n{coding}"
    queue = iter(bodies)
    lock = threading.Lock()
    outcome = Outcome()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while True:
                    with lock:
                        body = next(queue, None)
                    if body is None or errors:
                        return
                    _deliver(connection, head.encode(), body, outcome, lock)
        except BaseException as error:  # noqa: BLE001 - shown by the caller
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(load.connections)]
    began = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome.seconds = perf_counter() - began
    if errors:
        raise RuntimeError(f"the load failed: {errors[0]}")
    return outcome


def _deliver(connection: socket.socket, head: bytes, body: bytes, outcome: Outcome, lock: threading.Lock) -> None:
    while True:
        began = perf_counter()
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        status, answer = _answer(connection)
        took = perf_counter() - began
        with lock:
            if status == _TRY_AGAIN:
                outcome.refused += 1
            elif status != _OK:
                raise RuntimeError(f"status {status}: {answer[:300].decode(errors='replace')}")
            else:
                told = json.loads(answer)
                outcome.latencies_s.append(took)
                for name in ("received", "stored", "duplicates", "rejected"):
                    setattr(outcome, name, getattr(outcome, name) + told[name])
                return
        threading.Event().wait(_PAUSE_S)


def _answer(connection: socket.socket) -> tuple[int, bytes]:
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _some(connection)
    head = received[:end].lower()
    at = head.index(b"content-length:") + len(b"content-length:")
    size = int(head[at:].split(b"\r\n", 1)[0])
    while len(received) < end + 4 + size:
        received += _some(connection)
    return int(received[9:12]), received[end + 4 :]


def _some(connection: socket.socket) -> bytes:
    part = connection.recv(65_536)
    if not part:
        raise RuntimeError("the server closed the connection")
    return part

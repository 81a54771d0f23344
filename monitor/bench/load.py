"""A cheap client: prepared requests over keep-alive sockets, one thread a connection."""

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import repeat
from time import perf_counter
from typing import Any, Self

import zstandard

__all__ = ["Load", "LoadError", "Outcome", "Target", "bodies_of", "post_all", "post_on_schedule"]

_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda body: body,
    "gzip": lambda body: gzip.compress(body, 6),
    "zstd": lambda body: zstandard.ZstdCompressor(level=3).compress(body),
}
_OK = 200
_TRY_AGAIN = 503
_PAUSE_S = 0.05
_TIMEOUT_S = 60
_IDLE_S = 2.0
"""The server closes a connection that was idle for five seconds; it is opened anew well before that."""


class LoadError(Exception):
    """An answer was neither 200 nor 503, or a connection broke."""


@dataclass(frozen=True, slots=True)
class Load:
    """How events are sent."""

    batch: int
    connections: int
    encoding: str = "gzip"
    format: str = "ndjson"


@dataclass(frozen=True, slots=True)
class Target:
    """Where events are sent: each connection has one of the servers and one of the keys, in turn."""

    ports: tuple[int, ...]
    keys: tuple[str, ...]


@dataclass(slots=True)
class Outcome:
    """What the server answered; it can be read while the load runs."""

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    """Per request, from when it was due (in a closed loop: from its first sending) to its answer."""
    received: int = 0
    stored: int = 0
    duplicates: int = 0
    rejected: int = 0
    refused: int = 0
    """Requests answered 503 and sent again."""
    bodyless_s: float = 0.0
    """Time that connections waited for a body to send, all together."""
    latest_start_s: float = 0.0
    """How long after it was due the most belated request was sent."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, told: dict[str, Any], latency_s: float) -> None:
        """Count an answer."""
        with self.lock:
            self.latencies_s.append(latency_s)
            self.received += told["received"]
            self.stored += told["stored"]
            self.duplicates += told["duplicates"]
            self.rejected += told["rejected"]


def bodies_of(events: Iterable[bytes], load: Load) -> Iterator[bytes]:
    """Yield the bodies of the requests that carry the events."""
    batch: list[bytes] = []
    for event in events:
        batch.append(event)
        if len(batch) == load.batch:
            yield _body(batch, load)
            batch = []
    if batch:
        yield _body(batch, load)


def _body(batch: Sequence[bytes], load: Load) -> bytes:
    joined = b"\n".join(batch) + b"\n" if load.format == "ndjson" else b"[" + b",".join(batch) + b"]"
    return _ENCODERS[load.encoding](joined)


def post_all(target: Target, bodies: Iterable[bytes], load: Load, outcome: Outcome | None = None) -> Outcome:
    """Post every body, each connection taking the next one as soon as it was answered: a closed loop.

    Raises:
        LoadError: an answer was neither 200 nor 503, or a connection broke.
    """
    return _run(target, zip(repeat(None), bodies, strict=False), load, outcome or Outcome())


def post_on_schedule(target: Target, bodies: Iterable[bytes], due_s: Iterable[float], load: Load) -> Outcome:
    """Post every body when it is due, in seconds after the start, whatever became of those before: an open loop.

    A body that is due while every connection is busy is sent late; its latency counts from when it was due.

    Raises:
        LoadError: an answer was neither 200 nor 503, or a connection broke.
    """
    return _run(target, zip(due_s, bodies, strict=True), load, Outcome())


def _run(target: Target, jobs: Iterator[tuple[float | None, bytes]], load: Load, outcome: Outcome) -> Outcome:
    turn = threading.Lock()
    errors: list[BaseException] = []

    def work(connection: "_Connection") -> None:
        try:
            while not errors:
                asked = perf_counter()
                with turn:
                    due_s, body = next(jobs, (None, b""))
                if not body:
                    return
                taken = perf_counter()
                with outcome.lock:
                    outcome.bodyless_s += taken - asked
                connection.deliver(body, taken if due_s is None else began + due_s, outcome)
        except BaseException as error:  # noqa: BLE001 - shown by the caller
            errors.append(error)

    with ExitStack() as stack:
        connections = [stack.enter_context(_Connection(target, index, load)) for index in range(load.connections)]
        threads = [threading.Thread(target=work, args=(connection,)) for connection in connections]
        began = perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        outcome.seconds = perf_counter() - began
    if errors:
        raise LoadError(f"the load failed: {errors[0]}") from errors[0]
    return outcome


class _Connection:
    """One keep-alive connection."""

    def __init__(self, target: Target, index: int, load: Load) -> None:
        kind = "application/x-ndjson" if load.format == "ndjson" else "application/json"
        coding = "" if load.encoding == "none" else f"Content-Encoding: {load.encoding}\r\n"
        self._port = target.ports[index % len(target.ports)]
        self._head = (
            "POST /v1/events HTTP/1.1\r\nHost: bench\r\n"
            f"Authorization: Bearer {target.keys[index % len(target.keys)]}\r\nContent-Type: {kind}\r\n{coding}"
        ).encode()
        self._socket = self._opened()
        self._used = perf_counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def deliver(self, body: bytes, due: float, outcome: Outcome) -> None:
        """Send a body when it is due, again and again while the server asks to try later."""
        early = due - perf_counter()
        if early > 0:
            threading.Event().wait(early)
        self._refresh()
        with outcome.lock:
            outcome.latest_start_s = max(outcome.latest_start_s, perf_counter() - due)
        while True:
            self._socket.sendall(self._head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            status, answer = self._answer()
            self._used = perf_counter()
            if status == _OK:
                outcome.add(json.loads(answer), self._used - due)
                return
            if status != _TRY_AGAIN:
                raise LoadError(f"status {status}: {answer[:300].decode(errors='replace')}")
            with outcome.lock:
                outcome.refused += 1
            threading.Event().wait(_PAUSE_S)

    def _opened(self) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self._port), timeout=_TIMEOUT_S)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def _refresh(self) -> None:
        if perf_counter() - self._used > _IDLE_S:
            self._socket.close()
            self._socket = self._opened()

    def _answer(self) -> tuple[int, bytes]:
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._some()
        head = received[:end].lower()
        at = head.index(b"content-length:") + len(b"content-length:")
        size = int(head[at:].split(b"\r\n", 1)[0])
        while len(received) < end + 4 + size:
            received += self._some()
        return int(received[9:12]), received[end + 4 :]

    def _some(self) -> bytes:
        part = self._socket.recv(65_536)
        if not part:
            raise LoadError("the server closed the connection")
        return part

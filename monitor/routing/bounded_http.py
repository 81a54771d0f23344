"""HTTP exchanges that are bounded as a whole: in time, in bytes, to the address that was asked."""

import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

import httpx

from monitor.errors import RoutingError

__all__ = ["Answer", "Question", "ask", "ask_all", "checked_url", "shown_url"]

_LONGEST_URL = 2048
_PLAIN = {"", "identity"}


@dataclass(frozen=True, slots=True)
class Question:
    """One request. Headers and content may hold secrets and are in no ``repr``."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes = field(default=b"", repr=False)
    most_bytes: int = 64 * 1024
    """A longer answer is refused."""
    ca_file: str | None = None
    """The certificates that the server is checked against; None: the machine's."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status; a redirect is not followed."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the range is the definition

    def excerpt(self, most: int = 200) -> str:
        """Return the beginning of the body for a message."""
        return repr(self.body[: 4 * most].decode("utf-8", "replace")[:most].strip())


def ask(question: Question, within_s: float) -> Answer:
    """Send one request and return the complete answer.

    Args:
        question: the request.
        within_s: seconds for everything: look-up of the name, connection, TLS, and the answer to its last byte.

    Raises:
        RoutingError: there was no complete answer in time, or it is too long, or encoded.
    """
    found = ask_all([question], within_s)[0]
    if isinstance(found, RoutingError):
        raise found
    return found


def ask_all(questions: Sequence[Question], within_s: float) -> list[Answer | RoutingError]:
    """Send all at the same time and return each answer, or why there is none, after at most ``within_s`` seconds."""
    deadline = monotonic() + within_s
    exchanges = [_Exchange(question, within_s) for question in questions]
    return [exchange.finish(max(0.0, deadline - monotonic())) for exchange in exchanges]


def checked_url(url: object, setting: str, *, query: bool = False) -> str:
    """Return the address if it can be asked.

    Raises:
        ValueError: it is no http(s) address, or it carries credentials.
    """
    if not isinstance(url, str) or not url or len(url) > _LONGEST_URL:
        raise ValueError(f"{setting} must be an address such as https://router.example/route, got {type(url).__name__}")
    if "@" in url:
        raise ValueError(f"{setting} must not carry credentials: settings are stored and shown")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.fragment or (parsed.query and not query):
        raise ValueError(f"{setting} must be http(s)://host:port/path{'?query' if query else ''}, got {url!r}")
    return url


def shown_url(url: str) -> str:
    """Return the address as messages may show it: without its query."""
    return url.partition("?")[0]


@cache
def _machine_tls() -> ssl.SSLContext:
    """Return one TLS context for all: loading the trust store takes tens of milliseconds."""
    return ssl.create_default_context()


class _Exchange:
    """A request under way in a thread of its own.

    A socket's timeout bounds each wait only: a server that sends a byte now and then would hold its reader for days. So
    the caller waits for the whole, and what is late has its connection shut down, which ends the thread.
    """

    def __init__(self, question: Question, within_s: float) -> None:
        self._question = question
        self._within_s = within_s
        self._ended = Event()
        self._lock = Lock()
        self._late = False
        self._socket: socket.socket | None = None
        self._found: Answer | RoutingError | Exception | None = None
        Thread(target=self._run, name="routing-http", daemon=True).start()

    def finish(self, patience_s: float) -> Answer | RoutingError:
        if not self._ended.wait(patience_s):
            self._shut_down()
            return RoutingError(
                f"{self._where} gave no complete answer within {self._within_s:g} s: check that its server runs"
            )
        found = self._found
        if isinstance(found, Answer | RoutingError):
            return found
        raise RuntimeError("an exchange ended without an answer or an error") from found

    @property
    def _where(self) -> str:
        return f"{self._question.method} {shown_url(self._question.url)}"

    def _run(self) -> None:
        try:
            self._found = self._exchange()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
            self._found = RoutingError(
                f"{self._where} failed ({_cause(error)}): check the address, that the server runs, and its certificate"
            )
        except Exception as error:  # noqa: BLE001 - raised by the thread that waits
            self._found = error
        finally:
            self._ended.set()

    def _exchange(self) -> Answer | RoutingError:
        question = self._question
        tls = _tls(question)
        if isinstance(tls, RoutingError):
            return tls
        with (
            httpx.Client(verify=tls, trust_env=False, timeout=self._within_s) as client,
            client.stream(
                question.method,
                question.url,
                headers={"accept-encoding": "identity", "user-agent": "fullback", **question.headers},
                content=question.content or None,
                extensions={"trace": self._trace},
            ) as response,
        ):
            if response.headers.get("content-encoding", "").lower() not in _PLAIN:
                return RoutingError(
                    f"{self._where} sent an encoded answer that was not asked for: let it answer plainly"
                )
            body = bytearray()
            for part in response.iter_raw():
                body += part
                if len(body) > question.most_bytes:
                    return RoutingError(
                        f"{self._where} answered more than {question.most_bytes} bytes: check the address"
                    )
            return Answer(response.status_code, bytes(body))

    def _trace(self, event: str, details: Mapping[str, Any]) -> None:
        """Keep the connection's socket, so that it can be shut down from outside."""
        if event not in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            return
        with self._lock:
            self._socket = details["return_value"].get_extra_info("socket")
            late = self._late
        if late:
            self._shut_down()

    def _shut_down(self) -> None:
        with self._lock:
            self._late = True
            connection = self._socket
        if connection is not None:
            # Of the base class: a TLS socket's own would change its state under the thread that reads.
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _tls(question: Question) -> ssl.SSLContext | RoutingError:
    if question.ca_file is None:
        return _machine_tls()
    try:
        return ssl.create_default_context(cafile=question.ca_file)  # read each time: certificates are renewed
    except OSError as error:
        return RoutingError(
            f"ca_file {question.ca_file} cannot be used ({_cause(error)}): it must hold certificates as PEM, "
            "readable by the service"
        )


def _cause(error: Exception) -> str:
    """Return the error as a message may show it: httpx repeats the address, query and all, in some of its texts."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    within = error.__cause__ or error.__context__
    while within is not None and (within.__cause__ or within.__context__) is not None:
        within = within.__cause__ or within.__context__
    if isinstance(within, ssl.SSLCertVerificationError):
        return f"{type(error).__name__}: {within.verify_message}"
    if isinstance(within, OSError) and within.strerror:
        return f"{type(error).__name__}: {within.strerror}"
    return type(error).__name__

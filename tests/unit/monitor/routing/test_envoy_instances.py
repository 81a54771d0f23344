"""Several instances asked at once: an answer or an error of each, in bounded time."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from monitor.clock import SystemClock
from monitor.errors import RoutingError
from monitor.routing import envoy_admin
from monitor.routing.envoy_instances import EnvoyInstances

ANSWER = b'{"cluster_statuses": [{"name": "base"}]}'


@contextmanager
def served(*parts: bytes, pause_s: float = 0) -> Iterator[str]:
    """Answer every connection with these parts, a pause after each."""
    stop = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection:
            connection.recv(4096)
            for part in parts:
                try:
                    connection.sendall(part)
                except OSError:
                    return
                if stop.wait(pause_s):
                    return

    def accept(listener: socket.socket) -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, args=(listener,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def head(length: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n".encode()


def asked(*urls: str, timeout_s: float = 0.3):
    return EnvoyInstances(None, list(urls), timeout_s, SystemClock()).ask(lambda admin: admin.clusters())


def test_each_answers_for_itself():
    with served(head(len(ANSWER)), ANSWER) as good, served() as closing:
        first, second = asked(good, closing)
    assert (first.value, first.error, first.instance) == ({"base"}, None, good)
    assert second.value is None
    assert "cannot be reached (RemoteProtocolError)" in second.error.detail


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([head(1000), *[b" "] * 1000], "was not done after 0.3 s"),
        ([bytes([one]) for one in head(1000) * 40], "gave no full answer within 0.9 s"),
        ([head(len(ANSWER) + 5), ANSWER], "cannot be reached (RemoteProtocolError)"),
    ],
)
def test_an_instance_that_trickles_is_given_up(parts, message):
    start = SystemClock().now()
    with served(*parts, pause_s=0.05) as slow, served(head(len(ANSWER)), ANSWER) as good:
        first, second = asked(slow, good)
    assert (SystemClock().now() - start).total_seconds() < 2
    assert message in first.error.detail
    assert second.value == {"base"}


def test_an_endless_answer_is_cut_off(monkeypatch):
    monkeypatch.setattr(envoy_admin, "_MOST_BYTES", 100_000)
    with served(head(10**9), *[b" " * 50_000] * 10) as endless:
        (answer,) = asked(endless, timeout_s=5)
    assert "answered over 100000 bytes" in answer.error.detail


def test_a_bug_is_raised_and_does_not_look_like_a_slow_envoy():
    with served(head(len(ANSWER)), ANSWER) as good, pytest.raises(ZeroDivisionError):
        EnvoyInstances(good, None, 1, SystemClock()).ask(lambda _admin: 1 // 0)


@pytest.mark.parametrize("parts", [[head(9), *[b" "] * 9], [bytes([one]) for one in head(9) * 40]])
@pytest.mark.parametrize("pause_s", [0.1, 2])
def test_before_a_write_there_is_little_patience(parts, pause_s):
    with served(*parts, pause_s=pause_s) as slow:
        instances = EnvoyInstances(slow, None, 30, SystemClock())
        start = SystemClock().now()
        (answer,) = instances.glance(lambda admin: admin.clusters())
        assert (SystemClock().now() - start).total_seconds() < 3
    assert isinstance(answer.error, RoutingError)

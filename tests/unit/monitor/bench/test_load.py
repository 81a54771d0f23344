"""The client: what it counts as latency, and what it does with answers other than 200."""

import socket
import threading
from contextlib import contextmanager

import pytest

from monitor.bench import load as load_module
from monitor.bench.load import Load, LoadError, Target, bodies_of, post_all, post_on_schedule

STALL_S = 0.4
TOLD = b'{"received": 1, "stored": 1, "duplicates": 0, "rejected": 0}'


class Stub:
    """A server on the loopback that answers each request of a connection by a script; the last entry repeats."""

    def __init__(self, statuses=(200,), stall_first_s=0.0):
        self.accepted = 0
        self.seen = []
        self._statuses = list(statuses)
        self._stall_s = stall_first_s
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = []
        self.port = self._listener.getsockname()[1]

    @contextmanager
    def running(self):
        accepting = threading.Thread(target=self._accept)
        accepting.start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            self._listener.close()
            for thread in self._threads:
                thread.join()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            while head := b"".join(iter(stream.readline, b"\r\n")) if stream.peek(1) else b"":
                size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                body = stream.read(size)
                with self._lock:
                    self.seen.append((head, body))
                    status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
                    stall_s, self._stall_s = self._stall_s, 0.0
                threading.Event().wait(stall_s)
                told = TOLD if status == 200 else b"no"
                connection.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(told), told))


def target(stub, *keys):
    return Target((stub.port,), keys or ("fbk",))


def test_a_stalled_answer_delays_those_that_were_due_meanwhile():
    """No coordinated omission: ten requests are due within 90 ms, the first answer takes 400 ms."""
    due_s = [n / 100 for n in range(10)]
    with Stub(stall_first_s=STALL_S).running() as stub:
        outcome = post_on_schedule(target(stub), [b"{}"] * 10, due_s, Load(1, 1))
    assert len(outcome.latencies_s) == 10
    assert min(outcome.latencies_s) >= STALL_S - due_s[-1]
    assert outcome.latest_start_s >= STALL_S - due_s[-1]


def test_a_closed_loop_counts_from_the_sending():
    with Stub(stall_first_s=STALL_S).running() as stub:
        outcome = post_all(target(stub), [b"{}"] * 10, Load(1, 1))
    assert outcome.seconds >= STALL_S
    assert sorted(outcome.latencies_s)[-2] < STALL_S / 2


def test_nothing_is_sent_before_it_is_due():
    with Stub().running() as stub:
        outcome = post_on_schedule(target(stub), [b"{}"] * 3, [0.0, 0.1, 0.3], Load(1, 2))
    assert outcome.seconds >= 0.3
    assert outcome.received == 3


def test_503_is_sent_again_and_its_wait_is_part_of_the_latency(monkeypatch):
    monkeypatch.setattr(load_module, "_PAUSE_S", 0.1)
    with Stub(statuses=[503, 503, 200]).running() as stub:
        outcome = post_all(target(stub), [b"{}"], Load(1, 1))
    assert (outcome.refused, outcome.received) == (2, 1)
    assert outcome.latencies_s[0] >= 0.2


def test_any_other_answer_ends_the_load():
    with Stub(statuses=[200, 401]).running() as stub, pytest.raises(LoadError, match="status 401: no"):
        post_all(target(stub), [b"{}"] * 4, Load(1, 2))


def test_a_connection_that_was_idle_is_opened_anew(monkeypatch):
    monkeypatch.setattr(load_module, "_IDLE_S", 0.05)
    with Stub().running() as stub:
        post_on_schedule(target(stub), [b"{}"] * 3, [0.0, 0.001, 0.2], Load(1, 1))
        assert stub.accepted == 2


def test_connections_take_servers_and_keys_in_turn():
    with Stub(stall_first_s=0.1).running() as one, Stub(stall_first_s=0.1).running() as two:
        post_all(Target((one.port, two.port), ("a", "b", "c", "d")), [b"{}"] * 40, Load(1, 4))
        keys = [{head.split(b"Bearer ")[1][:1] for head, _ in stub.seen} for stub in (one, two)]
        assert (one.accepted, two.accepted) == (2, 2)
    assert keys[0] <= {b"a", b"c"}
    assert keys[1] <= {b"b", b"d"}


def test_the_time_without_a_body_is_counted():
    def slow():
        for _ in range(3):
            threading.Event().wait(0.1)
            yield b"{}"

    with Stub().running() as stub:
        assert post_all(target(stub), slow(), Load(1, 1)).bodyless_s >= 0.3


def test_bodies_carry_whole_batches_and_the_rest():
    assert list(bodies_of([b"1", b"2", b"3"], Load(2, 1, "none", "json"))) == [b"[1,2]", b"[3]"]
    assert list(bodies_of([b"1", b"2"], Load(2, 1, "none"))) == [b"1\n2\n"]

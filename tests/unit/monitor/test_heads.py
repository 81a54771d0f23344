"""The time and the size of a request's head, byte by byte, with a loop that only notes its timers."""

import asyncio
from unittest.mock import Mock

import pytest
import uvicorn
from uvicorn.server import ServerState

from monitor.heads import timed_heads

HEAD = b"GET /healthz HTTP/1.1\r\nHost: fullback\r\n\r\n"
POST = b"POST /v1/events HTTP/1.1\r\nHost: fullback\r\nContent-Length: 1000000\r\n\r\n"


class Loop:
    """Notes timers and tasks, and starts neither."""

    def __init__(self) -> None:
        self.timers: list[Mock] = []

    def call_later(self, delay_s, callback):
        handle = Mock(delay_s=delay_s, callback=callback, live=True)
        handle.cancel = lambda: setattr(handle, "live", False)
        self.timers.append(handle)
        return handle

    def create_task(self, coroutine, **_):
        coroutine.close()
        return Mock()

    @property
    def live(self):
        return [timer.delay_s for timer in self.timers if timer.live]


class Connection:
    def __init__(self) -> None:
        self.loop = Loop()
        self.transport = Mock(spec=asyncio.Transport)
        self.transport.get_extra_info.return_value = None
        self.transport.is_closing.return_value = False
        self.transport.close.side_effect = lambda: setattr(self.transport.is_closing, "return_value", True)
        protocol = timed_heads(7.5)
        config = uvicorn.Config(Mock(), http=protocol, log_config=None)
        self.protocol = protocol(config, ServerState(), {}, self.loop)
        self.protocol.connection_made(self.transport)

    def feed(self, *pieces):
        for piece in pieces:
            self.protocol.data_received(piece)

    def answer(self):
        self.protocol.cycle.response_complete = True
        self.protocol.on_response_complete()

    @property
    def open(self):
        return not self.transport.is_closing()


@pytest.fixture
def connection():
    return Connection()


def test_the_time_of_the_first_head_begins_with_the_connection(connection):
    assert connection.loop.live == [7.5]
    connection.feed(b"GET /healthz", b" HTTP/1.1\r\n", b"X: y\r\n")
    assert len(connection.loop.timers) == 1, "bytes give no more time"
    connection.loop.timers[0].callback()
    assert not connection.open


def test_a_finished_head_ends_the_time(connection):
    connection.feed(HEAD[:20], HEAD[20:])
    assert connection.loop.live == []
    assert connection.open


def test_a_body_under_way_is_not_timed_here(connection):
    connection.feed(POST, b"x" * 100, b"x" * 100)
    assert connection.loop.live == []


def test_between_requests_uvicorns_limit_holds_and_the_next_byte_starts_ours(connection):
    connection.feed(HEAD)
    connection.answer()
    assert connection.loop.live == [5]
    connection.feed(b"G")
    assert connection.loop.live == [7.5]
    connection.feed(HEAD[1:])
    assert connection.loop.live == []


@pytest.mark.parametrize("more", [b"\r\n", b"x"])
def test_what_follows_an_answer_and_is_no_head_is_timed(connection, more):
    connection.feed(POST if more == b"x" else HEAD)
    connection.answer()
    connection.feed(more, more, more)
    assert connection.loop.live == [7.5]


def test_a_head_that_began_during_a_request_is_timed_from_its_next_byte(connection):
    connection.feed(HEAD + HEAD[:10])
    assert connection.loop.live == []
    connection.answer()
    connection.feed(HEAD[10:11])
    assert connection.loop.live == [7.5]


def test_a_lost_connection_leaves_no_timer(connection):
    connection.protocol.connection_lost(None)
    assert connection.loop.live == []


def test_no_timer_is_started_on_a_closing_connection(connection):
    connection.feed(HEAD)
    connection.answer()
    connection.transport.close()
    connection.feed(b"G")
    assert 7.5 not in connection.loop.live


@pytest.mark.parametrize("after", [b"", HEAD], ids=["first", "second"])
def test_a_head_without_an_end_is_cut(connection, after):
    connection.feed(after + b"GET / HTTP/1.1\r\n")
    for n in range(9):
        assert connection.open
        connection.feed(b"x-%d: %s\r\n" % (n, b"y" * 7500))
    assert not connection.open


def test_large_bodies_and_many_heads_are_no_large_head(connection):
    for _ in range(20):
        connection.feed(POST, b"x" * 500_000, b"x" * 500_000 + HEAD * 2 + HEAD[:5], HEAD[5:])
    for _ in range(20):
        connection.feed(HEAD[:-2], b"x: %s\r\n" % (b"y" * 8000), b"x: y\r\n", b"\r\n")
    connection.feed(b"".join([HEAD] * 3000) + HEAD[:5], HEAD[5:] + b"".join([HEAD] * 3000))
    assert connection.open

"""Request heads: bounded in time and in size, which uvicorn leaves to a proxy in front."""

import asyncio
from typing import Final

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["TimedHeads", "timed_heads"]

_MOST_HEAD_BYTES: Final = 64 * 1024


class TimedHeads(HttpToolsProtocol):
    """Closes a connection that has no request under way and does not finish the head of the next in time.

    That is a client that connects and says nothing, sends its head byte by byte or without an end, or goes on sending a
    body that was answered already. The pause between two requests has uvicorn's own, shorter limit.
    """

    head_timeout_s: float = 10.0

    _head_timer: asyncio.TimerHandle | None = None
    _in_head: bool = False
    _heads: int = 0
    _head_bytes: int = 0

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._start_timer()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        head = self._heads if self._in_head else None
        super().data_received(data)
        if head == self._heads and self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > _MOST_HEAD_BYTES:
                self.transport.close()
        if self.cycle is None or self.cycle.response_complete:
            self._start_timer()

    @override
    def on_message_begin(self) -> None:
        self._in_head = True
        self._heads += 1
        self._head_bytes = 0
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def _start_timer(self) -> None:
        if self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(self.head_timeout_s, self.transport.close)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def timed_heads(timeout_s: float) -> type[TimedHeads]:
    """Return the protocol with a time limit."""

    class Timed(TimedHeads):
        head_timeout_s = timeout_s

    return Timed

"""The HTTP server's end: on SIGTERM it first drains, so that a rolling restart refuses and loses nothing."""

import asyncio
import signal
from types import FrameType

import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from monitor.services.drain import Drain

__all__ = ["CloseWhileDraining", "DrainingServer"]


class DrainingServer(uvicorn.Server):
    """Uvicorn with a grace between SIGTERM and the closing of the listener.

    In that time ``/readyz`` answers 503, load balancers take the process out, and whoever still comes is served.
    A second signal, or SIGINT (a person at the keyboard), ends the grace. Requests under way are always answered.
    """

    def __init__(self, config: uvicorn.Config, drain: Drain, grace_s: float) -> None:
        super().__init__(config)
        self._drain = drain
        self._grace_s = grace_s
        self._leave_at: float | None = None

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig != signal.SIGTERM or self._drain.begun or not self._grace_s:
            self._drain.begin()
            super().handle_exit(sig, frame)
            return
        self._drain.begin()
        self._captured_signals.append(sig)

    @override
    async def on_tick(self, counter: int) -> bool:
        if self._drain.begun:
            now = asyncio.get_running_loop().time()
            if self._leave_at is None:
                self._leave_at = now + self._grace_s
            if now >= self._leave_at:
                self.should_exit = True
        return await super().on_tick(counter)


class CloseWhileDraining:
    """Asks clients to open a new connection for their next request, so that none is cut when this process ends."""

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def last(message: Message) -> None:
            if message["type"] == "http.response.start" and self._drain.begun:
                MutableHeaders(scope=message)["connection"] = "close"
            await send(message)

        await self._app(scope, receive, last)

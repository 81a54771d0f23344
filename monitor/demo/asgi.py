"""The little that the demo's servers need of ASGI."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeAlias

import msgspec
import uvicorn

__all__ = ["Receive", "Responder", "Scope", "Send", "read_body", "run_app"]

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


async def read_body(receive: Receive) -> bytes:
    """Return the whole body of a request."""
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


class Responder:
    """Writes one response and notices when the client goes away.

    Args:
        receive: of the ASGI call, its body already read.
        send: of the ASGI call.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._send = send
        self._gone = asyncio.ensure_future(receive())

    @property
    def gone(self) -> bool:
        """Tell whether the client went away before the answer was complete."""
        return self._gone.done()

    async def until_gone(self) -> None:
        """Wait until the client goes away."""
        await self._gone

    def close(self) -> None:
        """Stop watching the client."""
        self._gone.cancel()

    async def start(self, status: int, content_type: str) -> None:
        """Send the status and the headers."""
        headers = [(b"content-type", content_type.encode())]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, body: bytes, *, more: bool = True) -> None:
        """Send a part of the body."""
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def json(self, status: int, document: Mapping[str, Any]) -> None:
        """Send a whole JSON response."""
        await self.start(status, "application/json")
        await self.write(msgspec.json.encode(document), more=False)


def run_app(app: App, port: int) -> None:
    """Serve an app on a loopback port until the process is ended."""
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=120,
        timeout_graceful_shutdown=1,
    )

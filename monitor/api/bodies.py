"""Request bodies: bounded in size, in time and in their sum, so that no sender holds memory for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request

from monitor.errors import OverloadedError, PayloadTooLargeError, SlowBodyError, UndecodableError

__all__ = ["Bodies"]

_BODIES_AT_ONCE = 8
"""Bodies of the largest size that are held at once, from their first byte to the answer."""


class Bodies:
    """Reads request bodies; the bytes of one count against the room of all until it is answered."""

    def __init__(self, *, max_bytes: int, timeout_s: float) -> None:
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._room = _BODIES_AT_ONCE * max_bytes
        self._held = 0

    @property
    def held(self) -> int:
        """Bytes of bodies that are held now."""
        return self._held

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """Give out the body of a request and account for it until the block ends.

        Raises:
            PayloadTooLargeError: it is over the limit.
            SlowBodyError: it did not arrive in time.
            OverloadedError: the bodies of all requests together take too much room.
            UndecodableError: the client went away.
        """
        held = _Held()
        try:
            yield await self._read(request, held)
        finally:
            self._held -= held.size

    async def _read(self, request: Request, held: "_Held") -> bytes:
        chunks: list[bytes] = []
        try:
            async with asyncio.timeout(self._timeout_s):
                async for chunk in request.stream():
                    held.size += len(chunk)
                    self._held += len(chunk)
                    if held.size > self._max_bytes:
                        raise PayloadTooLargeError(f"the body is over {self._max_bytes} bytes; send smaller batches")
                    if self._held > self._room:
                        raise OverloadedError(f"bodies of {self._room} bytes are being read already; send again")
                    chunks.append(chunk)
        except TimeoutError:
            raise SlowBodyError(f"the body did not arrive within {self._timeout_s:g} s; send it again") from None
        except ClientDisconnect:
            raise UndecodableError("the body ended early; nothing was stored") from None
        return b"".join(chunks)


@dataclass(slots=True)
class _Held:
    """What one body takes of the room."""

    size: int = 0

"""Look-ups in PostgreSQL on the ingest path, given up in time: a server that stands still must not hold senders."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from monitor.errors import DatabaseUnavailableError

__all__ = ["LookUps"]

_T = TypeVar("_T")
_THREADS = 4
"""Look-ups are cached for seconds: few run at once, and one that hangs holds its thread until its socket ends."""


class LookUps:
    """Runs look-ups on a few threads of their own; whoever waits is answered in time."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="look-up")

    async def run(self, look_up: Callable[[], _T]) -> _T:
        """Return what a look-up returns.

        Raises:
            DatabaseUnavailableError: it took too long, or said so itself.
        """
        found = asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        try:
            return await asyncio.wait_for(found, self._timeout_s)
        except TimeoutError:
            raise DatabaseUnavailableError(
                f"PostgreSQL did not answer within {self._timeout_s:g} s; nothing was stored, send again"
            ) from None

    def close(self) -> None:
        """Start no more; what hangs is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

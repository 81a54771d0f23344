"""The only place that reads the time or waits."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from typing_extensions import override

__all__ = ["Clock", "FakeClock", "SystemClock"]


class Clock(Protocol):
    """Time as a dependency."""

    def now(self) -> datetime:
        """Return the present time, aware, in UTC."""
        ...

    def wait(self, seconds: float) -> None:
        """Let that much time pass."""
        ...


class SystemClock(Clock):
    """The machine's clock."""

    @override
    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - this is the place

    @override
    def wait(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: TID251 - this is the place


class FakeClock(Clock):
    """A clock that stands still until it is moved; for tests and replay."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._lock = threading.Lock()

    @override
    def now(self) -> datetime:
        with self._lock:
            return self._now

    @override
    def wait(self, seconds: float) -> None:
        self.advance(timedelta(seconds=seconds))

    def advance(self, by: timedelta) -> None:
        """Move the clock forward."""
        with self._lock:
            self._now += by

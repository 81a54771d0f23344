"""Quotas: while several sources send, one may fill only its share of the commit queue, so that a flood leaves room.

A source that sends alone may fill all of it: a share that nobody else asks for would only refuse work.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from monitor.clock import Clock
from monitor.errors import SourceQuotaError
from monitor.telemetry import SOURCE_REFUSALS

__all__ = ["SourceQuota"]

_REMEMBERED: Final = timedelta(minutes=1)
"""So long a source that sent something counts as one that will send again."""


class SourceQuota:
    """Counts the records of each source that wait for a commit. Used from one event loop only."""

    def __init__(self, queue_records: int, share: float, clock: Clock) -> None:
        self._most = max(1, int(queue_records * share))
        self._clock = clock
        self._held: dict[str, int] = {}
        self._last: tuple[str, datetime] | None = None
        self._last_other: datetime | None = None
        """When a source other than the last one sent: all that has to be remembered of the past."""

    def held(self, source: str) -> int:
        """Return how many records of a source wait."""
        return self._held.get(source, 0)

    def check(self, source: str) -> None:
        """Note that a source sends, and refuse it if its share is full, before anything is spent on its body.

        Raises:
            SourceQuotaError: it is, and others send too; nothing was stored.
        """
        self._note(source)
        if self.held(source) >= self._most and self._contended(source):
            raise self._refusal(source)

    @contextmanager
    def admit(self, source: str, records: int) -> Iterator[None]:
        """Count records towards a source's share until the block ends. One request alone always fits.

        Raises:
            SourceQuotaError: they do not fit, and others send too; nothing was stored.
        """
        held = self.held(source)
        if held and held + records > self._most and self._contended(source):
            raise self._refusal(source)
        self._held[source] = held + records
        try:
            yield
        finally:
            left = self.held(source) - records
            if left:
                self._held[source] = left
            else:
                self._held.pop(source, None)

    def _note(self, source: str) -> None:
        if self._last is not None and self._last[0] != source:
            self._last_other = self._last[1]
        self._last = source, self._clock.now()

    def _contended(self, source: str) -> bool:
        """Tell whether records of another source wait, or came a short while ago."""
        if len(self._held) > (source in self._held):
            return True
        last = self._last_other if self._last is None or self._last[0] == source else self._last[1]
        return last is not None and self._clock.now() - last < _REMEMBERED

    def _refusal(self, source: str) -> SourceQuotaError:
        SOURCE_REFUSALS.labels(source).inc()
        return SourceQuotaError(
            f"{self.held(source)} records of this source wait for a commit, the most is {self._most} while others "
            "send; send again, or raise FULLBACK_SOURCE_QUEUE_SHARE"
        )

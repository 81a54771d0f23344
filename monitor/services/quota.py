"""Quotas: one source may fill only its share of the commit queue, so that a flood leaves room for the others."""

from collections.abc import Iterator
from contextlib import contextmanager

from monitor.errors import SourceQuotaError
from monitor.telemetry import SOURCE_REFUSALS

__all__ = ["SourceQuota"]


class SourceQuota:
    """Counts the records of each source that wait for a commit. Used from one event loop only."""

    def __init__(self, queue_records: int, share: float) -> None:
        self._most = max(1, int(queue_records * share))
        self._held: dict[str, int] = {}

    def held(self, source: str) -> int:
        """Return how many records of a source wait."""
        return self._held.get(source, 0)

    def check(self, source: str) -> None:
        """Refuse a source whose share is full, before anything is spent on its body.

        Raises:
            SourceQuotaError: it is; nothing was stored.
        """
        if self.held(source) >= self._most:
            raise self._refusal(source)

    @contextmanager
    def admit(self, source: str, records: int) -> Iterator[None]:
        """Count records towards a source's share until the block ends. One request alone always fits.

        Raises:
            SourceQuotaError: they do not fit; nothing was stored.
        """
        held = self.held(source)
        if held and held + records > self._most:
            raise self._refusal(source)
        self._held[source] = held + records
        try:
            yield
        finally:
            left = self._held[source] - records
            if left:
                self._held[source] = left
            else:
                del self._held[source]

    def _refusal(self, source: str) -> SourceQuotaError:
        SOURCE_REFUSALS.labels(source).inc()
        return SourceQuotaError(
            f"{self.held(source)} records of this source wait for a commit, the most is {self._most}; "
            "send again, or raise FULLBACK_SOURCE_QUEUE_SHARE"
        )

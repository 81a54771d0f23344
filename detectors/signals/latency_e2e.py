"""Latency: time to the end of the answer."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from detectors.base import Signal
from detectors.signals._latency import failure_reading, read_duration
from detectors.types import Exchange, Margin, Outcome, Reading, SignalKind

__all__ = ["LatencyE2e"]


@dataclass(frozen=True, slots=True)
class LatencyE2e(Signal):
    """Milliseconds: time to the end of the answer.

    Sees everything the user waits for. A candidate that only writes longer answers is no slower: where both
    legs' tokens are known, only answers of like length are compared, and ``output_length`` tells the rest. A
    time-out is ``inf``, exact for every threshold below it; any other failure is not slow (``request_error``
    counts it); a cancelled request is censored: it exceeds the thresholds that it had already passed, and of
    the others nothing is known.

    Applies to every request.
    """

    name: ClassVar[str] = "latency_e2e"
    version: ClassVar[int] = 2
    kind: ClassVar[SignalKind] = SignalKind.LATENCY
    title: ClassVar[str] = "End-to-end latency"
    unit: ClassVar[str] = "ms"
    default_margin: ClassVar[Margin] = Margin(relative=0.15)

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return milliseconds, censored when it was cancelled; None when they were not recorded."""
        return read_duration(exchange.outcome, exchange.timing.e2e_ms)

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return ``inf`` for a time-out and "not slow" for any other failure."""
        return failure_reading(outcome)

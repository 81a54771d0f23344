"""Latency: time to the first token."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from detectors.base import Signal
from detectors.signals._latency import censored, duration, failure_reading, read_duration
from detectors.types import Exchange, Failure, Margin, Outcome, Reading, SignalKind

__all__ = ["LatencyTtft"]


@dataclass(frozen=True, slots=True)
class LatencyTtft(Signal):
    """Milliseconds: time to the first token.

    Sees queueing, prefill and scheduling; misses a slow generation after the first token
    (``latency_tpot``). A time-out is ``inf``, exact for every threshold below it; any other failure is not
    slow (``request_error`` counts it); a request cancelled before its first token is censored: it exceeds the
    thresholds that it had already passed. One cancelled later has its time.

    Applies to streamed requests: without a stream there is no first token to time.
    """

    name: ClassVar[str] = "latency_ttft"
    version: ClassVar[int] = 2
    kind: ClassVar[SignalKind] = SignalKind.LATENCY
    title: ClassVar[str] = "Time to first token"
    unit: ClassVar[str] = "ms"
    default_margin: ClassVar[Margin] = Margin(relative=0.15)

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return milliseconds, censored when cancelled before; None when it does not apply or was not recorded."""
        if exchange.request is None or not exchange.request.stream:
            return None
        timing = exchange.timing
        if exchange.outcome.failure is Failure.CANCELLED:
            return censored(timing.e2e_ms) if timing.ttft_ms is None else duration(timing.ttft_ms)
        return read_duration(exchange.outcome, timing.ttft_ms)

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return ``inf`` for a time-out and "not slow" for any other failure."""
        return failure_reading(outcome)

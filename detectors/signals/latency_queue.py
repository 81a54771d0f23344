"""Latency: time in the server's queue before the engine began."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from detectors.base import Signal
from detectors.signals._latency import censored, duration, failure_reading
from detectors.types import Exchange, Failure, Margin, Outcome, Reading, SignalKind

__all__ = ["LatencyQueue"]


@dataclass(frozen=True, slots=True)
class LatencyQueue(Signal):
    """Milliseconds: time in the server's queue, as the server tells it.

    Sees a variant that cannot carry its load, apart from how fast it computes; that is a matter of replicas
    and placement before it is one of quality. Misses queues before the server (a proxy's), and servers that do
    not tell: no reading then, for failed attempts neither. A queue that was left before a failure has its time;
    that of a cancelled request is censored, since it may have been left by the client alone.

    Applies to every request whose queue time is known.
    """

    name: ClassVar[str] = "latency_queue"
    version: ClassVar[int] = 2
    kind: ClassVar[SignalKind] = SignalKind.LATENCY
    title: ClassVar[str] = "Time in queue"
    unit: ClassVar[str] = "ms"
    default_margin: ClassVar[Margin] = Margin(relative=0.15)
    default_weight: ClassVar[float] = 0.5

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return milliseconds, censored when it was cancelled; None when the server did not tell."""
        ms = exchange.timing.queue_ms
        return censored(ms) if exchange.outcome.failure is Failure.CANCELLED else duration(ms)

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return ``inf`` for a time-out and "not slow" for any other failure."""
        return failure_reading(outcome)

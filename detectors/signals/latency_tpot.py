"""Latency: mean time per output token after the first."""

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

from typing_extensions import override

from detectors.base import Signal
from detectors.signals._latency import failure_reading
from detectors.types import Exchange, Failure, Margin, Outcome, Reading, SignalKind

__all__ = ["MIN_TOKENS", "LatencyTpot"]

MIN_TOKENS = 16
"""With fewer tokens the mean is noise and would drive the tail."""


@dataclass(frozen=True, slots=True)
class LatencyTpot(Signal):
    """Milliseconds per output token after the first: ``(e2e - ttft) / (completion_tokens - 1)``.

    Sees slow decoding whatever the answer's length; misses stalls that the mean hides and slow first
    tokens. An answer of fewer than 16 tokens is not slow (``too_short``). A time-out is ``inf``; any other
    failure is not slow. A cancelled request has the pace of the tokens that came, if these were 16 or more;
    otherwise no reading: its pace is not known, and a pace does not grow with waiting.

    Applies to streamed requests.
    """

    name: ClassVar[str] = "latency_tpot"
    version: ClassVar[int] = 2
    kind: ClassVar[SignalKind] = SignalKind.LATENCY
    title: ClassVar[str] = "Time per output token"
    unit: ClassVar[str] = "ms"
    default_margin: ClassVar[Margin] = Margin(relative=0.15)

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return ms per token; None when it does not apply, was not recorded or was cancelled too early."""
        if exchange.request is None or not exchange.request.stream:
            return None
        cancelled = exchange.outcome.failure is Failure.CANCELLED
        if exchange.outcome.failed and not cancelled:
            return self.read_failure(exchange.outcome)
        tokens = exchange.answer.completion_tokens if exchange.answer else None
        if tokens is None:
            return None
        if tokens < MIN_TOKENS:
            return None if cancelled else Reading(0.0, "too_short")
        return _per_token(exchange.timing.ttft_ms, exchange.timing.e2e_ms, tokens)

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return ``inf`` for a time-out and "not slow" for any other failure."""
        return failure_reading(outcome)


def _per_token(ttft_ms: float | None, e2e_ms: float | None, tokens: int) -> Reading | None:
    if ttft_ms is None or e2e_ms is None or not (isfinite(ttft_ms) and isfinite(e2e_ms)):
        return None
    decoding_ms = e2e_ms - ttft_ms
    if ttft_ms < 0.0 or decoding_ms < 0.0:
        return None
    return Reading(decoding_ms / (tokens - 1), "ok")

"""Answers that were cut off at a length limit although the request left room for them."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from detectors.base import Signal
from detectors.signals._of_answers import no_answer
from detectors.types import CANCELLED, Exchange, Margin, Outcome, Reading, SignalKind

__all__ = ["SMALL_MAX_TOKENS", "Truncation"]

SMALL_MAX_TOKENS = 256
"""A request that allows fewer tokens than this expects to be cut off now and then."""

_CUT_OFF = Reading(1.0, "length")
_COMPLETE = Reading(0.0, "complete")


@dataclass(frozen=True, slots=True)
class Truncation(Signal):
    """1 when the answer ended at a length limit: the request's own, or the model's context.

    Sees answers that do not come to an end: rambling, loops, lost end-of-sequence tokens. Misses answers that
    stop in mid-sentence by themselves, and servers that do not state why they stopped (0). A request that
    comes near the context limit is cut off on both legs alike.

    Applies to every chat request (one with messages) that allows at least 256 output tokens or names no limit:
    below that the cut-off says more about the limit than about the answer. A failed attempt is not cut off.
    """

    name: ClassVar[str] = "truncation"
    version: ClassVar[int] = 1
    kind: ClassVar[SignalKind] = SignalKind.BIT
    title: ClassVar[str] = "Truncated answers"
    unit: ClassVar[str] = "share of requests"
    default_margin: ClassVar[Margin] = Margin(absolute=0.005)
    default_weight: ClassVar[float] = 0.5

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return 1 for an answer cut off at a length limit, 0 otherwise, None when not applicable or not logged."""
        request, outcome = exchange.request, exchange.outcome
        if request is None or not request.messages or outcome.failure is CANCELLED:
            return None
        if request.max_tokens is not None and request.max_tokens < SMALL_MAX_TOKENS:
            return None
        if outcome.failed:
            return self.read_failure(outcome)
        if exchange.answer is None:
            return None
        return _CUT_OFF if exchange.answer.finish_reason == "length" else _COMPLETE

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return 0: ``request_error`` counts an answer that never came."""
        return no_answer(outcome)

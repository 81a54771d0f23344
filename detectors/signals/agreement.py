"""Whether both legs of one request ended in the same answer."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from detectors.base import Signal
from detectors.signals._answer_print import NO_ANSWER, answer_print, disagrees, is_prose
from detectors.types import CANCELLED, Exchange, Margin, Outcome, Reading, SignalKind

__all__ = ["GREEDY_BELOW", "Agreement", "disagrees", "is_prose"]

GREEDY_BELOW = 1e-5
"""Engines take a temperature below this as 0: the most likely token, always."""

_NONE = Reading(float(NO_ANSWER), "no_answer")
_CANCELLED = Reading(float(NO_ANSWER), "cancelled")


@dataclass(frozen=True, slots=True)
class Agreement(Signal):
    """The fingerprint of the final answer; a pair is bad if its legs' fingerprints disagree (the flip rate).

    Sees a greedy request that the two variants answer with another JSON, other tool calls, another number,
    option or short text, though neither may be wrong by itself: quantization changes answers before it lowers
    any average. Misses equal answers reached by worse reasons, and two answers of open prose, which differ in
    wording as a matter of course and are not compared. Some flips are numerical noise: the same variant on
    both legs (A/A) shows how many.

    Applies to every chat request (one with messages) with temperature 0. The value is a whole number below
    2^24, 0 for a failed attempt, which disagrees with nothing: ``request_error`` counts it. It means nothing by
    itself; ``disagrees(candidate, baseline)`` gives the pair's bit. Takes time linear in the text.
    """

    name: ClassVar[str] = "agreement"
    version: ClassVar[int] = 1
    kind: ClassVar[SignalKind] = SignalKind.PRINT
    title: ClassVar[str] = "Different answers"
    unit: ClassVar[str] = "share of pairs"
    default_margin: ClassVar[Margin] = Margin(absolute=0.05)
    default_weight: ClassVar[float] = 0.0

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return the fingerprint, or None when not applicable, cancelled or not logged."""
        request = exchange.request
        if request is None or not request.messages or exchange.outcome.failure is CANCELLED:
            return None
        if request.temperature is None or not 0.0 <= request.temperature < GREEDY_BELOW:
            return None
        if exchange.outcome.failed:
            return self.read_failure(exchange.outcome)
        found = answer_print(exchange)
        return None if found is None else Reading(float(found), "print")

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return 0: what never came is not another answer."""
        return _CANCELLED if outcome.failure is CANCELLED else _NONE

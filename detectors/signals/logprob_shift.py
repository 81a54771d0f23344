"""How sure the model is of its own words."""

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

from typing_extensions import override

from detectors.base import Signal
from detectors.signals._of_answers import no_answer
from detectors.types import Exchange, Margin, Outcome, Reading, SignalKind

__all__ = ["LogprobShift"]


@dataclass(frozen=True, slots=True)
class LogprobShift(Signal):
    """Nats per token: the negative mean log-probability of the answer's tokens.

    Sees a variant that is less (or suspiciously more) sure of what it writes, often before any text looks
    wrong. Misses confident errors, and whatever a sampling temperature hides; a server's placeholder for
    "too improbable" (-9999) moves the mean. Rounding above 0 counts as 0.

    Applies to every chat request (one with messages) whose log-probabilities were logged; without them, and for
    a failed attempt, there is no reading.
    """

    name: ClassVar[str] = "logprob_shift"
    version: ClassVar[int] = 1
    kind: ClassVar[SignalKind] = SignalKind.AMOUNT
    title: ClassVar[str] = "Surprise per token"
    unit: ClassVar[str] = "nats per token"
    default_margin: ClassVar[Margin] = Margin(relative=0.15)
    default_weight: ClassVar[float] = 0.25

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return nats per token, or None when not applicable, failed or not logged."""
        answer = exchange.answer
        if answer is None or answer.mean_logprob is None or exchange.request is None or not exchange.request.messages:
            return None
        if exchange.outcome.failed or not isfinite(answer.mean_logprob):
            return None
        return Reading(max(0.0, -answer.mean_logprob), "logged")

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return 0: no token was written that could surprise."""
        return no_answer(outcome)

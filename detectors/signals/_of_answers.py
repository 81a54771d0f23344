"""What signals of an answer share: when they apply, and what an answer that never came counts as."""

from typing import Final, Protocol

from typing_extensions import override

from detectors.base import Signal
from detectors.types import CANCELLED, Answer, Exchange, Outcome, Reading

__all__ = ["AnswerSignal", "no_answer"]

_NO_ANSWER: Final = Reading(0.0, "no_answer")
_CANCELLED: Final = Reading(0.0, "cancelled")


def no_answer(outcome: Outcome) -> Reading:
    """Return 0: an answer that never came has no fault of its own, ``request_error`` counts it."""
    return _CANCELLED if outcome.failure is CANCELLED else _NO_ANSWER


class AnswerSignal(Signal, Protocol):
    """A signal that reads nothing but the delivered answer. It applies to every chat request (one with messages)."""

    def read_answer(self, answer: Answer) -> Reading | None:
        """Return the reading of a delivered answer, or None when it was not logged."""
        ...

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        request, answer, outcome = exchange.request, exchange.answer, exchange.outcome
        if request is None or not request.messages or outcome.failure is CANCELLED:
            return None
        if outcome.failed:
            return self.read_failure(outcome)
        return None if answer is None else self.read_answer(answer)

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        return no_answer(outcome)

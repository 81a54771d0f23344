"""What ``refusal`` and ``partial_refusal`` share: when they apply, and what an answer is marked as."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from detectors.signals._declining import Declining, declining
from detectors.signals._of_answers import no_answer
from detectors.types import Answer, Exchange, Failure, Reading

__all__ = ["ANSWERED", "read_declined"]

ANSWERED: Final = Reading(0.0, "answered")
_TOOL_CALL: Final = Reading(0.0, "tool_call")
_MARKS: Final = MappingProxyType(
    {(word, value): Reading(value, word) for word in ("declared", "content_filter") for value in (0.0, 1.0)}
)


def read_declined(exchange: Exchange, marked: float, of_text: Callable[[Declining | None], Reading]) -> Reading | None:
    """Return the reading of a chat request's answer, or None when not applicable or not logged.

    Args:
        exchange: the attempt.
        marked: the value of an answer that is marked as declined as a whole; an error may carry a mark too.
        of_text: the reading of an answer by how its text declines.
    """
    request, answer, outcome = exchange.request, exchange.answer, exchange.outcome
    if request is None or not request.messages or outcome.failure is Failure.CANCELLED:
        return None
    if answer is not None and (mark := _mark(answer)):
        return _MARKS[mark, marked]
    if outcome.failed:
        return no_answer(outcome)
    if answer is None:
        return None
    if answer.tool_calls:
        return _TOOL_CALL
    return None if answer.text is None else of_text(declining(answer.text))


def _mark(answer: Answer) -> str | None:
    if answer.refusal:
        return "declared"
    return "content_filter" if answer.finish_reason == "content_filter" else None

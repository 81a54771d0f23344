"""Answers without the form that the request asked for in words."""

from dataclasses import dataclass
from typing import ClassVar, Final

from typing_extensions import override

from detectors.base import Signal
from detectors.signals._format_asked import Format, asked_format, has_format
from detectors.signals._instruction import instruction_of
from detectors.signals._of_answers import no_answer
from detectors.types import CANCELLED, Answer, Exchange, Margin, Outcome, Reading, SignalKind

__all__ = ["MIN_CHARS", "FormatDrift"]

MIN_CHARS: Final = 160
"""A shorter answer needs no table and no list."""

_LISTS: Final = frozenset({Format.TABLE, Format.BULLETS, Format.NUMBERED})
_MISSING: Final = {form: Reading(1.0, f"no_{form.value}") for form in Format}
_KEPT: Final = Reading(0.0, "kept")
_TOOL_CALL: Final = Reading(0.0, "tool_call")
_REFUSED: Final = Reading(0.0, "refused")
_TOO_SHORT: Final = Reading(0.0, "too_short")


@dataclass(frozen=True, slots=True)
class FormatDrift(Signal):
    """1 when the answer has not the form that the request asked for in plain English words.

    Sees a missing table, bullet list, numbered list, code block or JSON, and Markdown where plain text was asked
    for. Misses requests in other words and languages, lengths and counts ("three bullets"), styles, and what
    stands inside the form; whether JSON parses is read by ``schema_validity`` where it was requested by
    ``response_format``. Conditions, alternatives and negations ("if it helps", "or") ask for nothing, nor does an
    agent's protocol ("Thought:", "Action:"). An answer below 160 characters needs no table and no list; a refusal
    field or a tool call is no drift.

    Applies when the last user turn and the system messages together ask for exactly one of these forms. A
    failed attempt has lost no form. Reads 4,000 characters of the request and 65,536 of the answer.
    """

    name: ClassVar[str] = "format_drift"
    version: ClassVar[int] = 1
    kind: ClassVar[SignalKind] = SignalKind.BIT
    title: ClassVar[str] = "Answers in another form"
    unit: ClassVar[str] = "share of requests"
    default_margin: ClassVar[Margin] = Margin(absolute=0.005)
    default_weight: ClassVar[float] = 0.25

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return 1 for an answer in another form, 0 otherwise, or None when not applicable or not logged."""
        request, answer, outcome = exchange.request, exchange.answer, exchange.outcome
        if request is None or outcome.failure is CANCELLED:
            return None
        instruction = instruction_of(request)
        form = asked_format(instruction.text) if instruction.mentions.form else None
        if form is None:
            return None
        if outcome.failed:
            return self.read_failure(outcome)
        return None if answer is None else _read(answer, form)

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return 0: an answer that never came has no form."""
        return no_answer(outcome)


def _read(answer: Answer, form: Format) -> Reading | None:
    if answer.tool_calls:
        return _TOOL_CALL
    if answer.refusal or answer.finish_reason == "content_filter":
        return _REFUSED
    if answer.text is None:
        return None
    if has_format(answer.text, form):
        return _KEPT
    return _TOO_SHORT if form in _LISTS and len(answer.text) < MIN_CHARS else _MISSING[form]

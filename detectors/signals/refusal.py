"""Refusals: the model declines to do what it was asked."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from detectors.base import Signal
from detectors.signals._declined import ANSWERED, read_declined
from detectors.signals._declining import Declining
from detectors.signals._of_answers import no_answer
from detectors.types import Exchange, Margin, Outcome, Reading, SignalKind

__all__ = ["Refusal"]


@dataclass(frozen=True, slots=True)
class Refusal(Signal):
    """1 when the model declines.

    Sees its own refusal field (``declared``), a content filter's stop (``content_filter``), and refusals in the
    opening 300 characters of the text, by rules for English, German, French, Spanish, Italian, Portuguese, Dutch,
    Polish, Russian, Turkish, Arabic, Hindi, Chinese, Japanese and Korean: ``inability`` ("I cannot help"),
    ``unwilling`` ("I must decline"), ``policy`` ("against my guidelines") and ``moral`` ("not appropriate to", and a
    lecture instead of an answer: "they should never be mocked; everyone deserves respect").
    Misses evasions, mild lectures, a refusal that only comes late, and other languages. "I do not
    know", "I have no access", a caveat with an answer, and an answer that declines a part (``partial_refusal``)
    are not refusals. Quoted text and a leading block of thought are skipped. An error that is alike on both legs
    costs delay only; a variant that merely words its refusals differently can look like drift.

    Applies to every chat request (one with messages). A tool call is not a refusal; neither is a failed
    attempt.
    """

    name: ClassVar[str] = "refusal"
    version: ClassVar[int] = 3
    kind: ClassVar[SignalKind] = SignalKind.BIT
    title: ClassVar[str] = "Refusals"
    unit: ClassVar[str] = "share of requests"
    default_margin: ClassVar[Margin] = Margin(absolute=0.005)

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return 1 for a refusal, 0 otherwise, or None when not applicable or not logged."""
        return read_declined(exchange, 1.0, _of_text)

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return 0: an answer that never came declines nothing."""
        return no_answer(outcome)


def _of_text(found: Declining | None) -> Reading:
    if found is None:
        return ANSWERED
    return Reading(1.0, found.kind.value, span=found.span) if found.wholly else Reading(0.0, "partly", span=found.span)

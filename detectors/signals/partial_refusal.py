"""Partial refusals: the model does a part of what it was asked and declines another."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from detectors.base import Signal
from detectors.signals._declined import ANSWERED, read_declined
from detectors.signals._declining import Declining
from detectors.signals._of_answers import no_answer
from detectors.types import Exchange, Margin, Outcome, Reading, SignalKind

__all__ = ["PartialRefusal"]

_WHOLLY = Reading(0.0, "wholly")


@dataclass(frozen=True, slots=True)
class PartialRefusal(Signal):
    """1 when the model complies in part and declines in part.

    Sees a refusal in the opening that turns ("However, I can ...", "Here is ...") to an answer of some length, and
    an answer of which a sentence after the opening declines ("I won't list the doses"), in the languages of
    ``refusal`` and with its kinds as reasons. Misses parts left out without a word, parts declined without "I",
    and whether what is given was asked for: a turn to something harmless looks like a part. "I do not know", what
    the answer is not ("no legal advice"), quoted text and code are not refusals, and a refusal of the whole
    counts as ``refusal`` only.

    Applies to every chat request (one with messages). A tool call is not a refusal; neither is a failed
    attempt.
    """

    name: ClassVar[str] = "partial_refusal"
    version: ClassVar[int] = 2
    kind: ClassVar[SignalKind] = SignalKind.BIT
    title: ClassVar[str] = "Partial refusals"
    unit: ClassVar[str] = "share of requests"
    default_margin: ClassVar[Margin] = Margin(absolute=0.005)

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return 1 for a partial refusal, 0 otherwise, or None when not applicable or not logged."""
        return read_declined(exchange, 0.0, _of_text)

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return 0: an answer that never came declines nothing."""
        return no_answer(outcome)


def _of_text(found: Declining | None) -> Reading:
    if found is None:
        return ANSWERED
    return Reading(1.0, found.kind.value, span=found.span) if found.partly else _WHOLLY

"""How long the answers are."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from detectors.signals._of_answers import AnswerSignal
from detectors.types import Answer, Margin, Reading, SignalKind

__all__ = ["BYTES_PER_TOKEN", "OutputLength", "estimated_tokens"]

BYTES_PER_TOKEN = 4
"""A token is about four bytes of UTF-8 in most languages: four English letters, or one and a third CJK characters."""


@dataclass(frozen=True, slots=True)
class OutputLength(AnswerSignal):
    """Tokens of the answer, as the server counted them.

    Sees a variant that has become terse or wordy; hidden reasoning counts where the server counts it. Without
    a count, or with one that is not positive, it is estimated as a quarter of the UTF-8 bytes of the text and
    of the tool calls (``estimated``): compare variants whose servers report alike. Misses what the words say;
    a limit on the output hides what lies beyond it.

    Applies to every chat request (one with messages). A failed attempt has 0 tokens (``no_answer``): failures
    shift the lengths too, ``request_error`` tells them apart.
    """

    name: ClassVar[str] = "output_length"
    version: ClassVar[int] = 1
    kind: ClassVar[SignalKind] = SignalKind.AMOUNT
    title: ClassVar[str] = "Answer length"
    unit: ClassVar[str] = "tokens"
    default_margin: ClassVar[Margin] = Margin(relative=0.15)
    default_weight: ClassVar[float] = 0.25

    @override
    def read_answer(self, answer: Answer) -> Reading | None:
        tokens = answer.completion_tokens
        if tokens is not None and tokens > 0:
            return Reading(float(tokens), "counted")
        if answer.text is None and not answer.tool_calls:
            return None if tokens is None else Reading(0.0, "counted")
        return Reading(estimated_tokens(answer), "estimated")


def estimated_tokens(answer: Answer) -> float:
    """Return about how many tokens the texts of an answer are: a quarter of their bytes.

    >>> estimated_tokens(Answer(text="Twelve words"))
    3.0
    """
    size = _size(answer.text or "") + sum(_size(call.name) + _size(call.arguments) for call in answer.tool_calls)
    return size / BYTES_PER_TOKEN


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))

"""Answers that go round in circles."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from detectors.signals._of_answers import AnswerSignal
from detectors.signals._repetition import find_loop
from detectors.types import Answer, Margin, Reading, SignalKind

__all__ = ["Repetition"]

_STOPPED = Reading(1.0, "finish_repetition")
_IN_CALL = Reading(1.0, "loop_in_call")
_VARIED = Reading(0.0, "varied")


@dataclass(frozen=True, slots=True)
class Repetition(AnswerSignal):
    """1 when the answer loops.

    Sees one to some 200 words, or characters of scripts without spaces, that come again at least four times in a
    row (short ones more often, from six times for four words to 34 for one), with up to 5 % of them changed or
    added, or two and a half times unchanged when that is 60 % of the text; floods of one symbol (200 characters,
    400 of white space, or 60 % of the text); loops that only count their list items; and the engine's own stop for
    ``repetition``. Misses paraphrases, counting loops of another form, refrains that alternate with verses on
    purpose, noisy loops inside JSON that comes to its closing bracket, and in a text of many pages loops between
    the places it looks at (the end above all). Records and rows whose fields differ each time are no loop, nor are
    short grids of numbers. An answer that was asked to repeat itself is one, on both legs alike.

    Applies to every chat request (one with messages). Text and arguments of tool calls are read, each in bounded
    time: at most 14,000 characters word by word. A failed attempt does not loop.
    """

    name: ClassVar[str] = "repetition"
    version: ClassVar[int] = 2
    kind: ClassVar[SignalKind] = SignalKind.BIT
    title: ClassVar[str] = "Looping answers"
    unit: ClassVar[str] = "share of requests"
    default_margin: ClassVar[Margin] = Margin(absolute=0.005)
    default_weight: ClassVar[float] = 0.5

    @override
    def read_answer(self, answer: Answer) -> Reading | None:
        if answer.finish_reason == "repetition":
            return _STOPPED
        if answer.text:
            found = find_loop(answer.text)
            if found is not None:
                return Reading(1.0, "loop", f"period {found.period}", (found.start, found.end))
        for call in answer.tool_calls:
            if find_loop(call.arguments) is not None:
                return _IN_CALL
        return None if answer.text is None and not answer.tool_calls else _VARIED

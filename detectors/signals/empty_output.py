"""Answers in which there is nothing to see."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from detectors.signals._of_answers import AnswerSignal
from detectors.types import Answer, Margin, Reading, SignalKind

__all__ = ["EmptyOutput", "is_blank"]

_INVISIBLE = "".join(
    chr(code)
    for low, high in (
        (0x0000, 0x0020),  # controls, space
        (0x007F, 0x00A0),
        (0x00AD, 0x00AD),  # soft hyphen
        (0x034F, 0x034F),  # grapheme joiner
        (0x061C, 0x061C),  # direction marks
        (0x115F, 0x1160),  # Hangul fillers
        (0x1680, 0x1680),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2000, 0x200F),  # spaces, zero-width, direction marks
        (0x2028, 0x202F),
        (0x205F, 0x206F),
        (0x2800, 0x2800),  # Braille blank
        (0x3000, 0x3000),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),  # variation selectors
        (0xFEFF, 0xFEFF),  # byte order mark
        (0xFFA0, 0xFFA0),
        (0xFFF9, 0xFFFB),
        (0xE0000, 0xE007F),  # tags
        (0xE0100, 0xE01EF),
    )
    for code in range(low, high + 1)
)
_LOOK_CLOSER = frozenset(_INVISIBLE) | {"<"}
"""First characters of texts that may be empty; nearly all texts begin with another."""
_THINKS = "<think>"
_THOUGHT = "</think>"

_EMPTY = Reading(1.0, "empty")
_BLANK = Reading(1.0, "blank")
_ONLY_THOUGHT = Reading(1.0, "only_thought")
_WRITTEN = Reading(0.0, "written")
_TOOL_CALL = Reading(0.0, "tool_call")
_REFUSED = Reading(0.0, "refused")


@dataclass(frozen=True, slots=True)
class EmptyOutput(AnswerSignal):
    """1 when a delivered answer shows the user nothing.

    Sees empty texts, texts of white space, zero-width and control characters only, and a ``<think>`` block
    that nothing follows or that never ends. Misses answers of marks without meaning ("...") and a polite
    sentence that says nothing. A tool call is an answer; a refusal field or a content filter's stop is counted
    by ``refusal``.

    Applies to every chat request (one with messages). A failed attempt is not empty, ``request_error`` counts it.
    Takes time linear in the text, a few comparisons for one that begins with a visible character.
    """

    name: ClassVar[str] = "empty_output"
    version: ClassVar[int] = 1
    kind: ClassVar[SignalKind] = SignalKind.BIT
    title: ClassVar[str] = "Empty answers"
    unit: ClassVar[str] = "share of requests"
    default_margin: ClassVar[Margin] = Margin(absolute=0.005)
    default_weight: ClassVar[float] = 0.5

    @override
    def read_answer(self, answer: Answer) -> Reading | None:
        text = answer.text
        if text and text[0] not in _LOOK_CLOSER:
            return _WRITTEN
        if answer.tool_calls:
            return _TOOL_CALL
        if answer.refusal or answer.finish_reason == "content_filter":
            return _REFUSED
        if text is None:
            return None
        if not text:
            return _EMPTY
        if is_blank(text):
            return _BLANK
        return _ONLY_THOUGHT if _only_thought(text) else _WRITTEN


def is_blank(text: str) -> bool:
    r"""Return whether no character of the text is visible.

    >>> is_blank(" \u200b\n"), is_blank(" .")
    (True, False)
    """
    return not text.strip(_INVISIBLE)


def _only_thought(text: str) -> bool:
    start = text.lstrip(_INVISIBLE)
    if not start.startswith(_THINKS):
        return False
    end = start.rfind(_THOUGHT)
    return end < 0 or is_blank(start[end + len(_THOUGHT) :])

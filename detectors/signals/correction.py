"""Corrections: the user says that the answer before was not what they asked for, or wrong."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from detectors.signals._corrective import corrects
from detectors.signals._of_turns import TurnSignal
from detectors.types import Message, Reading

__all__ = ["Correction"]

_CORRECTED = Reading(1.0, "corrected")
_ACCEPTED = Reading(0.0, "not_corrected")
_MAX_LOOK_BACK = 16


@dataclass(frozen=True, slots=True)
class Correction(TurnSignal):
    """1 when the user's last turn corrects the answer before it.

    Sees corrective language in the opening 400 characters ("no, I meant", "that's not what I asked", "wrong", "you
    forgot", "I should have said"), by rules for Arabic, Chinese, Dutch, English, French, German, Hindi, Italian,
    Japanese, Korean, Polish, Portuguese, Russian and Spanish; and short turns that put another value in the place of
    one which the answer had chosen by itself (year, number, place, reading). Misses other languages, irony and
    corrections that only state the facts. "No" as
    the answer to the assistant's question, thanks, another topic, a further wish, quotations and code are not
    corrections. It speaks about the answer before.

    Applies when the user has the last word and the assistant spoke before; never read on a shadow leg.
    """

    name: ClassVar[str] = "correction"
    version: ClassVar[int] = 2
    title: ClassVar[str] = "Corrections by users"

    @override
    def read_turn(self, turn: str, messages: tuple[Message, ...], before: int) -> Reading | None:
        corrected = corrects(turn, lambda: _said(messages, before), lambda: _asked(messages, before))
        return _CORRECTED if corrected else _ACCEPTED


def _said(messages: tuple[Message, ...], place: int) -> str | None:
    """Return the assistant's last words up to that place; None when they were not logged.

    A step that only called tools said nothing: what the user saw is then further up.
    """
    for at in range(place, max(-1, place - _MAX_LOOK_BACK), -1):
        message = messages[at]
        if message.role == "assistant" and message.text != "":
            return message.text
    return ""


def _asked(messages: tuple[Message, ...], place: int) -> str | None:
    """Return the user's turn before that place; None when there is none or it was not logged."""
    for at in range(place - 1, max(-1, place - _MAX_LOOK_BACK), -1):
        if messages[at].role == "user":
            return messages[at].text
    return None

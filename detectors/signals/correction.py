"""Corrections: the user says that the answer before was not what they asked for, or wrong."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from detectors.base import Signal
from detectors.signals._corrective import corrects
from detectors.signals._turns import last_turn
from detectors.types import Exchange, Indicts, Margin, Message, Outcome, Reading, Request, SignalKind

__all__ = ["Correction"]

_CORRECTED = Reading(1.0, "corrected")
_ACCEPTED = Reading(0.0, "not_corrected")
_MAX_LOOK_BACK = 16


@dataclass(frozen=True, slots=True)
class Correction(Signal):
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
    kind: ClassVar[SignalKind] = SignalKind.BIT
    title: ClassVar[str] = "Corrections by users"
    unit: ClassVar[str] = "share of sessions"
    default_margin: ClassVar[Margin] = Margin(absolute=0.01)
    indicts: ClassVar[Indicts] = Indicts.PREVIOUS

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return 1 for a correction, 0 otherwise, or None when not applicable or not logged."""
        return _read(exchange.request) if exchange.request is not None else None

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return 0: how this attempt ended says nothing about the user's turn before it."""
        return Reading(0.0, "no_request")


def _read(request: Request) -> Reading | None:
    messages = request.messages
    if len(messages) < 2 or (places := last_turn(messages)) is None:  # noqa: PLR2004 - an answer and a turn
        return None
    place, before = places
    turn = messages[place].text
    if turn is None:
        return None
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

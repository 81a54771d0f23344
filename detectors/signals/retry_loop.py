"""Retry loops: the user asks again what an answer did not give."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from detectors.base import Signal
from detectors.signals._restating import same_request
from detectors.signals._turns import last_turn
from detectors.types import Exchange, Indicts, Margin, Outcome, Reading, Request, SignalKind

__all__ = ["EARLIER_TURNS", "RetryLoop"]

EARLIER_TURNS = 3
"""User turns before the last one that it is compared with: an older one was most likely answered."""
_REPEATED = Reading(1.0, "repeated")
_NEW = Reading(0.0, "new_request")


@dataclass(frozen=True, slots=True)
class RetryLoop(Signal):
    """1 when the user's last turn asks again what one of their three turns before asked.

    Sees the same question again with small edits (case, politeness, typing errors, a moved phrase, a few words of
    a long prompt), in any language. Misses paraphrases. Another number, name or word in a short question ("and in
    Paris?"), short answers and commands ("yes", "continue", "next one") are not retries. It speaks about the answer
    before the repetition. Repetitions in other requests are found by :mod:`detectors.reactions`.

    Applies when the user has the last word and the assistant spoke before; never read on a shadow leg.
    """

    name: ClassVar[str] = "retry_loop"
    version: ClassVar[int] = 1
    kind: ClassVar[SignalKind] = SignalKind.BIT
    title: ClassVar[str] = "Repeated questions"
    unit: ClassVar[str] = "share of sessions"
    default_margin: ClassVar[Margin] = Margin(absolute=0.01)
    indicts: ClassVar[Indicts] = Indicts.PREVIOUS

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return 1 for a repetition, 0 otherwise, or None when not applicable or not logged."""
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
    earlier: list[str | None] = []
    for message in reversed(messages[:before]):
        if message.role == "user":
            earlier.append(message.text)
            if len(earlier) == EARLIER_TURNS:
                break
    logged = [text for text in earlier if text is not None]
    if logged and same_request(turn, logged):
        return _REPEATED
    return _NEW if len(logged) == len(earlier) else None

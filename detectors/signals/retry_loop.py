"""Retry loops: the user asks again what an answer did not give."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from detectors.signals._of_turns import TurnSignal
from detectors.signals._restating import same_request
from detectors.types import Message, Reading

__all__ = ["EARLIER_TURNS", "RetryLoop"]

EARLIER_TURNS = 3
"""User turns before the last one that it is compared with: an older one was most likely answered."""
_REPEATED = Reading(1.0, "repeated")
_NEW = Reading(0.0, "new_request")


@dataclass(frozen=True, slots=True)
class RetryLoop(TurnSignal):
    """1 when the user's last turn asks again what one of their three turns before asked.

    Sees the same question again with small edits (case, politeness, typing errors, a moved phrase, a few words of
    a long prompt), in any language. Misses paraphrases. Another number, name or word in a short question ("and in
    Paris?"), short answers and commands ("yes", "continue", "next one") are not retries. It speaks about the answer
    before the repetition. Repetitions in other requests are found by :mod:`detectors.reactions`.

    Applies when the user has the last word and the assistant spoke before; never read on a shadow leg.
    """

    name: ClassVar[str] = "retry_loop"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Repeated questions"

    @override
    def read_turn(self, turn: str, messages: tuple[Message, ...], before: int) -> Reading | None:
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

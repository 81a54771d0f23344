"""What the system messages and the last user turn ask for, read once for all signals that need it."""

from typing import Final

import msgspec

from detectors.signals._language_asked import Mentions, mentions
from detectors.types import Message, Request

__all__ = ["MACHINE", "NOT_USER", "Instruction", "instruction_of"]

MACHINE: Final = frozenset({"system", "developer"})
NOT_USER: Final = MACHINE | {"assistant", "tool", "function"}
_MAX_CHARS: Final = 4_000
"""Of a longer instruction the beginning and the end are read."""


class Instruction(msgspec.Struct, frozen=True, gc=False):
    """The part of a request that says how the answer should be."""

    question: str | None
    """The last user turn, None if it was not logged or there is none."""
    text: str
    """It and the system messages, of a long one the beginning and the end."""
    mentions: Mentions


def instruction_of(request: Request) -> Instruction:
    """Return the instruction of a request; the one of the last request is remembered for the next signal."""
    known = _LAST[0]
    if known is not None and known[0] is request.messages:
        return known[1]
    found = _read(request.messages)
    _LAST[0] = (request.messages, found)
    return found


_LAST: list[tuple[tuple[Message, ...], Instruction] | None] = [None]
"""One entry that is replaced as a whole: threads may read each other's, never half of one."""


def _read(messages: tuple[Message, ...]) -> Instruction:
    question: str | None = None
    text = ""
    for each in messages:
        role = each.role
        if role == "user":  # most are: this asks no set
            question = each.text
        elif role in MACHINE:
            text = f"{text}{each.text}\n" if each.text else text
        elif role not in NOT_USER:
            question = each.text
    if question:
        text += question
    if len(text) > _MAX_CHARS:
        text = text[: _MAX_CHARS // 2] + "\n" + text[-_MAX_CHARS // 2 :]
    return Instruction(question, text, mentions(text))

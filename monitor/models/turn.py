"""A turn of a conversation as it is stored: keyed digests, by which later requests are matched; never its text."""

import struct
from dataclasses import dataclass
from typing import Final

from detectors.turns import TurnPrint

__all__ = ["Turn"]

_FORMAT: Final = struct.Struct(">B8sQB8s8s8s")
"""Which of the last two there are, then exact, sketch, words, history, previous, answer."""
_PREVIOUS, _ANSWER = 1, 2
_NOTHING: Final = bytes(8)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a request asked and what it was answered."""

    asked: TurnPrint
    answer: bytes | None
    """Keyed digest of the answer's text; None when it was not logged or there was none."""

    def packed(self) -> bytes:
        """Return the turn as its 42 stored bytes."""
        asked = self.asked
        there = (_PREVIOUS if asked.previous else 0) | (_ANSWER if self.answer else 0)
        return _FORMAT.pack(
            there,
            asked.exact,
            asked.sketch,
            asked.words,
            asked.history,
            asked.previous or _NOTHING,
            self.answer or _NOTHING,
        )

    @classmethod
    def unpacked(cls, stored: bytes) -> "Turn":
        """Inverse of ``packed``.

        Raises:
            ValueError: there are not 42 bytes.
        """
        if len(stored) != _FORMAT.size:
            raise ValueError(f"a stored turn has {_FORMAT.size} bytes, got {len(stored)}")
        there, exact, sketch, words, history, previous, answer = _FORMAT.unpack(stored)
        return cls(
            TurnPrint(exact, sketch, words, history, previous if there & _PREVIOUS else None),
            answer if there & _ANSWER else None,
        )

"""Weight: what a batch takes of the memory while it waits for a commit. Pure.

The signals are read before a record waits, so it waits without the exchange they were read from: of that only the
few numbers that are stored stay. What is left is of nearly one size, but for the text that is kept.
"""

from collections.abc import Iterable
from typing import Final

from detectors.types import Answer, Exchange
from monitor.models.event import Record, Rejection

__all__ = ["RECORD_BYTES", "REJECTION_BYTES", "light", "weight_of"]

RECORD_BYTES: Final = 4096
"""A record without its text; measured: 1.5 KB with short ids."""
REJECTION_BYTES: Final = 1024
_CHAR_BYTES: Final = 4
"""A character beyond ASCII, at most."""


def light(exchange: Exchange) -> Exchange:
    """Return what of an exchange is stored: no text, no schema."""
    answer = exchange.answer
    if answer is not None:
        answer = Answer(
            finish_reason=answer.finish_reason,
            completion_tokens=answer.completion_tokens,
            prompt_tokens=answer.prompt_tokens,
        )
    return Exchange(None, answer, exchange.outcome, exchange.timing)


def weight_of(records: Iterable[Record], rejections: Iterable[Rejection]) -> int:
    """Return what light records and rejections weigh in bytes, about, and rather too much."""
    texts = sum([RECORD_BYTES if record.text is None else RECORD_BYTES + len(record.text) for record in records])
    return texts + sum(REJECTION_BYTES + _chars(one.detail) + _chars(one.skeleton) for one in rejections)


def _chars(text: str | None) -> int:
    if text is None:
        return 0
    return len(text) if text.isascii() else _CHAR_BYTES * len(text)

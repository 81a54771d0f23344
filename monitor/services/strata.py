"""Strata: which pairs share a tail threshold, and which are not alike enough to be compared. Pure.

A stratum is told by what both arms share (the prompt's length, the load of the tick) and, for the time to the end of an
answer, by both answers' lengths in a way that treats the arms alike. A length is an outcome: grouping by one arm's
alone would give that arm the short answers and the other the rest, and make one of two equals look slow.
"""

from typing import Final

from monitor.intake.slices import LONGEST_PROMPT, PROMPT_BUCKETS
from monitor.models.tick import Stratum

__all__ = [
    "ALL_PAIRS",
    "LIKE_RATIO",
    "LIKE_TOKENS",
    "LONGEST_OUTPUT",
    "OUTPUTS",
    "ancestors",
    "prompt_of",
]

ALL_PAIRS: Final[Stratum] = ()
_PROMPTS: Final = frozenset((*(name for _, name in PROMPT_BUCKETS), LONGEST_PROMPT))
OUTPUTS: Final = ((64, "output:64"), (256, "output:256"), (1_024, "output:1k"))
"""Most tokens of the longer answer in each bucket."""
LONGEST_OUTPUT: Final = "output:over1k"
LIKE_RATIO: Final = 1.25
LIKE_TOKENS: Final = 8
"""Answers are of like length within a quarter, or within so few tokens."""


def prompt_of(slices: frozenset[str]) -> str:
    """Return the bucket of a prompt's length."""
    return min(_PROMPTS & slices, default="prompt:unknown")


def ancestors(stratum: Stratum) -> list[Stratum]:
    """Return a stratum and those that hold it, the narrowest first and all pairs last.

    >>> ancestors(("prompt:1k", "load:2"))
    [('prompt:1k', 'load:2'), ('prompt:1k',), ()]
    """
    return [stratum[:length] for length in range(len(stratum), -1, -1)]

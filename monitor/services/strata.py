"""Strata: which pairs share a tail threshold, and which are not alike enough to be compared. Pure.

A stratum is told by what both arms share (the prompt's length, the load of the tick) and, for the time to the end of an
answer, by both answers' lengths in a way that treats the arms alike. A length is an outcome: grouping by one arm's
alone would give that arm the short answers and the other the rest, and make one of two equals look slow.
"""

from typing import Final

from detectors.signals.latency_e2e import LatencyE2e
from detectors.types import SignalKind
from monitor.intake.slices import LONGEST_PROMPT, PROMPT_BUCKETS
from monitor.models.tick import Pair, Stratum
from monitor.services.load import Footing

__all__ = [
    "ALL_PAIRS",
    "LIKE_RATIO",
    "LIKE_TOKENS",
    "LONGEST_OUTPUT",
    "OUTPUTS",
    "alike",
    "ancestors",
    "prompt_of",
    "stratum_of",
]

ALL_PAIRS: Final[Stratum] = ()
_PROMPTS: Final = frozenset((*(name for _, name in PROMPT_BUCKETS), LONGEST_PROMPT))
OUTPUTS: Final = ((64, "output:64"), (256, "output:256"), (1_024, "output:1k"))
"""Most tokens of the longer answer in each bucket."""
LONGEST_OUTPUT: Final = "output:over1k"
LIKE_RATIO: Final = 1.25
LIKE_TOKENS: Final = 8
"""Answers are of like length within a quarter, or within so few tokens."""


def stratum_of(pair: Pair, signal: str, kind: SignalKind, footing: Footing) -> Stratum | None:
    """Return a pair's stratum: prompt, output where it matters, load; None when its legs cannot be compared.

    Amounts are compared as they are. At most 5 prompts, 5 outputs and 6 loads, of which a route shows few.
    """
    if kind is not SignalKind.LATENCY:
        return ALL_PAIRS
    if footing.unlike or not alike(pair, signal):
        return None
    prompt = prompt_of(pair.slices)
    load = footing.level or "load:unknown"
    return (prompt, _output(pair), load) if signal == LatencyE2e.name else (prompt, load)


def prompt_of(slices: frozenset[str]) -> str:
    """Return the bucket of a prompt's length."""
    return min(_PROMPTS & slices, default="prompt:unknown")


def ancestors(stratum: Stratum) -> list[Stratum]:
    """Return a stratum and those that hold it, the narrowest first and all pairs last.

    >>> ancestors(("prompt:1k", "load:2"))
    [('prompt:1k', 'load:2'), ('prompt:1k',), ()]
    """
    return [stratum[:length] for length in range(len(stratum), -1, -1)]


def alike(pair: Pair, signal: str) -> bool:
    """Tell whether a pair's answers are of like length, where that matters and both lengths are known."""
    if signal != LatencyE2e.name or pair.primary_tokens is None or pair.shadow_tokens is None:
        return True
    shorter, longer = sorted((pair.primary_tokens, pair.shadow_tokens))
    return longer <= max(LIKE_RATIO * shorter, shorter + LIKE_TOKENS)


def _output(pair: Pair) -> str:
    """Return the bucket of the longer answer; unknown when either is, whichever: one arm's alone would favour it."""
    if pair.primary_tokens is None or pair.shadow_tokens is None:
        return "output:unknown"
    longer = max(pair.primary_tokens, pair.shadow_tokens)
    return next((name for most, name in OUTPUTS if longer <= most), LONGEST_OUTPUT)

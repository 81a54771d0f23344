"""What a tick adds to every paired stream: sides, slices and signals counted together. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.registry import SIGNALS
from detectors.stats import latency
from detectors.types import PairCounts, SignalKind
from monitor.models.columns import PairColumns
from monitor.models.tick import ScoredTick, Stratum
from monitor.services.count_columns import Sides, by_slices, count_bits, sides
from monitor.services.load import Footing
from monitor.services.tail_columns import Prompts, count_tails, placed, prompts_of
from monitor.services.watch import Watched

__all__ = ["Counted", "count_all"]

Counted = Mapping[tuple[int, str, str], ScoredTick]
"""By candidate, signal and slice."""
_Thresholds = Callable[[Stratum], Sequence[int | None]]
_WHOLE: Final = {SignalKind.BIT, SignalKind.PRINT}
_NO_PAIR: Final = PairCounts()


def count_all(
    pairs: PairColumns,
    watched: Iterable[Watched],
    *,
    thresholds: Callable[[Watched], _Thresholds],
    footing: Callable[[int, int], Footing],
    horizon_s: float,
) -> Counted:
    """Count a tick's pairs for every watched stream of pairs.

    Args:
        pairs: The tick's.
        watched: The streams; those of sessions are passed over.
        thresholds: A tail stream's edges per level and stratum, known before the tick.
        footing: On what terms a candidate and its baseline meet.
        horizon_s: Latencies beyond it cannot be told from what is late.
    """
    paired = [one for one in watched if SIGNALS[one.stream.signal].paired]
    names = sorted({one.stream.slice for one in paired})
    members, prompts = by_slices(pairs, names), prompts_of(pairs)
    arms: dict[tuple[int, int], list[Watched]] = {}
    for one in paired:
        arms.setdefault((one.stream.candidate_id, one.baseline_id), []).append(one)
    counted: dict[tuple[int, str, str], ScoredTick] = {}
    for (candidate, baseline), mine in arms.items():
        found = sides(pairs, candidate, baseline)
        bits = sorted({one.stream.signal for one in mine if SIGNALS[one.stream.signal].kind in _WHOLE})
        for (signal, slice_), scored in count_bits(found, bits, members, names).items():
            counted[candidate, signal, slice_] = scored
        tails = [one for one in mine if SIGNALS[one.stream.signal].kind not in _WHOLE]
        terms = footing(candidate, baseline)
        place = {name: row for row, name in enumerate(names)}
        counted.update(_tails(pairs, found, prompts, tails, members, place, thresholds, terms, 1000.0 * horizon_s))
    for one in paired:
        counted.setdefault((one.stream.candidate_id, one.stream.signal, one.stream.slice), _nothing(one.stream.signal))
    return counted


def _tails(
    pairs: PairColumns,
    found: Sides,
    prompts: Prompts,
    watched: Iterable[Watched],
    members: NDArray[np.bool_],
    place: Mapping[str, int],
    thresholds: Callable[[Watched], _Thresholds],
    footing: Footing,
    limit_ms: float,
) -> dict[tuple[int, str, str], ScoredTick]:
    of_signal: dict[str, list[Watched]] = {}
    for one in watched:
        if one.stream.signal in found.signals:
            of_signal.setdefault(one.stream.signal, []).append(one)
    counted = {}
    for signal, mine in of_signal.items():
        legs = placed(pairs, found, signal, footing, prompts)
        for one in mine:
            counted[one.stream.candidate_id, signal, one.stream.slice] = count_tails(
                legs,
                members[place[one.stream.slice]],
                relative_margin=one.relative_margin,
                thresholds=thresholds(one),
                limit_ms=limit_ms if SIGNALS[signal].kind is SignalKind.LATENCY else inf,
            )
    return counted


def _nothing(signal: str) -> ScoredTick:
    levels = 1 if SIGNALS[signal].kind in _WHOLE else len(latency.LEVELS)
    return ScoredTick((_NO_PAIR,) * levels, (_NO_PAIR,) * levels, (_NO_PAIR,) * levels)

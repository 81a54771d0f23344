"""Counting: the pairs of a tick become 2x2 tables, for every signal and slice at once. Pure.

What is unknown scores against the claim: for harm the candidate is good and the baseline bad, for ``safe`` the reverse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.registry import SIGNALS
from detectors.signals.agreement import disagrees
from detectors.types import PairCounts, SignalKind
from monitor.models.columns import PairColumns
from monitor.models.tick import ScoredTick

__all__ = ["CELLS", "LEFT_OUT", "Sides", "bit_codes", "by_slices", "cell_codes", "count_bits", "sides", "tables_from"]

CELLS: Final = 10
"""Codes of a pair: three times the candidate's state plus the baseline's, of good 0, bad 1 and unknown 2; and 9."""
LEFT_OUT: Final = 9
_UNKNOWN: Final = 2
_Codes = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Sides:
    """The pairs of one candidate and baseline, as in ``PairColumns``; in A/A the primary counts as the candidate."""

    rows: NDArray[np.int64]
    """Of the pairs, in the tick's columns."""
    signals: tuple[str, ...]
    candidate: NDArray[np.float64]
    baseline: NDArray[np.float64]
    covered: NDArray[np.bool_]
    """Shape (signals, n): whether the signal applies and a leg has a reading."""


def sides(pairs: PairColumns, candidate: int, baseline: int) -> Sides:
    """Return the pairs of two variants, whichever was the primary."""
    forth = (pairs.primary_variant == candidate) & (pairs.shadow_variant == baseline)
    back = (pairs.shadow_variant == candidate) & (pairs.primary_variant == baseline) & ~forth
    rows = np.flatnonzero(forth | back)
    primary, shadow, turned = pairs.primary[:, rows], pairs.shadow[:, rows], back[rows]
    if turned.any():
        primary, shadow = np.where(turned, shadow, primary), np.where(turned, primary, shadow)
    covered = pairs.applicable[:, rows] & ~(np.isnan(primary) & np.isnan(shadow))
    return Sides(rows, pairs.signals, primary, shadow, covered)


def by_slices(pairs: PairColumns, names: Sequence[str]) -> NDArray[np.bool_]:
    """Return which pairs are in which slice, shape (slices, n)."""
    place = {name: index for index, name in enumerate(names)}
    held = np.zeros((len(names), len(pairs.sets)), dtype=np.bool_)
    for column, one in enumerate(pairs.sets):
        for name in one.slices:
            index = place.get(name)
            if index is not None:
                held[index, column] = True
    return held[:, pairs.slice_set]


def count_bits(
    found: Sides, signals: Sequence[str], members: NDArray[np.bool_], names: Sequence[str]
) -> Mapping[tuple[str, str], ScoredTick]:
    """Count the pairs of bits and of fingerprints, per signal and slice; ``members`` as ``by_slices`` returns them."""
    known = [name for name in signals if name in found.signals]
    codes = bit_codes(found, known) + CELLS * np.arange(len(known))[:, None]
    counted: dict[tuple[str, str], ScoredTick] = {}
    for number, slice_ in enumerate(names):
        inside = codes[:, members[number, found.rows]]
        cells = np.bincount(inside.ravel(), minlength=CELLS * len(known)).reshape(len(known), CELLS).tolist()
        counted.update({(name, slice_): _tick(cells[row]) for row, name in enumerate(known)})
    return counted


def bit_codes(found: Sides, signals: Sequence[str]) -> NDArray[np.int64]:
    """Return the code of each pair for signals that its events have, of bits or fingerprints: shape (signals, n)."""
    codes = np.full((len(signals), len(found.rows)), LEFT_OUT, dtype=np.int64)
    for row, name in enumerate(signals):
        at = found.signals.index(name)
        made = _bits if SIGNALS[name].kind is SignalKind.BIT else _prints
        codes[row] = np.where(found.covered[at], made(found.candidate[at], found.baseline[at]), LEFT_OUT)
    return codes


def _bits(x: NDArray[np.float64], y: NDArray[np.float64]) -> _Codes:
    return cell_codes(_state(x), _state(y))


def _state(readings: NDArray[np.float64]) -> _Codes:
    return np.where(np.isnan(readings), _UNKNOWN, readings > 0.0).astype(np.int8)


def _prints(x: NDArray[np.float64], y: NDArray[np.float64]) -> _Codes:
    """A pair in which the fingerprints disagree counts as the candidate's fault."""
    missing = np.isnan(x) | np.isnan(y)
    apart = np.zeros(len(x), dtype=np.int8)
    unequal = np.flatnonzero(~missing & (x != y))
    apart[unequal] = [disagrees(int(a), int(b)) for a, b in zip(x[unequal].tolist(), y[unequal].tolist(), strict=True)]
    return cell_codes(np.where(missing, _UNKNOWN, apart), np.where(np.isnan(y), _UNKNOWN, 0))


def cell_codes(candidate: NDArray[np.integer], baseline: NDArray[np.integer]) -> _Codes:
    """Return the codes of pairs by the states of their legs."""
    return np.asarray(3 * candidate + baseline, dtype=np.int8)


def tables_from(cells: Sequence[int]) -> tuple[PairCounts, PairCounts, PairCounts]:
    """Return the tables for harm, for ``safe`` and of the complete pairs; what is unknown scores against the claim.

    >>> tables_from([0, 0, 0, 0, 0, 0, 0, 4, 0, 0])[0]
    PairCounts(n11=0, n10=0, n01=4, n00=0)
    """
    gg, gb, gu, bg, bb, bu, ug, ub, uu, _ = cells
    return (
        PairCounts(n11=bb + bu, n10=bg, n01=gb + gu + ub + uu, n00=gg + ug),
        PairCounts(n11=bb + ub, n10=bg + bu + ug + uu, n01=gb, n00=gg + gu),
        PairCounts(n11=bb, n10=bg, n01=gb, n00=gg),
    )


def _tick(cells: Sequence[int]) -> ScoredTick:
    harm, safe, complete = tables_from(cells)
    gg, gb, gu, bg, bb, bu, ug, ub, uu, _ = cells
    return ScoredTick((harm,), (safe,), (complete,), gg + gb + bg + bb, ug + ub + uu, gu + bu + uu)

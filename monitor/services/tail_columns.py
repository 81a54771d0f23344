"""Tails: the pairs of a tick become exceedance tables, for every slice of a signal at once. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.registry import SIGNALS
from detectors.signals.latency_e2e import LatencyE2e
from detectors.stats import latency
from detectors.types import SignalKind
from monitor.models.columns import NO_TOKENS, PairColumns
from monitor.models.tick import ScoredTick, Stratum
from monitor.services.count_columns import CELLS, LEFT_OUT, Sides, cell_codes, tables_from
from monitor.services.load import Footing
from monitor.services.strata import (
    ALL_PAIRS,
    LIKE_RATIO,
    LIKE_TOKENS,
    LONGEST_OUTPUT,
    OUTPUTS,
    prompt_of,
)

__all__ = ["Placed", "Prompts", "count_tails", "placed", "prompts_of"]

_EDGES: Final = np.array([latency.edge(index) for index in range(latency.LOWEST_BIN + 1, latency.OVERFLOW_BIN + 1)])
"""Lower edges of all bins but the lowest."""
_BINS: Final = latency.OVERFLOW_BIN - latency.LOWEST_BIN + 1
_NO_EDGE: Final = latency.OVERFLOW_BIN + 1
_BELOW_ALL: Final = latency.LOWEST_BIN - 1
_UNLIKE: Final = -1
_GOOD, _BAD, _UNKNOWN = 0, 1, 2
_OUTPUT_NAMES: Final = ("output:unknown", *(name for _, name in OUTPUTS), LONGEST_OUTPUT)
_Column = NDArray[np.int64]
_Thresholds = Callable[[Stratum], Sequence[int | None]]


@dataclass(frozen=True, slots=True)
class _Leg:
    """One arm's readings by the bins they fall in."""

    bins: NDArray[np.int16]
    """Below every edge where the leg is missing."""
    missing: NDArray[np.bool_]
    censored: NDArray[np.bool_]
    below: NDArray[np.int8]
    """The leg's state where it does not reach an edge."""

    def taken(self, rows: _Column) -> "_Leg":
        return _Leg(self.bins[rows], self.missing[rows], self.censored[rows], self.below[rows])

    def over(self, edges: NDArray[np.int16]) -> NDArray[np.int8]:
        """Return each leg's state against its edge, as ``latency.exceedance`` decides it."""
        return np.where(self.bins >= edges, np.int8(_BAD), self.below)


@dataclass(frozen=True, slots=True)
class Placed:
    """The covered pairs of one signal: their bins and strata."""

    rows: _Column
    """Of the pairs, in the tick's columns."""
    candidate: _Leg
    baseline: _Leg
    stratum: _Column
    """Index in ``strata``; -1 for pairs that are not alike."""
    strata: Sequence[Stratum]


@dataclass(frozen=True, slots=True)
class Prompts:
    """The bucket of each pair's prompt."""

    names: Sequence[str]
    of_pair: _Column
    """Index in ``names``."""


def prompts_of(pairs: PairColumns) -> Prompts:
    """Return the buckets of the tick's prompts."""
    names: dict[str, int] = {}
    of_set = np.array([names.setdefault(prompt_of(one.slices), len(names)) for one in pairs.sets], dtype=np.int64)
    return Prompts(list(names), of_set[pairs.slice_set] if len(pairs) else pairs.slice_set)


def placed(pairs: PairColumns, found: Sides, signal: str, footing: Footing, prompts: Prompts) -> Placed:
    """Return the covered pairs of a signal with their bins and strata."""
    at = found.signals.index(signal)
    mine = np.flatnonzero(found.covered[at])
    rows = found.rows[mine]
    strata, stratum = _strata(pairs, rows, signal, footing, prompts)
    return Placed(rows, _leg(found.candidate[at, mine]), _leg(found.baseline[at, mine]), stratum, strata)


def count_tails(
    one: Placed, members: NDArray[np.bool_], *, relative_margin: float, thresholds: _Thresholds, limit_ms: float = inf
) -> ScoredTick:
    """Count one slice's exceedances per level: the candidate over ``c * gamma^k``, the baseline over ``c``.

    Formula: each pair's ``c`` is its stratum's, known before the tick and the same for both legs; a level's table is
    the sum over the strata. So each pair has ``E[X - Y | past] <= 0`` for a candidate within the margin, whatever the
    thresholds are, and the sum is as valid as a table of one stratum.

    A censored leg whose threshold lies beyond its end counts like a missing one: against the claim that is tested. A
    stratum without a threshold (too little history) adds nothing at that level. Pairs that are not alike are counted
    and left out. The pooled histograms, candidate shifted down by the margin, feed the thresholds of later ticks; a
    pair with a censored leg stays out of them with both legs, so that they lean to neither arm.

    Args:
        one: The covered pairs of the signal.
        members: Shape (n,): which of the tick's pairs are in the slice.
        relative_margin: The tolerance.
        thresholds: A stratum's edges per level, known before the tick.
        limit_ms: A stratum whose edge lies past it adds nothing at that level.
    """
    rows = np.flatnonzero(members[one.rows])
    shift = latency.margin_bins(relative_margin)
    x, y, stratum = one.candidate.taken(rows), one.baseline.taken(rows), one.stratum[rows]
    present = np.flatnonzero(np.bincount(stratum + 1, minlength=len(one.strata) + 1)[1:]).tolist()
    edges = _edges(one.strata, present, thresholds, shift, limit_ms)
    tables = [tables_from(_cells(x, y, level, stratum, shift)) for level in edges]
    both = ~x.missing & ~y.missing
    return ScoredTick(
        harm=tuple(harm for harm, _, _ in tables),
        safe=tuple(safe for _, safe, _ in tables),
        complete=tuple(complete for _, _, complete in tables),
        paired=int(both.sum()),
        missing_candidate=int(x.missing.sum()),
        missing_baseline=int(y.missing.sum()),
        unlike=int((both & (stratum == _UNLIKE)).sum()),
        histogram=_histograms(x, y, stratum, one.strata, shift),
    )


def _leg(readings: NDArray[np.float64]) -> _Leg:
    missing, censored = np.isnan(readings), readings < 0.0
    bins = np.searchsorted(_EDGES, np.abs(readings), side="right") + latency.LOWEST_BIN
    return _Leg(
        bins=np.where(missing, _BELOW_ALL, bins).astype(np.int16),
        missing=missing,
        censored=censored,
        below=np.where(missing | censored, _UNKNOWN, _GOOD).astype(np.int8),
    )


def _edges(
    strata: Sequence[Stratum], present: Sequence[int], thresholds: _Thresholds, shift: int, limit_ms: float
) -> NDArray[np.int16]:
    """Return the edge of each level and stratum, shape (levels, strata + 1); the last column is that of no stratum."""
    edges = np.full((len(latency.LEVELS), len(strata) + 1), _NO_EDGE, dtype=np.int16)
    for index in present:
        for level, edge in enumerate(thresholds(strata[index])):
            if edge is not None and latency.edge(edge + shift) < limit_ms:
                edges[level, index] = edge
    return edges


def _cells(x: _Leg, y: _Leg, edges: NDArray[np.int16], stratum: _Column, shift: int) -> list[int]:
    over = np.minimum(edges + shift, latency.OVERFLOW_BIN)[stratum], np.minimum(edges, latency.OVERFLOW_BIN)[stratum]
    codes = cell_codes(x.over(over[0]), y.over(over[1]))
    untested = edges == _NO_EDGE
    if untested.any():
        codes[untested[stratum]] = LEFT_OUT
    return [int(n) for n in np.bincount(codes, minlength=CELLS)]


def _histograms(
    x: _Leg, y: _Leg, stratum: _Column, strata: Sequence[Stratum], shift: int
) -> Mapping[Stratum, Mapping[int, int]]:
    """Return the bins of both arms per stratum, the candidate's shifted, without pairs of which a leg is censored."""
    whole = (stratum != _UNLIKE) & ~x.censored & ~y.censored
    shifted = np.where(x.bins >= latency.OVERFLOW_BIN, x.bins, np.maximum(x.bins - shift, latency.LOWEST_BIN))
    flat = [
        stratum[rows] * _BINS + bins[rows] - latency.LOWEST_BIN
        for bins, rows in ((shifted, whole & ~x.missing), (y.bins, whole & ~y.missing))
    ]
    counts = np.bincount(np.concatenate(flat), minlength=_BINS * len(strata)).reshape(len(strata), _BINS)
    found: dict[Stratum, Mapping[int, int]] = {}
    for index in np.flatnonzero(counts.any(axis=1)).tolist():
        bins = np.flatnonzero(counts[index])
        found[strata[index]] = dict(
            zip((bins + latency.LOWEST_BIN).tolist(), counts[index, bins].tolist(), strict=True)
        )
    return found


def _strata(
    pairs: PairColumns, rows: _Column, signal: str, footing: Footing, prompts: Prompts
) -> tuple[Sequence[Stratum], _Column]:
    """Return the strata, and each pair's: prompt, output where it matters, load; none for legs that are not alike.

    Amounts are compared as they are. At most 5 prompts, 5 outputs and 6 loads, of which a route shows few.
    """
    if SIGNALS[signal].kind is not SignalKind.LATENCY:
        return (ALL_PAIRS,), np.zeros(len(rows), dtype=np.int64)
    load = footing.level or "load:unknown"
    prompt = prompts.of_pair[rows]
    primary, shadow = pairs.primary_tokens[rows], pairs.shadow_tokens[rows]
    if signal == LatencyE2e.name:
        strata: Sequence[Stratum] = [(name, output, load) for name in prompts.names for output in _OUTPUT_NAMES]
        found = prompt * len(_OUTPUT_NAMES) + _output(primary, shadow)
        like = _alike(primary, shadow)
    else:
        strata, found, like = [(name, load) for name in prompts.names], prompt, np.ones(len(rows), dtype=np.bool_)
    return strata, np.where(like & (not footing.unlike), found, _UNLIKE)


def _output(primary: _Column, shadow: _Column) -> _Column:
    """Return the index of the longer answer's bucket in ``_OUTPUT_NAMES``."""
    bucket = 1 + np.searchsorted([most for most, _ in OUTPUTS], np.maximum(primary, shadow), side="left")
    return np.where((primary == NO_TOKENS) | (shadow == NO_TOKENS), 0, bucket)


def _alike(primary: _Column, shadow: _Column) -> NDArray[np.bool_]:
    shorter, longer = np.minimum(primary, shadow), np.maximum(primary, shadow)
    like = longer <= np.maximum(LIKE_RATIO * shorter, shorter + LIKE_TOKENS)
    return np.asarray(like | (shorter == NO_TOKENS))

"""Tails: the pairs of a tick become exceedance tables for one stream, stratum by stratum. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Final

from detectors.registry import SIGNALS
from detectors.stats import latency
from monitor.models.tick import Pair, ScoredTick, Stratum
from monitor.services.load import Footing
from monitor.services.scoring import Cell, legs_of, tables_of
from monitor.services.strata import stratum_of

__all__ = ["score_tails"]

_Legs = tuple[latency.Place | None, latency.Place | None]
_ANY: Final = Footing()


def score_tails(
    pairs: Iterable[Pair],
    candidate: int,
    baseline: int,
    signal: str,
    slice_: str,
    *,
    relative_margin: float,
    thresholds: Callable[[Stratum], Sequence[int | None]],
    limit_ms: float = inf,
    footing: Footing = _ANY,
) -> ScoredTick:
    """Count exceedances over bin edges: the candidate over ``c * gamma^k``, the baseline over ``c``, per level.

    Formula: each pair's ``c`` is its stratum's, known before the tick and the same for both legs; a level's table is
    the sum over the strata. So each pair has ``E[X - Y | past] <= 0`` for a candidate within the margin, whatever the
    thresholds are, and the sum is as valid as a table of one stratum.

    A censored leg whose threshold lies beyond its end counts like a missing one: against the claim that is tested. A
    stratum without a threshold (too little history) adds nothing at that level; nor does one whose threshold lies past
    ``limit_ms``, where a slow leg cannot be told from a late one. Pairs that are not alike are counted and left out.

    The tick's pooled histograms, candidate shifted down by the margin, feed the thresholds of later ticks. A pair with
    a censored leg stays out of them with both legs, so that they lean to neither arm.
    """
    kind = SIGNALS[signal].kind
    shift = latency.margin_bins(relative_margin)
    levels = range(len(latency.LEVELS))
    cells: list[list[Cell]] = [[] for _ in levels]
    histograms: dict[Stratum, Mapping[int, int]] = {}
    covered, unlike = _by_stratum(
        legs_of(pairs, candidate, baseline, signal, slice_), lambda p: stratum_of(p, signal, kind, footing)
    )
    for stratum, legs in covered.items():
        for level, edge in enumerate(thresholds(stratum)):
            if edge is not None and latency.edge(edge + shift) < limit_ms:
                cells[level] += [(_over(x, edge + shift), _over(y, edge)) for x, y in legs]
        histograms[stratum] = _pooled(legs, shift)
    tables = [tables_of(found) for found in cells]
    every = [*unlike, *(one for legs in covered.values() for one in legs)]
    return ScoredTick(
        harm=tuple(harm for harm, _, _ in tables),
        safe=tuple(safe for _, safe, _ in tables),
        complete=tuple(complete for _, _, complete in tables),
        paired=sum(x is not None and y is not None for x, y in every),
        missing_candidate=sum(x is None for x, _ in every),
        missing_baseline=sum(y is None for _, y in every),
        unlike=sum(x is not None and y is not None for x, y in unlike),
        histogram={stratum: counts for stratum, counts in histograms.items() if counts},
    )


def _by_stratum(
    found: Iterable[tuple[Pair, float | None, float | None]], stratum_of_pair: Callable[[Pair], Stratum | None]
) -> tuple[Mapping[Stratum, list[_Legs]], list[_Legs]]:
    """Return the legs per stratum, and those of pairs that are not alike."""
    covered: defaultdict[Stratum, list[_Legs]] = defaultdict(list)
    unlike: list[_Legs] = []
    for pair, x, y in found:
        stratum = stratum_of_pair(pair)
        (unlike if stratum is None else covered[stratum]).append((_placed(x), _placed(y)))
    return covered, unlike


def _placed(reading: float | None) -> latency.Place | None:
    return None if reading is None else latency.place(reading)


def _over(leg: latency.Place | None, edge_bin: int) -> bool | None:
    return None if leg is None else latency.exceedance(leg, edge_bin)


def _pooled(legs: Iterable[_Legs], shift: int) -> Mapping[int, int]:
    """Return the histogram of both arms, without pairs of which a leg is censored."""
    whole = [(x, y) for x, y in legs if not ((x is not None and x[1]) or (y is not None and y[1]))]
    return latency.pool(
        latency.histogram(x for x, _ in whole if x is not None),
        latency.histogram(y for _, y in whole if y is not None),
        shift,
    )

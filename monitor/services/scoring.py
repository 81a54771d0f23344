"""Scoring: the pairs of a tick become 2x2 tables for one stream. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from detectors.reactions import Reaction
from detectors.signals.agreement import disagrees
from detectors.stats import latency
from detectors.types import ArmCounts, Counts, PairCounts
from monitor.models.conversation import SessionRecord
from monitor.models.tick import Pair, ScoredTick

__all__ = ["gather", "score_bits", "score_prints", "score_sessions", "score_tails"]

_Cell = tuple[bool, bool]
_FEWEST_SESSIONS = 5
_MOST_WAITING = 5_000


def score_bits(pairs: Iterable[Pair], candidate: int, baseline: int, signal: str, slice_: str) -> ScoredTick:
    """Count the pairs of one bit-valued stream."""
    legs = list(_legs(pairs, candidate, baseline, signal, slice_))
    return _tick(legs, [lambda value: value > 0.0], [lambda value: value > 0.0])


def score_tails(
    pairs: Iterable[Pair],
    candidate: int,
    baseline: int,
    signal: str,
    slice_: str,
    *,
    relative_margin: float,
    thresholds: Sequence[int | None],
) -> ScoredTick:
    """Count exceedances over bin edges: the candidate over ``c * gamma^k``, the baseline over ``c``, per level.

    A level without a threshold (too little history) gets an empty table. The tick's pooled histogram, candidate
    shifted down by the margin, feeds the thresholds of later ticks.
    """
    legs = list(_legs(pairs, candidate, baseline, signal, slice_))
    shift = latency.margin_bins(relative_margin)
    known = [edge for edge in thresholds if edge is not None]
    scored = _tick(
        legs,
        [lambda value, e=edge: latency.exceeds(value, e + shift) for edge in known],  # type: ignore[misc]
        [lambda value, e=edge: latency.exceeds(value, e) for edge in known],  # type: ignore[misc]
    )
    pooled = latency.pool(
        latency.histogram(x for x, _ in legs if x is not None),
        latency.histogram(y for _, y in legs if y is not None),
        shift,
    )
    return ScoredTick(
        harm=_spread(scored.harm, thresholds),
        safe=_spread(scored.safe, thresholds),
        complete=_spread(scored.complete, thresholds),
        paired=scored.paired,
        missing_candidate=scored.missing_candidate,
        missing_baseline=scored.missing_baseline,
        histogram=pooled,
    )


def score_prints(pairs: Iterable[Pair], candidate: int, baseline: int, signal: str, slice_: str) -> ScoredTick:
    """Count the pairs of one stream of fingerprints: a pair in which they disagree counts as the candidate's fault.

    A missing leg scores against the claim, as everywhere: for harm it agrees and for ``safe`` it does not.
    """
    legs = [
        (None if x is None or y is None else float(disagrees(int(x), int(y))), None if y is None else 0.0)
        for x, y in _legs(pairs, candidate, baseline, signal, slice_)
    ]
    bad: list[Callable[[float], bool]] = [lambda value: value > 0.0]
    return _tick(legs, bad, bad)


def score_sessions(sessions: Iterable[SessionRecord], candidate: int, baseline: int, signal: str) -> ArmCounts:
    """Count the sessions that each arm answered, and those in which users reacted."""
    told = {Reaction(signal), *([Reaction.API_RETRY] if signal == Reaction.RETRY else [])}
    n, bad = Counter[int](), Counter[int]()
    for session in sessions:
        n[session.variant_id] += 1
        bad[session.variant_id] += not told.isdisjoint(session.reactions)
    return ArmCounts(n[candidate], bad[candidate], n[baseline], bad[baseline])


def gather(waiting: ArmCounts, matured: ArmCounts) -> tuple[ArmCounts, ArmCounts]:
    """Return what is to be folded now, and what goes on waiting: a tick in which an arm is missing tells nothing.

    A small holdback has a session only every few ticks. Whether it is time depends on how many sessions there are,
    never on what users did. Much older candidates' sessions are let go when the baseline has none at all.
    """
    total = waiting + matured
    if min(total.candidate_n, total.baseline_n) >= _FEWEST_SESSIONS:
        return total, ArmCounts()
    if total.n >= _MOST_WAITING:
        return ArmCounts(), ArmCounts()
    return ArmCounts(), total


def _spread(tables: Sequence[Counts], thresholds: Sequence[int | None]) -> tuple[Counts, ...]:
    """Put the tables of the known levels back in their places."""
    remaining = iter(tables)
    return tuple(PairCounts() if edge is None else next(remaining) for edge in thresholds)


def _legs(
    pairs: Iterable[Pair], candidate: int, baseline: int, signal: str, slice_: str
) -> Iterable[tuple[float | None, float | None]]:
    """Yield (candidate's, baseline's) readings of the pairs the stream covers; for A/A the primary is the candidate."""
    for pair in pairs:
        if signal not in pair.applicable or slice_ not in pair.slices:
            continue
        primary = None if pair.primary is None else pair.primary.get(signal)
        shadow = None if pair.shadow is None else pair.shadow.get(signal)
        if primary is None and shadow is None:
            continue
        if (pair.primary_variant, pair.shadow_variant) == (candidate, baseline):
            yield primary, shadow
        elif (pair.shadow_variant, pair.primary_variant) == (candidate, baseline):
            yield shadow, primary


def _tick(
    legs: Sequence[tuple[float | None, float | None]],
    candidate_bad: Sequence[Callable[[float], bool]],
    baseline_bad: Sequence[Callable[[float], bool]],
) -> ScoredTick:
    harm, safe, complete = [], [], []
    for x_bad, y_bad in zip(candidate_bad, baseline_bad, strict=True):
        cells = [(None if x is None else x_bad(x), None if y is None else y_bad(y)) for x, y in legs]
        harm.append(_count((bool(x), y is not False) for x, y in cells))
        safe.append(_count((x is not False, bool(y)) for x, y in cells))
        complete.append(_count((x, y) for x, y in cells if x is not None and y is not None))
    return ScoredTick(
        harm=tuple(harm),
        safe=tuple(safe),
        complete=tuple(complete),
        paired=sum(x is not None and y is not None for x, y in legs),
        missing_candidate=sum(x is None for x, _ in legs),
        missing_baseline=sum(y is None for _, y in legs),
    )


def _count(cells: Iterable[_Cell]) -> PairCounts:
    counts: Mapping[_Cell, int] = Counter(cells)
    return PairCounts(
        n11=counts.get((True, True), 0),
        n10=counts.get((True, False), 0),
        n01=counts.get((False, True), 0),
        n00=counts.get((False, False), 0),
    )

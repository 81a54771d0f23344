"""Scoring: the pairs of a tick become 2x2 tables for one stream. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from detectors.reactions import Reaction
from detectors.signals.agreement import disagrees
from detectors.types import ArmCounts, PairCounts
from monitor.models.conversation import SessionRecord
from monitor.models.tick import Pair, ScoredTick

__all__ = ["Cell", "legs_of", "score_bits", "score_prints", "score_sessions", "tables_of"]

Cell = tuple[bool | None, bool | None]
"""Whether the candidate and the baseline are bad; None for what is not known."""
_Bad = tuple[bool, bool]


def score_bits(pairs: Iterable[Pair], candidate: int, baseline: int, signal: str, slice_: str) -> ScoredTick:
    """Count the pairs of one bit-valued stream."""
    legs = [(x, y) for _, x, y in legs_of(pairs, candidate, baseline, signal, slice_)]
    return _tick(legs)


def score_prints(pairs: Iterable[Pair], candidate: int, baseline: int, signal: str, slice_: str) -> ScoredTick:
    """Count the pairs of one stream of fingerprints: a pair in which they disagree counts as the candidate's fault.

    A missing leg scores against the claim, as everywhere: for harm it agrees and for ``safe`` it does not.
    """
    legs = [
        (None if x is None or y is None else float(disagrees(int(x), int(y))), None if y is None else 0.0)
        for _, x, y in legs_of(pairs, candidate, baseline, signal, slice_)
    ]
    return _tick(legs)


def score_sessions(sessions: Iterable[SessionRecord], candidate: int, baseline: int, signal: str) -> ArmCounts:
    """Count the sessions that each arm answered, and those in which users reacted."""
    told = {Reaction(signal), *([Reaction.API_RETRY] if signal == Reaction.RETRY else [])}
    n, bad = Counter[int](), Counter[int]()
    for session in sessions:
        n[session.variant_id] += 1
        bad[session.variant_id] += not told.isdisjoint(session.reactions)
    return ArmCounts(n[candidate], bad[candidate], n[baseline], bad[baseline])


def legs_of(
    pairs: Iterable[Pair], candidate: int, baseline: int, signal: str, slice_: str
) -> Iterable[tuple[Pair, float | None, float | None]]:
    """Yield each covered pair with the candidate's and the baseline's reading; in A/A the primary's comes first."""
    for pair in pairs:
        if signal not in pair.applicable or slice_ not in pair.slices:
            continue
        primary = None if pair.primary is None else pair.primary.get(signal)
        shadow = None if pair.shadow is None else pair.shadow.get(signal)
        if primary is None and shadow is None:
            continue
        if (pair.primary_variant, pair.shadow_variant) == (candidate, baseline):
            yield pair, primary, shadow
        elif (pair.shadow_variant, pair.primary_variant) == (candidate, baseline):
            yield pair, shadow, primary


def _tick(legs: Sequence[tuple[float | None, float | None]]) -> ScoredTick:
    harm, safe, complete = tables_of(
        [(None if x is None else x > 0.0, None if y is None else y > 0.0) for x, y in legs]
    )
    return ScoredTick(
        harm=(harm,),
        safe=(safe,),
        complete=(complete,),
        paired=sum(x is not None and y is not None for x, y in legs),
        missing_candidate=sum(x is None for x, _ in legs),
        missing_baseline=sum(y is None for _, y in legs),
    )


def tables_of(cells: Sequence[Cell]) -> tuple[PairCounts, PairCounts, PairCounts]:
    """Return the tables for harm, for ``safe`` and of the complete pairs; what is unknown scores against the claim."""
    return (
        _count((bool(x), y is not False) for x, y in cells),
        _count((x is not False, bool(y)) for x, y in cells),
        _count((x, y) for x, y in cells if x is not None and y is not None),
    )


def _count(cells: Iterable[_Bad]) -> PairCounts:
    counts: Mapping[_Bad, int] = Counter(cells)
    return PairCounts(
        n11=counts.get((True, True), 0),
        n10=counts.get((True, False), 0),
        n01=counts.get((False, True), 0),
        n00=counts.get((False, False), 0),
    )

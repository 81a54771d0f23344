"""The rules of a tick record by record, as one would write them down: what the columns are held to."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Final

from detectors.registry import SIGNALS
from detectors.signals.agreement import disagrees
from detectors.signals.latency_e2e import LatencyE2e
from detectors.stats import latency
from detectors.types import PairCounts, SignalKind
from monitor.models.event import Leg, Recorder
from monitor.models.policy import Policy
from monitor.models.slices import ALL, Seat
from monitor.models.tick import ALWAYS_APPLICABLE, ScoredTick, Stratum
from monitor.services.load import Footing
from monitor.services.slicing import Seating, seated
from monitor.services.strata import ALL_PAIRS, LIKE_RATIO, LIKE_TOKENS, LONGEST_OUTPUT, OUTPUTS, prompt_of

__all__ = [
    "LegRecord",
    "Pair",
    "TickPairs",
    "arrivals_of",
    "pair_up",
    "score_bits",
    "score_prints",
    "score_tails",
    "stratum_of",
    "take_seats",
]


@dataclass(frozen=True, slots=True)
class LegRecord:
    """What one recorder says of one leg of one request."""

    request_id: str
    recorder: Recorder
    leg: Leg
    variant_id: int
    started_at: datetime
    readings: Mapping[str, float]
    slices: tuple[str, ...]
    mirrored: bool | None = None
    backend: str = ""
    """The replica that served it, as far as the recorder tells replicas apart."""
    tokens: int | None = None
    """Length of the answer."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two legs of one request; ``None`` readings stand for a leg that is missing."""

    primary_variant: int
    shadow_variant: int
    primary: Mapping[str, float] | None
    shadow: Mapping[str, float] | None
    applicable: frozenset[str]
    """Signals that apply to the request, told by either leg."""
    slices: frozenset[str]
    primary_tokens: int | None = None
    """Length of the primary's answer, where its server told."""
    shadow_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class TickPairs:
    """A closed tick of one route."""

    pairs: tuple[Pair, ...] = ()
    unsampled: int = 0
    """Primaries that the mirror did not copy, by configuration or access log."""
    conflicting: int = 0
    """Requests whose recorders name different variants for one leg: excluded."""


def pair_up(records: Iterable[LegRecord], start: datetime, end: datetime, *, mirror_complete: bool) -> TickPairs:
    """Join the legs of each request whose primary leg started in [start, end).

    A pair belongs to its primary leg's start, taken from the gateway where it recorded one; a shadow whose primary
    is missing belongs to its own. ``records`` must reach beyond the tick on both sides by the clocks' skew.
    With ``mirror_complete`` every primary is expected to have a shadow; otherwise a primary without one counts as
    missing its shadow only if the access log says that it was mirrored.
    """
    requests: defaultdict[str, list[LegRecord]] = defaultdict(list)
    for record in records:
        requests[record.request_id].append(record)
    mine = {key: legs for key, legs in requests.items() if start <= _began(legs) < end}
    usual_primary, usual_shadow = _usual(mine.values(), Leg.PRIMARY), _usual(mine.values(), Leg.SHADOW)
    pairs: list[Pair] = []
    unsampled = conflicting = 0
    for legs in mine.values():
        primary = [record for record in legs if record.leg is Leg.PRIMARY]
        shadow = [record for record in legs if record.leg is Leg.SHADOW]
        if len({r.variant_id for r in primary}) > 1 or len({r.variant_id for r in shadow}) > 1:
            conflicting += 1
        elif not shadow and not _expected(primary, mirror_complete=mirror_complete):
            unsampled += 1
        else:
            pair = _pair(primary, shadow, usual_primary, usual_shadow)
            if pair is not None:
                pairs.append(pair)
    return TickPairs(tuple(pairs), unsampled, conflicting)


def _began(legs: Sequence[LegRecord]) -> datetime:
    primary = [record for record in legs if record.leg is Leg.PRIMARY]
    seen = [record for record in primary if record.recorder is Recorder.GATEWAY] or primary or legs
    return min(record.started_at for record in seen)


def _usual(requests: Iterable[Sequence[LegRecord]], leg: Leg) -> int | None:
    """Return the variant that most records of a leg name: whose answer is missing when none came."""
    counts = Counter(record.variant_id for legs in requests for record in legs if record.leg is leg)
    return min(counts, key=lambda variant: (-counts[variant], variant)) if counts else None


def _expected(primary: Sequence[LegRecord], *, mirror_complete: bool) -> bool:
    marks = {record.mirrored for record in primary if record.mirrored is not None}
    return True in marks if marks else mirror_complete


def _pair(
    primary: Sequence[LegRecord], shadow: Sequence[LegRecord], usual_primary: int | None, usual_shadow: int | None
) -> Pair | None:
    primary_variant = primary[0].variant_id if primary else usual_primary
    shadow_variant = shadow[0].variant_id if shadow else usual_shadow
    if primary_variant is None or shadow_variant is None:
        return None
    servers = [record for record in (*primary, *shadow) if record.recorder is Recorder.SERVER]
    return Pair(
        primary_variant=primary_variant,
        shadow_variant=shadow_variant,
        primary=_readings(primary) if primary else None,
        shadow=_readings(shadow) if shadow else None,
        applicable=frozenset({ALWAYS_APPLICABLE}.union(*(record.readings for record in servers))),
        slices=frozenset({ALL}.union(*(record.slices for record in servers))),
        primary_tokens=_tokens(primary),
        shadow_tokens=_tokens(shadow),
    )


def _tokens(leg: Sequence[LegRecord]) -> int | None:
    """Return the length of a leg's answer: the longest told, whatever order the records came in."""
    return max((record.tokens for record in leg if record.tokens is not None), default=None)


def _readings(leg: Sequence[LegRecord]) -> Mapping[str, float]:
    """Merge one leg's records: the server's reading counts, and either recorder can report a failure.

    A gateway's times are longer than a server's by the way between them and by a slow client. Only one leg has a
    gateway, so its times never stand in for the server's.
    """
    merged: dict[str, float] = {}
    for record in sorted(leg, key=_precedence):
        failed = max(merged.get(ALWAYS_APPLICABLE, 0.0), record.readings.get(ALWAYS_APPLICABLE, 0.0))
        told = record.readings if record.recorder is Recorder.SERVER or _failed(record) else {}
        merged.update(told)
        if ALWAYS_APPLICABLE in record.readings or ALWAYS_APPLICABLE in merged:
            merged[ALWAYS_APPLICABLE] = failed
    return merged


def _failed(record: LegRecord) -> bool:
    return record.readings.get(ALWAYS_APPLICABLE, 0.0) > 0.0


def _precedence(record: LegRecord) -> tuple[bool, datetime, list[tuple[str, float]]]:
    """Order one leg's records, whatever order they arrived in: what comes last counts."""
    return record.recorder is Recorder.SERVER, record.started_at, sorted(record.readings.items())


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


def arrivals_of(records: Iterable[LegRecord], start: datetime, end: datetime) -> dict[int, dict[str, int]]:
    """Return the requests that each replica of each variant began in [start, end), as its server tells."""
    found: dict[int, dict[str, int]] = {}
    for record in records:
        if record.recorder is Recorder.SERVER and start <= record.started_at < end:
            per = found.setdefault(record.variant_id, {})
            per[record.backend] = per.get(record.backend, 0) + 1
    return found


def take_seats(policy: Policy, seats: Iterable[Seat], pairs: Iterable[Pair], at: datetime) -> Seating:
    """Return the seats after the pairs of a tick that started ``at``."""
    return seated(policy, seats, Counter(name for pair in pairs for name in pair.slices), at)

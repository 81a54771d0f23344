"""Pairing: the records of a tick become pairs, one per request. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from monitor.models.event import Leg, Recorder
from monitor.models.tick import LegRecord, Pair, TickPairs

__all__ = ["ALL", "ALWAYS_APPLICABLE", "pair_up"]

ALL = "all"
"""The slice every request belongs to."""
ALWAYS_APPLICABLE = "request_error"
"""The signal whose denominator is every request, known from the gateway alone."""


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

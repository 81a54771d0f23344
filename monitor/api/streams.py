"""What a stream counted over time, and the events that came too late to be counted."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query

from detectors.registry import SIGNALS
from detectors.stats import latency
from detectors.types import SignalKind
from monitor.api.deps import Parts, Reading, route_for
from monitor.errors import NotFoundError, ValidationError
from monitor.models.count_history import WIDTHS, Bucket, Resolution
from monitor.models.evidence import Stream
from monitor.models.tick import table_of
from monitor.services.count_history import count_history
from monitor.storage.clocks import ClockStore
from monitor.storage.late_events import LateEventStore
from monitor.storage.streams import StreamStore

__all__ = ["router"]

router = APIRouter(prefix="/v1/routes", tags=["routes"])
_MOST_ENTRIES: Final = 10_000
_QUANTILES: Final = (0.5, 0.9, 0.95, 0.99)
_TAILS: Final = {SignalKind.LATENCY, SignalKind.AMOUNT}
_BIGINT: Final = 2**63 - 1
_LARGEST: Final = 1e12
"""JSON has no infinity: a quantile that is a time-out is told as null."""


@router.get("/{name}/streams/{stream_id}/history", summary="What a stream counted over time")
def history(
    name: str,
    stream_id: int,
    parts: Parts,
    key: Reading,
    from_: Annotated[datetime | None, Query(alias="from")] = None,
    to: datetime | None = None,
    resolution: Literal["auto", "tick", "minute", "hour"] = "auto",
) -> dict[str, Any]:
    """Return complete pairs, or sessions of both arms, and how many were bad, oldest first; the last hour by default.

    ``auto`` takes the coarsest resolution that still gives a chart of 120 points and is kept for that long. Only ticks
    that were closed are counted; entries without any pair are left out.
    """
    route = route_for(parts, key, name)
    now = parts.clock.now()
    until = _aware(to) or now
    since = _aware(from_) or until - timedelta(hours=1)
    if not since < until:
        raise ValidationError(f"from ({since.isoformat()}) must be before to ({until.isoformat()})")
    asked = None if resolution == "auto" else Resolution(resolution)
    with parts.database.reading() as session:
        stream = _stream(StreamStore(session), route.id, name, stream_id)
        clock = ClockStore(session).get(route.id)
        tick_s = parts.policies.get(route.policy).tick_s if clock is None else clock.tick_s
        _few(until - since, asked, tick_s)
        found = count_history(session, stream, tick_s, since, until, now, parts.kept, asked)
    names = {variant.id: variant.name for variant in parts.routes.variants(route)}
    return {
        "stream": stream.id,
        "candidate": names.get(stream.candidate_id, str(stream.candidate_id)),
        "signal": stream.signal,
        "slice": stream.slice,
        "from": since.isoformat(),
        "to": until.isoformat(),
        "resolution": found.resolution.value,
        "width_s": found.width.total_seconds(),
        "items": [_entry(stream.signal, one) for one in found.buckets],
    }


@router.get("/{name}/late-events", summary="Events that came too late")
def late_events(
    name: str, parts: Parts, key: Reading, hours: Annotated[float, Query(gt=0, le=24 * 7)] = 24
) -> dict[str, Any]:
    """Return how many events came after their tick had closed, by the hour, and by the tick for the last hour.

    They count nowhere, whatever they say: only when an event was received decides. A tick's number is of those that
    came while that tick was waited for.
    """
    route = route_for(parts, key, name)
    now = parts.clock.now()
    since = now - timedelta(hours=hours)
    with parts.database.reading() as session:
        store = LateEventStore(session)
        by_hour, by_tick = store.by_hour(route.id, since), store.by_tick(route.id, now - timedelta(hours=1))
    return {
        "since": since.isoformat(),
        "events": sum(one.n for one in by_hour),
        "hours": [{"at": one.started_at.isoformat(), "events": one.n} for one in by_hour],
        "ticks": [{"at": one.started_at.isoformat(), "events": one.n} for one in by_tick],
    }


def _aware(at: datetime | None) -> datetime | None:
    """Return an instant; one without a zone is UTC."""
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _stream(store: StreamStore, route_id: int, route: str, stream_id: int) -> Stream:
    found = store.some([stream_id]) if 0 < stream_id <= _BIGINT else []
    if not found or found[0].route_id != route_id:
        raise NotFoundError(f"route {route!r} has no stream {stream_id}; GET /v1/routes/{route} names them")
    return found[0]


def _few(span: timedelta, asked: Resolution | None, tick_s: float) -> None:
    """Refuse what would be too many entries.

    Raises:
        ValidationError: more than 10,000 of that resolution.
    """
    if asked is None:
        return
    entries = span / WIDTHS.get(asked, timedelta(seconds=tick_s))
    if entries > _MOST_ENTRIES:
        raise ValidationError(
            f"resolution {asked.value} gives {entries:,.0f} entries from `from` to `to` (at most {_MOST_ENTRIES:,}): "
            "ask for a coarser one, for less time, or for auto"
        )


def _entry(signal: str, one: Bucket) -> dict[str, Any]:
    table = table_of(signal, one.complete[0])
    told: dict[str, Any] = {
        "at": one.started_at.isoformat(),
        "ticks": one.ticks,
        "candidate_n": table.candidate_n,
        "candidate_bad": table.candidate_bad,
        "baseline_n": table.baseline_n,
        "baseline_bad": table.baseline_bad,
        "missing_candidate": one.missing[0],
        "missing_baseline": one.missing[1],
    }
    known = SIGNALS.get(signal)
    if known is not None and known.kind in _TAILS:
        told["pooled"] = _quantiles(one)
    return told


def _quantiles(one: Bucket) -> dict[str, float | None]:
    """Return the upper edges of the pooled quantiles' bins: both arms, the candidate shifted down by the margin."""
    bins = latency.tail_thresholds(one.histogram, levels=_QUANTILES, minimum=1)
    edges = (None if found is None else latency.edge(found) for found in bins)
    return {
        f"p{100 * level:g}": None if edge is None or edge > _LARGEST else edge
        for level, edge in zip(_QUANTILES, edges, strict=True)
    }

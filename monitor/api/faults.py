"""Faults: where the answers of a route's variants fail, most frequent first."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from monitor.api.deps import Parts, Reading, route_for
from monitor.storage.faults import FaultStore
from monitor.storage.routes import RouteStore

__all__ = ["router"]

router = APIRouter(prefix="/v1/routes", tags=["routes"])


@router.get("/{name}/faults", summary="Where answers fail")
def faults(
    name: str,
    parts: Parts,
    key: Reading,
    signal: str | None = None,
    days: Annotated[int, Query(ge=1, le=90)] = 7,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """Return counts per variant, signal, class and place, over days by the start of the events, today included.

    A place is a place in the request's schema, never what a user or a model wrote. They are for people: verdicts
    rest on pairs.
    """
    route = route_for(parts, key, name)
    since = parts.clock.now().date() - timedelta(days=days - 1)
    with parts.database.reading() as session:
        found = FaultStore(session).top(route.id, since, signal, limit)
        names = {variant.id: variant.name for variant in RouteStore(session).variants(route.id)}
    return {
        "since": since.isoformat(),
        "items": [
            {
                "variant": names.get(one.variant_id, str(one.variant_id)),
                "signal": one.fault.signal,
                "reason": one.fault.reason,
                "detail": one.fault.detail or None,
                "n": one.n,
                "last_day": one.day.isoformat(),
            }
            for one in found
        ],
    }

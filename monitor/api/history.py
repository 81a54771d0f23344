"""Incidents and the audit, newest first, by cursor."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from monitor.api.deps import Parts, Reading, route_for
from monitor.api.views import decision_view, incident_view
from monitor.factory import Factory
from monitor.models.key import ApiKey
from monitor.storage.decisions import DecisionStore
from monitor.storage.incidents import IncidentStore
from monitor.storage.routes import RouteStore

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["history"])
_Limit = Annotated[int, Query(ge=1, le=500)]


@router.get("/incidents", summary="Incidents")
def incidents(
    parts: Parts, key: Reading, route: str | None = None, limit: _Limit = 50, cursor: int | None = None
) -> dict[str, Any]:
    """Return incidents, of one route or of all that the key may see."""
    route_id = None if route is None else route_for(parts, key, route).id
    with parts.database.reading() as session:
        found = IncidentStore(session).newest(route_id, limit, cursor)
        names = {variant.id: variant.name for variant in RouteStore(session).variants()}
    seen = _names(parts, key)
    items = [incident_view(one, seen[one.route_id], names) for one in found if one.route_id in seen]
    return {"items": items, "next_cursor": found[-1].id if len(found) == limit else None}


@router.get("/decisions", summary="The audit")
def decisions(
    parts: Parts, key: Reading, route: str | None = None, limit: _Limit = 50, cursor: int | None = None
) -> dict[str, Any]:
    """Return audit rows, of one route or of all that the key may see."""
    route_id = None if route is None else route_for(parts, key, route).id
    with parts.database.reading() as session:
        found = DecisionStore(session).newest(route_id, limit, cursor)
    seen = _names(parts, key)
    items = [decision_view(one, seen[one.route_id]) for one in found if one.route_id in seen]
    return {"items": items, "next_cursor": found[-1].id if len(found) == limit else None}


def _names(parts: Factory, key: ApiKey) -> dict[int, str]:
    return {route.id: route.name for route in parts.routes.all() if key.bound_to(route.name)}

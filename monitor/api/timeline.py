"""The time line of an incident: alarm, decision, write, read-back and proof, with the seconds between them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from monitor.api.deps import Parts, Reading, route_for
from monitor.api.moving_views import timeline_view
from monitor.errors import NotFoundError
from monitor.services.timelines import timeline_of
from monitor.storage.decisions import DecisionStore
from monitor.storage.incidents import IncidentStore

__all__ = ["router"]

router = APIRouter(prefix="/v1/routes", tags=["history"])


@router.get("/{name}/timeline", summary="What was done about an incident, and how fast")
def timeline(
    name: str, parts: Parts, key: Reading, incident: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None
) -> dict[str, Any]:
    """Return the time line of one of the route's incidents, the newest where none is named."""
    route = route_for(parts, key, name)
    with parts.database.reading() as session:
        store = IncidentStore(session)
        found = next(iter(store.newest(route.id, 1)), None) if incident is None else store.get(incident)
        if found is None or found.route_id != route.id:
            which = "no incident yet" if incident is None else f"no incident {incident}"
            raise NotFoundError(f"{name} has {which}; see GET /v1/incidents?route={name}")
        audits = DecisionStore(session).of_incident(route.id, found.id)
    return timeline_view(timeline_of(found, audits), found, name)

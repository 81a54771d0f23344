"""Freezes: times in which nothing is moved automatically; begun and lifted by people, or begun by the breaker."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, status
from pydantic import BaseModel, ConfigDict, Field

from monitor.api.deps import Operating, Parts, Reading, route_for
from monitor.api.moving_views import freeze_view
from monitor.errors import ForbiddenError
from monitor.factory import Factory
from monitor.models.freeze import Freeze
from monitor.models.key import ApiKey

__all__ = ["router"]

router = APIRouter(prefix="/v1/freezes", tags=["freezes"])
_MOST_HOURS = 24 * 366
_Reason = Annotated[str, Field(min_length=1, max_length=500)]


class FreezeBody(BaseModel):
    """What is frozen and for how long: both must be said, null is all routes, and until it is lifted."""

    model_config = ConfigDict(extra="forbid")

    route: str | None
    hours: float | None = Field(gt=0, le=_MOST_HOURS)
    reason: _Reason


class LiftBody(BaseModel):
    """Why a freeze is lifted."""

    model_config = ConfigDict(extra="forbid")

    reason: _Reason


@router.get("", summary="Freezes")
def freezes(
    parts: Parts,
    key: Reading,
    state: Annotated[str, Query(pattern="^(standing|all)$")] = "standing",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Return what holds automatic moves now, or all freezes, newest first: of the key's routes, and of all routes."""
    found = parts.freezes.standing() if state == "standing" else parts.freezes.newest(limit)
    names = {route.id: route.name for route in parts.routes.all() if key.bound_to(route.name)}
    shown = [one for one in found if one.route_id is None or one.route_id in names]
    return {"items": [freeze_view(one, names, parts.clock.now()) for one in shown[:limit]]}


@router.post("", status_code=status.HTTP_201_CREATED, summary="Freeze a route, or all")
def begin(body: FreezeBody, parts: Parts, key: Operating) -> dict[str, Any]:
    """Hold automatic moves; a person's flip still works."""
    if body.route is None:
        _refuse_bound(key)
    route = None if body.route is None else route_for(parts, key, body.route)
    return _shown(parts, parts.freezes.begin(route, key.source, body.reason, body.hours))


@router.post("/{freeze_id}/lift", summary="Lift a freeze")
def lift(
    freeze_id: Annotated[int, Path(ge=1, le=2**63 - 1)], body: LiftBody, parts: Parts, key: Operating
) -> dict[str, Any]:
    """End a freeze before its time, a person's or the breaker's; who did and why is kept with it."""
    names = {route.id: route.name for route in parts.routes.all()}
    freeze = parts.freezes.get(freeze_id)
    if freeze.route_id is None:
        _refuse_bound(key)
    elif not key.bound_to(names[freeze.route_id]):
        raise ForbiddenError(f"the key is not bound to the route that freeze {freeze_id} holds")
    return _shown(parts, parts.freezes.lift(freeze_id, key.source, body.reason))


def _refuse_bound(key: ApiKey) -> None:
    if key.routes is not None:
        raise ForbiddenError("a freeze of all routes needs a key of all routes; this one is bound to some")


def _shown(parts: Factory, freeze: Freeze) -> dict[str, Any]:
    names = {route.id: route.name for route in parts.routes.all()}
    return freeze_view(freeze, names, parts.clock.now())

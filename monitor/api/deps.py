"""What handlers share: the factory, the key of a request, and the time-out of the database."""

from collections.abc import Callable
from typing import Annotated, cast

from fastapi import Depends, Request

from monitor.errors import ForbiddenError
from monitor.factory import Factory
from monitor.models.key import ApiKey, Scope
from monitor.models.route import Route

__all__ = ["Admin", "Operating", "Parts", "Reading", "key_text", "require", "route_for"]


async def factory(request: Request) -> Factory:
    """Return the application's factory; without a thread, as every request passes here."""
    return cast("Factory", request.app.state.factory)


Parts = Annotated[Factory, Depends(factory)]


def key_text(request: Request) -> str | None:
    """Return the key a request carries: ``Authorization: Bearer`` or ``X-Api-Key``."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and rest:
        return rest.strip()
    return request.headers.get("x-api-key")


def require(scope: Scope) -> Callable[[Request, Factory], ApiKey]:
    """Return a dependency that demands a scope. It runs in a thread: the look-up may ask the database."""

    def check(request: Request, parts: Parts) -> ApiKey:
        return parts.keys.check(key_text(request), scope)

    return check


Reading = Annotated[ApiKey, Depends(require(Scope.READ))]
Operating = Annotated[ApiKey, Depends(require(Scope.OPERATE))]
Admin = Annotated[ApiKey, Depends(require(Scope.ADMIN))]


def route_for(parts: Factory, key: ApiKey, name: str) -> Route:
    """Return a route that the key may touch.

    Raises:
        ForbiddenError: the key is bound to other routes.
        NotFoundError: there is no such route.
    """
    if not key.bound_to(name):
        raise ForbiddenError(f"the key is not bound to route {name!r}")
    return parts.routes.get(name)

"""Envoy's route configurations as plain JSON: finding routes of one name, and what they do together."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from monitor.errors import RoutingError
from monitor.models.route import RouteSnapshot
from monitor.routing.envoy_json import named, objects_at
from monitor.routing.envoy_route import FoundRoute

__all__ = ["find_routes", "snapshot_of"]


def find_routes(configs: Iterable[Any], config_name: str, route_name: str, *, where: str) -> list[FoundRoute]:
    """Return every route of that name in the route configuration of that name.

    Raises:
        RoutingError: there is none; the message names what was found.
    """
    objects = [config for config in configs if isinstance(config, dict)]
    matching = [config for config in objects if config.get("name") == config_name]
    if not matching:
        raise RoutingError(
            f"{where} has no route configuration {config_name!r}; found: {named(objects)}. Correct route_config"
        )
    found: list[FoundRoute] = []
    names: list[dict[str, Any]] = []
    for config in matching:
        for host in objects_at(config, "virtual_hosts"):
            policies = objects_at(host, "request_mirror_policies") or objects_at(config, "request_mirror_policies")
            routes = objects_at(host, "routes")
            names += routes
            found += [FoundRoute(route, policies) for route in routes if route.get("name") == route_name]
    if not found:
        raise RoutingError(
            f"{where} has no route {route_name!r} in route configuration {config_name!r}; found: "
            f"{named(names)}. Correct route_name or give the route that name"
        )
    return found


def snapshot_of(routes: Sequence[FoundRoute], runtime: Mapping[str, str]) -> RouteSnapshot:
    """Return what routes of one name do. When they differ it shows no epoch and equals nothing desired."""
    snapshots = [route.snapshot(runtime) for route in routes]
    first = snapshots[0]
    overrides = {key: value for snapshot in snapshots for key, value in snapshot.overrides.items()}
    agreed = all(
        (snapshot.weights, snapshot.mirror, snapshot.epoch) == (first.weights, first.mirror, first.epoch)
        for snapshot in snapshots
    )
    return RouteSnapshot(first.weights, first.mirror, first.epoch if agreed else None, overrides)

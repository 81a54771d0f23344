"""Envoy route configurations as plain JSON: what a route does, and the same with other weights and mirror."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.errors import RoutingError
from monitor.models.route import DesiredRoute, RouteSnapshot

__all__ = ["FoundRoute", "find_routes", "snapshot_of"]

_STAMP = "fullback"
_PLAIN_WEIGHT = 100
_CAMEL_CASE = {
    "weightedClusters",
    "requestMirrorPolicies",
    "filterMetadata",
    "runtimeKeyPrefix",
    "clusterHeader",
}
_DEBUG_NUMERATOR = re.compile(r'"numerator"\D*(\d+)')


@dataclass(frozen=True, slots=True)
class FoundRoute:
    """A route inside its configuration; ``rewrite`` changes that configuration in place."""

    route: dict[str, Any]
    inherited: Sequence[dict[str, Any]]
    """Mirror policies of the virtual host or route configuration: in force while the route has none."""

    @property
    def epoch(self) -> int | None:
        """The epoch stamped on the route.

        Raises:
            RoutingError: the stamp is no integer.
        """
        stamp = _object(_object(_object(self.route, "metadata"), "filter_metadata"), _STAMP).get("epoch")
        try:
            return None if stamp is None else int(stamp)
        except (TypeError, ValueError, OverflowError):
            raise RoutingError(
                f"the epoch in the route's metadata.filter_metadata.{_STAMP} is no integer: "
                "remove it from the route file"
            ) from None

    @property
    def backends(self) -> set[str]:
        """The clusters that the route names."""
        mirror = self._policy.get("cluster")
        return {*self._weights({}), *([mirror] if isinstance(mirror, str) else [])}

    @property
    def weight_keys(self) -> set[str]:
        """The runtime keys that win over the weights."""
        prefix = _object(self._action, "weighted_clusters").get("runtime_key_prefix")
        return {f"{prefix}.{name}" for name in self._weights({})} if prefix else set()

    @property
    def override_keys(self) -> set[str]:
        """The runtime keys that win over the weights or the mirrored fraction."""
        mirror_key = _object(self._policy, "runtime_fraction").get("runtime_key")
        return self.weight_keys | ({mirror_key} if mirror_key else set())

    def snapshot(self, runtime: Mapping[str, str]) -> RouteSnapshot:
        """Return what the route does under these runtime values."""
        overrides = {key: runtime[key] for key in sorted(self.override_keys) if key in runtime}
        return RouteSnapshot(self._weights(overrides), self._mirror(overrides), self.epoch, overrides)

    def rewrite(self, desired: DesiredRoute) -> None:
        """Change the weights, the mirror cluster and the stamp, and nothing else."""
        stamp: dict[str, Any] = self.route
        for key in ("metadata", "filter_metadata", _STAMP):
            stamp[key] = stamp = _object(stamp, key)
        stamp["epoch"] = desired.epoch
        self._rewrite_weights(desired.weights)
        self._rewrite_mirror(desired.mirror, stamp)

    @property
    def _action(self) -> dict[str, Any]:
        return _object(self.route, "route")

    @property
    def _policy(self) -> dict[str, Any]:
        """The mirror policy in force, empty without one: the most specific level that has any wins."""
        return next(iter([*_objects(self._action, "request_mirror_policies"), *self.inherited]), {})

    def _weights(self, runtime: Mapping[str, str]) -> dict[str, int]:
        if "cluster" in self._action:
            return {self._action["cluster"]: _PLAIN_WEIGHT}
        weighted = _object(self._action, "weighted_clusters")
        if not weighted:
            raise RoutingError(
                f"route {self.route.get('name')!r} has neither 'cluster' nor 'weighted_clusters' "
                f"(it has: {_listed(self._action or self.route)}): only such routes can be "
                "moved, correct route_name"
            )
        weights = {}
        for entry in _objects(weighted, "clusters"):
            name = _cluster_name(entry)
            override = runtime.get(f"{weighted.get('runtime_key_prefix')}.{name}")
            weights[name] = _number(override, otherwise=_number(entry.get("weight"), otherwise=0))
        return weights

    def _mirror(self, runtime: Mapping[str, str]) -> str | None:
        if not self._policy:
            return None
        fraction = _object(self._policy, "runtime_fraction")
        if fraction:
            numerator = _number(_object(fraction, "default_value").get("numerator"), otherwise=0)
            if not _numerator(runtime.get(fraction.get("runtime_key", "")), otherwise=numerator):
                return None
        return _cluster_name(self._policy, "cluster")

    def _rewrite_weights(self, weights: Mapping[str, int]) -> None:
        action = self._action
        if "cluster" in action:
            action["weighted_clusters"] = {"clusters": [{"name": action.pop("cluster")}]}
        weighted = action["weighted_clusters"]
        entries = _objects(weighted, "clusters")
        listed = {_cluster_name(entry) for entry in entries}
        entries += [{"name": name} for name in weights if name not in listed]
        for entry in entries:
            entry["weight"] = weights.get(_cluster_name(entry), 0)
        weighted["clusters"] = entries
        if "total_weight" in weighted:
            weighted["total_weight"] = sum(weights.values())

    def _rewrite_mirror(self, mirror: str | None, stamp: dict[str, Any]) -> None:
        """Point the mirror elsewhere or switch it off.

        While it is off the stamp keeps the policy's other keys: a mirror of 1 % must not come back as 100 %.
        """
        kept = {key: value for key, value in self._policy.items() if key not in {"cluster", "cluster_header"}}
        own = _objects(self._action, "request_mirror_policies")
        in_use = bool(own) and not self.inherited
        saved = stamp.pop("mirror_policy", None)
        rest = kept if in_use or saved is None else saved
        if mirror is not None:
            self._action["request_mirror_policies"] = [{"cluster": mirror, **rest}, *own[1:]]
            return
        if rest or self.inherited:
            stamp["mirror_policy"] = rest
        self._action.pop("request_mirror_policies", None)
        if self.inherited:
            never = {"default_value": {"numerator": 0, "denominator": "HUNDRED"}}
            name = _cluster_name(self.inherited[0], "cluster")
            self._action["request_mirror_policies"] = [{"cluster": name, "runtime_fraction": never}]


def find_routes(configs: Iterable[Any], config_name: str, route_name: str, *, where: str) -> list[FoundRoute]:
    """Return every route of that name in the route configuration of that name.

    Raises:
        RoutingError: there is none; the message names what was found.
    """
    named = [config for config in configs if isinstance(config, dict)]
    matching = [config for config in named if config.get("name") == config_name]
    if not matching:
        raise RoutingError(
            f"{where} has no route configuration {config_name!r}; found: {_names(named)}. Correct route_config"
        )
    found: list[FoundRoute] = []
    names: list[dict[str, Any]] = []
    for config in matching:
        for host in _objects(config, "virtual_hosts"):
            policies = _objects(host, "request_mirror_policies") or _objects(config, "request_mirror_policies")
            routes = _objects(host, "routes")
            names += routes
            found += [FoundRoute(route, policies) for route in routes if route.get("name") == route_name]
    if not found:
        raise RoutingError(
            f"{where} has no route {route_name!r} in route configuration {config_name!r}; found: "
            f"{_names(names)}. Correct route_name or give the route that name"
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


def _cluster_name(holder: Mapping[str, Any], key: str = "name") -> str:
    """Return the cluster's name; one chosen by a request header gets a name that no desired cluster has."""
    return str(holder.get(key) or f"header:{holder.get('cluster_header')}")


def _number(value: object, *, otherwise: int) -> int:
    """Read a weight as Envoy's runtime does: whole part of a number >= 0, else the value in the file."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return otherwise
    return int(number) if 0 <= number < math.inf else otherwise


def _numerator(value: str | None, *, otherwise: int) -> int:
    """Read a fraction's override: a percentage, or a FractionalPercent as the admin interface prints it."""
    printed = _DEBUG_NUMERATOR.search(value or "")
    return int(printed[1]) if printed else _number(value, otherwise=otherwise)


def _object(holder: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = holder.get(key)
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise RoutingError(f"{key!r} is no object in the route configuration: repair it")
    camel = _CAMEL_CASE & value.keys()
    if camel:
        raise RoutingError(f"{key!r} uses {_listed(camel)}: write these in snake_case so that they can be changed")
    return value


def _objects(holder: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = holder.get(key)
    if value is None:
        value = []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise RoutingError(f"{key!r} is no list of objects in the route configuration: repair it")
    return list(value)


def _names(holders: Iterable[Mapping[str, Any]]) -> str:
    return _listed({str(holder.get("name") or "(unnamed)") for holder in holders})


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"

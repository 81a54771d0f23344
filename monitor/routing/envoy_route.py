"""One route of Envoy's configuration: what it does with requests under given runtime values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.errors import RoutingError
from monitor.models.route import Mirror, RouteSnapshot
from monitor.routing.envoy_json import cluster_name, listed, number, numerator, object_at, objects_at, texts_at

__all__ = ["SAVED", "STAMP", "FoundRoute", "is_on"]

STAMP = "fullback"
"""Where the route's metadata.filter_metadata holds what Fullback wrote there."""
SAVED = "weighted_clusters"
"""The stamp's copy of what a hard cut took out of the route."""
_PLAIN_WEIGHT = 100
_OVERWRITES = "OVERWRITE_IF_EXISTS_OR_ADD"


@dataclass(frozen=True, slots=True)
class FoundRoute:
    """A route inside its configuration."""

    route: dict[str, Any]
    inherited: Sequence[dict[str, Any]]
    """Mirror policies of the virtual host or route configuration: in force while the route has none."""

    @property
    def action(self) -> dict[str, Any]:
        """The route's action, by reference."""
        return object_at(self.route, "route")

    @property
    def stamp(self) -> dict[str, Any]:
        """What Fullback wrote into the route's metadata."""
        return object_at(object_at(object_at(self.route, "metadata"), "filter_metadata"), STAMP)

    @property
    def epoch(self) -> int | None:
        """The epoch stamped on the route.

        Raises:
            RoutingError: the stamp is no integer.
        """
        stamp = self.stamp.get("epoch")
        try:
            return None if stamp is None else int(stamp)
        except (TypeError, ValueError, OverflowError):
            raise RoutingError(
                f"the epoch in the route's metadata.filter_metadata.{STAMP} is no integer: "
                "remove it from the route file"
            ) from None

    @property
    def policies(self) -> list[dict[str, Any]]:
        """The mirror policies in force: those of the most specific level that has any."""
        return objects_at(self.action, "request_mirror_policies") or list(self.inherited)

    @property
    def policy(self) -> dict[str, Any]:
        """The mirror policy that is moved, empty without one: the first."""
        return next(iter(self.policies), {})

    @property
    def backends(self) -> set[str]:
        """The clusters that the route names, those that a hard cut took out included."""
        mirror = self.policy.get("cluster")
        taken_out = {cluster_name(entry) for entry in objects_at(object_at(self.stamp, SAVED), "clusters")}
        return {*self.weights({}), *taken_out, *([mirror] if isinstance(mirror, str) else [])}

    @property
    def weight_keys(self) -> dict[str, str]:
        """The runtime keys that win over the weights, by cluster."""
        prefix = object_at(self.action, "weighted_clusters").get("runtime_key_prefix")
        return {name: f"{prefix}.{name}" for name in self.weights({})} if prefix else {}

    @property
    def override_keys(self) -> set[str]:
        """The runtime keys that win over the weights or the mirrored fraction."""
        mirror_key = object_at(self.policy, "runtime_fraction").get("runtime_key")
        return {*self.weight_keys.values(), *([str(mirror_key)] if mirror_key else [])}

    def snapshot(self, runtime: Mapping[str, str]) -> RouteSnapshot:
        """Return what the route does under these runtime values."""
        overrides = {key: runtime[key] for key in sorted(self.override_keys) if key in runtime}
        return RouteSnapshot(self.weights(overrides), self._mirror(overrides), self.epoch, overrides)

    def weights(self, runtime: Mapping[str, str]) -> dict[str, int]:
        """Return the weight of each cluster under these runtime values.

        Raises:
            RoutingError: the route sends requests in another way.
        """
        if "cluster" in self.action:
            return {str(self.action["cluster"]): self._weight_before_the_cut() or _PLAIN_WEIGHT}
        weighted = object_at(self.action, "weighted_clusters")
        if not weighted:
            raise RoutingError(
                f"route {self.route.get('name')!r} has neither 'cluster' nor 'weighted_clusters' "
                f"(it has: {listed(self.action or self.route)}): only such routes can be "
                "moved, correct route_name"
            )
        weights = {}
        for entry in objects_at(weighted, "clusters"):
            name = cluster_name(entry)
            override = runtime.get(f"{weighted.get('runtime_key_prefix')}.{name}")
            weights[name] = number(override, otherwise=number(entry.get("weight"), otherwise=0))
        return weights

    def _weight_before_the_cut(self) -> int:
        """Return the weight that the only cluster was given: the route itself has no place for it."""
        saved = objects_at(object_at(self.stamp, SAVED), "clusters")
        weights = {cluster_name(entry): number(entry.get("weight"), otherwise=0) for entry in saved}
        return weights.get(str(self.action["cluster"]), 0)

    def _mirror(self, runtime: Mapping[str, str]) -> Mirror:
        policy = self.policy
        if not policy or not is_on(policy, runtime):
            return None
        header = policy.get("cluster_header")
        if policy.get("cluster") or not isinstance(header, str):
            return cluster_name(policy, "cluster")
        serving = objects_at(object_at(self.action, "weighted_clusters"), "clusters")
        taken_out = objects_at(object_at(self.stamp, SAVED), "clusters")
        chosen = _copied(header, [*taken_out, *serving])
        return cluster_name(policy, "cluster") if chosen is None or not serving else chosen


def is_on(policy: Mapping[str, Any], runtime: Mapping[str, str]) -> bool:
    """Tell whether a mirror policy copies any request under these runtime values."""
    fraction = object_at(policy, "runtime_fraction")
    if not fraction:
        return True
    default = number(object_at(fraction, "default_value").get("numerator"), otherwise=0)
    return numerator(runtime.get(str(fraction.get("runtime_key", ""))), otherwise=default) > 0


def _copied(header: str, entries: Iterable[dict[str, Any]]) -> dict[str, str] | None:
    """Return who gets the copies by who serves; None where a client could choose, as an entry leaves the header be."""
    copied: dict[str, str] = {}
    for entry in entries:
        name = cluster_name(entry)
        values = [
            str(object_at(added, "header").get("value"))
            for added in objects_at(entry, "request_headers_to_add")
            if object_at(added, "header").get("key") == header and added.get("append_action") == _OVERWRITES
        ]
        copied.pop(name, None)
        if values:
            copied[name] = values[-1]
        elif header not in texts_at(entry, "request_headers_to_remove"):
            return None
    return copied

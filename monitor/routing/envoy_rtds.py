"""Routing in the runtime discovery file: weights, mirrored shares and epoch as runtime keys in one write."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from typing_extensions import override

from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute, Mirror, RouteSnapshot
from monitor.routing.base import Capabilities, ReadBack
from monitor.routing.envoy_admin import EnvoyAdmin, Runtime
from monitor.routing.envoy_config import find_routes
from monitor.routing.envoy_json import cluster_name, listed, number, object_at
from monitor.routing.envoy_layer import flat, put, text
from monitor.routing.envoy_route import FoundRoute, is_on
from monitor.routing.envoy_way import EnvoyWay, RuntimeKeys, View, refuse_unknown

__all__ = ["RuntimeFileWay"]

_WHOLE = 100


class RuntimeFileWay(EnvoyWay):
    """Writes runtime values into the layer of an RTDS file; the route itself stays as it is.

    The route needs ``weighted_clusters.runtime_key_prefix`` and, for each backend that is to get copies, a mirror
    policy of its own with a ``runtime_fraction.runtime_key``: runtime values change shares, not where copies go.
    Numbers are written as text, because the admin interface prints numbers with six digits.

    Args:
        where: the file, as messages name it.
        route_config: name of the ``RouteConfiguration``.
        route_name: ``name`` of the route; all routes of that name are moved together.
    """

    capabilities: Capabilities = Capabilities(
        weights=True, atomic_mirror=True, fencing=True, propagation_s=1.0, read_back=ReadBack.PER_REPLICA
    )

    def __init__(self, where: str, route_config: str, route_name: str) -> None:
        self.counters = r"^runtime\."
        self._where = where
        self._config = route_config
        self._name = route_name
        self._epoch_key = f"fullback.epoch.{route_config}.{route_name}"
        self._share_key = f"fullback.mirrored.{route_config}.{route_name}"

    @override
    def look(self, admin: EnvoyAdmin) -> View:
        configs = admin.route_configs(with_static=True)
        return View(find_routes(configs, self._config, self._name, where="Envoy's configuration"), admin.runtime())

    @override
    def glance(self, admin: EnvoyAdmin) -> View:
        return self.look(admin)

    @override
    def known(self, view: View) -> frozenset[str]:
        return frozenset(name for route in view.routes for name in route.weights({}))

    @override
    def held(self, document: Mapping[str, Any], view: View) -> RouteSnapshot:
        elsewhere = {key: value for key, value in view.runtime.final.items() if key != self._epoch_key}
        file = {key: text(value) for key, value in flat(self._layer(document)).items()}
        return self._snapshot(view.routes, elsewhere | file)

    @override
    def followed(self, view: View) -> RouteSnapshot:
        values = dict(view.runtime.final)
        ours = self._ours(view.runtime)
        if ours is not None:
            taken = {key: layers[ours] for key, layers in view.runtime.layers.items() if layers[ours:]}
            values |= {key: value for key, value in taken.items() if value}
        return self._snapshot(view.routes, values)

    @override
    def shown(self, view: View) -> RouteSnapshot:
        keys = self._keys(view.routes)
        overrides = {key: view.runtime.final[key] for key in sorted(self.masked(view.runtime, keys))}
        return replace(self._snapshot(view.routes, view.runtime.final), overrides=overrides)

    @override
    def plan(self, document: dict[str, Any], desired: DesiredRoute, views: Sequence[View]) -> RuntimeKeys:
        routes = [route for view in views for route in view.routes]
        if not routes:
            raise RoutingError(
                "no Envoy of this route answers, and only its configuration tells which runtime keys move it; "
                f"nothing was written to {self._where}. Bring an admin interface back, or give route_file instead"
            )
        layer = self._layer(document)
        self._refuse_stale(desired, flat(layer))
        for route in routes:
            self._refuse_impossible(route, desired)
        share = self._share(routes, flat(layer))
        for route in routes:
            for name, key in route.weight_keys.items():
                put(layer, key, str(desired.weights.get(name, 0)))
            for cluster, key in _mirror_keys(route):
                put(layer, key, share if cluster == desired.mirror else "0")
        put(layer, self._share_key, share)
        put(layer, self._epoch_key, str(desired.epoch))
        return self._keys(routes)

    @override
    def overridden(self, runtime: Runtime, keys: RuntimeKeys) -> set[str]:
        if self._ours(runtime) is None:  # the first write has not arrived: which layer is ours is unknown
            return {*keys.all & runtime.final.keys()}
        return self.masked(runtime, keys)

    @override
    def masked(self, runtime: Runtime, keys: RuntimeKeys) -> set[str]:
        ours = self._ours(runtime)
        if ours is None:
            return set()
        return {key for key in keys.all if any(layer > ours for layer in runtime.layers_of(key))}

    def _ours(self, runtime: Runtime) -> int | None:
        """Return the file's layer, known by the epoch in it: the lowest, as nothing below the file carries one."""
        return next(iter(runtime.layers_of(self._epoch_key)), None)

    def _keys(self, routes: Sequence[FoundRoute]) -> RuntimeKeys:
        weights = frozenset(key for route in routes for key in route.weight_keys.values())
        mirror = frozenset(key for route in routes for _, key in _mirror_keys(route))
        return RuntimeKeys(weights, mirror | {self._epoch_key})

    def _layer(self, document: Mapping[str, Any]) -> dict[str, Any]:
        resources = document.get("resources")
        for resource in resources if isinstance(resources, list) else []:
            if isinstance(resource, dict) and isinstance(resource.get("layer"), dict):
                layer: dict[str, Any] = resource["layer"]
                return layer
        raise RoutingError(
            f"{self._where} holds no runtime resource with a 'layer': check runtime_file, or write one with "
            "the name of the rtds_layer and 'layer: {}'"
        )

    def _snapshot(self, routes: Sequence[FoundRoute], values: Mapping[str, str]) -> RouteSnapshot:
        """Return what routes of one name do; when they differ it shows no epoch and equals nothing desired."""
        shown = [(route.weights(values), _mirror(route, values)) for route in routes]
        epoch = _integer(values.get(self._epoch_key))
        return RouteSnapshot(*shown[0], epoch if all(one == shown[0] for one in shown) else None)

    def _refuse_stale(self, desired: DesiredRoute, values: Mapping[str, Any]) -> None:
        stamp = values.get(self._epoch_key)
        held = _integer(stamp)
        if stamp is not None and held is None:
            raise RoutingError(f"the epoch at {self._epoch_key} in {self._where} is no integer: remove it")
        if held is not None and held > desired.epoch:
            raise StaleEpochError(
                f"route {self._name!r} in {self._where} holds epoch {held}, "
                f"newer than {desired.epoch}: another writer was elected, stop writing"
            )

    def _refuse_impossible(self, route: FoundRoute, desired: DesiredRoute) -> None:
        weights = route.weights({})
        if not route.weight_keys:
            raise RoutingError(
                f"route {self._name!r} has no weighted_clusters.runtime_key_prefix: runtime values cannot move it; "
                "give it one, or give route_file instead of runtime_file. Nothing was written"
            )
        if isinstance(desired.mirror, Mapping):
            raise RoutingError(
                "runtime values cannot send copies by who serves; give route_file instead of runtime_file. "
                "Nothing was written"
            )
        refuse_unknown(desired, weights)
        movable = {cluster for cluster, _ in _mirror_keys(route)}
        fixed = {cluster_name(policy, "cluster") for policy in _policies(route)} - movable
        missing = ({desired.mirror} if desired.mirror else set()) - movable - fixed
        stuck = fixed - {desired.mirror}
        if missing or stuck:
            raise RoutingError(
                f"runtime values cannot point the mirror of route {self._name!r} to {desired.mirror or 'nobody'}: "
                f"give {listed(missing | stuck)} a request_mirror_policies entry of its own with a "
                "runtime_fraction.runtime_key, or give route_file instead of runtime_file. Nothing was written"
            )

    def _share(self, routes: Sequence[FoundRoute], values: Mapping[str, Any]) -> Any:
        """Return the share that the mirror copies when on: in force, else remembered, else the configuration's."""
        texts = {key: text(value) for key, value in values.items()}
        keyed = [policy for route in routes for policy in _policies(route) if _key(policy)]
        for policy in keyed:
            if is_on(policy, texts):
                return values.get(_key(policy), _default(policy))
        configured = [_default(policy) for policy in keyed if is_on(policy, {})]
        return values.get(self._share_key, next(iter(configured), str(_WHOLE)))


def _policies(route: FoundRoute) -> list[dict[str, Any]]:
    """Return the mirror policies to the route's own backends; others (an audit sink) are let be."""
    backends = route.weights({})
    return [policy for policy in route.policies if not policy.get("cluster") or policy["cluster"] in backends]


def _mirror(route: FoundRoute, values: Mapping[str, str]) -> Mirror:
    """Return who gets copies; several show as one name that no desired backend has."""
    return ", ".join(sorted(cluster_name(one, "cluster") for one in _policies(route) if is_on(one, values))) or None


def _mirror_keys(route: FoundRoute) -> Iterator[tuple[str, str]]:
    return ((cluster_name(policy, "cluster"), _key(policy)) for policy in _policies(route) if _key(policy))


def _key(policy: Mapping[str, Any]) -> str:
    return str(object_at(policy, "runtime_fraction").get("runtime_key") or "")


def _default(policy: Mapping[str, Any]) -> dict[str, Any]:
    default = object_at(object_at(policy, "runtime_fraction"), "default_value")
    numerator = number(default.get("numerator"), otherwise=0)
    return {"numerator": numerator, "denominator": default.get("denominator", "HUNDRED")}


def _integer(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None

"""Routing in the route discovery file: weights, mirror, hard cut and epoch in one write."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import override

from monitor.errors import StaleEpochError
from monitor.models.route import DesiredRoute, RouteSnapshot
from monitor.routing.base import Capabilities, ReadBack
from monitor.routing.changes import without_absent
from monitor.routing.envoy_admin import EnvoyAdmin, Runtime
from monitor.routing.envoy_config import find_routes, snapshot_of
from monitor.routing.envoy_rewrite import rewrite
from monitor.routing.envoy_route import FoundRoute
from monitor.routing.envoy_way import EnvoyWay, RuntimeKeys, View, refuse_unknown

__all__ = ["RouteFileWay"]


class RouteFileWay(EnvoyWay):
    """Rewrites a route in an RDS file. The route's ``metadata.filter_metadata.fullback`` carries the epoch.

    Args:
        where: the file, as messages name it.
        route_config: name of the ``RouteConfiguration``.
        route_name: ``name`` of the route; all routes of that name are moved together.
    """

    capabilities: Capabilities = Capabilities(
        weights=True,
        atomic_mirror=True,
        fencing=True,
        propagation_s=1.0,
        hard_cut=True,
        mirror_per_backend=True,
        read_back=ReadBack.PER_REPLICA,
    )

    def __init__(self, where: str, route_config: str, route_name: str) -> None:
        self.counters = rf"rds\.{re.escape(route_config)}\."
        self._where = where
        self._config = route_config
        self._name = route_name

    @override
    def look(self, admin: EnvoyAdmin) -> View:
        where = "Envoy's configuration by RDS"
        return View(find_routes(admin.route_configs(), self._config, self._name, where=where), admin.runtime())

    @override
    def glance(self, admin: EnvoyAdmin) -> View:
        return View(clusters=frozenset(admin.clusters()))

    @override
    def known(self, view: View) -> frozenset[str]:
        return view.clusters

    @override
    def held(self, document: Mapping[str, Any], view: View) -> RouteSnapshot:
        return snapshot_of(self._routes(document), {})

    @override
    def followed(self, view: View) -> RouteSnapshot:
        return snapshot_of(view.routes, {})

    @override
    def shown(self, view: View) -> RouteSnapshot:
        return snapshot_of(view.routes, view.runtime.final)

    @override
    def plan(self, document: dict[str, Any], desired: DesiredRoute, views: Sequence[View]) -> RuntimeKeys:
        routes = self._routes(document)
        held = max((route.epoch for route in routes if route.epoch is not None), default=desired.epoch)
        if held > desired.epoch:
            raise StaleEpochError(
                f"route {self._name!r} in {self._where} holds epoch {held}, "
                f"newer than {desired.epoch}: another writer was elected, stop writing"
            )
        # A dead admin interface must not hold back a rollback: then the route itself tells what there is.
        known = [view.clusters for view in views] or [frozenset().union(*(route.backends for route in routes))]
        for clusters in known:
            refuse_unknown(desired, clusters)
        there = without_absent(desired, frozenset.intersection(*known))
        before = _keys(routes)
        for route in routes:
            rewrite(route, there)
        after = _keys(routes)
        return RuntimeKeys(before.weights | after.weights, before.others | after.others)

    @override
    def overridden(self, runtime: Runtime, keys: RuntimeKeys) -> set[str]:
        return {*keys.all & runtime.final.keys()}

    @override
    def masked(self, runtime: Runtime, keys: RuntimeKeys) -> set[str]:
        return {*keys.weights & runtime.final.keys()}

    def _routes(self, document: Mapping[str, Any]) -> list[FoundRoute]:
        resources = document.get("resources")
        configs = resources if isinstance(resources, list) else []
        return find_routes(configs, self._config, self._name, where=self._where)


def _keys(routes: Sequence[FoundRoute]) -> RuntimeKeys:
    weights = {key for route in routes for key in route.weight_keys.values()}
    every = {key for route in routes for key in route.override_keys}
    return RuntimeKeys(frozenset(weights), frozenset(every - weights))

"""Envoy with its routes in a file (RDS by ``path_config_source``), read back from the admin interface."""

from typing import ClassVar

from typing_extensions import override

from monitor.clock import SystemClock
from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute, RouteSnapshot
from monitor.routing.base import Capabilities, RouteTarget
from monitor.routing.envoy_admin import EnvoyAdmin
from monitor.routing.envoy_config import FoundRoute, find_routes, snapshot_of
from monitor.routing.envoy_file import RouteFile

__all__ = ["EnvoyTarget"]

_LONGEST_S = 60


class EnvoyTarget(RouteTarget):
    """One named route of one Envoy.

    The file carries the epoch in the route's ``metadata.filter_metadata.fullback``. Every writer compares it
    under a lock before it replaces the file, so an older writer cannot undo a newer flip. Constructing
    connects to nothing.

    Args:
        admin_url: Envoy's admin interface, ``http://host:port``.
        route_file: the RDS file, on a disk that all writers share.
        route_config: name of the ``RouteConfiguration`` in it.
        route_name: ``name`` of the route; all routes of that name are moved together.
        timeout_s: longest wait for one answer or for the lock.

    Raises:
        ValueError: a setting has the wrong type or value.
    """

    kind: ClassVar[str] = "envoy"
    capabilities: ClassVar[Capabilities] = Capabilities(
        weights=True, atomic_mirror=True, fencing=True, propagation_s=1.0
    )

    def __init__(
        self, admin_url: str, route_file: str, route_config: str, route_name: str, timeout_s: float = 5
    ) -> None:
        for setting, value in (("route_config", route_config), ("route_name", route_name)):
            if not isinstance(value, str) or not value:
                raise ValueError(f"{setting} must be a text that is not empty, got {value!r}")
        if isinstance(timeout_s, bool) or not isinstance(timeout_s, int | float) or not 0 < timeout_s <= _LONGEST_S:
            raise ValueError(f"timeout_s must be seconds over 0 and up to {_LONGEST_S}, got {timeout_s!r}")
        self._admin = EnvoyAdmin(admin_url, timeout_s)
        self._file = RouteFile(route_file, timeout_s, SystemClock())
        self._route_config = route_config
        self._route_name = route_name

    @override
    def read(self) -> RouteSnapshot:
        routes = find_routes(
            self._admin.route_configs(),
            self._route_config,
            self._route_name,
            where="Envoy's configuration by RDS",
        )
        return snapshot_of(routes, self._admin.runtime())

    @override
    def apply(self, desired: DesiredRoute) -> None:
        known, unreachable = self._clusters()
        with self._file.locked():
            routes = self._write(desired, known)
        if unreachable is not None:
            raise RoutingError(
                f"epoch {desired.epoch} is in {self._file.path}, yet admin overrides may still win over it: "
                f"{unreachable.detail}"
            ) from unreachable
        self._clear_overrides(routes)

    def _clusters(self) -> tuple[set[str] | None, RoutingError | None]:
        """Return Envoy's clusters, or why not: a dead admin interface must not hold back a rollback."""
        try:
            return self._admin.clusters(), None
        except RoutingError as error:
            return None, error

    def _write(self, desired: DesiredRoute, known: set[str] | None) -> list[FoundRoute]:
        document = self._file.load()
        resources = document.get("resources")
        routes = find_routes(
            resources if isinstance(resources, list) else [],
            self._route_config,
            self._route_name,
            where=f"route file {self._file.path}",
        )
        self._refuse_stale(desired, routes)
        self._refuse_unknown(desired, set().union(*(route.backends for route in routes)) if known is None else known)
        for route in routes:
            route.rewrite(desired)
        self._file.replace(document)
        return routes

    def _refuse_stale(self, desired: DesiredRoute, routes: list[FoundRoute]) -> None:
        held = max((route.epoch for route in routes if route.epoch is not None), default=desired.epoch)
        if held > desired.epoch:
            raise StaleEpochError(
                f"route {self._route_name!r} in {self._file.path} holds epoch {held}, "
                f"newer than {desired.epoch}: another writer was elected, stop writing"
            )

    def _refuse_unknown(self, desired: DesiredRoute, known: set[str]) -> None:
        unknown = {*desired.weights, *([desired.mirror] if desired.mirror else [])} - known
        if unknown:
            raise RoutingError(
                f"Envoy has no cluster {', '.join(sorted(unknown))}; "
                f"known: {', '.join(sorted(known)) or 'none'}. "
                "Correct the variant's backend name or add the cluster to Envoy; nothing was written"
            )

    def _clear_overrides(self, routes: list[FoundRoute]) -> None:
        keys = set().union(*(route.override_keys for route in routes))
        if not keys & self._admin.runtime().keys():
            return
        self._admin.clear_runtime(keys)
        weight_keys = set().union(*(route.weight_keys for route in routes))
        left = weight_keys & self._admin.runtime().keys()
        if left:
            raise RoutingError(
                f"the runtime keys {', '.join(sorted(left))} win over the weights in the route file and are "
                "set in a layer that the admin interface cannot clear: "
                "remove them from Envoy's static, disk or RTDS layer"
            )

"""A real Kubernetes API server as the router of the flip matrix, with a gateway that follows the object by its status.

Nothing serves behind it: requests are split as the stored object says.
"""

from collections.abc import Mapping
from typing import Any, Final

from typing_extensions import override

from monitor.models.route import DesiredRoute, Mirror, RouteSnapshot, TargetRef, Writer
from monitor.routing.registry import build
from tests.support.apiserver import Cluster
from tests.support.envoy import wait_until
from tests.support.flip_adapters import START, Adapter, Traces, shares
from tests.support.httproutes import backend, http_route, mirror, rule

__all__ = ["HttpRouteAdapter"]

_REPOSITORY: Final = "argocd-controller"
"""The field manager of the repository's manager."""


class HttpRouteAdapter(Adapter):
    """One HTTPRoute that a person created; ``cluster.gateway`` has to follow it meanwhile."""

    def __init__(self, cluster: Cluster, route: str) -> None:
        self.name = "httproute"
        self._cluster, self._route = cluster, route
        self._ref = cluster.ref(route)
        self._target = build(self._ref)
        self.capabilities = self._target.capabilities
        self.traces = Traces(tells_gitops=True, keeps_epoch=True, names_owners=True)

    @override
    def ref(self) -> TargetRef:
        self._cluster.create(self._manifest(START, "base"))
        self._followed()
        return self._ref

    @override
    def apply(self, desired: DesiredRoute) -> None:
        self._target.apply(desired)
        self._followed()

    @override
    def read(self) -> RouteSnapshot:
        return self._target.read()

    @override
    def write_as(self, writer: Writer, weights: Mapping[str, int], mirror: Mirror) -> None:
        """A repository's manager applies its manifest, which knows nothing of our annotations; a person edits the rule.

        Both leave the epoch's annotation where it is; the field managers tell them apart.
        """
        manifest = self._manifest(weights, mirror)
        if writer is Writer.GITOPS:
            self._cluster.server_side_apply(manifest, _REPOSITORY)
        else:
            edited = manifest["spec"]["rules"][0]
            place = "/spec/rules/0"
            self._cluster.patch(
                self._route,
                [
                    {"op": "add", "path": f"{place}/backendRefs", "value": edited["backendRefs"]},
                    {"op": "add", "path": f"{place}/filters", "value": edited.get("filters", [])},
                ],
            )
        self._followed()

    @override
    def serve(self, requests: int) -> dict[str, int]:
        refs = self._cluster.get(self._route)["spec"]["rules"][0]["backendRefs"]
        return shares({ref["name"]: ref.get("weight", 1) for ref in refs}, requests)

    def _followed(self) -> None:
        wait_until(lambda: not self._target.read().pending, "the gateway to follow")

    def _manifest(self, weights: Mapping[str, int], copied: Mirror) -> dict[str, Any]:
        assert copied is None or isinstance(copied, str), "an HTTPRoute has one mirror for all backends"
        filters = {} if copied is None else {"filters": [mirror(copied)]}
        refs = [backend(name, weight) for name, weight in weights.items()]
        return http_route(self._route, rule("main", *refs, **filters))

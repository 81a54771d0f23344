"""A real Envoy as the router of the flip matrix; requests are really sent through it."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import yaml
from typing_extensions import override

from monitor.models.route import DesiredRoute, Mirror, RouteSnapshot, TargetRef, Writer
from monitor.routing.registry import build
from tests.support.envoy import ROUTE, Envoy, route_document, wait_until
from tests.support.flip_adapters import START, Adapter, Traces, shown

__all__ = ["EnvoyAdapter", "start_document"]


class EnvoyAdapter(Adapter):
    """A real Envoy; requests are really sent through it."""

    def __init__(self, envoy: Envoy) -> None:
        self.name = "envoy"
        self._envoy = envoy
        self._target = build(envoy.ref())
        self.capabilities = self._target.capabilities
        self.traces = Traces()

    @override
    def ref(self) -> TargetRef:
        self._envoy.reset(start_document())
        return self._envoy.ref()

    @override
    def apply(self, desired: DesiredRoute) -> None:
        self._target.apply(desired)
        wait_until(lambda: self._target.read().says(desired), "Envoy to follow")

    @override
    def read(self) -> RouteSnapshot:
        return self._target.read()

    @override
    def write_as(self, writer: Writer, weights: Mapping[str, int], mirror: Mirror) -> None:
        """A repository's manager writes the whole file; a person edits the weights in it and leaves the stamp."""
        assert mirror is None or isinstance(mirror, str)
        written = yaml.safe_load(self._envoy.file.read_text(encoding="utf-8"))
        self._envoy.write(_edited(route_document() if writer is Writer.GITOPS else written, weights, mirror))
        wait_until(lambda: shown(self._target.read().weights) == shown(weights), "Envoy to follow")

    @override
    def serve(self, requests: int) -> dict[str, int]:
        return self._envoy.send(requests)


def _edited(document: dict[str, Any], weights: Mapping[str, int], mirror: str | None) -> dict[str, Any]:
    edited = deepcopy(document)
    for route in edited["resources"][0]["virtual_hosts"][0]["routes"]:
        if route["name"] == ROUTE:
            route["route"].pop("cluster", None)  # what a hard cut leaves
            route["route"].setdefault("weighted_clusters", {})["clusters"] = [
                {"name": name, "weight": weight} for name, weight in weights.items()
            ]
            policies = route["route"].pop("request_mirror_policies", _start_mirror())
            if mirror is not None:
                route["route"]["request_mirror_policies"] = [{**policies[0], "cluster": mirror}]
    return edited


def start_document() -> dict[str, Any]:
    """Return Envoy's routes before the flip."""
    return _edited(route_document(), START, "base")


def _start_mirror() -> list[dict[str, Any]]:
    """Return the mirror of the routing before the flip."""
    routes = route_document()["resources"][0]["virtual_hosts"][0]["routes"]
    return next(list(one["route"]["request_mirror_policies"]) for one in routes if "weighted_clusters" in one["route"])

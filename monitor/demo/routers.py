"""What the demo's route is written to. Whoever keeps it, the demo's Envoy serves the traffic."""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from monitor.clock import Clock
from monitor.demo.apiserver import GATEWAY, HTTPROUTES, NAMESPACE, WORKER, ApiServer, find_executables
from monitor.demo.cluster import WEIGHTS, Cluster
from monitor.demo.envoy import ROUTE_CONFIG
from monitor.demo.gateway import CONTROLLER
from monitor.demo.names import BASELINE, ROUTE
from monitor.demo.processes import Children

__all__ = ["EnvoyRouter", "HttpRouteRouter", "Router", "RouterKind", "RouterOf", "router_of"]

_WAIT_S = 40.0
_EVERY_S = 0.1
_PORT = 8000
"""Of the object's backends; the gateway knows them by name."""


class RouterKind(StrEnum):
    """What keeps the route."""

    ENVOY = "envoy"
    """Envoy's own route file."""
    HTTPROUTE = "httproute"
    """A Gateway API object in a Kubernetes API server, which a gateway controller puts in force."""


class Router(Protocol):
    """One run's router."""

    def start(self) -> str | None:
        """Bring it up, before Envoy starts; return what to say about it."""
        ...

    def settled(self) -> None:
        """Wait until it is in force, after Envoy has started."""
        ...

    def target(self) -> dict[str, Any]:
        """Return the route's target as the API takes it."""
        ...


RouterOf = Callable[[Cluster, Path, Children, ExitStack, Clock], Router]
"""Makes a run's router: of its cluster, a directory for it, what starts processes and what ends them."""


class EnvoyRouter:
    """Envoy's route file, which Fullback writes itself."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def start(self) -> str | None:
        """Do nothing: the cluster writes the first routes."""
        return None

    def settled(self) -> None:
        """Envoy has read its routes when it is ready."""

    def target(self) -> dict[str, Any]:
        """Return the route's target as the API takes it."""
        settings = {
            "admin_url": self._cluster.envoy.admin_url,
            "route_file": str(self._cluster.route_file),
            "route_config": ROUTE_CONFIG,
            "route_name": ROUTE,
        }
        return {"kind": "envoy", "settings": settings}


class HttpRouteRouter:
    """An HTTPRoute in a real API server, and a controller that puts it in force in Envoy.

    Raises:
        FileNotFoundError: what it takes is not installed; the message says how to get it.
    """

    def __init__(self, cluster: Cluster, directory: Path, children: Children, stack: ExitStack, clock: Clock) -> None:
        executables = find_executables(os.environ)
        self._cluster = cluster
        self._children = children
        self._clock = clock
        self._api = stack.enter_context(ApiServer(executables, directory, children, clock))

    def start(self) -> str | None:
        """Start the API server, create the object, start the controller, wait for Envoy's first routes."""
        self._api.start()
        with self._api.client() as admin:
            reply = admin.post(HTTPROUTES, params={"fieldManager": "demo-deployment"}, json=_object(WEIGHTS))
            if not reply.is_success:
                raise RuntimeError(f"the HTTPRoute was refused: HTTP {reply.status_code} {reply.text[:500]}")
        command = [sys.executable, "-m", "monitor.demo.gateway", "--url", self._api.url]
        command += ["--certificate", str(self._api.certificate), "--token-file", str(self._api.token_file(GATEWAY))]
        command += ["--name", ROUTE, "--route-file", str(self._cluster.route_file)]
        command += ["--admin-url", self._cluster.envoy.admin_url]
        self._children.start("gateway", command)
        self._wait(self._cluster.route_file.exists, "the gateway to write Envoy's routes")
        return (
            f"HTTPRoute {NAMESPACE}/{ROUTE} is in the Kubernetes API server at {self._api.url}; {CONTROLLER} serves it"
        )

    def settled(self) -> None:
        """Wait until the controller says that the object is in force."""
        with self._api.client() as admin:
            self._wait(
                lambda: bool(admin.get(f"{HTTPROUTES}/{ROUTE}").json().get("status", {}).get("parents")),
                "the gateway to accept the HTTPRoute",
            )

    def target(self) -> dict[str, Any]:
        """Return the route's target as the API takes it."""
        settings = {
            "namespace": NAMESPACE,
            "name": ROUTE,
            "kubeconfig": str(self._api.kubeconfig(WORKER)),
            "controllers": [CONTROLLER],
        }
        return {"kind": "httproute", "settings": settings}

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        for _ in range(int(_WAIT_S / _EVERY_S)):
            if done():
                return
            self._clock.wait(_EVERY_S)
        raise RuntimeError(f"waited {_WAIT_S:g} s for {what}")


def router_of(kind: RouterKind) -> RouterOf:
    """Return what makes the routers of a kind."""
    match kind:
        case RouterKind.ENVOY:
            return lambda cluster, *_: EnvoyRouter(cluster)
        case RouterKind.HTTPROUTE:
            return HttpRouteRouter


def _object(weights: Mapping[str, int]) -> dict[str, Any]:
    mirror = {"backendRef": {"name": BASELINE, "port": _PORT}}
    rule = {
        "name": "main",
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
        "filters": [{"type": "RequestMirror", "requestMirror": mirror}],
        "backendRefs": [{"name": name, "port": _PORT, "weight": weight} for name, weight in weights.items()],
    }
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": ROUTE, "namespace": NAMESPACE},
        "spec": {"parentRefs": [{"name": "demo-gateway"}], "rules": [rule]},
    }

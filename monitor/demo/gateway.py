"""A small gateway controller: puts one HTTPRoute in force in the demo's Envoy and says so in its status.

``python -m monitor.demo.gateway`` watches the object as any implementation of the Gateway API does, writes Envoy's
routes, and tells of a generation in ``status.parents`` once Envoy has it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import httpx

from monitor.clock import Clock, SystemClock
from monitor.demo.apiserver import HTTPROUTES, api_client
from monitor.demo.envoy import generation_in, write_routes
from monitor.demo.event_log import rfc3339

__all__ = ["CONTROLLER", "Gateway", "Split", "main", "split_of", "status_of"]

CONTROLLER: Final = "fullback.dev/demo-gateway"
_WATCH_S: Final = 60
_AGAIN_S: Final = 0.2
_LOOK_S: Final = 0.02
_PATIENCE_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Split:
    """What an HTTPRoute asks of Envoy."""

    weights: Mapping[str, int]
    mirror: str | None


def split_of(route: Mapping[str, Any]) -> Split:
    """Return the weights and the mirror of the object's one rule.

    Raises:
        ValueError: there is not one rule, or nothing has a weight.
    """
    rules = route["spec"].get("rules") or []
    if len(rules) != 1:
        raise ValueError(f"this gateway serves objects of one rule, got {len(rules)}")
    weights = {str(ref["name"]): int(ref.get("weight", 1)) for ref in rules[0].get("backendRefs") or ()}
    if not any(weights.values()):
        raise ValueError("no backend has a weight over 0")
    copied = [one["requestMirror"] for one in rules[0].get("filters") or () if one["type"] == "RequestMirror"]
    if len(copied) > 1:
        raise ValueError(f"this gateway has one mirror, got {len(copied)}")
    return Split(weights, str(copied[0]["backendRef"]["name"]) if copied else None)


def status_of(route: Mapping[str, Any], now: str, refused: str | None = None) -> dict[str, Any]:
    """Return the status for every parent: accepted, or why not, for the object's present generation."""
    accepted = ("False", "UnsupportedValue", refused) if refused else ("True", "Accepted", "")
    conditions = [
        {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastTransitionTime": now,
            "observedGeneration": route["metadata"]["generation"],
        }
        for kind, (status, reason, message) in {
            "Accepted": accepted,
            "ResolvedRefs": ("True", "ResolvedRefs", ""),
        }.items()
    ]
    parents = [
        {"parentRef": parent, "controllerName": CONTROLLER, "conditions": conditions}
        for parent in route["spec"]["parentRefs"]
    ]
    return {"status": {"parents": parents}}


class Gateway:
    """Follows one HTTPRoute.

    Args:
        api: reaches the API server.
        name: of the object.
        route_file: Envoy's routes.
        admin: Envoy's admin interface, which tells what it has.
        clock: for waiting and stamps.
    """

    def __init__(self, api: httpx.Client, name: str, route_file: Path, admin: httpx.Client, clock: Clock) -> None:
        self._api = api
        self._name = name
        self._route_file = route_file
        self._admin = admin
        self._clock = clock
        self._done = 0

    def run(self) -> None:
        """Follow until the process is ended; a watch that ends is begun anew."""
        while True:
            try:
                for route in self._seen():
                    self.follow(route)
            except (httpx.HTTPError, json.JSONDecodeError, LookupError, TimeoutError) as error:
                print(f"looking again: {type(error).__name__}", flush=True)
            self._clock.wait(_AGAIN_S)

    def follow(self, route: Mapping[str, Any]) -> None:
        """Put the object's generation in force, and say so once Envoy has it; the status alone changes none.

        Raises:
            TimeoutError: Envoy does not have it yet: look at the object again.
        """
        generation = int(route["metadata"]["generation"])
        if generation == self._done:
            return
        try:
            split = split_of(route)
        except ValueError as error:
            self._tell(route, str(error))
        else:
            write_routes(self._route_file, self._name, split.weights, split.mirror, generation)
            self._wait_in_force(generation)
            self._tell(route)
        self._done = generation

    def _seen(self) -> Iterator[Mapping[str, Any]]:
        """Yield the object as it is, and as it becomes."""
        chosen = {"fieldSelector": f"metadata.name={self._name}"}
        reply = self._api.get(HTTPROUTES, params=chosen)
        reply.raise_for_status()
        found = reply.json()
        yield from found["items"]
        since = {"watch": "1", "resourceVersion": found["metadata"]["resourceVersion"], "timeoutSeconds": str(_WATCH_S)}
        with self._api.stream("GET", HTTPROUTES, params={**chosen, **since}, timeout=2 * _WATCH_S) as events:
            events.raise_for_status()
            for line in events.iter_lines():
                event = json.loads(line)
                if event["type"] in {"ADDED", "MODIFIED"}:
                    yield event["object"]
                elif event["type"] == "ERROR":
                    return

    def _wait_in_force(self, generation: int) -> None:
        for _ in range(int(_PATIENCE_S / _LOOK_S)):
            try:
                if generation_in(self._admin.get("/config_dump").json()) == generation:
                    return
            except (httpx.TransportError, json.JSONDecodeError):
                pass  # Envoy is not up yet
            self._clock.wait(_LOOK_S)
        raise TimeoutError(f"Envoy did not take generation {generation} in {_PATIENCE_S:g} s")

    def _tell(self, route: Mapping[str, Any], refused: str | None = None) -> None:
        reply = self._api.patch(
            f"{HTTPROUTES}/{self._name}/status",
            content=json.dumps(status_of(route, rfc3339(self._clock.now())[:-5] + "Z", refused)),
            headers={"Content-Type": "application/merge-patch+json"},
        )
        reply.raise_for_status()


@click.command()
@click.option("--url", required=True, help="The API server.")
@click.option("--certificate", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--token-file", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--name", required=True, help="Name of the HTTPRoute.")
@click.option("--route-file", type=click.Path(path_type=Path), required=True, help="Envoy's routes.")
@click.option("--admin-url", required=True, help="Envoy's admin interface.")
def main(url: str, certificate: Path, token_file: Path, name: str, route_file: Path, admin_url: str) -> None:
    """Follow one HTTPRoute until the process is ended."""
    admin = httpx.Client(base_url=admin_url, trust_env=False, timeout=2)
    with api_client(url, certificate, token_file.read_text()) as api, admin:
        Gateway(api, name, route_file, admin, SystemClock()).run()


if __name__ == "__main__":
    main()

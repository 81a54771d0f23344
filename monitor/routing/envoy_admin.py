"""The questions and the one order that Fullback has for an Envoy's admin interface."""

import json
import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import httpx

from monitor.clock import Clock
from monitor.errors import RoutingError

__all__ = ["EnvoyAdmin", "Runtime"]

_EXCERPT = 200
_MOST_BYTES = 64 * 1024 * 1024


@cache
def _tls() -> ssl.SSLContext:
    """Return one TLS context for all clients: loading the trust store takes tens of milliseconds."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Runtime:
    """Envoy's runtime: for each key the value that wins, and the layers' values, lowest layer first."""

    final: Mapping[str, str] = field(default_factory=dict)
    layers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Per key; an empty text where a layer has no value."""

    def layers_of(self, key: str) -> list[int]:
        """Return the layers that have the key: the last one wins."""
        return [at for at, value in enumerate(self.layers.get(key, ())) if value]


class EnvoyAdmin:
    """A client of one Envoy's admin interface. It connects anew for every request and keeps none open.

    Args:
        url: ``http://host:port``, without credentials.
        timeout_s: longest wait for the connection, for each part of the answer, and for the whole body.
        clock: what the wait for the body is measured with.

    Raises:
        ValueError: the URL cannot be used.
    """

    def __init__(self, url: str, timeout_s: float, clock: Clock) -> None:
        self.shown = _shown(url)
        self._timeout_s = timeout_s
        self._clock = clock
        self._client = httpx.Client(
            base_url=url,
            timeout=timeout_s,
            trust_env=False,
            verify=_tls(),
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def route_configs(self, *, with_static: bool = False) -> list[Any]:
        """Return the route configurations that Envoy received by RDS, as it uses them now, or all that it has."""
        kinds = ["dynamic_route_configs", *(["static_route_configs"] if with_static else [])]
        dumps = [_entries(self._document("/config_dump", {"resource": kind}), "configs") for kind in kinds]
        return [entry["route_config"] for dump in dumps for entry in dump if "route_config" in entry]

    def runtime(self) -> Runtime:
        """Return every runtime key with the value that wins and the values of all layers."""
        entries = self._document("/runtime", {"format": "json"}).get("entries")
        found = {
            key: entry
            for key, entry in (entries.items() if isinstance(entries, dict) else ())
            if isinstance(entry, dict) and "final_value" in entry
        }
        layers = {key: entry.get("layer_values") for key, entry in found.items()}
        return Runtime(
            {key: str(entry["final_value"]) for key, entry in found.items()},
            {key: tuple(map(str, values)) for key, values in layers.items() if isinstance(values, list)},
        )

    def clusters(self) -> set[str]:
        """Return the names of the clusters that Envoy can send requests to."""
        document = self._document("/clusters", {"format": "json"})
        return {str(entry["name"]) for entry in _entries(document, "cluster_statuses") if "name" in entry}

    def refusals(self, pattern: str) -> int:
        """Return how many updates Envoy refused since it started, of the counters that the pattern names."""
        text = self._taken("GET", "/stats", {"filter": f"{pattern}(update_rejected|update_failure)$"})
        return sum(int(count) for count in re.findall(r": (\d+)\s*$", text, re.MULTILINE))

    def clear_runtime(self, keys: Iterable[str]) -> None:
        """Drop the admin layer's values of these keys, in one call; without that layer there are none."""
        status, text = self._send("POST", "/runtime_modify", dict.fromkeys(sorted(keys), ""))
        if status >= httpx.codes.BAD_REQUEST and "No admin layer" not in text:
            raise self._refusal("/runtime_modify", status, text)

    def _document(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        text = self._taken("GET", path, query)
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise RoutingError(
                f"Envoy admin {self.shown}{path} answered no JSON object: "
                "check that admin_url points at an Envoy's admin interface"
            )
        return document

    def _taken(self, method: str, path: str, query: Mapping[str, str]) -> str:
        status, text = self._send(method, path, query)
        if status >= httpx.codes.MULTIPLE_CHOICES:
            raise self._refusal(path, status, text)
        return text

    def _send(self, method: str, path: str, query: Mapping[str, str]) -> tuple[int, str]:
        deadline = self._clock.now() + timedelta(seconds=self._timeout_s)
        taken = bytearray()
        try:
            with self._client.stream(method, path, params=query) as response:
                for chunk in response.iter_bytes():
                    taken += chunk
                    if len(taken) > _MOST_BYTES:
                        raise RoutingError(
                            f"Envoy admin {self.shown}{path} answered over {_MOST_BYTES} bytes: "
                            "check that admin_url points at an Envoy's admin interface"
                        )
                    if self._clock.now() > deadline:
                        raise RoutingError(
                            f"Envoy admin {self.shown}{path} was not done after {self._timeout_s:g} s: "
                            "see how loaded that Envoy is, or raise timeout_s"
                        )
                return response.status_code, taken.decode(errors="replace")
        except httpx.HTTPError as error:
            raise RoutingError(
                f"Envoy admin {self.shown}{path} cannot be reached ({type(error).__name__}): "
                "check that Envoy runs and that admin_url is right"
            ) from error

    def _refusal(self, path: str, status: int, text: str) -> RoutingError:
        return RoutingError(
            f"Envoy admin {self.shown}{path} answered {status}: "
            f"{text[:_EXCERPT].strip()!r}; check that admin_url points at an Envoy's admin interface"
        )


def _shown(url: object) -> str:
    """Return the URL as messages may show it, after the checks."""
    if not isinstance(url, str):
        raise ValueError(f"admin_url must be a text such as http://127.0.0.1:9901, got {type(url).__name__}")  # noqa: TRY004 - one error type for settings
    if "@" in url:
        raise ValueError("admin_url must not carry credentials; reach the admin interface over loopback")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.query or parsed.fragment:
        raise ValueError(f"admin_url must be http(s)://host:port, got {url!r}")
    return url.rstrip("/")


def _entries(document: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = document.get(key)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []

"""The three questions and the one order that Fullback has for an Envoy's admin interface."""

import ssl
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import httpx

from monitor.errors import RoutingError

__all__ = ["EnvoyAdmin"]

_EXCERPT = 200


@cache
def _tls() -> ssl.SSLContext:
    """Return one TLS context for all clients: loading the trust store takes tens of milliseconds."""
    return ssl.create_default_context()


class EnvoyAdmin:
    """A client of one Envoy's admin interface. It connects anew for every request and keeps none open.

    Args:
        url: ``http://host:port``, without credentials.
        timeout_s: longest wait for the connection, and again for each part of the answer.

    Raises:
        ValueError: the URL cannot be used.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        self._shown = _shown(url)
        self._client = httpx.Client(
            base_url=url,
            timeout=timeout_s,
            trust_env=False,
            verify=_tls(),
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def route_configs(self) -> list[Any]:
        """Return the route configurations that Envoy received by RDS, as it uses them now."""
        dump = self._document("/config_dump", {"resource": "dynamic_route_configs"})
        return [entry["route_config"] for entry in _entries(dump, "configs") if "route_config" in entry]

    def runtime(self) -> dict[str, str]:
        """Return every runtime key with the value that wins over all layers."""
        entries = self._document("/runtime", {"format": "json"}).get("entries")
        if not isinstance(entries, Mapping):
            return {}
        return {key: str(entry["final_value"]) for key, entry in entries.items() if "final_value" in entry}

    def clusters(self) -> set[str]:
        """Return the names of the clusters that Envoy can send requests to."""
        document = self._document("/clusters", {"format": "json"})
        return {entry["name"] for entry in _entries(document, "cluster_statuses") if "name" in entry}

    def clear_runtime(self, keys: Iterable[str]) -> None:
        """Drop the admin layer's values of these keys, in one call; without that layer there are none."""
        response = self._send("POST", "/runtime_modify", dict.fromkeys(sorted(keys), ""))
        if response.is_error and "No admin layer" not in response.text:
            raise self._refusal("/runtime_modify", response)

    def _document(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        response = self._send("GET", path, query)
        if response.is_error:
            raise self._refusal(path, response)
        try:
            document = response.json()
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise RoutingError(
                f"Envoy admin {self._shown}{path} answered no JSON object: "
                "check that admin_url points at an Envoy's admin interface"
            )
        return document

    def _send(self, method: str, path: str, query: Mapping[str, str]) -> httpx.Response:
        try:
            return self._client.request(method, path, params=query)
        except httpx.HTTPError as error:
            raise RoutingError(
                f"Envoy admin {self._shown}{path} cannot be reached ({type(error).__name__}): "
                "check that Envoy runs and that admin_url is right"
            ) from error

    def _refusal(self, path: str, response: httpx.Response) -> RoutingError:
        return RoutingError(
            f"Envoy admin {self._shown}{path} answered {response.status_code}: "
            f"{response.text[:_EXCERPT].strip()!r}; check that admin_url points at an Envoy's admin interface"
        )


def _shown(url: object) -> str:
    """Return the URL as messages may show it, after the checks."""
    if not isinstance(url, str):
        raise ValueError(f"admin_url must be a text such as http://127.0.0.1:9901, got {url!r}")  # noqa: TRY004 - one error type for settings
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

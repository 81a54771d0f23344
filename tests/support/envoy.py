"""Real Envoys with two backends that count what they get."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import yaml
from typing_extensions import override

from monitor.clock import SystemClock
from monitor.models.route import TargetRef

ROUTE_CONFIG = "llm"
ROUTE = "chat"
PREFIX = "routing.chat"
LAYER = "chat-weights"
EPOCH_KEY = f"fullback.epoch.{ROUTE_CONFIG}.{ROUTE}"
MIRROR_HEADER = "x-fullback-mirror"
_PATIENCE_S = 20.0
_POLL_S = 0.01


def wait_until(holds: Callable[[], bool], what: str, patience_s: float = _PATIENCE_S) -> None:
    clock = SystemClock()
    start = clock.now()
    while not holds():
        assert (clock.now() - start).total_seconds() < patience_s, f"waited {patience_s} s for {what}"
        clock.wait(_POLL_S)


class Backend:
    """A model server that keeps the headers of every request: a mirrored copy's Host ends in ``-shadow``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._requests: list[dict[str, str]] = []
        self._lock = threading.Lock()
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet: no delayed acknowledgement

            def do_GET(self) -> None:
                backend.record({name.lower(): value for name, value in self.headers.items()})
                body = backend.name.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            @override
            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_port

    def record(self, headers: dict[str, str]) -> None:
        with self._lock:
            self._requests.append(headers)

    def reset(self) -> None:
        with self._lock:
            self._requests.clear()

    @property
    def requests(self) -> list[dict[str, str]]:
        with self._lock:
            return list(self._requests)

    @property
    def primaries(self) -> int:
        return sum("-shadow" not in headers["host"] for headers in self.requests)

    @property
    def copies(self) -> int:
        return sum("-shadow" in headers["host"] for headers in self.requests)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Envoy:
    """A running Envoy, its route and runtime files and its backends ``base`` and ``cand``."""

    def __init__(self, directory: Path, backends: dict[str, Backend], beside: "Envoy | None" = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.backends = backends
        self.file = directory / "routes" / "rds.yaml" if beside is None else beside.file
        self.runtime_file = directory / "runtime" / "rtds.yaml" if beside is None else beside.runtime_file
        self._generation = 0
        if beside is None:
            self.file.parent.mkdir()
            self.runtime_file.parent.mkdir()
            self.write(route_document())
            self.write_runtime({})
        boot = directory / "boot.yaml"
        boot.write_text(yaml.safe_dump(_bootstrap(self.file, self.runtime_file, backends)))
        address = directory / "admin-address"
        self._log = (directory / "envoy.log").open("w", encoding="utf-8")
        self._process = subprocess.Popen(
            [
                str(Path(sys.executable).parent / "envoy"),
                *("-c", str(boot), "--admin-address-path", str(address)),
                *("--use-dynamic-base-id", "--concurrency", "1", "-l", "warning"),
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until(lambda: self._alive() and address.exists() and ":" in address.read_text(), "Envoy to start")
            self.admin_url = f"http://{address.read_text().strip()}"
            self._client = httpx.Client(trust_env=False, timeout=10)
            wait_until(self._ready, "Envoy to be ready")
            listener = self._get("/listeners?format=json").json()["listener_statuses"][0]
            self.url = f"http://127.0.0.1:{listener['local_address']['socket_address']['port_value']}"
        except BaseException:
            self.stop()
            raise

    def ref(self, **settings: Any) -> TargetRef:
        return TargetRef(
            "envoy",
            {
                "admin_url": self.admin_url,
                "route_file": str(self.file),
                "route_config": ROUTE_CONFIG,
                "route_name": ROUTE,
                **settings,
            },
        )

    def runtime_ref(self, **settings: Any) -> TargetRef:
        settings = {**self.ref().settings, "runtime_file": str(self.runtime_file), **settings}
        del settings["route_file"]
        return TargetRef("envoy", settings)

    def reset(self, document: dict[str, Any] | None = None) -> None:
        """Load this document, with no runtime value and no request counted."""
        self.write_runtime({})
        self._generation += 1
        fresh = deepcopy(document or route_document())
        marker = f"generation-{self._generation}"
        fresh["resources"][0]["virtual_hosts"][0]["name"] = marker
        self.write(fresh)
        wait_until(lambda: marker in self._get("/config_dump?resource=dynamic_route_configs").text, marker)
        wait_until(lambda: EPOCH_KEY not in self.runtime(), "the runtime file to be empty")
        for key in self.runtime():
            self.override(key, "")
        for backend in self.backends.values():
            backend.reset()

    def write(self, document: dict[str, Any]) -> None:
        self.write_text(yaml.safe_dump(document, sort_keys=False))

    def write_text(self, text: str) -> None:
        _replace(self.file, text)

    def write_runtime(self, layer: dict[str, Any]) -> None:
        resource = {"@type": "type.googleapis.com/envoy.service.runtime.v3.Runtime", "name": LAYER, "layer": layer}
        _replace(self.runtime_file, yaml.safe_dump({"resources": [resource]}))

    def override(self, key: str, value: str) -> None:
        self._client.post(f"{self.admin_url}/runtime_modify", params={key: value}).raise_for_status()

    def runtime(self) -> dict[str, Any]:
        return self._get("/runtime?format=json").json()["entries"]

    def rejections(self) -> int:
        lines = self._get("/stats?filter=(rds|runtime).*(update_rejected|update_failure)").text.splitlines()
        return sum(int(line.rsplit(" ", 1)[1]) for line in lines)

    def send(self, requests: int, headers: dict[str, str] | None = None) -> dict[str, int]:
        """Send requests and return how many each backend answered."""
        answers = [self._client.get(self.url, headers=headers).raise_for_status().text for _ in range(requests)]
        return {name: answers.count(name) for name in self.backends}

    def status(self) -> int:
        """Send a request and return the status of its answer."""
        return self._client.get(self.url).status_code

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the process: its sockets stay open and nothing answers."""
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        if hasattr(self, "_client"):
            self._client.close()
        self._log.close()

    def _alive(self) -> bool:
        assert self._process.poll() is None, Path(self._log.name).read_text(encoding="utf-8")
        return True

    def _ready(self) -> bool:
        self._alive()
        try:
            return self._get("/ready").status_code == 200
        except httpx.TransportError:
            return False

    def _get(self, path: str) -> httpx.Response:
        return self._client.get(self.admin_url + path)


@contextmanager
def running_envoy(directory: Path) -> Iterator[Envoy]:
    with running_envoys(directory, 1) as (envoy,):
        yield envoy


@contextmanager
def running_envoys(directory: Path, instances: int) -> Iterator[list[Envoy]]:
    """Start Envoys that read the same files."""
    backends = {name: Backend(name) for name in ("base", "cand")}
    envoys: list[Envoy] = []
    try:
        for at in range(instances):
            beside = envoys[0] if envoys else None
            envoys.append(Envoy(directory / str(at), backends, beside))
        yield envoys
    finally:
        for envoy in envoys:
            envoy.stop()
        for backend in backends.values():
            backend.close()


def two_mirrors() -> dict[str, Any]:
    """The same with a mirror policy for each direction: runtime values can turn the mirror."""
    document = route_document()
    action = document["resources"][0]["virtual_hosts"][0]["routes"][1]["route"]
    action["request_mirror_policies"].append(
        {
            "cluster": "cand",
            "runtime_fraction": {
                "default_value": {"numerator": 0, "denominator": "HUNDRED"},
                "runtime_key": f"{PREFIX}.mirrored_to_cand",
            },
        }
    )
    return document


def route_document() -> dict[str, Any]:
    """The candidate serves and the baseline gets the copies; nobody has stamped it."""
    return {
        "resources": [
            {
                "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
                "name": ROUTE_CONFIG,
                "virtual_hosts": [
                    {
                        "name": "llm",
                        "domains": ["*"],
                        "routes": [
                            {
                                "name": "other",
                                "match": {"prefix": "/other"},
                                "route": {"cluster": "base", "timeout": "7s"},
                            },
                            {
                                "name": ROUTE,
                                "match": {"prefix": "/"},
                                "metadata": {"filter_metadata": {"team": {"owner": "inference"}}},
                                "route": {
                                    "timeout": "120s",
                                    "hash_policy": [{"header": {"header_name": "x-session-id"}}],
                                    "weighted_clusters": {
                                        "runtime_key_prefix": PREFIX,
                                        "clusters": [
                                            {"name": "base", "weight": 0},
                                            {"name": "cand", "weight": 100},
                                        ],
                                    },
                                    "request_mirror_policies": [
                                        {
                                            "cluster": "base",
                                            "runtime_fraction": {
                                                "default_value": {"numerator": 100, "denominator": "HUNDRED"},
                                                "runtime_key": f"{PREFIX}.mirrored",
                                            },
                                        }
                                    ],
                                },
                            },
                        ],
                    }
                ],
            }
        ]
    }


def _replace(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def _bootstrap(file: Path, runtime_file: Path, backends: dict[str, Backend]) -> dict[str, Any]:
    extensions = "type.googleapis.com/envoy.extensions.filters"
    router = f"{extensions}.http.router.v3.Router"
    manager = f"{extensions}.network.http_connection_manager.v3.HttpConnectionManager"
    source = {"path": str(file), "watched_directory": {"path": str(file.parent)}}
    runtime = {"path": str(runtime_file), "watched_directory": {"path": str(runtime_file.parent)}}
    return {
        "node": {"id": "test", "cluster": "test"},
        "admin": {"address": _address(0)},
        "layered_runtime": {
            "layers": [
                {"name": "static", "static_layer": {"pinned.by.base": 5}},
                {
                    "name": "file",
                    "rtds_layer": {
                        "name": LAYER,
                        "rtds_config": {"resource_api_version": "V3", "path_config_source": runtime},
                    },
                },
                {"name": "admin", "admin_layer": {}},
            ]
        },
        "static_resources": {
            "listeners": [
                {
                    "name": "ingress",
                    "address": _address(0),
                    "filter_chains": [
                        {
                            "filters": [
                                {
                                    "name": "envoy.filters.network.http_connection_manager",
                                    "typed_config": {
                                        "@type": manager,
                                        "stat_prefix": "ingress",
                                        "rds": {
                                            "route_config_name": ROUTE_CONFIG,
                                            "config_source": {
                                                "resource_api_version": "V3",
                                                "path_config_source": source,
                                            },
                                        },
                                        "http_filters": [
                                            {
                                                "name": "envoy.filters.http.router",
                                                "typed_config": {"@type": router},
                                            }
                                        ],
                                    },
                                }
                            ]
                        }
                    ],
                }
            ],
            "clusters": [
                {
                    "name": name,
                    "type": "STATIC",
                    "connect_timeout": "1s",
                    "load_assignment": {
                        "cluster_name": name,
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(backend.port)}}]}],
                    },
                }
                for name, backend in backends.items()
            ],
        },
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

"""The demo's serving cluster: two model servers, Envoy in front, users, and a log shipper."""

import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from monitor.clock import Clock
from monitor.demo.envoy import EnvoyPorts, envoy_command, wait_ready, write_bootstrap, write_routes
from monitor.demo.event_log import rfc3339
from monitor.demo.fault import Fault
from monitor.demo.names import BASELINE, CANDIDATE, ROUTE
from monitor.demo.processes import Child, Children, free_port
from monitor.demo.report import first_injected, read_lines
from monitor.demo.twins import TwinReport

__all__ = ["WEIGHTS", "Cluster", "Engines", "TrafficShape"]

WEIGHTS: Mapping[str, int] = {CANDIDATE: 90, BASELINE: 10}
"""The baseline's share is the holdback: whole sessions, whose users' reactions are what the candidate's are
compared with."""


@dataclass(frozen=True, slots=True)
class TrafficShape:
    """What the users do."""

    rps: float = 55.0
    options: tuple[str, ...] = ()
    """More options of ``monitor.demo.traffic``."""


class Engines:
    """Starts the two model servers: simulated variants.

    Args:
        children: starts processes.
        directory: gets the logs.
        seed: of the answers.
    """

    traffic: TrafficShape = TrafficShape()

    def __init__(self, children: Children, directory: Path, seed: int) -> None:
        self.children = children
        self.directory = directory
        self.seed = seed

    def log_of(self, variant: str) -> Path:
        """Return the access log of a variant."""
        return self.directory / f"{variant}.jsonl"

    @property
    def control(self) -> Path:
        """The file that tells the candidate its fault."""
        return self.directory / "fault.json"

    @property
    def injected(self) -> Path:
        """Where the simulated candidate notes each answer that the fault made bad."""
        return self.directory / f"{CANDIDATE}.injected.jsonl"

    def twins(self) -> TwinReport | None:
        """Compare real twins by their logs; simulated ones have nothing to show."""
        return None

    def first_bad(self, since: datetime) -> datetime | None:
        """Return when the candidate finished the first answer that the fault made bad."""
        return first_injected(read_lines(self.injected), since)

    def replace(self) -> datetime:
        """Replace the candidate's artifact as a deployment would; return when the new one took over.

        Raises:
            RuntimeError: simulated variants have none.
        """
        raise RuntimeError("simulated variants have no artifact")

    def start(self, variant: str, port: int) -> Child:
        """Start the server of one variant."""
        command = [
            sys.executable,
            "-m",
            "monitor.demo.chat_server",
            "--variant",
            variant,
            "--port",
            str(port),
        ]
        command += ["--log", str(self.log_of(variant)), "--seed", str(self.seed)]
        if variant == CANDIDATE:
            command += ["--control", str(self.control), "--injected", str(self.injected)]
        return self.children.start(variant, command)


class Cluster:
    """Everything that serves.

    Args:
        directory: for configurations and logs.
        children: starts processes.
        engines: starts the model servers.
        clock: for waiting and stamps.
    """

    def __init__(self, directory: Path, children: Children, engines: Engines, clock: Clock) -> None:
        self._directory = directory
        self._children = children
        self._engines = engines
        self._clock = clock
        self._servers: dict[str, Child] = {}
        self._ports = {name: free_port() for name in (BASELINE, CANDIDATE)}
        self.envoy = EnvoyPorts(free_port(), free_port())
        self.access_log = directory / "envoy.jsonl"
        self.route_file = directory / "routes" / "rds.json"
        self.route_file.parent.mkdir()

    @property
    def candidate_server(self) -> Child:
        """The process of the candidate."""
        return self._servers[CANDIDATE]

    def start(self) -> None:
        """Start the model servers and Envoy, and wait until they answer; a controller may have written the routes."""
        for name, port in self._ports.items():
            self._servers[name] = self._engines.start(name, port)
        if not self.route_file.exists():
            write_routes(self.route_file, ROUTE, WEIGHTS, BASELINE)
        bootstrap = self._directory / "envoy.json"
        write_bootstrap(bootstrap, self.envoy, self.route_file, self.access_log, self._ports)
        self._children.start("envoy", envoy_command(bootstrap))
        for name, port in self._ports.items():
            self._wait_healthy(name, port)
        wait_ready(self.envoy.admin_url, self._clock)

    def start_traffic(self, seed: int) -> None:
        """Let the users come."""
        shape = self._engines.traffic
        command = [
            sys.executable,
            "-m",
            "monitor.demo.traffic",
            "--url",
            self.envoy.url,
            "--rps",
            str(shape.rps),
        ]
        command += ["--seed", str(seed), "--stats", str(self._stats("traffic")), *shape.options]
        self._children.start("traffic", command)

    def start_shipper(self, service_url: str, key: str) -> None:
        """Ship all three logs to Fullback."""
        key_file = self._directory / "shipper.key"
        key_file.touch(mode=0o600)
        key_file.write_text(key)
        command = [sys.executable, "-m", "monitor.demo.shipper", "--key-file", str(key_file)]
        command += ["--stats", str(self._stats("shipper"))]
        for name in (BASELINE, CANDIDATE):
            command += ["--file", str(self._engines.log_of(name)), "--url", f"{service_url}/v1/events"]
        command += ["--file", str(self.access_log), "--url", f"{service_url}/v1/access-logs"]
        self._children.start("shipper", command)

    def inject(self, fault: Fault) -> datetime:
        """Make the candidate bad; return when."""
        at = self._clock.now()
        if fault.kills:
            self.candidate_server.send(signal.SIGKILL)
            return at
        if fault.replaces:
            return self._engines.replace()
        fresh = self._engines.control.with_suffix(".new")
        fresh.write_text(json.dumps({"fault": fault.name, "since": rfc3339(at)}))
        fresh.rename(self._engines.control)
        return at

    def stats(self, name: str) -> Mapping[str, Any]:
        """Return the counts of ``traffic`` or ``shipper``; empty before the first."""
        path = self._stats(name)
        counts: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {}
        return counts

    def _stats(self, name: str) -> Path:
        return self._directory / f"{name}.json"

    def _wait_healthy(self, name: str, port: int, timeout_s: float = 60) -> None:
        for _ in range(int(timeout_s / 0.1)):
            if not self._servers[name].alive:
                raise RuntimeError(f"{name} ended at once:\n{self._servers[name].complaint()}")
            try:
                if httpx.get(f"http://127.0.0.1:{port}/health", timeout=2, trust_env=False).is_success:
                    return
            except httpx.TransportError:
                pass
            self._clock.wait(0.1)
        raise TimeoutError(f"{name} was not healthy after {timeout_s:g} s")

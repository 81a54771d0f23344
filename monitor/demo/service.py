"""The Fullback service as the demo runs it: its own process, its own embedded PostgreSQL, its HTTP API."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec

from monitor.clock import Clock
from monitor.demo.processes import Child, Children, free_port

__all__ = ["Service", "ServiceError"]

_COMMAND_S = 120.0
_RETRIES_S = (0.2, 0.5, 1.0, 2.0)
_FULLBACK = (sys.executable, "-m", "monitor")


class ServiceError(Exception):
    """The service did not do what the demo asked for."""


class Service:
    """Starts the service and talks to it as an operator does.

    Args:
        directory: its database goes below it.
        children: starts processes.
        clock: for waiting.
        slack_url: where its alerts go.
    """

    def __init__(self, directory: Path, children: Children, clock: Clock, slack_url: str) -> None:
        self._children = children
        self._clock = clock
        self._database = directory / "database"
        self._port = free_port()
        self._env = {
            "FULLBACK_DATA_DIR": str(self._database),
            "FULLBACK_PORT": str(self._port),
            "FULLBACK_PUBLIC_URL": self.url,
            "FULLBACK_SLACK_WEBHOOK_URL": slack_url,
            "FULLBACK_UI_AUTH": "off",
            "FULLBACK_LOG_LEVEL": "warning",
            "FULLBACK_DRAIN_S": "0",
        }
        self._child: Child | None = None
        self._client = httpx.Client(base_url=self.url, timeout=15, trust_env=False)

    @property
    def url(self) -> str:
        """Base URL, also the console's."""
        return f"http://127.0.0.1:{self._port}"

    def migrate(self) -> None:
        """Create the database and its schema."""
        self._run("migrate")

    def start(self, timeout_s: float = 60) -> None:
        """Start the service and wait until it is ready."""
        self._child = self._children.start("fullback", [*_FULLBACK, "serve"], self._env)
        for _ in range(int(timeout_s / 0.2)):
            if not self._child.alive:
                raise ServiceError(f"fullback serve ended at once:\n{self._child.complaint()}")
            with suppress(httpx.TransportError):
                if self._client.get("/readyz").is_success:
                    return
            self._clock.wait(0.2)
        raise ServiceError(f"fullback was not ready after {timeout_s:g} s:\n{self._child.complaint()}")

    def log_in(self) -> None:
        """Create an admin key and use it from now on."""
        key = self._create_key("demo-operator", "admin")
        self._client.headers["Authorization"] = f"Bearer {key}"

    def ingest_key(self, route: str) -> str:
        """Create a key that may send events of one route."""
        return self._create_key("demo-shipper", "ingest", "--route", route)

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        """Read one resource; a service that is away for a moment is asked again.

        Raises:
            ServiceError: it did not answer, or not well.
        """
        for pause_s in _RETRIES_S:
            with suppress(httpx.TransportError):
                return self._read(self._client.get(path, params=parameters))
            self._clock.wait(pause_s)
        raise ServiceError(f"GET {path}: no answer")

    def post(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Create a resource."""
        return self._read(self._client.post(path, json=document))

    def patch(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Change a resource."""
        return self._read(self._client.patch(path, json=document))

    def close(self) -> None:
        """End the service and, should it have left its PostgreSQL behind, that too."""
        self._client.close()
        if self._child is not None and self._child.alive:
            self._children.end(self._child)
        for pid_file in self._database.rglob("postmaster.pid"):
            _end_postgres(int(pid_file.read_text().split("\n", 1)[0]), self._clock)

    def _create_key(self, source: str, scope: str, *options: str) -> str:
        printed = self._run("keys", "create", "--source", source, "--scope", scope, *options, "--json")
        key: str = msgspec.json.decode(printed.strip().splitlines()[-1])["key"]
        return key

    def _run(self, *arguments: str) -> str:
        command: Sequence[str] = (*_FULLBACK, *arguments)
        env = {**os.environ, **self._env}
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=_COMMAND_S, check=False)
        if done.returncode != 0:
            raise ServiceError(f"fullback {' '.join(arguments[:2])} failed:\n{done.stderr[-2000:]}")
        return done.stdout

    def _read(self, reply: httpx.Response) -> dict[str, Any]:
        if not reply.is_success:
            raise ServiceError(f"{reply.request.method} {reply.url.path}: HTTP {reply.status_code} {reply.text[:1000]}")
        document: dict[str, Any] = reply.json() if reply.content else {}
        return document


def _end_postgres(pid: int, clock: Clock, patience_s: float = 10) -> None:
    """Ask a PostgreSQL server for a fast shutdown and wait for it."""
    process = Path(f"/proc/{pid}/cmdline")
    with suppress(OSError):
        if b"postgres" not in process.read_bytes():
            return
        os.kill(pid, signal.SIGINT)
        for _ in range(int(patience_s / 0.1)):
            if not process.exists():
                return
            clock.wait(0.1)

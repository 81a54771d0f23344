"""The service is killed between the commit of the desired state and the router's answer: it is done once."""

import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from monitor.clock import SystemClock
from monitor.config import Settings
from monitor.demo.envoy import find_envoy
from monitor.demo.processes import free_port
from monitor.factory import Factory
from monitor.models.decision import Audit
from monitor.models.key import Scope
from monitor.models.route import Mode, Phase, Route, RouteControl, TargetRef
from monitor.models.variant import Role, Tier
from monitor.routing.registry import build
from monitor.services.routes import RouteSpec
from monitor.storage.controls import ControlStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.routes import VariantSpec
from monitor.storage.session import Database
from tests.support.envoy import Envoy, running_envoy, wait_until
from tests.support.world import record_alarm

STALLED_PATH = b"GET /clusters"
PATIENCE_S = 60.0
POLICY = {
    "verify": {"requests": 20, "skew_s": 0, "control_timeout_s": 60, "traffic_timeout_s": 120},
    "preflight": {"min_events": 10},
}


def _envoy_missing() -> bool:
    try:
        find_envoy()
    except FileNotFoundError:
        return True
    return False


class StallingProxy:
    """Stands before Envoy's admin interface and holds up what an ``apply`` asks first, until it is released."""

    def __init__(self, upstream: str) -> None:
        self.open = threading.Event()
        self.stalled = threading.Event()
        self.when: Callable[[], bool] = lambda: False
        """Whether a call is that of the flip: a rehearsal asks the same."""
        host, _, port = upstream.removeprefix("http://").rpartition(":")
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                head = b""
                while b"\r\n\r\n" not in head:
                    chunk = self.request.recv(65536)
                    if not chunk:
                        return
                    head += chunk
                if head.startswith(STALLED_PATH) and not proxy.open.is_set() and proxy.when():
                    proxy.stalled.set()
                    proxy.open.wait(PATIENCE_S)
                try:
                    with socket.create_connection((host, int(port)), timeout=10) as there:
                        there.sendall(head)
                        while chunk := there.recv(65536):
                            self.request.sendall(chunk)
                except OSError:
                    return  # the one who asked was killed

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Service:
    """``python -m monitor serve`` as a process of its own."""

    def __init__(self, database_url: str, log: Path) -> None:
        self.port = free_port()
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "monitor", "serve"],
            env={
                **os.environ,
                "FULLBACK_DATABASE_URL": database_url,
                "FULLBACK_PORT": str(self.port),
                "FULLBACK_RECONCILE_EVERY_S": "0.2",
                "FULLBACK_EVALUATE_EVERY_S": "5",
                "FULLBACK_LEASE_S": "2",
            },
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> bool:
        assert self._process.poll() is None, Path(self._log.name).read_text(encoding="utf-8")
        try:
            return httpx.get(f"{self.url}/healthz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> int:
        self._process.send_signal(signal.SIGKILL)
        return self._process.wait(10)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
        self._log.close()


@contextmanager
def serving(database_url: str, log: Path) -> Iterator[Service]:
    service = Service(database_url, log)
    try:
        wait_until(service.ready, "the service to be ready", PATIENCE_S)
        yield service
    finally:
        service.stop()


def add_route(factory: Factory, envoy: Envoy, proxy: StallingProxy) -> Route:
    factory.policies.add("quick", POLICY, "test")
    reference = envoy.ref(timeout_s=30)
    spec = RouteSpec(
        name="chat",
        targets=(TargetRef("envoy", {**reference.settings, "admin_url": proxy.url}),),
        variants=(
            VariantSpec("bf16", Role.BASELINE, "base", "bf16", Tier.SERVING),
            VariantSpec("int4", Role.CANDIDATE, "cand", "int4", Tier.QUANTIZED),
        ),
        policy="quick",
        mode=Mode.AUTO,
        waiver="a test",
    )
    return factory.routes.add(spec, "test")


class Gateway:
    """Posts the access log of requests that start now, as a shipper does."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._posted = 0
        self._clock = SystemClock()

    def post(self, service: Service, n: int, cluster: str) -> None:
        lines = []
        for _ in range(n):
            self._posted += 1
            line = {
                "request_id": f"00000000-0000-4000-8000-{self._posted:012d}",
                "start_time": self._clock.now().isoformat(),
                "duration": 5,
                "response_code": 200,
                "upstream_cluster": cluster,
            }
            lines.append(json.dumps(line))
        answer = httpx.post(
            f"{service.url}/v1/access-logs",
            content="\n".join(lines),
            headers={"Authorization": f"Bearer {self._key}"},
            trust_env=False,
        )
        assert answer.raise_for_status().json()["stored"] == n, answer.text


def control_of(database: Database, route: Route) -> RouteControl:
    with database.reading() as session:
        return ControlStore(session).get(route.id)


def moves_of(database: Database, route: Route) -> list[Audit]:
    """The audit without the rehearsals: one may end at any time."""
    with database.reading() as session:
        audits = DecisionStore(session).newest(route.id, 1000)[::-1]
    return [audit for audit in audits if not audit.action.startswith("rehears")]


@pytest.mark.e2e
@pytest.mark.skipif(_envoy_missing(), reason="needs Envoy: pip install 'fullback[demo]'")
def test_kill_9_between_commit_and_call_completes_once(database, database_url, tmp_path):
    factory = Factory(Settings(), database=database)
    key, text = factory.keys.create("gateway", frozenset({Scope.INGEST}), frozenset({"chat"}))
    gateway = Gateway(text)
    del key
    with running_envoy(tmp_path / "envoy") as envoy:
        proxy = StallingProxy(envoy.admin_url)
        try:
            route = add_route(factory, envoy, proxy)
            candidate = next(v for v in factory.routes.variants(route) if v.role is Role.CANDIDATE)
            proxy.when = lambda: control_of(database, route).phase is Phase.APPLYING
            before = build(route.targets[0]).read()
            assert dict(before.weights) == {"base": 0, "cand": 100}

            with serving(database_url, tmp_path / "first.log") as service:
                gateway.post(service, 15, "base")
                gateway.post(service, 30, "cand")
                record_alarm(database, route, candidate, SystemClock().now(), "int4 breaks its schema")
                wait_until(proxy.stalled.is_set, "the router to be called", PATIENCE_S)
                assert service.kill() == -signal.SIGKILL

            committed = control_of(database, route)
            assert committed.phase is Phase.APPLYING
            assert committed.epoch == committed.desired["envoy"].epoch == 1
            assert build(envoy.ref()).read() == before
            assert [audit.action for audit in moves_of(database, route)] == ["create", "roll_back", "clear", "flip"]

            proxy.open.set()
            with serving(database_url, tmp_path / "second.log") as service:
                wait_until(lambda: control_of(database, route).phase is Phase.VERIFYING_TRAFFIC, "the flip", PATIENCE_S)
                assert build(envoy.ref()).read().shows(committed.desired["envoy"])
                assert envoy.send(20) == {"base": 20, "cand": 0}

                def holds() -> bool:
                    gateway.post(service, 20, "base")
                    return control_of(database, route).phase is Phase.HOLD

                wait_until(holds, "the proof by traffic", PATIENCE_S)

            done = control_of(database, route)
            assert (done.phase, done.epoch, done.desired) == (Phase.HOLD, 1, committed.desired)
            assert [(audit.action, audit.epoch) for audit in moves_of(database, route)] == [
                ("create", 0),
                ("roll_back", 0),
                ("clear", 0),
                ("flip", 1),
                ("applied", 1),
                ("read_back", 1),
                ("verified_by_traffic", 1),
                ("hold", 1),
            ]
        finally:
            proxy.close()

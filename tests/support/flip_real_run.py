"""One flip of the flip matrix's real form: two services, an Envoy, and users that never stop asking."""

import random
import threading
from contextlib import suppress
from typing import Any, Final

import httpx
import psycopg

from monitor.clock import SystemClock
from monitor.config import Settings
from monitor.factory import Factory
from monitor.models.key import Scope
from monitor.models.route import Mode, TargetRef
from monitor.models.variant import Role, Tier
from monitor.services.routes import RouteSpec
from monitor.storage.routes import VariantSpec
from monitor.storage.schema import upgrade
from monitor.storage.session import Database
from tests.support.envoy import wait_until
from tests.support.events import bearer, event, key
from tests.support.flip_envoy import start_document
from tests.support.flip_real_site import RealSite, Worker
from tests.support.world import record_alarm

__all__ = ["CLOCK", "PATIENCE_S", "Run"]

LEASE_S: Final = 2
PATIENCE_S: Final = 60
START_S: Final = 180
REQUESTS: Final = 20
POLICY: Final = {
    "verify": {"requests": REQUESTS, "skew_s": 0.5, "control_timeout_s": 20, "traffic_timeout_s": 30},
    "preflight": {"window_s": 120, "min_events": 10, "max_error_rate": 0.02},
}
CLOCK: Final = SystemClock()


class Run:
    """One flip of one fresh database, with one thing going wrong."""

    def __init__(self, site: RealSite, seed: int) -> None:
        self.site, self.chance = site, random.Random(seed)  # noqa: S311 - moments, not secrets
        site.gate.mode = "open"
        site.gate.waiting.clear()
        site.envoy.reset(start_document())
        name = f"flip{next(site.numbers)}"
        site.postgres.execute(f"CREATE DATABASE {name}")
        self.url = site.postgres.url(name)
        database = Database(self.url, pool_size=2)
        upgrade(database)
        factory = Factory(Settings(), clock=CLOCK, database=database)
        factory.policies.add("flip", dict(POLICY), "test")
        ref = site.envoy.ref(admin_url=site.gate.url, timeout_s=2)
        self.route = factory.routes.add(_spec(ref), "test")
        self.candidate = next(one for one in factory.routes.variants(self.route) if one.role is Role.CANDIDATE)
        self.headers = bearer(key(factory, Scope.INGEST))
        self.database = database
        settings = {"lease_s": str(LEASE_S), "reconcile_every_s": "0.1", "slack_webhook_url": "http://127.0.0.1:9/x"}
        self.workers = [Worker(self.url, site.folder / f"{name}-{n}.log", **settings) for n in range(2)]
        self.quiet = threading.Event()
        self.done = threading.Event()
        self._thread = threading.Thread(target=self._users, daemon=True)

    def start(self) -> None:
        for worker in self.workers:
            worker.start()
        for worker in self.workers:
            wait_until(worker.ready, "a service to be ready", START_S)
        self._thread.start()
        answered = "SELECT count(*) FROM events WHERE backend = 'base'"
        wait_until(lambda: self.count(answered) >= REQUESTS, "traffic", PATIENCE_S)

    def close(self) -> None:
        self.done.set()
        if self._thread.is_alive():
            self._thread.join(20)
        for worker in self.workers:
            worker.kill()
        self.database.close()

    def count(self, query: str) -> Any:
        with psycopg.connect(self.url, connect_timeout=2) as connection:
            row = connection.execute(query).fetchone()
            return None if row is None else row[0]

    def rows(self, query: str) -> list[Any]:
        with psycopg.connect(self.url, connect_timeout=2) as connection:
            return connection.execute(query).fetchall()

    def phase(self) -> str:
        with suppress(psycopg.OperationalError):
            return str(self.count("SELECT phase FROM route_controls"))
        return "unknown"

    def leader(self) -> Worker:
        leading: list[Worker] = []

        def found() -> bool:
            holder = str(self.count("SELECT holder FROM leases WHERE name = 'worker' AND expires_at > now()"))
            leading[:] = [one for one in self.workers if one.running and f":{one.pid}:" in holder]
            return bool(leading)

        wait_until(found, "a leader", PATIENCE_S)
        return leading[0]

    def alarm(self) -> None:
        record_alarm(self.database, self.route, self.candidate, CLOCK.now(), "int4 breaks its schema")

    def _users(self) -> None:
        """Ask through Envoy and ship who answered; what cannot be shipped waits."""
        waiting: list[dict[str, Any]] = []
        number = 0
        while not self.done.is_set():
            if not self.quiet.is_set():
                for backend, n in self.site.envoy.send(10).items():
                    for _ in range(n):
                        number += 1
                        waiting.append(event(f"u{number}", CLOCK.now(), backend=backend, host="llm"))
            for worker in self.workers:
                if waiting and worker.running and self._shipped(worker, waiting):
                    waiting = []
            self.done.wait(0.1)

    def _shipped(self, worker: Worker, waiting: list[dict[str, Any]]) -> bool:
        with suppress(httpx.TransportError):
            answer = httpx.post(
                f"{worker.url}/v1/events", json=waiting, headers=self.headers, trust_env=False, timeout=2
            )
            assert answer.status_code in {200, 503}, answer.text
            return answer.status_code == 200
        return False


def _spec(ref: TargetRef) -> RouteSpec:
    variants = (
        VariantSpec("bf16", Role.BASELINE, "base", "bf16", Tier.SERVING),
        VariantSpec("int4", Role.CANDIDATE, "cand", "int4", Tier.QUANTIZED),
    )
    return RouteSpec("chat", (ref,), variants, "flip", mode=Mode.AUTO, waiver="a test", mirror_host_suffix="-shadow")

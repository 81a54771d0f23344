"""A flip by real processes: leader killed or stopped, PostgreSQL killed, Envoy's admin interface cut off, at each step.

Two services, a PostgreSQL and an Envoy of their own, users that never stop asking, and events by who answered them.
The long form: ``python -m tests.e2e.flip_matrix --real --runs 5 --json``.
"""

import fcntl
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest
from typing_extensions import override

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
from tests.support.envoy import Envoy, running_envoy, wait_until
from tests.support.events import bearer, event, key
from tests.support.flip_faults import start_document
from tests.support.service import Postgres, Service
from tests.support.world import record_alarm

LEASE_S: Final = 2
PATIENCE_S: Final = 60
START_S: Final = 180
REQUESTS: Final = 20
POLICY: Final = {
    "verify": {"requests": REQUESTS, "skew_s": 0.5, "control_timeout_s": 20, "traffic_timeout_s": 30},
    "preflight": {"window_s": 120, "min_events": 10, "max_error_rate": 0.02},
}
CLOCK: Final = SystemClock()


class Worker(Service):
    """A service with its worker; it may be stopped and woken."""

    @override
    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "monitor", "serve", "--role", "all"],
                env=self.environment,
                stdout=out,
                stderr=out,
            )

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def wake(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


class Gate:
    """A way to Envoy's admin interface that can be shut: then nobody answers, or connections wait."""

    def __init__(self, upstream: str) -> None:
        host, _, port = upstream.removeprefix("http://").partition(":")
        self._upstream = (host, int(port))
        self.mode = "open"
        """``open``, ``refuses`` (closed at once) or ``waits`` (accepted, never answered)."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._held: list[socket.socket] = []
        self.waiting = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._held:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.mode == "open":
                threading.Thread(target=self._join, args=(client,), daemon=True).start()
            elif self.mode == "waits":
                self._held.append(client)
                self.waiting.set()
            else:
                self.waiting.set()
                client.close()

    def _join(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self._upstream, 5) as server:
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join(5)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65_536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


class Site:
    """Everything real, and users that never stop."""

    def __init__(self, folder: Path, envoy: Envoy) -> None:
        self.folder, self.envoy = folder, envoy
        self.postgres = Postgres(folder)
        self.postgres.start()
        self.gate = Gate(envoy.admin_url)
        self.numbers = iter(range(1, 10**9))

    def close(self) -> None:
        self.gate.close()
        self.postgres.stop()


@dataclass
class Outcome:
    """What one run found; ``wrong`` is empty when all held."""

    fault: str
    step: str
    seed: int
    phase: str = ""
    epoch: int = 0
    router_epoch: int | None = None
    actions: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    leaked: int = 0
    """Users that the candidate answered after the end."""
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


class Run:
    """One flip of one fresh database, with one thing going wrong."""

    def __init__(self, site: Site, seed: int) -> None:
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


@contextmanager
def _at(run: Run, step: str) -> Iterator[None]:
    """Bring the flip to a step and keep it there while the block runs."""
    gate, lock = run.site.gate, None
    try:
        match step:
            case "preflight":
                gate.mode = "waits"
                run.alarm()
                wait_until(lambda: run.phase() == "preflight" and gate.waiting.is_set(), step, PATIENCE_S)
            case "applying":
                lock = os.open(f"{run.site.envoy.file}.lock", os.O_RDONLY | os.O_CREAT, 0o644)
                fcntl.flock(lock, fcntl.LOCK_EX)
                run.alarm()
                wait_until(lambda: run.phase() == "applying", step, PATIENCE_S)
            case "verifying-traffic":
                run.quiet.set()
                CLOCK.wait(0.5)
                run.alarm()
                wait_until(lambda: run.phase() == "verifying-traffic", step, PATIENCE_S)
            case "hold":
                run.alarm()
                wait_until(lambda: run.phase() == "hold", step, PATIENCE_S)
            case _:
                run.alarm()
        yield
    finally:
        gate.mode = "open"
        run.quiet.clear()
        if lock is not None:
            os.close(lock)


def _kill(run: Run, _release: Callable[[], None]) -> None:
    leader = run.leader()
    leader.kill()


def _stop(run: Run, release: Callable[[], None]) -> None:
    """The leader sleeps for longer than its lease, another takes over and goes on, then the first one wakes."""
    leader = run.leader()
    leader.stop()
    release()
    try:
        wait_until(lambda: run.leader() is not leader, "another leader", PATIENCE_S)
        wait_until(lambda: run.phase() == "hold", "the other leader's flip", PATIENCE_S)
    finally:
        leader.wake()
    CLOCK.wait(2)


def _postgres(run: Run, _release: Callable[[], None]) -> None:
    run.site.postgres.kill()
    CLOCK.wait(run.chance.uniform(0.2, 2))
    run.site.postgres.start()


def _admin(run: Run, release: Callable[[], None]) -> None:
    release()
    run.site.gate.mode = "refuses"
    CLOCK.wait(run.chance.uniform(1, 4))
    run.site.gate.mode = "open"


FAULTS: Final[dict[str, Callable[[Run, Callable[[], None]], None]]] = {
    "SIGKILL of the leader": _kill,
    "SIGSTOP of the leader": _stop,
    "SIGKILL of PostgreSQL": _postgres,
    "admin interface cut off": _admin,
}
STEPS: Final = ("deciding", "preflight", "applying", "verifying-traffic", "hold")


def run_one(site: Site, fault: str, step: str, seed: int) -> Outcome:
    """Flip, break, heal, and look at what stands."""
    outcome, began = Outcome(fault, step, seed), CLOCK.now()
    run = Run(site, seed)
    try:
        run.start()
        if step == "deciding":
            CLOCK.wait(run.chance.uniform(0, 0.2))
        holding = _at(run, step)
        holding.__enter__()
        released = threading.Event()

        def release() -> None:
            if not released.is_set():
                released.set()
                holding.__exit__(None, None, None)

        try:
            FAULTS[fault](run, release)
        finally:
            release()
        wait_until(lambda: run.phase() == "hold", "the flip to be proven", PATIENCE_S)
        _judge(run, outcome)
    except AssertionError as error:
        outcome.wrong.append(f"{error}; {run.phase()}")
    finally:
        run.close()
        outcome.seconds = round((CLOCK.now() - began).total_seconds(), 1)
    return outcome


def _judge(run: Run, outcome: Outcome) -> None:
    control = run.rows("SELECT phase, epoch FROM route_controls")[0]
    decisions = run.rows("SELECT action, epoch FROM decisions ORDER BY id")[1:]
    outcome.phase, outcome.epoch = str(control[0]), control[1]
    outcome.actions = [str(row[0]) for row in decisions]
    outcome.told = [str(row[0]) for row in run.rows("SELECT alert ->> 'kind' FROM outbox ORDER BY id")]
    from monitor.routing.registry import build

    shown = build(run.site.envoy.ref()).read()
    outcome.router_epoch = shown.epoch
    outcome.leaked = run.site.envoy.send(100)["cand"]
    committed = [row[1] for row in decisions if row[0] in {"flip", "reassert", "retry", "hard_cut"}]
    applied = [row[1] for row in decisions if row[0] == "applied"]
    for right, what in (
        (outcome.router_epoch == outcome.epoch, "the router has another epoch than the database: a stale write"),
        (outcome.leaked == 0, "the candidate still answers users"),
        (outcome.actions.count("flip") == 1, "not one flip"),
        (len(committed) == len(set(committed)), "an epoch was committed twice"),
        (len(applied) == len(set(applied)), "a write was noted twice"),
        (len(outcome.told) == len(set(outcome.told)), "an alert was told twice"),
        ("rolled_back" in outcome.told, "the proof was not told"),
    ):
        if not right:
            outcome.wrong.append(what)


@contextmanager
def real_site() -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="fullback-flip-real-", dir="/tmp"))
    try:
        envoys = folder / "envoy"
        envoys.mkdir()
        with running_envoy(envoys) as envoy:
            site = Site(folder, envoy)
            try:
                yield site
            finally:
                site.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def real_matrix(seed: int, runs: int, *, as_json: bool) -> int:
    """Run every fault at every step; return how many found something wrong."""
    wrong = 0
    with real_site() as site:
        for number in range(runs):
            for fault in FAULTS:
                for step in STEPS:
                    outcome = run_one(site, fault, step, seed + number)
                    wrong += bool(outcome.wrong)
                    told = json.dumps(asdict(outcome)) if as_json else f"{fault} at {step}: {outcome.wrong or 'ok'}"
                    print(told, flush=True)
    return wrong


@pytest.mark.e2e
def test_a_flip_survives_the_death_and_the_sleep_of_its_leader():
    with real_site() as site:
        for number, (fault, step) in enumerate(
            (
                ("SIGKILL of the leader", "applying"),
                ("SIGSTOP of the leader", "applying"),
                ("SIGKILL of PostgreSQL", "verifying-traffic"),
            )
        ):
            outcome = run_one(site, fault, step, number)
            assert not outcome.wrong, outcome

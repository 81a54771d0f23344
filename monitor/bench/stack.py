"""The real parts of a benchmark: PostgreSQL, databases of its own that are dropped afterwards, server processes."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import httpx
import psutil

from monitor.bench.events import ROUTE, VARIANTS
from monitor.bench.options import BenchError, BenchOptions, at_least
from monitor.clock import SystemClock
from monitor.config import Settings
from monitor.factory import Factory
from monitor.models.key import Scope
from monitor.models.route import Mode, TargetRef
from monitor.models.text import BUILT_IN_RULES, TextPolicy
from monitor.models.variant import Role, Tier
from monitor.services.routes import RouteSpec
from monitor.storage.measures import Measures, scratch_database
from monitor.storage.routes import VariantSpec
from monitor.storage.schema import upgrade
from monitor.storage.session import Database, embedded_url, psycopg_url, stop_embedded

__all__ = ["SOURCE", "Arena", "Postgres", "Servers", "Service", "arena", "cpu_s", "postgres", "serving"]

SOURCE = "bench"
_PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL server to measure on."""

    url: str
    folder: Path | None
    """Where its data is, if it is ours."""

    def require_free(self, needed: float) -> None:
        """Refuse to begin what would fill the disk. Whose data is elsewhere answers for that.

        Raises:
            BenchError: fewer than the needed bytes are free.
        """
        if self.folder is None:
            return
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise BenchError(
                f"this run needs about {needed / 1e9:.1f} GB on the disk of {self.folder.parent}, {free / 1e9:.1f} GB "
                "are free: ask for less, or name a folder on a larger disk with TMPDIR"
            )


@dataclass(frozen=True, slots=True)
class Arena:
    """A migrated database with the benchmark's route and its keys."""

    factory: Factory
    keys: tuple[str, ...]
    measures: Measures

    @property
    def url(self) -> str:
        """The database's address."""
        return self.factory.database.url


@dataclass(frozen=True, slots=True)
class Service:
    """How the service is run. Without group commit each request is one transaction.

    Raises:
        ValueError: a number is too small.
    """

    signals: str = "all"
    processes: int = 1
    group_commit: bool = True
    writers: int = 1
    """Connections of one process that commit."""

    def __post_init__(self) -> None:
        at_least(1, self, "processes", "writers")

    @property
    def command(self) -> list[str]:
        """Python's arguments: the command of production, unless only the benchmark knows the variation."""
        if self.group_commit and self.writers == 1:
            return ["-m", "monitor", "serve", "--role", "api"]
        commit = "on" if self.group_commit else "off"
        return ["-m", "monitor.bench.server", f"--group-commit={commit}", f"--writers={self.writers}"]


@dataclass(frozen=True, slots=True)
class Servers:
    """The processes of one service."""

    ports: tuple[int, ...]
    processes: tuple[psutil.Process, ...]

    @property
    def cpu_s(self) -> float:
        """Processor time of all, seconds."""
        return cpu_s(self.processes)

    @property
    def rss_mb(self) -> float:
        """Resident memory of all, MiB."""
        return float(sum(process.memory_info().rss for process in self.processes)) / 2**20

    def metric(self, name: str) -> list[float]:
        """Return a metric of every process: the sum over its labels."""
        found = []
        for port in self.ports:
            lines = httpx.get(
                f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=_PATIENCE_S
            ).text.splitlines()
            found.append(
                sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))
            )
        return found


def cpu_s(processes: Iterable[psutil.Process]) -> float:
    """Return the processor time of those that still run, seconds."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Give out the configured PostgreSQL, else an embedded one that is thrown away."""
    configured = Settings().database_url
    if configured is not None:
        yield Postgres(psycopg_url(configured.get_secret_value()), None)
        return
    folder = Path(tempfile.mkdtemp(prefix="fullback-bench-"))
    try:
        url = embedded_url(folder)
        try:
            yield Postgres(url, folder)
        finally:
            stop_embedded(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def arena(server: Postgres, options: BenchOptions, *, sources: int = 1) -> Iterator[Arena]:
    """Make a database with the benchmark's route and a key for each source; drop it at the end."""
    with ExitStack() as stack:
        database = Database(stack.enter_context(scratch_database(server.url)))
        stack.callback(database.close)
        upgrade(database)
        factory = Factory(Settings(), clock=SystemClock(), database=database)
        factory.routes.add(_route(options), SOURCE)
        names = [SOURCE, *(f"{SOURCE}-{n}" for n in range(1, sources))]
        keys = tuple(factory.keys.create(name, frozenset({Scope.INGEST}), None)[1] for name in names)
        measures = Measures(database.url)
        stack.callback(measures.close)
        yield Arena(factory, keys, measures)


def _route(options: BenchOptions) -> RouteSpec:
    variants = [
        VariantSpec(
            f"bench-{n}",
            Role.CANDIDATE if n else Role.BASELINE,
            f"backend-{n}",
            "int4" if n else "bf16",
            Tier.QUANTIZED if n else Tier.SERVING,
            None,
            None,
        )
        for n in range(VARIANTS)
    ]
    return RouteSpec(
        name=ROUTE,
        targets=(TargetRef("memory", {"name": ROUTE, "weights": {"backend-0": 100}, "mirror": None}),),
        variants=variants,
        policy="default",
        mode=Mode.OBSERVE,
        text_storage=TextPolicy(mode=options.text, redact=BUILT_IN_RULES if options.redact else ()),
    )


@contextmanager
def serving(database_url: str, service: Service) -> Iterator[Servers]:
    """Run the service's processes, each on a free port.

    Raises:
        BenchError: one did not become ready.
    """
    ports = _free_ports(service.processes)
    started: list[subprocess.Popen[bytes]] = []
    try:
        for port in ports:
            environment = {
                **os.environ,
                "FULLBACK_DATABASE_URL": database_url,
                "FULLBACK_PORT": str(port),
                "FULLBACK_LOG_LEVEL": "warning",
                "FULLBACK_SIGNALS": service.signals,
                "FULLBACK_DRAIN_S": "0",
            }
            command = [sys.executable, *service.command]
            started.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL))
        for port, process in zip(ports, started, strict=True):
            _wait(port, process)
        yield Servers(ports, tuple(psutil.Process(process.pid) for process in started))
    finally:
        for process in started:
            process.terminate()
        for process in started:
            _reap(process)


def _free_ports(n: int) -> tuple[int, ...]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(n)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return tuple(int(probe.getsockname()[1]) for probe in probes)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    end = perf_counter() + _PATIENCE_S
    while perf_counter() < end and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False, timeout=2).is_success:
                return
        except httpx.TransportError:
            pass
        threading.Event().wait(0.1)
    raise BenchError(f"the server did not become ready within {_PATIENCE_S} s")


def _reap(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

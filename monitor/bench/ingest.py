"""The ingest benchmark: the HTTP server against a plain binary COPY of the same rows, alternating in one run."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Event as Pause
from time import perf_counter
from typing import Any

import httpx
import msgspec
import psutil

from monitor.bench.events import ROUTE, VARIANTS, Generator
from monitor.bench.load import Load, Outcome, bodies_of, post_all
from monitor.clock import Clock, SystemClock
from monitor.config import Settings
from monitor.factory import Factory
from monitor.intake.doors import DOORS
from monitor.intake.limits import Limits
from monitor.models.event import Event, Record
from monitor.models.key import Scope
from monitor.models.route import Mode, TargetRef
from monitor.models.text import BUILT_IN_RULES, TextMode, TextPolicy
from monitor.models.variant import Role, Tier
from monitor.services.attribution import attribute, event_key
from monitor.services.catalog import CatalogCache
from monitor.services.ingest import readings_of
from monitor.services.routes import RouteSpec
from monitor.storage.measures import Measures, PlainCopy, pack_inline
from monitor.storage.routes import VariantSpec
from monitor.storage.schema import upgrade
from monitor.storage.session import Database, embedded_url, psycopg_url

__all__ = ["BenchOptions", "render", "run_bench"]

COPY_ROWS_PER_TRANSACTION = 500
_SOURCE = "bench"
_WARM_UP_EVENTS = 2_000
_PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """What is measured.

    Raises:
        ValueError: a number is below 1.
    """

    batch: int = 500
    connections: int = 8
    encoding: str = "gzip"
    format: str = "ndjson"
    signals: str = "all"
    group_commit: bool = True
    redact: bool = False
    """Whether texts go through the built-in redaction rules; COPY's rows never do."""
    rounds: int = 5
    events: int = 30_000
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("batch", "connections", "rounds", "events"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be >= 1, got {getattr(self, name)!r}")

    @property
    def load(self) -> Load:
        """How events are sent."""
        return Load(self.batch, self.connections, self.encoding, self.format)


@dataclass(frozen=True, slots=True)
class Cost:
    """One side of a round, per event unless the name says otherwise."""

    events_per_s: float
    wal_bytes: float
    disk_bytes: float
    postgres_cpu_ms_per_1000: float
    client_cpu_ms_per_1000: float


@dataclass(frozen=True, slots=True)
class Round:
    """A pair: ingest and COPY of the same rows, one right after the other."""

    ingest: Cost
    copy: Cost
    server_cpu_ms_per_1000: float
    server_rss_mb: float
    ack_p50_ms: float
    ack_p99_ms: float
    refused: int

    @property
    def ratio(self) -> float:
        """The rate of ingest as a share of COPY's."""
        return self.ingest.events_per_s / self.copy.events_per_s


class _Bodies(msgspec.Struct):
    request: msgspec.Raw
    response: msgspec.Raw


def run_bench(options: BenchOptions) -> dict[str, Any]:
    """Run every round and return the options, each pair and the medians.

    Raises:
        RuntimeError: an event is not accounted for, or the server did not start or answer.
    """
    clock = SystemClock()
    with _database() as database:
        factory = Factory(Settings(), clock=clock, database=database)
        _seed(factory, redact=options.redact)
        key = factory.keys.create(_SOURCE, frozenset({Scope.INGEST}), None)[1]
        generator = Generator(options.seed, clock.now())
        with _server(database.url, options) as (server, port):
            measures, plain = Measures(database.url), PlainCopy(database.url)
            try:
                bench = _Bench(options, clock, factory.catalog, server, port, key, measures, plain)
                bench.warm_up(generator)
                rounds = [bench.round(generator) for _ in range(options.rounds)]
            finally:
                plain.close()
                measures.close()
    return _document(options, rounds)


class _Bench:
    """The parts of one run."""

    def __init__(
        self,
        options: BenchOptions,
        clock: Clock,
        catalog: CatalogCache,
        server: psutil.Process,
        port: int,
        key: str,
        measures: Measures,
        plain: PlainCopy,
    ) -> None:
        self._options = options
        self._clock = clock
        self._catalog = catalog
        self._server = server
        self._port = port
        self._key = key
        self._measures = measures
        self._plain = plain
        self._sent = 0

    def warm_up(self, generator: Generator) -> None:
        """Open connections and partitions, compile schemas: not measured."""
        load = replace(self._options.load, batch=100, connections=2)
        self._check(post_all(self._port, self._key, bodies_of(generator.events(_WARM_UP_EVENTS), load), load))

    def round(self, generator: Generator) -> Round:
        """Measure one pair."""
        events = list(generator.events(self._options.events))
        bodies = bodies_of(events, self._options.load)
        rows = pack_inline(_records(events, self._catalog, self._clock.now()))
        server_before = _cpu_s([self._server])
        postgres = _processes(self._measures.backends())
        outcome, ingest = self._ingest(bodies, postgres)
        server_cpu = 1e6 * (_cpu_s([self._server]) - server_before) / len(events)
        copy = self._copy(rows)
        latencies = sorted(outcome.latencies_s)
        return Round(
            ingest=ingest,
            copy=copy,
            server_cpu_ms_per_1000=server_cpu,
            server_rss_mb=self._server.memory_info().rss / 2**20,
            ack_p50_ms=1e3 * latencies[len(latencies) // 2],
            ack_p99_ms=1e3 * latencies[min(len(latencies) - 1, round(len(latencies) * 0.99))],
            refused=outcome.refused,
        )

    def _ingest(self, bodies: Sequence[bytes], postgres: Sequence[psutil.Process]) -> tuple[Outcome, Cost]:
        disk, wal, own, theirs = (
            self._measures.event_bytes(),
            self._measures.wal_bytes(),
            _cpu_s([psutil.Process()]),
            _cpu_s(postgres),
        )
        outcome = post_all(self._port, self._key, bodies, self._options.load)
        n = outcome.received
        cost = Cost(
            events_per_s=n / outcome.seconds,
            wal_bytes=(self._measures.wal_bytes() - wal) / n,
            disk_bytes=(self._measures.event_bytes() - disk) / n,
            postgres_cpu_ms_per_1000=1e6 * (_cpu_s(postgres) - theirs) / n,
            client_cpu_ms_per_1000=1e6 * (_cpu_s([psutil.Process()]) - own) / n,
        )
        self._check(outcome)
        return outcome, cost

    def _copy(self, rows: Sequence[bytes]) -> Cost:
        self._plain.reset()
        backend = _processes([self._plain.backend_pid])
        wal, own, theirs = self._measures.wal_bytes(), _cpu_s([psutil.Process()]), _cpu_s(backend)
        began = perf_counter()
        self._plain.copy(rows, COPY_ROWS_PER_TRANSACTION)
        seconds = perf_counter() - began
        n = len(rows)
        return Cost(
            events_per_s=n / seconds,
            wal_bytes=(self._measures.wal_bytes() - wal) / n,
            disk_bytes=self._plain.bytes() / n,
            postgres_cpu_ms_per_1000=1e6 * (_cpu_s(backend) - theirs) / n,
            client_cpu_ms_per_1000=1e6 * (_cpu_s([psutil.Process()]) - own) / n,
        )

    def _check(self, outcome: Outcome) -> None:
        """Every event sent is stored once and its text with it, or the figures mean nothing."""
        self._sent += outcome.received
        stored, texts = self._measures.stored()
        if outcome.stored != outcome.received or stored != self._sent or texts != self._sent:
            raise RuntimeError(
                f"sent {self._sent} events in all; stored {stored}, {texts} with text; of the last "
                f"{outcome.received}: {outcome.stored} stored, {outcome.duplicates} duplicates, "
                f"{outcome.rejected} rejected"
            )


def _records(events: Iterable[bytes], cache: CatalogCache, now: datetime) -> Iterator[Record]:
    """Yield the records that ingest makes of the events, with all of their text."""
    parse, limits, catalog = DOORS["native"].parse, Limits(), cache.get()
    bodies = msgspec.json.Decoder(_Bodies)
    for raw in events:
        event = parse(raw, 0, now, limits).result
        if not isinstance(event, Event):
            raise RuntimeError(f"the generator made an event that is rejected: {event.code}")  # noqa: TRY004
        attribution = attribute(event, catalog)
        yield Record(
            event=event,
            attribution=attribution,
            source=_SOURCE,
            key=event_key(_SOURCE, event, attribution.leg),
            readings=readings_of(event.exchange),
            received_at=now,
            text=msgspec.json.encode(bodies.decode(raw)),
        )


@contextmanager
def _database() -> Iterator[Database]:
    """Give out a migrated database: the configured one, else an embedded one that is thrown away."""
    configured = Settings().database_url
    folder: Path | None = None
    if configured is not None:
        database = Database(psycopg_url(configured.get_secret_value()))
    else:
        folder = Path(tempfile.mkdtemp(prefix="fullback-bench-"))
        database = Database(embedded_url(folder))
    try:
        upgrade(database)
        yield database
    finally:
        database.close()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _seed(factory: Factory, *, redact: bool) -> None:
    """Create the route whose texts are all kept, with its variants."""
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
    settings = {"name": ROUTE, "weights": {"backend-0": 100}, "mirror": None}
    factory.routes.add(
        RouteSpec(
            name=ROUTE,
            target=TargetRef("memory", settings),
            variants=variants,
            policy="default",
            mode=Mode.OBSERVE,
            text_storage=TextPolicy(mode=TextMode.ALL, redact=BUILT_IN_RULES if redact else ()),
        ),
        "bench",
    )


@contextmanager
def _server(database_url: str, options: BenchOptions) -> Iterator[tuple[psutil.Process, int]]:
    """Run the service as it is run in production, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {
        **os.environ,
        "FULLBACK_DATABASE_URL": database_url,
        "FULLBACK_PORT": str(port),
        "FULLBACK_LOG_LEVEL": "warning",
        "FULLBACK_SIGNALS": options.signals,
    }
    command = ["monitor", "serve", "--role", "api"]
    if not options.group_commit:
        command = ["monitor.bench.server", "--group-commit=off"]
    process = subprocess.Popen([sys.executable, "-m", *command], env=environment)
    try:
        _wait(port, process)
        yield psutil.Process(process.pid), port
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    end = perf_counter() + _PATIENCE_S
    while perf_counter() < end and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False, timeout=2).is_success:
                return
        except httpx.TransportError:
            pass
        Pause().wait(0.1)
    raise RuntimeError(f"the server did not become ready within {_PATIENCE_S} s")


def _processes(pids: Iterable[int]) -> list[psutil.Process]:
    """Return the processes that run on this machine: a remote Postgres is not measured."""
    return [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]


def _cpu_s(processes: Iterable[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _document(options: BenchOptions, rounds: Sequence[Round]) -> dict[str, Any]:
    def median(values: Iterable[float]) -> float:
        return round(statistics.median(values), 3)

    return {
        "options": asdict(options),
        "rounds": [{**asdict(each), "ratio": each.ratio} for each in rounds],
        "median": {
            "ratio": median(r.ratio for r in rounds),
            "events_per_s": median(r.ingest.events_per_s for r in rounds),
            "copy_events_per_s": median(r.copy.events_per_s for r in rounds),
            "wal_ratio": median(r.ingest.wal_bytes / r.copy.wal_bytes for r in rounds),
            "disk_ratio": median(r.ingest.disk_bytes / r.copy.disk_bytes for r in rounds),
            "server_cpu_ms_per_1000": median(r.server_cpu_ms_per_1000 for r in rounds),
            "postgres_cpu_ms_per_1000": median(r.ingest.postgres_cpu_ms_per_1000 for r in rounds),
            "ack_p50_ms": median(r.ack_p50_ms for r in rounds),
            "ack_p99_ms": median(r.ack_p99_ms for r in rounds),
            "server_rss_mb": median(r.server_rss_mb for r in rounds),
        },
    }


def render(document: dict[str, Any]) -> list[str]:
    """Return the result as lines for people: every pair, then the medians."""
    lines = [
        "  ".join(f"{name} {value}" for name, value in document["options"].items()),
        (
            "| ingest/s | copy/s | ratio | WAL B | copy WAL B | disk B | copy disk B | server CPU ms/1000 "
            "| PG CPU ms/1000 | copy PG CPU ms/1000 | ack p50 ms | ack p99 ms | RSS MB |"
        ),
        "|" + "---|" * 13,
    ]
    for each in document["rounds"]:
        ingest, copy = each["ingest"], each["copy"]
        cells = (
            f"{ingest['events_per_s']:,.0f}",
            f"{copy['events_per_s']:,.0f}",
            f"{each['ratio']:.2f}",
            *(f"{value:,.0f}" for value in (ingest["wal_bytes"], copy["wal_bytes"])),
            *(f"{value:,.0f}" for value in (ingest["disk_bytes"], copy["disk_bytes"])),
            *(f"{value:.1f}" for value in (each["server_cpu_ms_per_1000"], ingest["postgres_cpu_ms_per_1000"])),
            f"{copy['postgres_cpu_ms_per_1000']:.1f}",
            f"{each['ack_p50_ms']:.0f}",
            f"{each['ack_p99_ms']:.0f}",
            f"{each['server_rss_mb']:.0f}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    lines.append("median: " + ", ".join(f"{name} {value:g}" for name, value in document["median"].items()))
    return lines

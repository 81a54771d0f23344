"""One side of a comparison: servers over a database, what a load on them costs, and that nothing of it is missing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import psutil

from monitor.bench.events import Generator
from monitor.bench.load import Load, LoadError, Outcome, Target, bodies_of, post_all
from monitor.bench.options import BenchError, BenchOptions, Say
from monitor.bench.stack import Arena, Servers, Service, cpu_s, serving
from monitor.bench.tables import quantile
from monitor.models.text import TextMode
from monitor.storage.measures import Measures

__all__ = ["COST_HEAD", "Cost", "Intake", "Ledger", "Side", "alternate", "cost_cells", "first_day", "processes", "side"]

COST_HEAD = ("WAL B", "disk B", "server CPU ms/1000", "PG CPU ms/1000", "ack p50 ms", "ack p99 ms", "RSS MB")


@dataclass(frozen=True, slots=True)
class Cost:
    """What storing events took, per event unless the name says otherwise."""

    events_per_s: float
    wal_bytes: float
    disk_bytes: float
    postgres_cpu_ms_per_1000: float
    client_cpu_ms_per_1000: float


@dataclass(frozen=True, slots=True)
class Intake:
    """What the service did with a load."""

    cost: Cost
    server_cpu_ms_per_1000: float
    server_rss_mb: float
    requests: int
    ack_p50_ms: float
    ack_p95_ms: float
    ack_p99_ms: float
    refused: int


def cost_cells(intake: Mapping[str, Any]) -> list[str]:
    """Return the cells under ``COST_HEAD`` for an intake as a document has it."""
    cost = intake["cost"]
    return [
        f"{cost['wal_bytes']:,.0f}",
        f"{cost['disk_bytes']:,.0f}",
        f"{intake['server_cpu_ms_per_1000']:.1f}",
        f"{cost['postgres_cpu_ms_per_1000']:.1f}",
        f"{intake['ack_p50_ms']:.0f}",
        f"{intake['ack_p99_ms']:.0f}",
        f"{intake['server_rss_mb']:.0f}",
    ]


def first_day(now: datetime) -> date:
    """Return the oldest day of events that are generated now."""
    return (now - timedelta(minutes=1)).date()


class Ledger:
    """Compares what was sent to a database with what is stored there."""

    def __init__(self, measures: Measures, since: date, text: TextMode) -> None:
        self._measures = measures
        self._since = since
        self._with_text = text is TextMode.ALL
        self._before = measures.stored(since)
        self._sent = 0

    def check(self, outcome: Outcome) -> None:
        """Every event sent is stored once and its text with it, or the figures mean nothing.

        Raises:
            BenchError: one is missing.
        """
        self._sent += outcome.received
        stored, texts = (
            now - before for now, before in zip(self._measures.stored(self._since), self._before, strict=True)
        )
        if outcome.stored != outcome.received or (stored, texts) != (self._sent, self._sent * self._with_text):
            raise BenchError(
                f"sent {self._sent} events in all; stored {stored}, {texts} with text; of the last "
                f"{outcome.received}: {outcome.stored} stored, {outcome.duplicates} duplicates, "
                f"{outcome.rejected} rejected"
            )


class Side:
    """Servers over a database."""

    def __init__(self, arena: Arena, servers: Servers, load: Load, ledger: Ledger) -> None:
        self.servers = servers
        self.target = Target(servers.ports, arena.keys)
        self.load = load
        self._measures = arena.measures
        self._ledger = ledger

    def warm_up(self, generator: Generator, events: int) -> None:
        """Open connections and partitions, compile schemas: not measured."""
        load = replace(self.load, batch=100, connections=2 * len(self.servers.ports))
        self.measure(lambda: post_all(self.target, bodies_of(generator.events(events), load), load))

    def post(self, bodies: Sequence[bytes]) -> Intake:
        """Send the bodies as fast as they are answered."""
        return self.measure(lambda: post_all(self.target, bodies, self.load))[1]

    def measure(self, send: Callable[[], Outcome]) -> tuple[Outcome, Intake]:
        """Send and tell what it cost.

        Raises:
            BenchError: an event is not accounted for, or the load broke.
        """
        backends, own = processes(self._measures.backends()), [psutil.Process()]
        disk, wal = self._measures.event_bytes(), self._measures.wal_bytes()
        server, database, client = self.servers.cpu_s, cpu_s(backends), cpu_s(own)
        try:
            outcome = send()
        except LoadError as error:
            raise BenchError(str(error)) from error
        n = outcome.received
        intake = Intake(
            cost=Cost(
                events_per_s=n / outcome.seconds,
                wal_bytes=(self._measures.wal_bytes() - wal) / n,
                disk_bytes=(self._measures.event_bytes() - disk) / n,
                postgres_cpu_ms_per_1000=1e6 * (cpu_s(backends) - database) / n,
                client_cpu_ms_per_1000=1e6 * (cpu_s(own) - client) / n,
            ),
            server_cpu_ms_per_1000=1e6 * (self.servers.cpu_s - server) / n,
            server_rss_mb=self.servers.rss_mb,
            requests=len(outcome.latencies_s),
            ack_p50_ms=1e3 * quantile(outcome.latencies_s, 0.5),
            ack_p95_ms=1e3 * quantile(outcome.latencies_s, 0.95),
            ack_p99_ms=1e3 * quantile(outcome.latencies_s, 0.99),
            refused=outcome.refused,
        )
        self._ledger.check(outcome)
        return outcome, intake


@contextmanager
def side(arena: Arena, service: Service, load: Load, ledger: Ledger) -> Iterator[Side]:
    """Start the servers of a side."""
    with serving(arena.url, service) as servers:
        yield Side(arena, servers, load, ledger)


def alternate(
    sides: Mapping[str, Side],
    generator: Generator,
    options: BenchOptions,
    say: Say,
    send: Callable[[Side, Sequence[bytes]], dict[str, Any]],
) -> list[dict[str, dict[str, Any]]]:
    """Send as many events to each side in every round; each round begins with another side."""
    for name, each in sides.items():
        say(f"warming up: {name}")
        each.warm_up(generator, options.warm_up)
    names, rounds = list(sides), []
    for number in range(options.rounds):
        first = number % len(names)
        measured = {}
        for name in names[first:] + names[:first]:
            bodies = list(bodies_of(generator.events(options.events), options.load))
            measured[name] = send(sides[name], bodies)
            rate = measured[name]["cost"]["events_per_s"]
            say(f"round {number + 1} of {options.rounds}, {name}: {rate:,.0f} events/s")
        rounds.append({name: measured[name] for name in names})
    return rounds


def processes(pids: Iterable[int]) -> list[psutil.Process]:
    """Return the processes that run on this machine: a remote Postgres is not measured."""
    return [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]

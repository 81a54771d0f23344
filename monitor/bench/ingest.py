"""The HTTP server against a plain binary COPY of the same rows, alternating in one run."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from time import perf_counter
from typing import Any

import msgspec
import psutil

from monitor.bench.events import Generator
from monitor.bench.load import bodies_of
from monitor.bench.options import BenchError, BenchOptions, Say
from monitor.bench.sides import Cost, Intake, Ledger, Side, first_day, processes, side
from monitor.bench.stack import SOURCE, Service, arena, cpu_s, postgres
from monitor.bench.tables import medians, options_line, table
from monitor.intake.doors import DOORS
from monitor.intake.limits import Limits
from monitor.models.event import Event, Record
from monitor.models.text import TextMode
from monitor.services.attribution import attribute, event_key
from monitor.services.catalog import CatalogCache
from monitor.services.ingest import readings_of
from monitor.storage.measures import Measures, PlainCopy, pack_inline

__all__ = ["Comparison", "Round", "comparison", "document_of", "render", "run"]

COPY_ROWS_PER_TRANSACTION = 500
_HEAD = (
    "ingest/s",
    "copy/s",
    "ratio",
    "WAL B",
    "copy WAL B",
    "disk B",
    "copy disk B",
    "server CPU ms/1000",
    "PG CPU ms/1000",
    "copy PG CPU ms/1000",
    "ack p50 ms",
    "ack p99 ms",
    "RSS MB",
)


@dataclass(frozen=True, slots=True)
class Round:
    """A pair: ingest and COPY of the same rows, one right after the other."""

    ingest: Intake
    copy: Cost

    @property
    def ratio(self) -> float:
        """The rate of ingest as a share of COPY's."""
        return self.ingest.cost.events_per_s / self.copy.events_per_s


class _Bodies(msgspec.Struct):
    request: msgspec.Raw
    response: msgspec.Raw


def run(options: BenchOptions, say: Say) -> dict[str, Any]:
    """Run every round and return the options, each pair and the medians.

    Raises:
        BenchError: an event is not accounted for, or a server did not start or answer.
    """
    with comparison(options) as bench:
        return document_of(options, bench.rounds(say))


@contextmanager
def comparison(options: BenchOptions) -> Iterator["Comparison"]:
    """Start PostgreSQL and the servers.

    Raises:
        ValueError: no text would be kept; COPY's rows have theirs.
    """
    if options.text is not TextMode.ALL:
        raise ValueError(f"text must be 'all' where COPY is compared with, got {options.text.value!r}")
    service = Service(options.signals, options.processes, options.group_commit)
    with ExitStack() as stack:
        place = stack.enter_context(arena(stack.enter_context(postgres()), options))
        now = place.factory.clock.now()
        ledger = Ledger(place.measures, first_day(now), options.text)
        ours = stack.enter_context(side(place, service, options.load, ledger))
        plain = PlainCopy(place.url)
        stack.callback(plain.close)
        yield Comparison(options, Generator(options.seed, now), place.factory.catalog, ours, place.measures, plain, now)


class Comparison:
    """The parts of one run."""

    def __init__(
        self,
        options: BenchOptions,
        generator: Generator,
        catalog: CatalogCache,
        ours: Side,
        measures: Measures,
        plain: PlainCopy,
        now: datetime,
    ) -> None:
        self.generator = generator
        self.side = ours
        self._options = options
        self._catalog = catalog
        self._measures = measures
        self._plain = plain
        self._now = now

    def rounds(self, say: Say) -> list[Round]:
        """Measure every pair."""
        say("warming up")
        self.side.warm_up(self.generator, self._options.warm_up)
        rounds = []
        for number in range(1, self._options.rounds + 1):
            rounds.append(self._round())
            rate, ratio = rounds[-1].ingest.cost.events_per_s, rounds[-1].ratio
            say(f"round {number} of {self._options.rounds}: {rate:,.0f} events/s, {ratio:.2f} of COPY")
        return rounds

    def _round(self) -> Round:
        events = list(self.generator.events(self._options.events))
        bodies = list(bodies_of(events, self._options.load))
        rows = pack_inline(_records(events, self._catalog, self._now))
        return Round(ingest=self.side.post(bodies), copy=self._copy(rows))

    def _copy(self, rows: Sequence[bytes]) -> Cost:
        self._plain.reset()
        backend, own = processes([self._plain.backend_pid]), [psutil.Process()]
        wal, client, theirs = self._measures.wal_bytes(), cpu_s(own), cpu_s(backend)
        began = perf_counter()
        self._plain.copy(rows, COPY_ROWS_PER_TRANSACTION)
        seconds = perf_counter() - began
        n = len(rows)
        return Cost(
            events_per_s=n / seconds,
            wal_bytes=(self._measures.wal_bytes() - wal) / n,
            disk_bytes=self._plain.bytes() / n,
            postgres_cpu_ms_per_1000=1e6 * (cpu_s(backend) - theirs) / n,
            client_cpu_ms_per_1000=1e6 * (cpu_s(own) - client) / n,
        )


def _records(events: Iterable[bytes], cache: CatalogCache, now: datetime) -> Iterator[Record]:
    """Yield the records that ingest makes of the events, with all of their text."""
    parse, limits, catalog = DOORS["native"].parse, Limits(), cache.get()
    bodies = msgspec.json.Decoder(_Bodies)
    for raw in events:
        event = parse(raw, 0, now, limits).result
        if not isinstance(event, Event):
            raise BenchError(f"the generator made an event that is rejected: {event.code}")
        attribution = attribute(event, catalog)
        yield Record(
            event=event,
            attribution=attribution,
            source=SOURCE,
            key=event_key(SOURCE, event, attribution.leg),
            readings=readings_of(event.exchange),
            received_at=now,
            text=msgspec.json.encode(bodies.decode(raw)),
        )


def document_of(options: BenchOptions, rounds: Sequence[Round]) -> dict[str, Any]:
    """Return the pairs and their medians as plain types."""
    return {
        "mode": "copy",
        "options": options.told("text"),
        "rounds": [{**asdict(each), "ratio": each.ratio} for each in rounds],
        "median": medians(
            {
                "ratio": [r.ratio for r in rounds],
                "events_per_s": [r.ingest.cost.events_per_s for r in rounds],
                "copy_events_per_s": [r.copy.events_per_s for r in rounds],
                "wal_ratio": [r.ingest.cost.wal_bytes / r.copy.wal_bytes for r in rounds],
                "disk_ratio": [r.ingest.cost.disk_bytes / r.copy.disk_bytes for r in rounds],
                "server_cpu_ms_per_1000": [r.ingest.server_cpu_ms_per_1000 for r in rounds],
                "postgres_cpu_ms_per_1000": [r.ingest.cost.postgres_cpu_ms_per_1000 for r in rounds],
                "ack_p50_ms": [r.ingest.ack_p50_ms for r in rounds],
                "ack_p99_ms": [r.ingest.ack_p99_ms for r in rounds],
                "server_rss_mb": [r.ingest.server_rss_mb for r in rounds],
            }
        ),
    }


def render(document: dict[str, Any]) -> list[str]:
    """Return the result as lines for people: every pair, then the medians."""
    return [
        options_line(document),
        *table(_HEAD, (_cells(each) for each in document["rounds"])),
        "median: " + ", ".join(f"{name} {value:g}" for name, value in document["median"].items()),
    ]


def _cells(each: dict[str, Any]) -> list[str]:
    ingest, cost, copy = each["ingest"], each["ingest"]["cost"], each["copy"]
    return [
        f"{cost['events_per_s']:,.0f}",
        f"{copy['events_per_s']:,.0f}",
        f"{each['ratio']:.2f}",
        *(f"{value:,.0f}" for value in (cost["wal_bytes"], copy["wal_bytes"], cost["disk_bytes"], copy["disk_bytes"])),
        *(f"{value:.1f}" for value in (ingest["server_cpu_ms_per_1000"], cost["postgres_cpu_ms_per_1000"])),
        f"{copy['postgres_cpu_ms_per_1000']:.1f}",
        f"{ingest['ack_p50_ms']:.0f}",
        f"{ingest['ack_p99_ms']:.0f}",
        f"{ingest['server_rss_mb']:.0f}",
    ]

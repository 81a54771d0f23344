"""The server's memory over millions of events."""

import statistics
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

from monitor.bench.load import Outcome, post_all
from monitor.bench.options import BenchOptions, Say, at_least
from monitor.bench.sides import Ledger, first_day, side
from monitor.bench.source import Source, source_bodies
from monitor.bench.stack import Servers, Service, arena, postgres
from monitor.bench.tables import options_line, table
from monitor.models.text import TextMode

__all__ = ["Sample", "Sampler", "Soak", "render", "run", "summary_of"]

_EVENT_BYTES = {TextMode.ALL: 1_400, TextMode.NONE: 600}
"""A stored event with its indexes and its share of a compressed text, generously."""
_RESERVE_BYTES = 3e9
"""The write-ahead log."""
_FLAT_GROWTH = 0.05
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Soak:
    """How long the load lasts, and how often the memory is looked at.

    Raises:
        ValueError: there are too few events, or no time between samples.
    """

    events: int
    sample_s: float = 2.0

    def __post_init__(self) -> None:
        at_least(1, self, "events")
        if not self.sample_s > 0:
            raise ValueError(f"sample seconds must be > 0, got {self.sample_s!r}")


@dataclass(frozen=True, slots=True)
class Sample:
    """The server at one moment."""

    seconds: float
    events: int
    """Acknowledged so far."""
    rss_mb: float
    queued: float
    """Records that waited for a commit when a request was last answered."""


class Sampler:
    """Looks at the server every few seconds while the block runs, and once before and after it."""

    def __init__(self, servers: Servers, outcome: Outcome, soak: Soak, say: Say) -> None:
        self.samples: list[Sample] = []
        self._servers = servers
        self._outcome = outcome
        self._soak = soak
        self._say = say
        self._began = perf_counter()
        self._told = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Sample until the block ends."""
        over = threading.Event()
        thread = threading.Thread(target=self._run, args=(over,))
        self._sample()
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        self._sample()

    def _run(self, over: threading.Event) -> None:
        while not over.wait(self._soak.sample_s):
            self._sample()

    def _sample(self) -> None:
        queued = sum(self._servers.metric("fullback_commit_queue_records"))
        sample = Sample(perf_counter() - self._began, self._outcome.received, self._servers.rss_mb, queued)
        self.samples.append(sample)
        percent = 100 * sample.events // self._soak.events
        if percent >= self._told + 5:
            self._told = percent
            rate = sample.events / sample.seconds
            self._say(f"{percent} %: {sample.events:,} events, {rate:,.0f}/s, {sample.rss_mb:.0f} MB")


def run(options: BenchOptions, soak: Soak, say: Say) -> dict[str, Any]:
    """Send the events as fast as they are answered and return the samples and what they say.

    Raises:
        BenchError: the disk is too small, an event is not accounted for, or the server did not start or answer.
    """
    with ExitStack() as stack:
        server = stack.enter_context(postgres())
        server.require_free(soak.events * _EVENT_BYTES[options.text] + _RESERVE_BYTES)
        place = stack.enter_context(arena(server, options))
        now = place.factory.clock.now()
        ledger = Ledger(place.measures, first_day(now), options.text)
        service = Service(options.signals, group_commit=options.group_commit)
        ours = stack.enter_context(side(place, service, options.load, ledger))
        bodies = stack.enter_context(source_bodies(Source(soak.events, options.load, options.seed, now)))
        outcome = Outcome()
        sampler = Sampler(ours.servers, outcome, soak, say)

        def send() -> Outcome:
            with sampler.running():
                return post_all(ours.target, bodies, options.load, outcome)

        say(f"sending {soak.events:,} events")
        _, intake = ours.measure(send)
    return {
        "mode": "soak",
        "options": options.told("processes", "rounds", "events", "warm_up"),
        "soak": asdict(soak),
        "intake": asdict(intake),
        "source_wait_share": outcome.bodyless_s / (outcome.seconds * options.connections),
        "samples": [asdict(sample) for sample in sampler.samples],
        "summary": summary_of(sampler.samples),
    }


def summary_of(samples: Sequence[Sample]) -> dict[str, Any]:
    """Return the memory at 10, 50 and 100 % of the events, its slope over the last half, and whether it is flat.

    Flat means that it grows by less than 5 % in the last half.
    """
    whole = samples[-1].events
    at = {percent: min(samples, key=lambda s: abs(s.events - whole * percent / 100)) for percent in (10, 50, 100)}
    growth = at[100].rss_mb / at[50].rss_mb - 1
    half = [sample for sample in samples if sample.events >= at[50].events]
    return {
        **{f"rss_mb_at_{percent}": round(sample.rss_mb, 1) for percent, sample in at.items()},
        "mb_per_million_events": round(_slope(samples), 2),
        "mb_per_million_events_last_half": round(_slope(half), 2),
        "last_half_growth": round(growth, 4),
        "flat": growth < _FLAT_GROWTH,
        "most_queued": max(sample.queued for sample in samples),
    }


def _slope(samples: Sequence[Sample]) -> float:
    """Return the slope of a straight line through the samples, MB per million events; 0 for a single point."""
    if len({sample.events for sample in samples}) < 2:  # noqa: PLR2004 - a line needs two points
        return 0.0
    line = statistics.linear_regression([s.events / 1e6 for s in samples], [s.rss_mb for s in samples])
    return line.slope


def render(document: dict[str, Any]) -> list[str]:
    """Return the result as lines for people: some samples, then what all of them say."""
    samples, summary, intake = document["samples"], document["summary"], document["intake"]
    step = max(1, len(samples) // _SHOWN)
    shown = [*samples[:-1][::step], samples[-1]]
    rows = [[f"{s['seconds']:.0f}", f"{s['events']:,}", f"{s['rss_mb']:.1f}", f"{s['queued']:,.0f}"] for s in shown]
    return [
        options_line(document),
        (
            f"{intake['cost']['events_per_s']:,.0f} events/s, ack p50 {intake['ack_p50_ms']:.0f} ms, "
            f"p99 {intake['ack_p99_ms']:.0f} ms; connections waited {100 * document['source_wait_share']:.1f} % of the "
            "time for the source of the events"
        ),
        *table(("s", "events", "RSS MB", "queued"), rows),
        ", ".join(f"{name} {value}" for name, value in summary.items()),
    ]

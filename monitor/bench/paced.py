"""The latency at a share of the maximum rate: an open loop, so that waiting requests are not left out."""

import math
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any

from monitor.bench.ingest import Comparison, comparison, document_of
from monitor.bench.ingest import render as render_rounds
from monitor.bench.load import bodies_of, post_on_schedule
from monitor.bench.options import BenchOptions, Say
from monitor.bench.tables import quantile, table

__all__ = ["Pace", "Paced", "render", "run"]

_KEPT_UP_SHARE = 0.95
_HEAD = (
    "share of max",
    "asked events/s",
    "sent events/s",
    "requests",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "max ms",
    "latest start ms",
    "503",
    "kept up",
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an open loop sends.

    Raises:
        ValueError: a number is not positive, or the arrivals are unknown.
    """

    share: float
    """Of the median maximum rate of the rounds."""
    seconds: float = 30.0
    """How long requests are due."""
    arrivals: str = "poisson"
    """``poisson``: independent of each other, as from many shippers; ``even``: all the same distance apart."""

    def __post_init__(self) -> None:
        if not self.share > 0 or not self.seconds > 0:
            raise ValueError(f"rate share and seconds must be > 0, got {self.share!r} and {self.seconds!r}")
        if self.arrivals not in {"poisson", "even"}:
            raise ValueError(f"arrivals must be 'poisson' or 'even', got {self.arrivals!r}")

    def due_s(self, requests: int, interval_s: float, seed: int) -> Iterator[float]:
        """Yield when each request is due, in seconds after the start."""
        chance = random.Random(seed)
        steps = (
            interval_s if self.arrivals == "even" else chance.expovariate(1 / interval_s) for _ in range(requests - 1)
        )
        return accumulate(steps, initial=0.0)


@dataclass(frozen=True, slots=True)
class Paced:
    """What an open loop saw; latencies count from when a request was due to its answer."""

    share: float
    asked_events_per_s: float
    sent_events_per_s: float
    """Events acknowledged, over the time to the last answer."""
    requests: int
    ack_p50_ms: float
    ack_p95_ms: float
    ack_p99_ms: float
    ack_max_ms: float
    latest_start_ms: float
    """How long the most belated request waited for a free connection."""
    refused: int
    kept_up: bool
    """Whether the rate sent was at least 0.95 of the rate that the schedule asked for."""


def run(options: BenchOptions, pace: Pace, say: Say) -> dict[str, Any]:
    """Find the maximum rate in the rounds, then send at a share of it.

    Raises:
        BenchError: an event is not accounted for, or a server did not start or answer.
    """
    with comparison(options) as bench:
        document = document_of(options, bench.rounds(say))
        paced = _paced(bench, options, pace, document["median"]["events_per_s"], say)
    return {**document, "mode": "rate-share", "pace": asdict(pace), "paced": asdict(paced)}


def _paced(bench: Comparison, options: BenchOptions, pace: Pace, most: float, say: Say) -> Paced:
    interval_s = options.batch / (most * pace.share)
    requests = max(1, math.ceil(pace.seconds / interval_s))
    say(f"preparing {requests * options.batch:,} events")
    bodies = list(bodies_of(bench.generator.events(requests * options.batch), options.load))
    due_s = list(pace.due_s(requests, interval_s, options.seed))
    say(f"sending {most * pace.share:,.0f} events/s for {due_s[-1]:.0f} s")
    outcome, intake = bench.side.measure(lambda: post_on_schedule(bench.side.target, bodies, due_s, options.load))
    asked = requests * options.batch / (due_s[-1] + interval_s)
    sent = outcome.received / max(outcome.seconds, due_s[-1] + interval_s)
    return Paced(
        share=pace.share,
        asked_events_per_s=asked,
        sent_events_per_s=sent,
        requests=requests,
        ack_p50_ms=intake.ack_p50_ms,
        ack_p95_ms=intake.ack_p95_ms,
        ack_p99_ms=intake.ack_p99_ms,
        ack_max_ms=1e3 * quantile(outcome.latencies_s, 1.0),
        latest_start_ms=1e3 * outcome.latest_start_s,
        refused=outcome.refused,
        kept_up=sent >= _KEPT_UP_SHARE * asked,
    )


def render(document: dict[str, Any]) -> list[str]:
    """Return the result as lines for people: the rounds, then the open loop."""
    paced = document["paced"]
    cells = [
        f"{paced['share']:g}",
        f"{paced['asked_events_per_s']:,.0f}",
        f"{paced['sent_events_per_s']:,.0f}",
        f"{paced['requests']}",
        *(f"{paced[name]:.0f}" for name in ("ack_p50_ms", "ack_p95_ms", "ack_p99_ms", "ack_max_ms", "latest_start_ms")),
        f"{paced['refused']}",
        "yes" if paced["kept_up"] else "no",
    ]
    arrivals = document["pace"]["arrivals"]
    return [
        *render_rounds(document),
        f"open loop, {arrivals} arrivals, latency from when a request was due:",
        *table(_HEAD, [cells]),
    ]

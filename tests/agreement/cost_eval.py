"""What reading the signals costs, beside ``orjson.loads`` of the same events in the same run.

``python -m tests.agreement.cost_eval [--events N] [--passes N] [--seed N] [--json]``. The events are those of
``fullback bench ingest``: made up from a seed, 1.9 KB in the mean.
"""

import argparse
import gc
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Any, Final

import orjson

from detectors.base import Signal
from detectors.registry import SIGNALS
from detectors.types import Exchange, SignalKind
from monitor.bench.events import Generator
from monitor.intake import native
from monitor.intake.limits import Limits
from monitor.models.event import Event
from monitor.services.ingest import read_signals

NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOT_OF_TEXT: Final = ("request_error",)
"""Beside the latencies, which read no text either."""
PARSE: Final = "orjson.loads"
ALL: Final = "all signals, as ingest reads them"
OF_TEXT: Final = "all text signals, as ingest reads them"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one reader: µs an event, each event timed by itself, as the quietest pass had it."""

    median: float
    p99: float


def exchanges(events: Sequence[bytes]) -> list[Exchange]:
    """Return the events as signals see them."""
    found = [native.parse(raw, at, NOW, Limits()).result for at, raw in enumerate(events)]
    return [each.exchange for each in found if isinstance(each, Event)]


def timed(read: Callable[[Any], object], arguments: Sequence[Any], empty: float) -> Cost:
    """Return what one pass over the arguments costs, without the ``empty`` µs that the timing itself takes."""
    taken = []
    for each in arguments:
        began = perf_counter_ns()
        read(each)
        taken.append(perf_counter_ns() - began)
    taken.sort()
    return Cost(taken[len(taken) // 2] / 1e3 - empty, taken[len(taken) * 99 // 100] / 1e3 - empty)


def measured(seed: int, n: int, passes: int) -> dict[str, Cost]:
    """Return the costs: readers take turns, so that a noisy minute is shared by all of them."""
    events = list(Generator(seed, NOW).events(n))
    read = exchanges(events)
    of_text = {
        name: each for name, each in SIGNALS.items() if each.kind is not SignalKind.LATENCY and name not in NOT_OF_TEXT
    }
    readers: list[tuple[str, Callable[[Any], object], Sequence[Any]]] = [
        (PARSE, orjson.loads, events),
        (ALL, _together(SIGNALS), read),
        (OF_TEXT, _together(of_text), read),
        *((name, each.read, read) for name, each in SIGNALS.items()),
    ]
    best: dict[str, Cost] = {}
    gc.collect()
    gc.disable()
    try:
        for _ in range(passes):
            empty = timed(_nothing, read, 0.0).median
            for name, reader, arguments in readers:
                cost = timed(reader, arguments, empty)
                known = best.get(name, cost)
                best[name] = Cost(min(known.median, cost.median), min(known.p99, cost.p99))
    finally:
        gc.enable()
    return best


def _together(signals: Mapping[str, Signal]) -> Callable[[Exchange], object]:
    return lambda exchange: read_signals(exchange, signals)


def _nothing(_: Exchange) -> None:
    return None


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--events", type=int, default=2_000)
    parser.add_argument("--passes", type=int, default=5, help="the quietest of them counts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    costs = measured(chosen.seed, chosen.events, chosen.passes)
    if chosen.json:
        print(json.dumps({name: asdict(cost) for name, cost in costs.items()}, indent=2))
        return 0
    parse = costs[PARSE]
    print("| µs an event | median | p99 | of orjson's median | of orjson's p99 |\n|---|---|---|---|---|")
    for name, cost in costs.items():
        shares = f"{cost.median / parse.median:.2f} | {cost.p99 / parse.p99:.2f}"
        print(f"| {name} | {cost.median:.1f} | {cost.p99:.1f} | {shares} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A full database against an empty one: what many stored rows and partitions cost those that come."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from time import perf_counter
from typing import Any

from monitor.bench.events import ROUTE, Generator
from monitor.bench.options import BenchOptions, Say, at_least
from monitor.bench.sides import COST_HEAD, Ledger, Side, alternate, cost_cells, first_day, side
from monitor.bench.stack import SOURCE, Arena, Service, arena, postgres
from monitor.bench.tables import medians, options_line, table
from monitor.storage.measures import Filling, fill

__all__ = ["Stored", "render", "run"]

_FULL, _EMPTY = "full", "empty"
_ROW_BYTES = 600
"""A narrow row with its indexes, generously."""
_RESERVE_BYTES = 4e9
"""The write-ahead log, and what the rounds store."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the full database holds: narrow rows over daily partitions that end today.

    Raises:
        ValueError: a number is too small.
    """

    rows: int
    partitions: int = 365

    def __post_init__(self) -> None:
        at_least(1, self, "partitions")
        at_least(self.partitions, self, "rows")

    def days(self, today: date) -> tuple[date, ...]:
        """Return the days of the partitions, oldest first."""
        return tuple(today - timedelta(days=back) for back in reversed(range(self.partitions)))


def run(options: BenchOptions, stored: Stored, say: Say) -> dict[str, Any]:
    """Fill one of two databases, alternate rounds between a server on each, and return each pair and the median.

    The servers have the role ``api``: no worker runs, so retention drops none of the old days.

    Raises:
        BenchError: the disk is too small, an event is not accounted for, or a server did not start or answer.
    """
    service = Service(options.signals, group_commit=options.group_commit)
    with ExitStack() as stack:
        server = stack.enter_context(postgres())
        server.require_free(stored.rows * _ROW_BYTES + _RESERVE_BYTES)
        places = {name: stack.enter_context(arena(server, options)) for name in (_FULL, _EMPTY)}
        filled = _fill(places[_FULL], stored, say)
        now = places[_FULL].factory.clock.now()
        sides: dict[str, Side] = {}
        for name, place in places.items():
            ledger = Ledger(place.measures, first_day(now), options.text)
            sides[name] = stack.enter_context(side(place, service, options.load, ledger))
        rounds = alternate(sides, Generator(options.seed, now), options, say, _send)
    return _document(options, stored, filled, rounds)


def _send(each: Side, bodies: Sequence[bytes]) -> dict[str, Any]:
    return asdict(each.post(bodies))


def _fill(place: Arena, stored: Stored, say: Say) -> dict[str, float]:
    """Fill a database and return what it then holds."""
    catalog = place.factory.catalog.get()
    route = catalog.routes[ROUTE]
    variants = tuple(variant.id for variant in catalog.variants[route.id])
    days = stored.days(place.factory.clock.now().date())
    began = perf_counter()
    step = max(1, stored.partitions // 20)

    def told(rows: int, partitions: int) -> None:
        if partitions % step == 0 or partitions == stored.partitions:
            say(f"filled {rows:,} of {stored.rows:,} rows, {partitions} of {stored.partitions} partitions")

    fill(place.url, Filling(stored.rows, days, route.id, variants, SOURCE), told)
    found = place.measures.stored(days[0])[0]
    place.measures.settle()
    return {
        "rows": found,
        "partitions": place.measures.partitions(),
        "bytes": place.measures.event_bytes(),
        "seconds": round(perf_counter() - began, 1),
    }


def _document(
    options: BenchOptions, stored: Stored, filled: dict[str, float], rounds: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    def rate(each: dict[str, Any], name: str) -> float:
        return float(each[name]["cost"]["events_per_s"])

    return {
        "mode": "stored",
        "options": options.told("processes"),
        "stored": asdict(stored),
        "filled": filled,
        "rounds": [{"sides": each, "ratio": rate(each, _FULL) / rate(each, _EMPTY)} for each in rounds],
        "median": medians(
            {
                "ratio": [rate(each, _FULL) / rate(each, _EMPTY) for each in rounds],
                "full_events_per_s": [rate(each, _FULL) for each in rounds],
                "empty_events_per_s": [rate(each, _EMPTY) for each in rounds],
            }
        ),
    }


def render(document: dict[str, Any]) -> list[str]:
    """Return the result as lines for people: both sides of every round, then the medians."""
    filled = document["filled"]
    rows = [
        [
            f"{number}",
            name,
            f"{intake['cost']['events_per_s']:,.0f}",
            f"{each['ratio']:.2f}" if name == _FULL else "",
            *cost_cells(intake),
        ]
        for number, each in enumerate(document["rounds"], 1)
        for name, intake in each["sides"].items()
    ]
    return [
        options_line(document),
        (
            f"full: {filled['rows']:,} rows in {filled['partitions']} partitions, {filled['bytes'] / 1e9:.2f} GB, "
            f"filled in {filled['seconds']:.0f} s"
        ),
        *table(("round", "database", "events/s", "full/empty", *COST_HEAD), rows),
        "median: " + ", ".join(f"{name} {value:g}" for name, value in document["median"].items()),
    ]

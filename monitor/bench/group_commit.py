"""Group commit against one transaction a request, on the same database, side by side in one run."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from monitor.bench.events import Generator
from monitor.bench.options import BenchOptions, Say, at_least
from monitor.bench.sides import COST_HEAD, Ledger, Side, alternate, cost_cells, first_day, side
from monitor.bench.stack import Arena, Service, arena, postgres
from monitor.bench.tables import medians, options_line, table

__all__ = ["Rivals", "render", "run"]

_GROUP, _ONE, _SEVERAL = "group commit", "one connection", "several connections"


@dataclass(frozen=True, slots=True)
class Rivals:
    """What group commit is compared with: one transaction a request, over one connection and over several.

    Raises:
        ValueError: several are fewer than two.
    """

    writers: int = 8

    def __post_init__(self) -> None:
        at_least(2, self, "writers")


def run(options: BenchOptions, rivals: Rivals, say: Say) -> dict[str, Any]:
    """Run every round on three live servers; return each pair and the medians.

    Each connection of the load is a source of its own: the account of one source is one row, for which the
    transactions of several connections would only wait for each other.

    Raises:
        BenchError: an event is not accounted for, or a server did not start or answer.
    """
    services = {
        _GROUP: Service(options.signals),
        _ONE: Service(options.signals, group_commit=False),
        _SEVERAL: Service(options.signals, group_commit=False, writers=rivals.writers),
    }
    with ExitStack() as stack:
        place = stack.enter_context(arena(stack.enter_context(postgres()), options, sources=options.connections))
        now = place.factory.clock.now()
        ledger = Ledger(place.measures, first_day(now), options.text)
        sides = {
            name: stack.enter_context(side(place, service, options.load, ledger)) for name, service in services.items()
        }
        generator = Generator(options.seed, now)

        def send(each: Side, bodies: Sequence[bytes]) -> dict[str, Any]:
            return _send(place, each, bodies)

        rounds = alternate(sides, generator, options, say, send)
    return _document(options, rivals, rounds)


def _send(place: Arena, each: Side, bodies: Sequence[bytes]) -> dict[str, Any]:
    """Return what a side did, and how many transactions it took."""
    since = first_day(place.factory.clock.now())
    before = place.measures.commits(since)
    intake = each.post(bodies)
    return {**asdict(intake), "commits": place.measures.commits(since) - before}


def _document(options: BenchOptions, rivals: Rivals, rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    def rate(each: dict[str, Any], name: str) -> float:
        return float(each[name]["cost"]["events_per_s"])

    return {
        "mode": "compare-group-commit",
        "options": options.told("group_commit", "processes"),
        "rivals": asdict(rivals),
        "rounds": [
            {
                "sides": each,
                "ratio_to_one": rate(each, _GROUP) / rate(each, _ONE),
                "ratio_to_several": rate(each, _GROUP) / rate(each, _SEVERAL),
            }
            for each in rounds
        ],
        "median": medians(
            {
                "ratio_to_one": [rate(each, _GROUP) / rate(each, _ONE) for each in rounds],
                "ratio_to_several": [rate(each, _GROUP) / rate(each, _SEVERAL) for each in rounds],
                "group_events_per_s": [rate(each, _GROUP) for each in rounds],
                "one_events_per_s": [rate(each, _ONE) for each in rounds],
                "several_events_per_s": [rate(each, _SEVERAL) for each in rounds],
            }
        ),
    }


def render(document: dict[str, Any]) -> list[str]:
    """Return the result as lines for people: every side of every round, then the medians."""
    head = ("round", "side", "events/s", "group/this", "events a commit", *COST_HEAD)
    rows = [
        [
            f"{number}",
            name if name != _SEVERAL else f"{document['rivals']['writers']} connections",
            f"{intake['cost']['events_per_s']:,.0f}",
            f"{each['sides'][_GROUP]['cost']['events_per_s'] / intake['cost']['events_per_s']:.2f}",
            f"{document['options']['events'] / intake['commits']:.1f}",
            *cost_cells(intake),
        ]
        for number, each in enumerate(document["rounds"], 1)
        for name, intake in each["sides"].items()
    ]
    return [
        options_line(document),
        "one connection, several connections: one transaction a request",
        *table(head, rows),
        "median: " + ", ".join(f"{name} {value:g}" for name, value in document["median"].items()),
    ]

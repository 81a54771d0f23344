"""How long closing a tick takes, stage by stage, with its read from PostgreSQL, beside the machine's load."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from time import perf_counter, process_time
from typing import Any, Final

from detectors.registry import SIGNALS
from monitor.bench.options import BenchError, Say, at_least
from monitor.bench.sides import processes
from monitor.bench.stack import Postgres, cpu_s, postgres
from monitor.bench.tables import medians, table
from monitor.clock import SystemClock
from monitor.config import Settings
from monitor.factory import Factory
from monitor.models.route import Mode, Route, TargetRef
from monitor.models.tick import RouteClock, tick_of, tick_start
from monitor.models.variant import Role, Tier
from monitor.services.routes import RouteSpec
from monitor.storage.clocks import ClockStore
from monitor.storage.made_ticks import MADE_SLICES, MadeTick, make_ticks
from monitor.storage.measures import Filling, Measures, fill, scratch_database
from monitor.storage.routes import VariantSpec
from monitor.storage.schema import upgrade
from monitor.storage.session import Database
from monitor.storage.streams import StreamStore

__all__ = ["EvaluateOptions", "render", "run"]

STAGES: Final = ("read", "pair", "count", "fold", "store")
_SOURCE: Final = "bench"
_PER_SLICE: Final = sum(2 if signal.paired else 1 for signal in SIGNALS.values())
"""Streams of one slice: the candidate's, and the baseline's against itself."""
_LEAD: Final = 2
"""Ticks closed before anything is measured: latencies need thresholds, memory must be warm."""
_ROW_BYTES: Final = 600
_RESERVE_BYTES: Final = 3e9


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """What a tick holds, and what is stored beside it.

    Raises:
        ValueError: a number is too small.
    """

    events: int = 100_000
    """Of one tick: twice its pairs."""
    streams: int = 500
    """About; as many slices are watched as come nearest."""
    rounds: int = 5
    stored: int = 0
    """Rows of the days before, of the same route."""
    partitions: int = 365

    def __post_init__(self) -> None:
        at_least(2, self, "events")
        at_least(1, self, "streams", "rounds", "partitions")
        if self.stored and self.stored < self.partitions:
            raise ValueError(f"stored must be 0 or >= partitions ({self.partitions}), got {self.stored}")

    @property
    def slices(self) -> tuple[str, ...]:
        """The slices that are watched."""
        return MADE_SLICES[: max(1, round(self.streams / _PER_SLICE))]


def run(options: EvaluateOptions, say: Say) -> dict[str, Any]:
    """Close ticks one after another and return what each took.

    Raises:
        BenchError: the disk is too small, or a tick was not closed or lost pairs.
    """
    with postgres() as server, _place(server, options) as factory:
        route = factory.routes.get("bench")
        first = _prepare(factory, route, options, say)
        rounds = _close(factory, route, first, options, say)
        with factory.database.reading() as session:
            streams = len(StreamStore(session).of_route(route.id))
    return {
        "mode": "evaluate",
        "options": asdict(options),
        "streams": streams,
        "rounds": rounds,
        "median": medians(
            {
                "seconds": [each["seconds"] for each in rounds],
                **{name: [each["stages"].get(name, 0.0) for each in rounds] for name in STAGES},
                "cpu_s": [each["cpu_s"] for each in rounds],
                "postgres_cpu_s": [each["postgres_cpu_s"] for each in rounds],
                "events_per_s": [options.events / each["seconds"] for each in rounds],
            }
        ),
    }


@contextmanager
def _place(server: Postgres, options: EvaluateOptions) -> Iterator[Factory]:
    """Make a database with a route that watches the slices; drop it at the end."""
    ticks = options.rounds + _LEAD + 2
    server.require_free(_ROW_BYTES * (options.stored + ticks * options.events) + _RESERVE_BYTES)
    with ExitStack() as stack:
        database = Database(stack.enter_context(scratch_database(server.url)))
        stack.callback(database.close)
        upgrade(database)
        factory = Factory(Settings(), clock=SystemClock(), database=database)
        factory.policies.add("bench", {"slices": list(options.slices)}, _SOURCE)
        factory.routes.add(
            RouteSpec(
                name="bench",
                targets=(
                    TargetRef("memory", {"name": "bench", "weights": {"base": 10, "cand": 90}, "mirror": "base"}),
                ),
                variants=[
                    VariantSpec("base", Role.BASELINE, "base", "bf16", Tier.SERVING, None, None),
                    VariantSpec("cand", Role.CANDIDATE, "cand", "int4", Tier.QUANTIZED, None, None),
                ],
                policy="bench",
                mode=Mode.OBSERVE,
            ),
            _SOURCE,
        )
        yield factory


def _prepare(factory: Factory, route: Route, options: EvaluateOptions, say: Say) -> int:
    """Store the traffic, the tick before and after it too, and start the clock; return the first tick to close."""
    now, tick_s = factory.clock.now(), factory.policies.get(route.policy).tick_s
    variants = {one.role: one.id for one in factory.routes.variants(route)}
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    length = options.rounds + _LEAD
    first = min(tick_of(now, tick_s), tick_of(midnight + timedelta(days=1), tick_s) - length - 2)
    if options.stored:
        days = tuple((midnight - timedelta(days=back)).date() for back in range(options.partitions, 0, -1))
        step = max(1, options.partitions // 10)

        def told(rows: int, partitions: int) -> None:
            if partitions % step == 0:
                say(f"filled {rows:,} of {options.stored:,} rows")

        filling = Filling(options.stored, days, route.id, tuple(variants.values()), _SOURCE)
        fill(factory.database.url, filling, told)
    make_ticks(
        factory.database.url,
        [
            MadeTick(
                route.id,
                variants[Role.BASELINE],
                variants[Role.CANDIDATE],
                tick_start(tick, tick_s),
                tick_start(tick + 1, tick_s),
                options.events // 2,
            )
            for tick in range(first - 1, first + length + 1)
        ],
    )
    with factory.database.transaction() as session:
        ClockStore(session).start(RouteClock(route.id, tick_s, first - 1, 5.0, now, now))
    say(f"stored {length + 2} ticks of {options.events:,} events")
    return first


def _close(factory: Factory, route: Route, first: int, options: EvaluateOptions, say: Say) -> list[dict[str, Any]]:
    policy = factory.policies.get(route.policy)
    rounds, measures = [], Measures(factory.database.url)
    backends = processes(measures.backends())
    measures.close()
    for tick in range(first, first + _LEAD + options.rounds):
        with factory.database.reading() as session:
            clock = ClockStore(session).get(route.id)
        factory.evaluate.stages.take()
        began, spent, theirs = perf_counter(), process_time(), cpu_s(backends)
        if clock is None or not factory.evaluate.close_tick(route, policy, clock, tick):
            raise BenchError(f"tick {tick} was not closed")
        seconds, cpu, postgres_cpu = perf_counter() - began, process_time() - spent, cpu_s(backends) - theirs
        stages = factory.evaluate.stages.take()
        _account(factory, route, tick, options)
        if tick >= first + _LEAD:
            told = {"seconds": seconds, "stages": stages, "cpu_s": cpu, "postgres_cpu_s": postgres_cpu}
            rounds.append(told | {"load_1m": os.getloadavg()[0]})
            say(f"round {len(rounds)} of {options.rounds}: {seconds:.3f} s")
    return rounds


def _account(factory: Factory, route: Route, tick: int, options: EvaluateOptions) -> None:
    """Check that every pair was counted once."""
    with factory.database.reading() as session:
        store = StreamStore(session)
        streams = [one for one in store.of_route(route.id) if (one.signal, one.slice) == ("request_error", "all")]
        counted = sum(store.counted(one, tick, tick).n for one in streams)
    if counted != options.events // 2:
        raise BenchError(f"tick {tick} has {options.events // 2:,} pairs, {counted:,} were counted")


def render(document: dict[str, Any]) -> list[str]:
    """Return the result as lines for people: every round, then the medians."""
    return [
        "  ".join(f"{name} {value}" for name, value in {**document["options"], "streams": document["streams"]}.items()),
        *table(
            ("round", "s", *(f"{name} s" for name in STAGES), "CPU s", "PG CPU s", "load"), _cells(document["rounds"])
        ),
        "median: " + ", ".join(f"{name} {value:g}" for name, value in document["median"].items()),
    ]


def _cells(rounds: Sequence[dict[str, Any]]) -> Iterator[list[str]]:
    for number, each in enumerate(rounds, 1):
        stages = [each["stages"].get(name, 0.0) for name in STAGES]
        figures = [each["seconds"], *stages, each["cpu_s"], each["postgres_cpu_s"]]
        yield [f"{number}", *(f"{figure:.3f}" for figure in figures), f"{each['load_1m']:.1f}"]

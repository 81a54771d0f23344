"""The fault matrix of a flip: every fault at every step of the controller, each cell's end state and its invariants.

``python -m tests.e2e.flip_matrix --json [--target T] [--fault F] [--step S] [--length L]``

In process, over a real PostgreSQL and a clock that stands still. Users are served by what the router really does.
``--real`` runs service processes with a real Envoy instead: SIGKILL, SIGSTOP, PostgreSQL killed (test_flip_kill.py).
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from monitor.clock import SystemClock
from monitor.errors import FullbackError
from monitor.models.route import Phase, Writer
from monitor.storage.schema import upgrade
from monitor.storage.session import Database
from tests.support.envoy import running_envoy
from tests.support.flip_cell import LEASE_S, LONG_S, ROUND_S, SHORT_S, Cell, Process, Site
from tests.support.flip_expected import CANNOT_EXIST, expected_end
from tests.support.flip_faults import HUMAN, START, Adapter, EnvoyAdapter, Killed, MemoryAdapter, Trouble
from tests.support.flip_invariants import broken
from tests.support.flip_steps import STEPS, Step
from tests.support.service import Postgres
from tests.support.world import race

__all__ = ["FAULTS", "TARGETS", "Fault", "Outcome", "cells", "run_cell", "site_of"]

_QUIET_ROUNDS: Final = 5
_LULL_S: Final = 15
_MOST_ROUNDS: Final = 120
_ATTEMPTS: Final = 9
_HOUR_S: Final = 3600


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, how long it may last, and where in a step."""

    name: str
    lengths: tuple[str, ...]
    inject: Callable[[Cell, str, str], str | None]
    """Let it happen and end; returns why it could not, where it could not."""
    points: tuple[str, ...] = ("",)


@dataclass
class Outcome:
    """What one cell came to; ``wrong`` is empty when all held."""

    target: str
    fault: str
    length: str
    point: str
    step: str
    expected: str = ""
    end: str = ""
    """The phase, or why the cell cannot exist."""
    exists: bool = True
    writes: int = 0
    stale: int = 0
    """Writes with an older epoch that reached the router."""
    refused: int = 0
    """Those that a fence turned away."""
    pages: int = 0
    moves: int = 0
    told: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


def _seconds(length: str) -> int:
    return SHORT_S if length == "short" else LONG_S


def _attempts(cell: Cell) -> Iterator[None]:
    """Yield before each try of the step that a cell is at; time and traffic pass in between; ends when it moved on."""
    before = _place(cell)
    for _ in range(_ATTEMPTS):
        yield
        if cell.first.points.fired.is_set() or _place(cell) != before:
            return
        cell.clock.wait(ROUND_S)
        cell.serve()


def _place(cell: Cell) -> tuple[Any, ...]:
    control = cell.control
    return control.phase, control.stage, control.epoch


def _kill(cell: Cell, length: str, point: str) -> str | None:
    """The process dies at the point; another takes over once the lease has run out, or nobody for a long time."""

    def die() -> None:
        raise Killed

    cell.first.points.at(point, die)
    cell.first.leads()
    for _ in _attempts(cell):
        with suppress(Killed):
            cell.first.step()
    if not cell.first.points.fired.is_set():
        return "not reached"
    cell.processes.clear()
    if length == "long":
        cell.pass_time(LONG_S)
    cell.join()
    return None


def _pause(cell: Cell, length: str, point: str) -> str | None:
    """The leader stands still at the point for longer than its lease; another leads; then the first one goes on."""
    cell.first.leads()
    for _ in _attempts(cell):
        with cell.held_at(point, cell.first.step) as reached:
            if reached:
                sleeper = cell.processes.pop(0)
                cell.join()
                cell.pass_time(LEASE_S + ROUND_S if length == "short" else LONG_S + LEASE_S)
                cell.processes.append(sleeper)
    return None if cell.first.points.fired.is_set() else "not reached"


def _trouble(trouble: Trouble) -> Callable[[Cell, str, str], str | None]:
    def inject(cell: Cell, length: str, _point: str) -> str | None:
        cell.router.trouble = trouble
        if length == "ever":
            return None
        cell.first.round()
        cell.pass_time(_seconds(length))
        cell.router.trouble = None
        return None

    return inject


def _gitops(cell: Cell, length: str, _point: str) -> str | None:
    """A repository's manager puts back what its repository says: once, or again after each of our writes."""
    cell.router.write_as(Writer.GITOPS, START, "base")
    cell.first.round()
    for _ in range(0 if length == "once" else LONG_S // ROUND_S):
        cell.pass_time(ROUND_S)
        if cell.router.log[-1].by != Writer.GITOPS:
            cell.router.write_as(Writer.GITOPS, START, "base")
    return None


def _human(cell: Cell, _length: str, _point: str) -> str | None:
    cell.router.write_as(Writer.OTHER, HUMAN, None)
    return None


def _clock(cell: Cell, length: str, _point: str) -> str | None:
    """The service's clock jumps; an hour later at most it agrees with the past again."""
    cell.clock.wait(_HOUR_S if length == "+1 h" else -_HOUR_S)
    cell.first.round()
    cell.pass_time(2 * LONG_S)
    if length == "-1 h":
        cell.clock.wait(_HOUR_S)
    return None


def _two_leaders(cell: Cell, length: str, _point: str) -> str | None:
    """Both believe that they lead, and step at the same instants."""
    other = cell.join()
    pair = (cell.first, other)

    def at_once(process: Process) -> Callable[[], bool]:
        return process.step

    for _ in range(1 + _seconds(length) // ROUND_S):
        for _ in range(12):
            if not any(found is True for found in race(*(at_once(one) for one in pair))):
                break
        cell.clock.wait(ROUND_S)
        cell.serve()
        cell._evaluate()
    return None


def _database_away(cell: Cell, length: str, point: str) -> str | None:
    """PostgreSQL goes away at the point of a step and comes back."""
    cell.first.points.at(point, cell.site.cut)
    cell.first.leads()
    try:
        for _ in _attempts(cell):
            with suppress(FullbackError):
                cell.first.step()
            if cell.site.away:
                cell.pass_time(_seconds(length))
                cell.site.heal()
    finally:
        if cell.site.away:
            cell.site.heal()
    return None if cell.first.points.fired.is_set() else "not reached"


_CALL = ("before call", "after call")
_COMMIT = ("before commit", "after commit")
_BOTH = ("short", "long")
FAULTS: Final[dict[str, Fault]] = {
    fault.name: fault
    for fault in (
        Fault("kill", _BOTH, _kill, (*_CALL, *_COMMIT)),
        Fault("pause", _BOTH, _pause, (*_CALL, "before transaction")),
        Fault("partition", _BOTH, _trouble(Trouble.PARTITION)),
        Fault("409", _BOTH, _trouble(Trouble.CONFLICT)),
        Fault("422", _BOTH, _trouble(Trouble.REFUSED)),
        Fault("5xx", _BOTH, _trouble(Trouble.FAILING)),
        Fault("timeout after success", _BOTH, _trouble(Trouble.ANSWER_LOST)),
        Fault("swallowed write", _BOTH, _trouble(Trouble.SWALLOWED)),
        Fault("stale replica", (*_BOTH, "ever"), _trouble(Trouble.STALE_REPLICA)),
        Fault("gitops", ("once", "fights"), _gitops),
        Fault("human", ("once",), _human),
        Fault("clock", ("+1 h", "-1 h"), _clock),
        Fault("two leaders", _BOTH, _two_leaders),
        Fault("database away", _BOTH, _database_away, ("before call", "after call", "before commit")),
    )
}
Key = tuple[Fault, str, str, Step]


def cells(fault: str | None = None, step: str | None = None, length: str | None = None) -> list[Key]:
    """Return the cells of one target, those that cannot exist too."""
    return [
        (one, how_long, point, at)
        for one in FAULTS.values()
        if fault in {None, one.name}
        for how_long in one.lengths
        if length in {None, how_long}
        for point in one.points
        for at in STEPS
        if step in {None, at.name}
    ]


def run_cell(site: Site, adapter: Adapter, key: Key) -> Outcome:
    """Go to the step, inject, heal, run on until nothing moves, and judge."""
    fault, length, point, step = key
    outcome = Outcome(adapter.name, fault.name, length, point, step.name)
    clock = SystemClock()
    began = clock.now()
    cell = Cell(site, adapter, drains=step.drains)
    try:
        step.reach(cell)
        cell.first.look._watched_at.clear()
        audits, writes = len(cell.audits), len(cell.router.log)
        why = CANNOT_EXIST.reason(fault.name, point, step)
        failed = fault.inject(cell, length, point)
        if why is not None or failed is not None:
            outcome.exists, outcome.end = False, why or f"{failed}"
            if why is None or failed is None:
                outcome.wrong.append(f"the table says {why or 'it exists'}; the cell says {failed or 'it exists'}")
            return outcome
        end = _settle(cell)
        outcome.end, outcome.expected = end.value, expected_end(fault.name, length, point, step, adapter.capabilities)
        if outcome.end not in outcome.expected.split("|"):
            outcome.wrong.append(f"ended in {outcome.end}, expected {outcome.expected}")
        outcome.wrong += broken(cell, fault.name, step.name, since_audit=audits, since_write=writes)
        outcome.told = [alert["kind"] for alert in cell.alerts]
        outcome.pages = sum(alert["severity"] == "page" for alert in cell.alerts)
        outcome.moves = len(cell.audits) - audits
        ours = [one for one in cell.router.log if one.by.startswith("process")]
        outcome.writes, outcome.stale = len(ours), sum(one.stale for one in ours)
        outcome.refused = cell.router.refused_stale
        if outcome.wrong:
            outcome.told += [f"{a.action}:{a.to_phase.value}@{a.epoch}" for a in cell.audits]
    finally:
        cell.close()
        outcome.seconds = round((clock.now() - began).total_seconds(), 2)
    return outcome


def _settle(cell: Cell) -> Phase:
    """Run on until the phase has stayed for a while."""
    quiet, last = 0, None
    for _ in range(_MOST_ROUNDS):
        cell.pass_time(ROUND_S if quiet < 2 else _LULL_S, every=ROUND_S if quiet < 2 else _LULL_S)
        now = _place(cell)
        quiet = quiet + 1 if now == last else 0
        last = now
        if quiet >= _QUIET_ROUNDS:
            break
    return cell.phase


@contextmanager
def _memory(*, fencing: bool, names_writer: bool, name: str) -> Iterator[Adapter]:
    yield MemoryAdapter(name, fencing=fencing, names_writer=names_writer)


@contextmanager
def _envoy() -> Iterator[Adapter]:
    folder = Path(tempfile.mkdtemp(prefix="fullback-flip-envoy-", dir="/tmp"))
    try:
        with running_envoy(folder) as envoy:
            yield EnvoyAdapter(envoy)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


TARGETS: Final[dict[str, Callable[[], Any]]] = {
    "memory": lambda: _memory(fencing=True, names_writer=False, name="memory"),
    "memory-naming-writers": lambda: _memory(fencing=True, names_writer=True, name="memory-naming-writers"),
    "memory-without-fencing": lambda: _memory(fencing=False, names_writer=False, name="memory-without-fencing"),
    "envoy": _envoy,
}
"""Each kind of router: a context that yields its adapter."""


@contextmanager
def site_of(server_url: str, name: str) -> Iterator[Site]:
    """A fresh migrated database on a server."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    before, _, query = server_url.partition("?")
    url = f"{before.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")
    database = Database(url, pool_size=1)
    upgrade(database)
    database.close()
    site = Site(url, server_url)
    try:
        yield site
    finally:
        site.close()
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def run_matrix(server_url: str, target: str, keys: Iterable[Key], told: Callable[[Outcome], None]) -> list[Outcome]:
    """Run cells against one kind of router."""
    outcomes = []
    with TARGETS[target]() as adapter, ExitStack() as stack:
        site: Site | None = None
        for number, key in enumerate(keys):
            if number % 60 == 0:  # a route stays in its database: a fresh one keeps the look at all routes cheap
                stack.close()
                site = stack.enter_context(site_of(server_url, f"flip_{target.replace('-', '_')}_{number}"))
            assert site is not None
            outcomes.append(run_cell(site, adapter, key))
            told(outcomes[-1])
    return outcomes


def summary(outcomes: list[Outcome]) -> dict[str, Any]:
    """Count what the matrix found."""
    ran = [one for one in outcomes if one.exists]
    return {
        "cells": len(ran),
        "cannot_exist": dict(Counter(one.end for one in outcomes if not one.exists)),
        "ends": dict(Counter(one.end for one in ran)),
        "writes": sum(one.writes for one in ran),
        "stale_writes": sum(one.stale for one in ran),
        "refused_stale": sum(one.refused for one in ran),
        "pages": sum(one.pages for one in ran),
        "moves": sum(one.moves for one in ran),
        "most_moves": max((one.moves for one in ran), default=0),
        "wrong": sum(bool(one.wrong) for one in outcomes),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    parser.add_argument("--fault", choices=sorted(FAULTS))
    parser.add_argument("--step", choices=[step.name for step in STEPS])
    parser.add_argument("--length")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--real", action="store_true", help="service processes, a real Envoy, signals")
    parser.add_argument("--seed", type=int, default=1, help="of the real form")
    parser.add_argument("--runs", type=int, default=1, help="of each cell of the real form")
    asked = parser.parse_args()

    def told(outcome: Outcome) -> None:
        if asked.json:
            print(json.dumps(asdict(outcome)), flush=True)
        elif outcome.wrong:
            print(
                f"{outcome.target} {outcome.fault} {outcome.length} {outcome.point} at {outcome.step}: "
                f"{'; '.join(outcome.wrong)}\n    {' '.join(outcome.told)}",
                flush=True,
            )

    if asked.real:
        from tests.e2e.test_flip_kill import real_matrix

        sys.exit(real_matrix(asked.seed, asked.runs, as_json=asked.json))
    keys = cells(asked.fault, asked.step, asked.length)
    folder = Path(tempfile.mkdtemp(prefix="fullback-flip-", dir="/tmp"))
    postgres = Postgres(folder, "-c fsync=off")
    postgres.start()
    wrong = 0
    try:
        for target in asked.target or list(TARGETS):
            found = summary(run_matrix(postgres.admin_url, target, keys, told))
            wrong += found["wrong"]
            print(json.dumps({"target": target, **found}), flush=True)
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

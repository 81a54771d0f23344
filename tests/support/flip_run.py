"""One cell of the flip matrix: go to the step, inject, heal, run on until nothing moves, and judge."""

from dataclasses import dataclass, field
from typing import Final

from monitor.clock import SystemClock
from monitor.models.route import Phase
from tests.support.flip_adapters import Adapter
from tests.support.flip_cell import ROUND_S, Cell
from tests.support.flip_expected import CANNOT_EXIST, expected_end
from tests.support.flip_faults import FAULTS, Fault
from tests.support.flip_invariants import broken
from tests.support.flip_site import Site
from tests.support.flip_steps import STEPS, Step

__all__ = ["Key", "Outcome", "cells", "run_cell"]

_QUIET_ROUNDS: Final = 5
_LULL_S: Final = 15
_MOST_ROUNDS: Final = 120


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
        outcome.end = _settle(cell).value
        outcome.expected = expected_end(fault.name, length, step, adapter.traces)
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
        now = cell.place
        quiet = quiet + 1 if now == last else 0
        last = now
        if quiet >= _QUIET_ROUNDS:
            break
    return cell.phase

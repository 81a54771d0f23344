"""What goes wrong in the flip matrix: each fault, how long it may last, where in a step, and how it is injected."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from monitor.errors import FullbackError
from monitor.models.route import Writer
from tests.support.flip_adapters import HUMAN, START
from tests.support.flip_cell import LEASE_S, LONG_S, ROUND_S, SHORT_S, Cell, Process
from tests.support.flip_points import Killed
from tests.support.flip_router import Trouble
from tests.support.world import race

__all__ = ["FAULTS", "Fault"]

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


def _seconds(length: str) -> int:
    return SHORT_S if length == "short" else LONG_S


def _attempts(cell: Cell) -> Iterator[None]:
    """Yield before each try of the step that a cell is at; time and traffic pass in between; ends when it moved on."""
    before = cell.place
    for _ in range(_ATTEMPTS):
        yield
        if cell.first.points.fired.is_set() or cell.place != before:
            return
        cell.clock.wait(ROUND_S)
        cell.serve()


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
        cell.evaluate()
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

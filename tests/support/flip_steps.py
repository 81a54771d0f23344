"""The steps of the controller in the flip matrix: how each is reached, and where it ends undisturbed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from monitor.models.route import Goal, Phase, Writer
from tests.support.flip_adapters import HUMAN
from tests.support.flip_cell import Cell
from tests.support.flip_router import Trouble

__all__ = ["STEPS", "Step"]

_RESUMED_S: Final = 2


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the controller: how it is reached, and what an undisturbed cell ends in."""

    name: str
    reach: Callable[[Cell], None]
    end: Phase
    calls: bool
    """The router is called in it."""
    commits: bool
    """It ends by a commit while all is well."""
    drains: bool = False


def _armed(cell: Cell) -> None:
    cell.clock.wait(100)
    cell.serve(100)
    cell.alarm()


def _steps_to(cell: Cell, phase: Phase) -> None:
    while cell.phase is not phase:
        assert cell.first.step(), f"{cell.phase} goes no further"


def _to(phase: Phase) -> Callable[[Cell], None]:
    def reach(cell: Cell) -> None:
        _armed(cell)
        _steps_to(cell, phase)

    return reach


def _written(cell: Cell) -> None:
    """The router has it; the process died before the note, and the next one resumes a moment later."""
    _to(Phase.APPLYING)(cell)
    control = cell.control
    cell.router.write("process-0", next(iter(control.desired.values())))
    cell.clock.wait(_RESUMED_S)


def _hold(cell: Cell) -> None:
    _to(Phase.VERIFYING_TRAFFIC)(cell)
    cell.pass_time(60, lambda: cell.phase is Phase.HOLD)


def _rolled_back(cell: Cell) -> None:
    _to(Phase.VERIFYING_TRAFFIC)(cell)
    cell.pass_time(60, lambda: cell.phase is Phase.ROLLED_BACK, stepping=True)


def _drain(stage: int, phase: Phase) -> Callable[[Cell], None]:
    def reach(cell: Cell) -> None:
        _armed(cell)

        def there() -> bool:
            control = cell.control
            return (control.phase, control.stage) == (phase, stage)

        while not there() and cell.first.step():
            pass
        if not there():
            cell.pass_time(60, there, stepping=True)

    return reach


def _healthy_again(cell: Cell) -> None:
    """The flip was wrong, or the candidate was mended: it no longer harms anybody."""
    cell.harmful = False
    incident = cell.control.incident_id
    if incident is not None:
        cell.first.operator.close_incident(cell.route, incident, "ana", "mended")
    cell.clock.wait(1)


def _recovering(cell: Cell) -> None:
    _hold(cell)
    _healthy_again(cell)
    cell.first.operator.recover(cell.route, "ana", "mended")


def _ramp(stage: int, phase: Phase) -> Callable[[Cell], None]:
    def reach(cell: Cell) -> None:
        _hold(cell)
        _healthy_again(cell)
        cell.first.operator.recover(cell.route, "ana", "mended", at_once=True)

        def there() -> bool:
            control = cell.control
            return (control.phase, control.stage) == (phase, stage)

        while not there() and cell.first.step():
            pass
        if not there():
            cell.pass_time(120, there, stepping=True)

    return reach


def _restore(phase: Phase) -> Callable[[Cell], None]:
    def reach(cell: Cell) -> None:
        _hold(cell)
        _healthy_again(cell)
        cell.first.operator.flip(cell.route, Goal.RESTORE, "ana", "a false alarm")
        _steps_to(cell, phase)

    return reach


def _stuck_unwritten(cell: Cell) -> None:
    _to(Phase.APPLYING)(cell)
    cell.router.trouble = Trouble.FAILING
    cell.pass_time(60, lambda: cell.phase is Phase.STUCK)
    cell.router.trouble = None


def _stuck_unproven(cell: Cell) -> None:
    _to(Phase.VERIFYING_CONTROL)(cell)
    cell.router.trouble = Trouble.STALE_REPLICA
    cell.pass_time(120, lambda: cell.phase is Phase.STUCK)
    cell.router.trouble = None


def _reverted(cell: Cell) -> None:
    _hold(cell)
    cell.router.write_as(Writer.OTHER, HUMAN, "base")
    cell.pass_time(60, lambda: cell.phase is Phase.REVERTED)


def _blocked(cell: Cell) -> None:
    """The baseline says nothing while the alarm comes; then it does again."""
    cell.candidate_only = True
    _to(Phase.BLOCKED)(cell)
    cell.candidate_only = False


_P = Phase
STEPS: Final[tuple[Step, ...]] = (
    Step("armed", _armed, _P.HOLD, calls=False, commits=True),
    Step("triggered", _to(_P.TRIGGERED), _P.HOLD, calls=False, commits=True),
    Step("preflight", _to(_P.PREFLIGHT), _P.HOLD, calls=True, commits=True),
    Step("applying", _to(_P.APPLYING), _P.HOLD, calls=True, commits=True),
    Step("written", _written, _P.HOLD, calls=True, commits=True),
    Step("verifying-control", _to(_P.VERIFYING_CONTROL), _P.HOLD, calls=True, commits=True),
    Step("verifying-traffic", _to(_P.VERIFYING_TRAFFIC), _P.HOLD, calls=True, commits=True),
    Step("rolled-back", _rolled_back, _P.HOLD, calls=False, commits=True),
    Step("hold", _hold, _P.HOLD, calls=True, commits=False),
    Step("drain-applying", _drain(0, _P.APPLYING), _P.HOLD, calls=True, commits=True, drains=True),
    Step("drain-verifying", _drain(0, _P.VERIFYING_CONTROL), _P.HOLD, calls=True, commits=True, drains=True),
    Step("drain-last-applying", _drain(1, _P.APPLYING), _P.HOLD, calls=True, commits=True, drains=True),
    Step("recovering", _recovering, _P.RECOVERING, calls=True, commits=False),
    Step("ramp-applying", _ramp(0, _P.APPLYING), _P.ARMED, calls=True, commits=True),
    Step("ramp-verifying", _ramp(0, _P.VERIFYING_CONTROL), _P.ARMED, calls=True, commits=True),
    Step("ramping", _ramp(0, _P.RAMPING), _P.ARMED, calls=True, commits=True),
    Step("ramp-next-applying", _ramp(1, _P.APPLYING), _P.ARMED, calls=True, commits=True),
    Step("restore-applying", _restore(_P.APPLYING), _P.ARMED, calls=True, commits=True),
    Step("restore-verifying-control", _restore(_P.VERIFYING_CONTROL), _P.ARMED, calls=True, commits=True),
    Step("restore-verifying-traffic", _restore(_P.VERIFYING_TRAFFIC), _P.ARMED, calls=True, commits=True),
    Step("stuck-unwritten", _stuck_unwritten, _P.HOLD, calls=True, commits=True),
    Step("stuck-unproven", _stuck_unproven, _P.HOLD, calls=True, commits=True),
    Step("reverted", _reverted, _P.REVERTED, calls=True, commits=False),
    Step("blocked", _blocked, _P.HOLD, calls=True, commits=True),
)

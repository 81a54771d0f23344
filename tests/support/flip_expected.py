"""The expected end state of every cell of the flip matrix: written by hand, not computed by the code under test."""

from dataclasses import dataclass
from typing import Final

from monitor.routing.base import Capabilities
from tests.support.flip_steps import Step

__all__ = ["CANNOT_EXIST", "Absent", "expected_end"]


@dataclass(frozen=True, slots=True)
class Absent:
    """Which combinations cannot be, and why."""

    no_call: str = "the router is not called in this step"
    no_commit: str = "nothing is committed in this step while all is well"

    def reason(self, fault: str, point: str, step: Step) -> str | None:
        """Return why a fault cannot hit a step at a point, or None."""
        del fault
        if point in {"before call", "after call"} and not step.calls:
            return self.no_call
        if point in {"before commit", "after commit", "before transaction"} and not step.commits:
            return self.no_commit
        return None


CANNOT_EXIST: Final = Absent()


def expected_end(fault: str, length: str, point: str, step: Step, can: Capabilities) -> str:
    """Return the phase that a cell must end in; several, parted by ``|``, where more than one is right."""
    for row in _EXCEPT:
        if row.applies(fault, length, step, can):
            return row.end
    return step.end.value


@dataclass(frozen=True, slots=True)
class _Row:
    """Where a cell ends elsewhere than the undisturbed step does; the first row that applies counts."""

    fault: str
    lengths: tuple[str, ...]
    steps: tuple[str, ...]
    end: str
    names_writer: bool | None = None
    fencing: bool | None = None

    def applies(self, fault: str, length: str, step: Step, can: Capabilities) -> bool:
        return (
            fault == self.fault
            and (not self.lengths or length in self.lengths)
            and (not self.steps or step.name in self.steps)
            and self.names_writer in {None, can.names_writer}
            and self.fencing in {None, can.fencing}
        )


_DECIDING: Final = ("armed", "triggered", "preflight", "blocked")
_UNREAD: Final = ("ramp-applying", "ramp-next-applying", "restore-applying")
_NO_ANSWER: Final = (*_UNREAD, "ramp-verifying", "ramping")
_WATCHED: Final = ("written", "verifying-control", "verifying-traffic", "rolled-back", "hold", "drain-verifying")
_WAY_BACK: Final = ("recovering", "ramp-verifying", "ramping", "restore-verifying-control", "restore-verifying-traffic")
_STUCK: Final = ("stuck-unwritten", "stuck-unproven")
_NOT_TAKEN: Final = (*_DECIDING, "applying", "drain-applying", "drain-verifying", "drain-last-applying", *_NO_ANSWER)
_EXCEPT: Final[tuple[_Row, ...]] = (
    # A write toward the candidate that fails for longer than its time-out is not tried again by itself.
    _Row("partition", ("long",), (*_UNREAD, "ramp-verifying", "restore-verifying-control"), "stuck"),
    _Row("422", ("long",), _NO_ANSWER, "stuck"),
    _Row("5xx", ("long",), _NO_ANSWER, "stuck"),
    # A conflict may be another leader's write: no second try on the way back.
    _Row("409", ("short",), _UNREAD, "stuck"),
    _Row("409", ("long",), _NO_ANSWER, "stuck"),
    # Written again three times, then a page; what read-back has shown not to be taken is not tried for ever.
    _Row("swallowed write", ("long",), (*_NOT_TAKEN, "restore-applying", "stuck-unwritten"), "stuck"),
    # A ramp is not tried again by itself; a held route whose candidate answers users pages, and is proven anew.
    _Row(
        "stale replica", ("long", "ever"), ("ramp-applying", "ramp-verifying", "ramping", "ramp-next-applying"), "stuck"
    ),
    _Row("stale replica", ("short", "long"), ("recovering",), "hold"),
    _Row("stale replica", ("ever",), ("recovering", "rolled-back", "hold"), "reverted"),
    _Row(
        "stale replica",
        ("ever",),
        ("restore-applying", "restore-verifying-control", "restore-verifying-traffic"),
        "armed",
    ),
    _Row("stale replica", ("ever",), ("reverted",), "reverted"),
    _Row("stale replica", ("ever",), (), "stuck"),
    # A person: never fought once the write is in force.
    _Row("human", (), (*_WATCHED, *_WAY_BACK), "reverted"),
    _Row("human", (), _STUCK, "stuck"),
    # A repository: written over once where the router tells whose it is, a page the second time.
    _Row("gitops", ("once",), ("recovering",), "hold", names_writer=True),
    _Row("gitops", ("once",), _STUCK, "stuck", names_writer=True),
    _Row("gitops", ("once",), ("stuck-unproven",), "stuck", names_writer=False),
    _Row(
        "gitops",
        ("once",),
        ("verifying-traffic", "rolled-back", "hold", "recovering", "ramping", "restore-verifying-traffic"),
        "reverted",
        names_writer=False,
    ),
    _Row("gitops", ("fights",), _STUCK, "stuck"),
    _Row("gitops", ("fights",), ("restore-applying",), "armed"),
    _Row("gitops", ("fights",), (), "reverted"),
    # Evidence and retries age by the clock.
    _Row("clock", ("+1 h",), ("stuck-unwritten",), "stuck"),
)

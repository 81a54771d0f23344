"""The expected end state of every cell of the flip matrix: written by hand, not computed by the code under test."""

from dataclasses import dataclass
from typing import Final

from tests.support.flip_adapters import Traces
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


def expected_end(fault: str, length: str, step: Step, others: Traces) -> str:
    """Return the phase that a cell must end in; several, parted by ``|``, where more than one is right."""
    for row in _EXCEPT:
        if row.applies(fault, length, step, others):
            return row.end
    return step.end.value


@dataclass(frozen=True, slots=True)
class _Row:
    """Where a cell ends elsewhere than the undisturbed step does; the first row that applies counts.

    Conditions on what others' writes leave behind at a router are None where it does not matter.
    """

    fault: str
    lengths: tuple[str, ...]
    steps: tuple[str, ...]
    end: str
    tells_gitops: bool | None = None
    keeps_epoch: bool | None = None
    names_owners: bool | None = None

    def applies(self, fault: str, length: str, step: Step, others: Traces) -> bool:
        return (
            fault == self.fault
            and (not self.lengths or length in self.lengths)
            and (not self.steps or step.name in self.steps)
            and self.tells_gitops in {None, others.tells_gitops}
            and self.keeps_epoch in {None, others.keeps_epoch}
            and self.names_owners in {None, others.names_owners}
        )


_DECIDING: Final = ("armed", "triggered", "preflight", "blocked")
_UNREAD: Final = ("ramp-applying", "ramp-next-applying", "restore-applying")
_NO_ANSWER: Final = (*_UNREAD, "ramp-verifying", "ramping")
_WATCHED: Final = ("written", "verifying-control", "verifying-traffic", "rolled-back", "hold", "drain-verifying")
_WAY_BACK: Final = ("recovering", "ramp-verifying", "ramping", "restore-verifying-control", "restore-verifying-traffic")
_UNDONE: Final = ("restore-applying", "restore-verifying-control", "restore-verifying-traffic")
_STUCK: Final = ("stuck-unwritten", "stuck-unproven")
_EXCEPT: Final[tuple[_Row, ...]] = (
    # A write toward the candidate that fails for longer than its time-out is not tried again by itself.
    _Row("partition", ("long",), (*_UNREAD, "ramp-verifying", "restore-verifying-control"), "stuck"),
    _Row("422", ("long",), _NO_ANSWER, "stuck"),
    _Row("5xx", ("long",), _NO_ANSWER, "stuck"),
    # A conflict may be another leader's write: no second try on the way back.
    _Row("409", ("short",), _UNREAD, "stuck"),
    _Row("409", ("long",), _NO_ANSWER, "stuck"),
    # Written again three times, then a page; toward the baseline it goes on being tried, toward the candidate not.
    _Row("swallowed write", ("long",), _NO_ANSWER, "stuck"),
    # A ramp is not tried again by itself; a held route whose candidate answers users pages, and is proven anew.
    # One that comes while a step is looked at holds the next step, for as long as it is there.
    _Row("stale replica", ("long", "ever"), ("ramp-applying", "ramp-verifying", "ramp-next-applying"), "stuck"),
    _Row("stale replica", ("ever",), ("ramping",), "ramping"),
    # (In the short one an answer of it may fall into the time that a router is given to follow.)
    _Row("stale replica", ("short",), ("recovering",), "hold|recovering"),
    _Row("stale replica", ("long",), ("recovering",), "hold"),
    _Row("stale replica", ("ever",), ("recovering", "rolled-back", "hold"), "reverted"),
    _Row("stale replica", ("ever",), _UNDONE, "armed"),
    _Row("stale replica", ("ever",), ("reverted",), "reverted"),
    _Row("stale replica", ("ever",), (), "stuck"),
    # A person: never fought once the write is in force.
    _Row("human", (), (*_WATCHED, *_WAY_BACK), "reverted"),
    _Row("human", (), _STUCK, "stuck"),
    # A repository's manager that is known to own the route holds every flip that was not committed yet.
    _Row("gitops", (), _DECIDING, "blocked", names_owners=True),
    # A repository puts back what an undo restores, and leaves our stamp: nothing differs from what is wanted.
    _Row("gitops", (), _UNDONE, "armed", keeps_epoch=True),
    # A repository: written over once where the router tells whose it is, a page the second time.
    _Row("gitops", ("once",), ("recovering",), "hold", tells_gitops=True),
    # Where it does not tell, and our stamp stays on what the repository wrote, it is a person's change once written.
    # A router that never had a write of ours shows what it showed before: the write is tried again.
    _Row("gitops", ("once",), (*_WATCHED, *_WAY_BACK), "reverted", tells_gitops=False, keeps_epoch=True),
    _Row("gitops", ("once",), ("stuck-unproven",), "stuck", tells_gitops=False),
    # Where the stamp goes, too, it is a write that was not taken until the write has been seen in force.
    _Row(
        "gitops",
        ("once",),
        ("verifying-traffic", "rolled-back", "hold", "recovering", "ramping", "restore-verifying-traffic"),
        "reverted",
        tells_gitops=False,
    ),
    _Row("gitops", ("fights",), ("stuck-unproven",), "stuck", tells_gitops=False),
    _Row("gitops", ("fights",), ("drain-applying", "drain-verifying"), "hold", tells_gitops=False, keeps_epoch=False),
    _Row("gitops", ("fights",), ("restore-applying",), "armed"),
    _Row("gitops", ("fights",), (), "reverted"),
)

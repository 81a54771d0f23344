"""What a router shows beside what it should do: in force, behind, lost, or changed by someone else. Pure."""

from dataclasses import dataclass
from enum import IntEnum

from monitor.controller.readings import RouterReading
from monitor.models.route import DesiredRoute, RouteSnapshot, Writer

__all__ = ["Found", "Standing", "standing_of", "worst_of"]


class Standing(IntEnum):
    """From harmless to the gravest."""

    IN_FORCE = 0
    UNREADABLE = 1
    BEHIND = 2
    """The configuration is right and the data plane does not follow yet."""
    LOST = 3
    """Our write is not there and nobody else's is: swallowed, or written over by a former leader of ours."""
    GITOPS = 4
    """A manager applied what its repository says."""
    FOREIGN = 5
    """A person, or somebody unknown, or a newer epoch: never fought."""


@dataclass(frozen=True, slots=True)
class Found:
    """How a target stands, in words too."""

    standing: Standing
    reason: str


def standing_of(
    label: str, router: RouterReading, desired: DesiredRoute, before: RouteSnapshot | None, *, settled: bool
) -> Found:
    """Judge one target.

    Args:
        label: Its name.
        router: The reading.
        desired: What it should do.
        before: What it did before the move.
        settled: Whether it has shown what is desired since the last write. Until then the state from before the move is
            a write that was not taken; after that it is somebody's doing.
    """
    found = router.snapshot
    if found is None:
        return Found(Standing.UNREADABLE, f"{label} cannot be read: {router.problem}")
    if found.shows(desired):
        return Found(Standing.IN_FORCE, f"{label} shows epoch {desired.epoch}")
    if found.says(desired):
        return Found(Standing.BEHIND, f"{label}: {'; '.join(found.pending)}")
    shown = (
        f"{label} shows weights {dict(found.weights)}, mirror {found.mirror}, epoch {found.epoch}, "
        f"overrides {dict(found.overrides)}; wanted {dict(desired.weights)}, {desired.mirror}, {desired.epoch}"
    )
    by = f", written by {found.writer_name}" if found.writer_name else ""
    if found.epoch is not None and found.epoch > desired.epoch:
        return Found(Standing.FOREIGN, f"{shown}: a newer epoch, someone else writes{by}")
    if found.writer is Writer.FULLBACK or (not settled and _untouched(found, before)):
        return Found(Standing.LOST, f"{shown}{by}")
    match found.writer:
        case Writer.GITOPS:
            return Found(Standing.GITOPS, f"{shown}{by}")
        case Writer.OTHER:
            return Found(Standing.FOREIGN, f"{shown}{by}")
        case _:
            return Found(_unsigned(router, found, desired, before, settled=settled), shown)


def _unsigned(
    router: RouterReading, found: RouteSnapshot, desired: DesiredRoute, before: RouteSnapshot | None, *, settled: bool
) -> Standing:
    """Judge a change whose writer the router does not tell.

    An older epoch of ours at a target without fencing is a late write of a former leader; behind a fence it cannot be.
    """
    stamped = found.epoch is not None and 0 < found.epoch < desired.epoch
    as_before = before is not None and _same(found, before)
    if not settled and (as_before or stamped):
        return Standing.LOST
    if stamped and not router.capabilities.fencing and not as_before:
        return Standing.LOST
    return Standing.FOREIGN


def _untouched(found: RouteSnapshot, before: RouteSnapshot | None) -> bool:
    """Tell whether nobody wrote since ``before`` was read: whoever it was that had written it."""
    if before is None or not _same(found, before):
        return False
    return (found.writer, found.writer_name) == (before.writer, before.writer_name)


def _same(found: RouteSnapshot, before: RouteSnapshot) -> bool:
    return dict(found.weights) == dict(before.weights) and found.mirror == before.mirror and found.epoch == before.epoch


def worst_of(found: list[Found]) -> Found:
    """Return the gravest, with every target that is not in force named."""
    if not found:
        return Found(Standing.UNREADABLE, "no target was read")
    worst = max(found, key=lambda one: one.standing)
    if worst.standing is Standing.IN_FORCE:
        return worst
    return Found(worst.standing, "; ".join(one.reason for one in found if one.standing is not Standing.IN_FORCE))

"""The seam: what a route target is."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Protocol

from monitor.models.route import DesiredRoute, RouteSnapshot

__all__ = ["Capabilities", "ReadBack", "Rehearsal", "RouteTarget"]


class ReadBack(StrEnum):
    """What reading a router back is worth."""

    PROOF = "proof"
    """What is read is what the one router that serves does."""
    PER_REPLICA = "per_replica"
    """Every replica is asked, or a status tells of all of them."""
    CLAIM = "claim"
    """It is what was asked for, or somebody's word: only traffic proves it."""
    NONE = "none"
    """Nothing can be read: the controller never acts on it by itself."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a kind of router can do; the controller asks here, never by name."""

    weights: bool
    """Shares between none and all; without it a move has one step."""
    atomic_mirror: bool
    """Weights and mirror change in one write."""
    fencing: bool
    """A write carrying an old epoch is refused at the target; without it the epoch is asked of the database again
    right before each write, and what was written is compared after."""
    propagation_s: float
    """After this long new requests follow a write."""
    hard_cut: bool = False
    """``DesiredRoute.cut`` is a stronger verb than a weight of 0."""
    mirror: bool = True
    """Copies can be sent at all."""
    mirror_per_backend: bool = False
    """Who gets the copies may depend on who serves."""
    read_back: ReadBack = ReadBack.PROOF
    dry_run: bool = False
    """``rehearse`` has the router itself judge the write; else it only looks at what can be seen from here."""
    names_writer: bool = False
    """Snapshots tell who wrote last."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a write would do and whether it would be taken."""

    problems: tuple[str, ...] = ()
    """Why it would fail; empty when it would not."""
    changes: tuple[str, ...] = ()
    """What it would change, and what it would go without, one line each, for people."""

    @property
    def ok(self) -> bool:
        """Whether the write would be taken."""
        return not self.problems


class RouteTarget(Protocol):
    """Reads and writes one router's configuration of one route. Synchronous.

    One file each, listed in ``registry.py``. Constructing connects to nothing.
    """

    kind: ClassVar[str]
    capabilities: Capabilities
    """Of the class: the most that its kind can do. Of an instance: what its settings allow."""

    def read(self) -> RouteSnapshot:
        """Return what the router does now, overrides included; weights name the backends that it has, those at 0 too.

        Raises:
            RoutingError: it cannot be read.
        """
        ...

    def apply(self, desired: DesiredRoute) -> None:
        """Make the router do what is desired: weights and mirror in one write where it can, idempotent.

        A backend that serves or gets copies must be there; one of weight 0 that the router lacks asks for nothing.

        Raises:
            StaleEpochError: the target holds a newer epoch, or somebody wrote between reading and writing.
            RoutingError: it cannot be written.
        """
        ...

    def rehearse(self, desired: DesiredRoute) -> Rehearsal:
        """Go the way of ``apply`` as far as possible without changing anything. Problems are returned, not raised."""
        ...

"""The seam: what a route target is."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

from monitor.models.route import DesiredRoute, RouteSnapshot

__all__ = ["Capabilities", "RouteTarget"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a kind of router can do; the controller asks here, never by name."""

    weights: bool
    atomic_mirror: bool
    """Weights and mirror change in one write."""
    fencing: bool
    """A write carrying an old epoch is refused at the target."""
    propagation_s: float
    """After this long new requests follow a write."""


class RouteTarget(Protocol):
    """Reads and writes one router's configuration of one route. Synchronous.

    One file each, listed in ``registry.py``.
    """

    kind: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    def read(self) -> RouteSnapshot:
        """Return what the router does now, overrides included.

        Raises:
            RoutingError: it cannot be read.
        """
        ...

    def apply(self, desired: DesiredRoute) -> None:
        """Make the router do what is desired: weights and mirror in one write where it can, idempotent.

        Raises:
            StaleEpochError: the target holds a newer epoch.
            RoutingError: it cannot be written.
        """
        ...

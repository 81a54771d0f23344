"""The seam between the Envoy target and the file that carries its routing: routes (RDS) or runtime values (RTDS)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from monitor.errors import RoutingError
from monitor.models.route import DesiredRoute, RouteSnapshot
from monitor.routing.base import Capabilities
from monitor.routing.changes import needed
from monitor.routing.envoy_admin import EnvoyAdmin, Runtime
from monitor.routing.envoy_json import listed
from monitor.routing.envoy_route import FoundRoute

__all__ = ["EnvoyWay", "RuntimeKeys", "View", "refuse_unknown"]


@dataclass(frozen=True, slots=True)
class View:
    """What one instance says of itself."""

    routes: Sequence[FoundRoute] = ()
    runtime: Runtime = field(default_factory=Runtime)
    clusters: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RuntimeKeys:
    """The runtime keys that can win over a write."""

    weights: frozenset[str]
    others: frozenset[str]
    """Of the mirrored shares, and of the epoch where it is a key."""

    @property
    def all(self) -> frozenset[str]:
        """All of them."""
        return self.weights | self.others


class EnvoyWay(Protocol):
    """How one kind of file says where traffic goes."""

    capabilities: Capabilities
    counters: str
    """Pattern of the statistics that count refused files."""

    def look(self, admin: EnvoyAdmin) -> View:
        """Ask an instance what it does."""
        ...

    def glance(self, admin: EnvoyAdmin) -> View:
        """Ask an instance what must be known before a write."""
        ...

    def known(self, view: View) -> frozenset[str]:
        """Return the backends that an instance can send requests to."""
        ...

    def held(self, document: Mapping[str, Any], view: View) -> RouteSnapshot:
        """Return what the file has an instance do."""
        ...

    def followed(self, view: View) -> RouteSnapshot:
        """Return what the instance took from the file: no override is in it."""
        ...

    def shown(self, view: View) -> RouteSnapshot:
        """Return what the instance does, overrides included."""
        ...

    def plan(self, document: dict[str, Any], desired: DesiredRoute, views: Sequence[View]) -> RuntimeKeys:
        """Change the document in place; return the keys that an admin override may have.

        Raises:
            StaleEpochError: the document holds a newer epoch.
            RoutingError: it cannot say what is desired.
        """
        ...

    def overridden(self, runtime: Runtime, keys: RuntimeKeys) -> set[str]:
        """Return the keys that an override may stand in, which is to be cleared after a write."""
        ...

    def masked(self, runtime: Runtime, keys: RuntimeKeys) -> set[str]:
        """Return the keys that win over the file although the admin layer was cleared."""
        ...


def refuse_unknown(desired: DesiredRoute, known: Iterable[str], instance: str = "Envoy") -> None:
    """Refuse a backend that the router does not have, if it is to serve, to get copies, or to have its own copied.

    Raises:
        RoutingError: there is one.
    """
    there = set(known)
    serving = desired.mirror if isinstance(desired.mirror, Mapping) else ()
    unknown = {*needed(desired), *serving} - there
    if unknown:
        raise RoutingError(
            f"{instance} has no cluster {listed(unknown)}; known: {listed(there)}. "
            "Correct the variant's backend name or add the cluster to Envoy; nothing was written"
        )

"""A kind of router in the flip matrix, by an ``Adapter``: how its route is named, what it does, how others write to it.

Here is what all kinds share, and the memory target. ``flip_targets.py`` lists the kinds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

from typing_extensions import override

from monitor.models.route import DesiredRoute, Mirror, RouteSnapshot, TargetRef, Writer
from monitor.routing.base import Capabilities
from monitor.routing.memory import MemoryTarget
from monitor.routing.registry import build

__all__ = ["HUMAN", "START", "Adapter", "MemoryAdapter", "Traces", "shares", "shown"]

START: Mapping[str, int] = {"base": 20, "cand": 80}
"""The routing before the flip; the baseline gets the copies."""
HUMAN: Mapping[str, int] = {"base": 45, "cand": 55}
"""What a person sets by hand."""


@dataclass(frozen=True, slots=True)
class Traces:
    """What others' writes leave behind at a kind of router, beside its capabilities."""

    tells_gitops: bool = False
    """Snapshots tell a repository's manager from a person."""
    keeps_epoch: bool = False
    """A repository's manager leaves our stamp as it is; else it writes over that, too."""
    names_owners: bool = False
    """A manager that has written once is found ever after, and holds every later flip."""


class Adapter(Protocol):
    """One kind of router, with its one route."""

    name: str
    capabilities: Capabilities
    traces: Traces

    def ref(self) -> TargetRef:
        """Put the route to ``START``, mirror to ``base``, stamped by nobody, and return a reference to it."""
        ...

    def apply(self, desired: DesiredRoute) -> None:
        """Write as the service does, and wait until the data plane follows."""
        ...

    def read(self) -> RouteSnapshot:
        """Read as the service does."""
        ...

    def write_as(self, writer: Writer, weights: Mapping[str, int], mirror: Mirror) -> None:
        """Write as somebody else does; the data plane follows."""
        ...

    def serve(self, requests: int) -> dict[str, int]:
        """Send requests; return how many each backend answered to users."""
        ...


class MemoryAdapter(Adapter):
    """The memory target: with or without a fence, telling who wrote or not."""

    _made: ClassVar[Iterator[int]] = iter(range(10**9))

    def __init__(self, name: str, *, fencing: bool, names_writer: bool = False) -> None:
        self.name = name
        self.capabilities = replace(MemoryTarget.capabilities, fencing=fencing, names_writer=names_writer)
        self.traces = Traces(tells_gitops=names_writer)
        self._writer: Writer | None = None

    @override
    def ref(self) -> TargetRef:
        ref = TargetRef("memory", {"name": f"flip-{next(self._made)}", "weights": dict(START), "mirror": "base"})
        self._target = build(ref)
        self._writer = Writer.OTHER if self.capabilities.names_writer else None  # somebody has made it
        return ref

    @override
    def apply(self, desired: DesiredRoute) -> None:
        if not self.capabilities.fencing:
            self._set(replace(self._target.read(), epoch=None))
        self._target.apply(desired)
        self._writer = Writer.FULLBACK

    @override
    def read(self) -> RouteSnapshot:
        found = self._target.read()
        if not self.capabilities.names_writer:
            return found
        return replace(found, writer=self._writer, writer_name=None if self._writer is None else self._writer.value)

    @override
    def write_as(self, writer: Writer, weights: Mapping[str, int], mirror: Mirror) -> None:
        """A repository's manager writes the whole object; a person edits the weights and leaves the stamp."""
        epoch = None if writer is Writer.GITOPS else self._target.read().epoch
        self._set(RouteSnapshot(dict(weights), mirror, epoch))
        self._writer = writer

    @override
    def serve(self, requests: int) -> dict[str, int]:
        return shares(self._target.read().weights, requests)

    def _set(self, snapshot: RouteSnapshot) -> None:
        assert isinstance(self._target, MemoryTarget)
        self._target._instance().snapshot = snapshot


def shares(weights: Mapping[str, int], requests: int) -> dict[str, int]:
    """Split requests by weights; whoever has a weight gets at least one."""
    total = sum(weights.values())
    counts = {name: max(1, round(requests * weight / total)) if weight else 0 for name, weight in weights.items()}
    largest = max(counts, key=lambda name: counts[name])
    counts[largest] += requests - sum(counts.values())
    return counts


def shown(weights: Mapping[str, int]) -> dict[str, int]:
    return {name: weight for name, weight in weights.items() if weight}

"""The one router of a cell of the flip matrix: it misbehaves on demand, and keeps a log of what it really took."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from typing_extensions import override

from monitor.clock import Clock
from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute, Mirror, RouteSnapshot, Writer
from monitor.routing.base import Capabilities, Rehearsal, RouteTarget
from tests.support.flip_adapters import START, Adapter, shares, shown
from tests.support.flip_points import Points

__all__ = ["Link", "Router", "Trouble", "Written"]


class Trouble(StrEnum):
    """How a router misbehaves."""

    PARTITION = "partition"
    """It can neither be read nor written."""
    CONFLICT = "409"
    REFUSED = "422"
    FAILING = "5xx"
    ANSWER_LOST = "timeout after success"
    SWALLOWED = "swallowed write"
    STALE_REPLICA = "stale replica"
    """One of three replicas serves the routing from before the flip, and shows it."""


_REFUSALS = {
    Trouble.PARTITION: "connection refused",
    Trouble.REFUSED: "answered 422: the object is invalid",
    Trouble.FAILING: "answered 503",
}


@dataclass(frozen=True, slots=True)
class Written:
    """A write that the router took."""

    at: datetime
    by: str
    """The process, or ``Writer`` for others."""
    epoch: int | None
    held: int
    """The highest epoch of ours that the router had taken before."""
    weights: Mapping[str, int]

    @property
    def stale(self) -> bool:
        return self.epoch is not None and self.epoch < self.held


class Router:
    """The one router that all processes reach, with its log of what it really took."""

    def __init__(self, adapter: Adapter, clock: Clock) -> None:
        self.adapter = adapter
        self.trouble: Trouble | None = None
        self.log: list[Written] = []
        self.refused_stale = 0
        self._clock = clock
        self._lock = threading.Lock()

    def write(self, by: str, desired: DesiredRoute) -> None:
        with self._lock:
            match self.trouble:
                case Trouble.CONFLICT:
                    raise StaleEpochError("somebody wrote between reading and writing (409): read again")
                case Trouble.PARTITION | Trouble.REFUSED | Trouble.FAILING:
                    raise RoutingError(f"the router {_REFUSALS[self.trouble]}")
                case Trouble.SWALLOWED:
                    return
            held = max((one.epoch or 0 for one in self.log), default=0)
            try:
                self.adapter.apply(desired)
            except StaleEpochError:
                self.refused_stale += 1
                raise
            self.log.append(Written(self._clock.now(), by, desired.epoch, held, desired.weights))
            if self.trouble is Trouble.ANSWER_LOST:
                raise RoutingError("no answer within 5 s; whether it was written is not known")

    def read(self) -> RouteSnapshot:
        if self.trouble is Trouble.PARTITION:
            raise RoutingError(f"the router {_REFUSALS[self.trouble]}")
        found = self.adapter.read()
        if self.trouble is Trouble.STALE_REPLICA and shown(found.weights) != shown(START):
            return replace(found, pending=("replica 2 of 3 shows another routing",))
        return found

    def write_as(self, writer: Writer, weights: Mapping[str, int], mirror: Mirror) -> None:
        """Write as somebody else, past every trouble of ours."""
        with self._lock:
            held = max((one.epoch or 0 for one in self.log), default=0)
            self.adapter.write_as(writer, weights, mirror)
            self.log.append(Written(self._clock.now(), writer.value, None, held, weights))

    def serve(self, requests: int) -> dict[str, int]:
        """Return who answered users, by what the router and its stale replica really do."""
        if self.trouble is not Trouble.STALE_REPLICA:
            return self.adapter.serve(requests)
        stale = shares(START, requests // 3)
        fresh = self.adapter.serve(requests - requests // 3)
        return {name: stale.get(name, 0) + fresh.get(name, 0) for name in {*stale, *fresh}}


class Link(RouteTarget):
    """A process's way to the router; its calls reach points."""

    kind: ClassVar[str] = "link"

    def __init__(self, router: Router, process: str, points: Points) -> None:
        self.capabilities: Capabilities = router.adapter.capabilities
        self._router, self._process, self._points = router, process, points

    @override
    def read(self) -> RouteSnapshot:
        return self._called(self._router.read)

    @override
    def apply(self, desired: DesiredRoute) -> None:
        self._called(lambda: self._router.write(self._process, desired))

    @override
    def rehearse(self, desired: DesiredRoute) -> Rehearsal:
        return Rehearsal()

    def _called(self, call: Callable[[], Any]) -> Any:
        self._points.reach("before call")
        answer = call()
        self._points.reach("after call")
        return answer

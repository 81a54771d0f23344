"""What goes wrong in the flip matrix: a router that misbehaves, points at which a process dies or stands still.

A kind of router comes in by an ``Adapter``: how a route at it is named, what it does, and how others write to it.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol

import yaml
from sqlalchemy.orm import Session
from typing_extensions import override

from monitor.clock import Clock
from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute, Mirror, RouteSnapshot, TargetRef, Writer
from monitor.routing.base import Capabilities, Rehearsal, RouteTarget
from monitor.routing.memory import MemoryTarget
from monitor.routing.registry import build
from monitor.storage.session import Database
from tests.support.envoy import Envoy, route_document, wait_until

__all__ = [
    "HUMAN",
    "START",
    "Adapter",
    "EnvoyAdapter",
    "Killed",
    "Link",
    "MemoryAdapter",
    "PointedDatabase",
    "Points",
    "Router",
    "Trouble",
    "Written",
    "start_document",
]

START: Mapping[str, int] = {"base": 20, "cand": 80}
"""The routing before the flip; the baseline gets the copies."""
HUMAN: Mapping[str, int] = {"base": 45, "cand": 55}
"""What a person sets by hand."""


class Killed(BaseException):
    """SIGKILL: nothing catches it."""


class Points:
    """Places in a process's step at which something is made to happen, once."""

    def __init__(self) -> None:
        self.asleep = False
        self.fired = threading.Event()
        self._acts: dict[str, Callable[[], None]] = {}

    def at(self, name: str, act: Callable[[], None]) -> None:
        self.fired.clear()
        self._acts = {name: act}

    def reach(self, name: str) -> None:
        if not self.asleep and name in self._acts:
            act = self._acts.pop(name)
            self.fired.set()
            act()


class PointedDatabase(Database):
    """A process's own connections; its write transactions reach points."""

    def __init__(self, url: str, points: Points) -> None:
        super().__init__(url, pool_size=2)
        self.points = points

    @override
    @contextmanager
    def transaction(self) -> Iterator[Session]:
        self.points.reach("before transaction")
        with super().transaction() as session:
            yield session
            self.points.reach("before commit")
        self.points.reach("after commit")

    @override
    @contextmanager
    def reading(self) -> Iterator[Session]:
        with super().transaction() as session:
            session.connection(execution_options={"postgresql_readonly": True})
            yield session


class Adapter(Protocol):
    """One kind of router, with its one route."""

    name: str
    capabilities: Capabilities

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
        self._writer: Writer | None = None

    @override
    def ref(self) -> TargetRef:
        ref = TargetRef("memory", {"name": f"flip-{next(self._made)}", "weights": dict(START), "mirror": "base"})
        self._target = build(ref)
        self._writer = None
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


class EnvoyAdapter(Adapter):
    """A real Envoy; requests are really sent through it."""

    def __init__(self, envoy: Envoy) -> None:
        self.name = "envoy"
        self._envoy = envoy
        self._target = build(envoy.ref())
        self.capabilities = self._target.capabilities

    @override
    def ref(self) -> TargetRef:
        self._envoy.reset(start_document())
        return self._envoy.ref()

    @override
    def apply(self, desired: DesiredRoute) -> None:
        self._target.apply(desired)
        wait_until(lambda: self._target.read().says(desired), "Envoy to follow")

    @override
    def read(self) -> RouteSnapshot:
        return self._target.read()

    @override
    def write_as(self, writer: Writer, weights: Mapping[str, int], mirror: Mirror) -> None:
        """A repository's manager writes the whole file; a person edits the weights in it and leaves the stamp."""
        assert mirror is None or isinstance(mirror, str)
        written = yaml.safe_load(self._envoy.file.read_text(encoding="utf-8"))
        self._envoy.write(_edited(route_document() if writer is Writer.GITOPS else written, weights, mirror))
        wait_until(lambda: _shown(self._target.read().weights) == _shown(weights), "Envoy to follow")

    @override
    def serve(self, requests: int) -> dict[str, int]:
        return self._envoy.send(requests)


def _edited(document: dict[str, Any], weights: Mapping[str, int], mirror: str | None) -> dict[str, Any]:
    edited = deepcopy(document)
    for route in edited["resources"][0]["virtual_hosts"][0]["routes"]:
        if "weighted_clusters" in route["route"]:
            route["route"]["weighted_clusters"]["clusters"] = [
                {"name": name, "weight": weight} for name, weight in weights.items()
            ]
            policies = route["route"].pop("request_mirror_policies", _start_mirror())
            if mirror is not None:
                route["route"]["request_mirror_policies"] = [{**policies[0], "cluster": mirror}]
    return edited


def start_document() -> dict[str, Any]:
    """Return Envoy's routes before the flip."""
    return _edited(route_document(), START, "base")


def _start_mirror() -> list[dict[str, Any]]:
    """Return the mirror of the routing before the flip."""
    routes = route_document()["resources"][0]["virtual_hosts"][0]["routes"]
    return next(list(one["route"]["request_mirror_policies"]) for one in routes if "weighted_clusters" in one["route"])


def shares(weights: Mapping[str, int], requests: int) -> dict[str, int]:
    """Split requests by weights; whoever has a weight gets at least one."""
    total = sum(weights.values())
    counts = {name: max(1, round(requests * weight / total)) if weight else 0 for name, weight in weights.items()}
    largest = max(counts, key=lambda name: counts[name])
    counts[largest] += requests - sum(counts.values())
    return counts


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
        if self.trouble is Trouble.STALE_REPLICA and _shown(found.weights) != _shown(START):
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


def _shown(weights: Mapping[str, int]) -> dict[str, int]:
    return {name: weight for name, weight in weights.items() if weight}


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

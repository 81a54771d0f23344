"""A route target that lives in the process: for tests, demos and dry runs."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from typing_extensions import override

from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute, RouteSnapshot
from monitor.routing.base import Capabilities, Rehearsal, RouteTarget
from monitor.routing.changes import changes_between, lacking, needed, without_absent

__all__ = ["MemoryTarget"]


@dataclass(slots=True)
class _Instance:
    """What all targets of one name share."""

    snapshot: RouteSnapshot
    lock: threading.Lock = field(default_factory=threading.Lock)


class MemoryTarget(RouteTarget):
    """Holds the routing in memory, thread-safe. Targets of one name share it for the life of the process.

    Args:
        name: the shared instance; it comes into being when it is first read or written.
        weights: the routing it starts with. When given, no other backends than these and
            ``mirror`` are known.
        mirror: the backend that gets the copies at the start.

    Raises:
        ValueError: a setting has the wrong type or value.
    """

    kind: ClassVar[str] = "memory"
    capabilities: Capabilities = Capabilities(
        weights=True,
        atomic_mirror=True,
        fencing=True,
        propagation_s=0.0,
        hard_cut=True,
        mirror_per_backend=True,
        dry_run=True,
    )
    _instances: ClassVar[dict[str, _Instance]] = {}
    _instances_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, name: str, weights: Mapping[str, int] | None = None, mirror: str | None = None) -> None:
        if not isinstance(name, str) or not name:
            raise ValueError(f"name must be a text that is not empty, got {name!r}")
        if weights is not None and not _are_weights(weights):
            raise ValueError(f"weights must map backends to integers >= 0, got {weights!r}")
        if mirror is not None and (not isinstance(mirror, str) or not mirror):
            raise ValueError(f"mirror must be the name of a backend or absent, got {mirror!r}")
        self._name = name
        self._start = RouteSnapshot(dict(weights or {}), mirror, None)
        self._known = {*weights, *([mirror] if mirror else [])} if weights else None

    @override
    def read(self) -> RouteSnapshot:
        instance = self._instance()
        with instance.lock:
            return instance.snapshot

    @override
    def apply(self, desired: DesiredRoute) -> None:
        self._refuse_unknown(desired)
        instance = self._instance()
        with instance.lock:
            self._refuse_stale(desired, instance.snapshot.epoch)
            silenced = {} if desired.cut else dict.fromkeys(instance.snapshot.weights, 0)
            listed = without_absent(desired, () if desired.cut else self._known or desired.weights).weights
            instance.snapshot = RouteSnapshot({**silenced, **listed}, desired.mirror, desired.epoch)

    @override
    def rehearse(self, desired: DesiredRoute) -> Rehearsal:
        found = self.read()
        try:
            self._refuse_unknown(desired)
            self._refuse_stale(desired, found.epoch)
        except RoutingError as error:
            return Rehearsal(problems=(error.detail,))
        notes = () if self._known is None else lacking(desired, self._known)
        return Rehearsal(changes=(*changes_between(found, desired), *notes))

    def _instance(self) -> _Instance:
        with self._instances_lock:
            return self._instances.setdefault(self._name, _Instance(self._start))

    def _refuse_stale(self, desired: DesiredRoute, held: int | None) -> None:
        if held is not None and desired.epoch < held:
            raise StaleEpochError(
                f"memory target {self._name!r} holds epoch {held}, newer than {desired.epoch}: "
                "another writer was elected, stop writing"
            )

    def _refuse_unknown(self, desired: DesiredRoute) -> None:
        if self._known is None:
            return
        unknown = needed(desired) - self._known
        if unknown:
            raise RoutingError(
                f"memory target {self._name!r} has no backend {', '.join(sorted(unknown))}; "
                f"known: {', '.join(sorted(self._known))}. Correct the variant's backend name"
            )


def _are_weights(weights: object) -> bool:
    return isinstance(weights, Mapping) and all(
        isinstance(name, str) and isinstance(weight, int) and not isinstance(weight, bool) and weight >= 0
        for name, weight in weights.items()
    )

"""A target whose router calls the backends by other names than the variants do."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from typing_extensions import override

from monitor.models.route import DesiredRoute, Mirror, RouteSnapshot
from monitor.routing.base import Capabilities, Rehearsal, RouteTarget

__all__ = ["RenamedTarget"]


class RenamedTarget(RouteTarget):
    """Translates backends on the way to a target and back; a name that is not listed is the same on both sides.

    Args:
        inner: the target.
        names: the router's names by the variants' names.

    Raises:
        ValueError: two backends would have one name at the router.
    """

    kind: ClassVar[str] = "renamed"

    def __init__(self, inner: RouteTarget, names: Mapping[str, str]) -> None:
        if len(set(names.values())) < len(names):
            raise ValueError(f"backends must have names of their own at the router, got {dict(names)!r}")
        self.capabilities: Capabilities = inner.capabilities
        self._inner = inner
        self._there = dict(names)
        self._here = {there: here for here, there in names.items()}

    @override
    def read(self) -> RouteSnapshot:
        found = self._inner.read()
        weights, mirror = _weights(found.weights, self._here), _mirror(found.mirror, self._here)
        return replace(found, weights=weights, mirror=mirror)

    @override
    def apply(self, desired: DesiredRoute) -> None:
        self._inner.apply(self._translated(desired))

    @override
    def rehearse(self, desired: DesiredRoute) -> Rehearsal:
        return self._inner.rehearse(self._translated(desired))

    def _translated(self, desired: DesiredRoute) -> DesiredRoute:
        weights, mirror = _weights(desired.weights, self._there), _mirror(desired.mirror, self._there)
        return replace(desired, weights=weights, mirror=mirror)


def _weights(weights: Mapping[str, int], names: Mapping[str, str]) -> dict[str, int]:
    return {names.get(backend, backend): weight for backend, weight in weights.items()}


def _mirror(mirror: Mirror, names: Mapping[str, str]) -> Mirror:
    if mirror is None or isinstance(mirror, str):
        return None if mirror is None else names.get(mirror, mirror)
    return {names.get(serving, serving): names.get(copied, copied) for serving, copied in mirror.items()}

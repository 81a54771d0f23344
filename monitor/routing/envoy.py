"""Envoy with its routing in a file (RDS or RTDS), read back from the admin interface of every instance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

from typing_extensions import override

from monitor.clock import SystemClock
from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute, RouteSnapshot
from monitor.routing.base import Capabilities, Rehearsal, RouteTarget
from monitor.routing.changes import changes_between, lacking, mirror_text
from monitor.routing.envoy_admin import EnvoyAdmin
from monitor.routing.envoy_file import EnvoyFile
from monitor.routing.envoy_instances import Answer, EnvoyInstances
from monitor.routing.envoy_json import listed
from monitor.routing.envoy_rds import RouteFileWay
from monitor.routing.envoy_rtds import RuntimeFileWay
from monitor.routing.envoy_way import EnvoyWay, RuntimeKeys, View

__all__ = ["EnvoyTarget"]

T = TypeVar("T")
_LONGEST_S = 60
_MOST_WEIGHT = 2**32 - 1


@dataclass(frozen=True, slots=True)
class _Seen:
    """One instance: what it does, and why it may not follow the file."""

    snapshot: RouteSnapshot
    behind: str | None


class EnvoyTarget(RouteTarget):
    """One named route of the Envoys that read one file.

    The file carries the epoch. Every writer compares it under a lock before it replaces the file, so an older
    writer cannot undo a newer flip. Constructing connects to nothing.

    Args:
        route_config: name of the ``RouteConfiguration``.
        route_name: ``name`` of the route; all routes of that name are moved together.
        admin_url: the admin interface of the only Envoy, ``http://host:port``.
        admin_urls: those of several that read the same file.
        route_file: the RDS file, on a disk that all writers share.
        runtime_file: instead, the RTDS file of an ``rtds_layer``.
        timeout_s: longest wait for one answer or for the lock.

    Raises:
        ValueError: a setting has the wrong type or value.
    """

    kind: ClassVar[str] = "envoy"
    capabilities: Capabilities = RouteFileWay.capabilities

    def __init__(
        self,
        route_config: str,
        route_name: str,
        admin_url: str | None = None,
        admin_urls: Sequence[str] | None = None,
        route_file: str | None = None,
        runtime_file: str | None = None,
        timeout_s: float = 5,
    ) -> None:
        for setting, value in (("route_config", route_config), ("route_name", route_name)):
            if not isinstance(value, str) or not value:
                raise ValueError(f"{setting} must be a text that is not empty, got {value!r}")
        if isinstance(timeout_s, bool) or not isinstance(timeout_s, int | float) or not 0 < timeout_s <= _LONGEST_S:
            raise ValueError(f"timeout_s must be seconds over 0 and up to {_LONGEST_S}, got {timeout_s!r}")
        if (route_file is None) == (runtime_file is None):
            raise ValueError("give route_file (RDS) or runtime_file (RTDS), exactly one of the two")
        clock = SystemClock()
        self._instances = EnvoyInstances(admin_url, admin_urls, timeout_s, clock)
        self._way: EnvoyWay
        if route_file is not None:
            self._file = EnvoyFile(route_file, "route_file", timeout_s, clock)
            self._way = RouteFileWay(self._file.shown, route_config, route_name)
        else:
            self._file = EnvoyFile(runtime_file or "", "runtime_file", timeout_s, clock)
            self._way = RuntimeFileWay(self._file.shown, route_config, route_name)
        self.capabilities = self._way.capabilities

    @override
    def read(self) -> RouteSnapshot:
        document, broken = self._document()
        return _together(self._instances.ask(lambda admin: self._seen(admin, document)), broken)

    @override
    def apply(self, desired: DesiredRoute) -> None:
        _refuse_overflow(desired)
        self._clear_overrides(self._write_soon(desired), desired.epoch)

    @override
    def rehearse(self, desired: DesiredRoute) -> Rehearsal:
        problems: list[str] = []
        changes: tuple[str, ...] = ()
        try:
            found = self.read()
            problems += found.pending
            changes = changes_between(found, desired)
        except RoutingError as error:
            problems.append(error.detail)
        try:
            changes += self._try_out(desired)
        except RoutingError as error:
            problems.append(error.detail)
        return Rehearsal(tuple(dict.fromkeys(problems)), changes)

    def _write_soon(self, desired: DesiredRoute) -> RuntimeKeys:
        """Write with what a glance tells; where that is nothing and not enough, wait for the instances after all."""
        views = _values(self._instances.glance(self._way.glance))
        try:
            return self._write(desired, views)
        except StaleEpochError:
            raise
        except RoutingError:
            views = [] if views else _values(self._instances.ask(self._way.glance))
            if not views:
                raise
        return self._write(desired, views)

    def _write(self, desired: DesiredRoute, views: Sequence[View]) -> RuntimeKeys:
        with self._file.locked():
            document = self._file.load()
            keys = self._way.plan(document, desired, views)
            self._file.replace(document)
            return keys

    def _document(self) -> tuple[dict[str, Any] | None, RoutingError | None]:
        try:
            return self._file.load(), None
        except RoutingError as error:
            return None, error

    def _seen(self, admin: EnvoyAdmin, document: dict[str, Any] | None) -> _Seen:
        view = self._way.look(admin)
        shown = self._way.shown(view)
        overrides = shown.overrides
        if len(self._instances) > 1:
            overrides = {f"{key} at {admin.shown}": value for key, value in overrides.items()}
        return _Seen(replace(shown, overrides=overrides), self._behind(admin, document, view))

    def _behind(self, admin: EnvoyAdmin, document: dict[str, Any] | None, view: View) -> str | None:
        """Tell whether an instance has taken the file; what it refuses, its admin interface only counts."""
        if document is None:
            return None
        try:
            held = self._way.held(document, view)
        except RoutingError as error:
            return error.detail
        followed = self._way.followed(view)
        if _essence(followed) == _essence(held):
            return None
        refused = admin.refusals(self._way.counters)
        return (
            f"Envoy {admin.shown} has not taken {self._file.shown}: it has {_told(followed)}, the file says "
            f"{_told(held)}"
            + (f"; it refused {refused} files since it started, see its log for the reason" if refused else "")
        )

    def _try_out(self, desired: DesiredRoute) -> tuple[str, ...]:
        """Go the way of a write without writing, and return what the instances lack of what serves nothing."""
        _refuse_overflow(desired)
        views = _values(self._instances.ask(self._way.glance))
        with self._file.locked():
            document = self._file.load()
            self._way.plan(document, desired, views)
            self._file.try_out(document)
        for view in views or [View()]:
            planned = self._way.held(document, view)
            if not planned.says(desired):
                raise RoutingError(f"{self._file.shown} would say {_told(planned)}, which is not what is desired")
        return tuple(dict.fromkeys(line for view in views for line in lacking(desired, self._way.known(view))))

    def _clear_overrides(self, keys: RuntimeKeys, epoch: int) -> None:
        if not keys.all:
            return
        answers = self._instances.ask(lambda admin: self._cleared(admin, keys))
        masked = set().union(*_values(answers))
        if masked:
            raise RoutingError(
                f"the runtime keys {listed(masked)} win over the weights in {self._file.shown} and are set in a "
                "layer that the admin interface cannot clear: remove them from Envoy's static, disk or RTDS layer"
            )
        silent = next((answer.error for answer in answers if answer.error is not None), None)
        if silent is not None and not _values(answers):
            raise RoutingError(
                f"epoch {epoch} is in {self._file.path}, yet admin overrides may still win over it: {silent.detail}"
            ) from silent

    def _cleared(self, admin: EnvoyAdmin, keys: RuntimeKeys) -> set[str]:
        overridden = self._way.overridden(admin.runtime(), keys)
        if not overridden:
            return set()
        admin.clear_runtime(overridden)
        return self._way.masked(admin.runtime(), keys)


def _together(answers: Sequence[Answer[_Seen]], broken: RoutingError | None) -> RouteSnapshot:
    """Return what all instances do: one with an override is shown first, and all that differ are named as pending.

    Raises:
        RoutingError: none answers.
    """
    seen = _values(answers)
    if not seen:
        raise next(answer.error for answer in answers if answer.error is not None)
    shown = next((one for one in seen if one.snapshot.overrides), seen[0]).snapshot
    pending = [] if broken is None else [broken.detail]
    for answer in answers:
        if answer.value is None:
            pending += [] if answer.error is None else [answer.error.detail]
        elif answer.value.behind is not None:
            pending.append(answer.value.behind)
        elif _essence(answer.value.snapshot) != _essence(shown):
            pending.append(f"Envoy {answer.instance} shows {_told(answer.value.snapshot)}, another {_told(shown)}")
    overrides = {key: value for one in seen for key, value in one.snapshot.overrides.items()}
    return replace(shown, overrides=overrides, pending=tuple(dict.fromkeys(pending)))


def _values(answers: Sequence[Answer[T]]) -> list[T]:
    return [answer.value for answer in answers if answer.value is not None]


def _essence(snapshot: RouteSnapshot) -> tuple[object, ...]:
    return {name: weight for name, weight in snapshot.weights.items() if weight}, snapshot.mirror, snapshot.epoch


def _told(snapshot: RouteSnapshot) -> str:
    weights = ", ".join(f"{name} {weight}" for name, weight in sorted(snapshot.weights.items()))
    epoch = "none" if snapshot.epoch is None else snapshot.epoch
    return f"weights {weights or 'none'}, mirror {mirror_text(snapshot.mirror)}, epoch {epoch}"


def _refuse_overflow(desired: DesiredRoute) -> None:
    total = sum(desired.weights.values())
    if total > _MOST_WEIGHT:
        raise RoutingError(f"weights must add up to at most {_MOST_WEIGHT}, got {total}: Envoy would refuse the file")

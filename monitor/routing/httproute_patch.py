"""The one JSON Patch that makes an HTTPRoute do what is desired. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from monitor.errors import RoutingError
from monitor.models.route import DesiredRoute
from monitor.routing.changes import lacking, mirrored_to, needed
from monitor.routing.httproute_object import DESIRED, EPOCH, REMOVED, HttpRoute, Rule

__all__ = ["Plan", "planned"]

_Operation = dict[str, Any]
_HEAVIEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """A write, or nothing to write."""

    operations: tuple[_Operation, ...]
    """Empty when the object does it already."""
    notes: tuple[str, ...] = ()
    """What is not plain from the weights, for people."""


@dataclass(frozen=True, slots=True)
class _Moved:
    """A rule as it should be."""

    rule: Rule
    refs: list[dict[str, Any]]
    filters: list[dict[str, Any]]
    kept: dict[str, Any]
    """What the annotation keeps of it."""
    notes: list[str]


def planned(route: HttpRoute, desired: DesiredRoute) -> Plan:
    """Return the patch for every rule of the route: weights, mirror and epoch at once.

    It tests the object's resourceVersion, each rule's name or matches and the name of each backend, so that it is
    refused as a whole when anybody wrote in between. A backend that a rule lacks is added as another rule holds it.
    ``cut`` takes backends of weight 0 out and keeps them in an annotation; without it they are put back.

    Raises:
        RoutingError: a backend is unknown or cannot be told, or a weight is over the limit.
    """
    _refuse(route, desired)
    moved = [_moved(rule, route, desired) for rule in route.rules]
    changes = [
        *(operation for one in moved for operation in _rule_changes(one)),
        *_annotation_changes(route, desired, moved),
    ]
    notes = (*(note for one in moved for note in one.notes), *lacking(desired, route.backends))
    if not changes:
        return Plan((), notes)
    return Plan((*_tests(route), *changes), notes)


def _refuse(route: HttpRoute, desired: DesiredRoute) -> None:
    mirrors = mirrored_to(desired.mirror)
    unknown = needed(desired) - set(route.backends)
    if unknown:
        raise RoutingError(
            f"{route.where} has no backend {', '.join(sorted(unknown))}; known: {', '.join(sorted(route.backends))}. "
            "Correct the variant's backend name, or add it to the rule's backendRefs with weight 0; nothing was written"
        )
    if len(mirrors) > 1:
        raise RoutingError(
            f"{route.where} has one mirror for all backends, asked for {', '.join(sorted(mirrors))}: name one"
        )
    heaviest = max(desired.weights.values())
    if heaviest > _HEAVIEST:
        raise RoutingError(f"{route.where} takes weights up to {_HEAVIEST}, asked for {heaviest}: scale them down")


def _moved(rule: Rule, route: HttpRoute, desired: DesiredRoute) -> _Moved:
    notes: list[str] = []
    lacking = [name for name, weight in desired.weights.items() if weight and rule.identity(name) is None]
    added = [_told(name, rule, route) for name in lacking]
    notes.extend(f"{rule.label}: backend {name} is added as another rule holds it" for name in lacking)
    everyone = [{**ref, "weight": desired.weights.get(ref["name"], 0)} for ref in (*rule.refs, *rule.removed, *added)]
    gone = [ref for ref in everyone if desired.cut and not ref["weight"]]
    filters, options = _filters(rule, route, desired)
    kept: dict[str, Any] = {}
    if gone:
        kept["refs"] = [{key: value for key, value in ref.items() if key != "weight"} for ref in gone]
    if options:
        kept["mirror"] = options
    return _Moved(rule, [ref for ref in everyone if ref not in gone], filters, kept, notes)


def _filters(
    rule: Rule, route: HttpRoute, desired: DesiredRoute
) -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
    """Return the filters as they should be, and the options of a mirror that is off."""
    ours = rule.mirrors(route.backends)
    mirrors = [dict(rule.filters[index]["requestMirror"]) for index in ours]
    options = {key: value for key, value in mirrors[0].items() if key != "backendRef"} if ours else rule.mirror_options
    backend = next(iter(mirrored_to(desired.mirror)), None)
    filters: list[dict[str, Any]] = []
    for index, one in enumerate(rule.filters):
        if index not in ours or (index == ours[0] and backend == one["requestMirror"]["backendRef"]["name"]):
            filters.append(dict(one))
        elif index == ours[0] and backend is not None:
            filters.append({**one, "requestMirror": {**(options or {}), "backendRef": _told(backend, rule, route)}})
    if backend is None:
        return filters, options
    if not ours:
        mirror = {**(options or {}), "backendRef": _told(backend, rule, route)}
        filters.append({"type": "RequestMirror", "requestMirror": mirror})
    return filters, None


def _told(backend: str, rule: Rule, route: HttpRoute) -> dict[str, Any]:
    """Return the backend's identity as this rule holds it, else as the others do.

    Raises:
        RoutingError: others hold it in unlike ways.
    """
    own = rule.identity(backend)
    if own is not None:
        return own
    found = [one for one in (other.identity(backend) for other in route.rules) if one is not None]
    if any(one != found[0] for one in found):
        raise RoutingError(
            f"{route.where}: {rule.label} lacks backend {backend}, and other rules hold it in unlike ways: "
            "add it to this rule's backendRefs with weight 0; nothing was written"
        )
    return found[0]


def _tests(route: HttpRoute) -> Iterator[_Operation]:
    version = route.metadata.get("resourceVersion")
    if not isinstance(version, str) or not version:
        raise RoutingError(f"{route.where} has no resourceVersion: check that this is an API server's answer")
    yield _operation("test", "/metadata/resourceVersion", version)
    for rule in route.rules:
        place = f"/spec/rules/{rule.index}"
        told = "name" if rule.fields.get("name") else "matches"
        if rule.fields.get(told) is not None:
            yield _operation("test", f"{place}/{told}", rule.fields[told])
        for index, ref in enumerate(rule.refs):
            yield _operation("test", f"{place}/backendRefs/{index}/name", ref["name"])


def _rule_changes(moved: _Moved) -> Iterator[_Operation]:
    rule, place = moved.rule, f"/spec/rules/{moved.rule.index}"
    if [ref["name"] for ref in moved.refs] == [ref["name"] for ref in rule.refs]:
        for index, (ref, found) in enumerate(zip(moved.refs, rule.refs, strict=True)):
            if ref["weight"] != found.get("weight"):
                yield _operation("add", f"{place}/backendRefs/{index}/weight", ref["weight"])
    else:
        yield _operation("add", f"{place}/backendRefs", moved.refs)
    if moved.filters == rule.filters:
        return
    if moved.filters:
        yield _operation("add", f"{place}/filters", moved.filters)
    else:
        yield {"op": "remove", "path": f"{place}/filters"}


def _annotation_changes(route: HttpRoute, desired: DesiredRoute, moved: list[_Moved]) -> Iterator[_Operation]:
    removed = {key: kept for key, kept in route.removed.items() if key not in {one.rule.key for one in moved}}
    removed.update({one.rule.key: one.kept for one in moved if one.kept})
    weights = {name: weight for name, weight in sorted(desired.weights.items()) if weight}
    mirror = next(iter(mirrored_to(desired.mirror)), None)
    wanted = {EPOCH: str(desired.epoch), DESIRED: _json({"weights": weights, "mirror": mirror})}
    if removed:
        wanted[REMOVED] = _json(removed)
    if not route.annotations:
        yield _operation("add", "/metadata/annotations", wanted)
        return
    for key, value in wanted.items():
        if route.annotations.get(key) != value:
            yield _operation("add", f"/metadata/annotations/{_escaped(key)}", value)
    if REMOVED in route.annotations and not removed:
        yield {"op": "remove", "path": f"/metadata/annotations/{_escaped(REMOVED)}"}


def _operation(kind: str, path: str, value: Any) -> _Operation:
    return {"op": kind, "path": path, "value": value}


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))

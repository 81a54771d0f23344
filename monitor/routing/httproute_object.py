"""An HTTPRoute as Fullback looks at it: the rules that belong to one route. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from monitor.errors import RoutingError

__all__ = ["DESIRED", "EPOCH", "REMOVED", "HttpRoute", "Rule", "parsed"]

EPOCH = "fullback.dev/epoch"
"""Annotation: the epoch of the last write."""
DESIRED = "fullback.dev/desired"
"""Annotation: the weights and the mirror of the last write, as JSON."""
REMOVED = "fullback.dev/removed"
"""Annotation: what was taken out of the rules and can be put back, as JSON: rule key to ``refs`` and ``mirror``."""

_DIGITS = 15
_IDENTITY = ("group", "kind", "namespace", "name", "port")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the object that belongs to the route."""

    index: int
    key: str
    """Names the rule whatever its place: its name, else a digest of its matches."""
    fields: Mapping[str, Any]
    """As in the object."""
    refs: tuple[Mapping[str, Any], ...]
    """Its backendRefs, unlike in name."""
    removed: tuple[Mapping[str, Any], ...] = ()
    """Refs that were taken out of it."""
    mirror_options: Mapping[str, Any] | None = None
    """``percent`` or ``fraction`` of a mirror that was taken out of it."""

    @property
    def label(self) -> str:
        """The rule as people call it."""
        name = self.fields.get("name")
        return f"rule {name!r}" if name else f"rule {self.index + 1}"

    @property
    def weights(self) -> dict[str, int]:
        """Weight per backend; 1 where none is given, 0 where it was taken out."""
        given = {ref["name"]: 1 if ref.get("weight") is None else ref["weight"] for ref in self.refs}
        return {**{ref["name"]: 0 for ref in self.removed}, **given}

    @property
    def shares(self) -> dict[str, Fraction]:
        """Share of the rule's requests per backend, of those that get any."""
        total = sum(self.weights.values())
        return {name: Fraction(weight, total) for name, weight in self.weights.items() if weight}

    @property
    def filters(self) -> list[Mapping[str, Any]]:
        """Its filters."""
        return list(self.fields.get("filters") or [])

    def identity(self, backend: str) -> dict[str, Any] | None:
        """Return group, kind, namespace, name and port of a backend, or None when the rule does not know it."""
        for ref in (*self.refs, *self.removed):
            if ref["name"] == backend:
                return {field: ref[field] for field in _IDENTITY if ref.get(field) is not None}
        return None

    def mirrors(self, known: Iterable[str]) -> list[int]:
        """Return the indices of the filters that mirror to one of these backends."""
        names = set(known)
        return [index for index, one in enumerate(self.filters) if _mirrored(one) in names]


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """An HTTPRoute, checked."""

    where: str
    """Names it in messages."""
    metadata: Mapping[str, Any]
    spec: Mapping[str, Any]
    status: Mapping[str, Any]
    rules: tuple[Rule, ...]
    """Those that belong to the route, at least one."""
    removed: Mapping[str, Any]
    """All that the annotation keeps, of other rules, too."""

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations."""
        return self.metadata.get("annotations") or {}

    @property
    def epoch(self) -> int | None:
        """The stamped epoch; None where there is none that can be read."""
        text = self.annotations.get(EPOCH, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None

    @property
    def backends(self) -> tuple[str, ...]:
        """Every backend that its rules name or named, in order of appearance."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in _names(rule)))


def parsed(document: Mapping[str, Any], where: str, rules: Sequence[str] = ()) -> HttpRoute:
    """Return the checked object with the rules that belong to the route.

    These are the named ones, or else: all rules that are linked by a backend to the one group of rules that
    splits traffic. A rule that shares no backend with it (a health check, a redirect) is left alone.

    Raises:
        RoutingError: the object is not what an API server would send, or the rules cannot be told.
    """
    metadata = _mapping(document.get("metadata"), f"{where}: metadata")
    annotations = _mapping(metadata.get("annotations"), f"{where}: metadata.annotations")
    if not all(isinstance(value, str) for value in annotations.values()):
        raise _broken(f"{where}: metadata.annotations")
    spec = _mapping(document.get("spec"), f"{where}: spec")
    status = _mapping(document.get("status"), f"{where}: status")
    removed = _kept(annotations.get(REMOVED))
    found = [
        _rule(index, _mapping(one, f"{where}: spec.rules[{index}]"), where, removed)
        for index, one in enumerate(_list(spec.get("rules"), f"{where}: spec.rules"))
    ]
    belonging = _named(found, rules, where) if rules else _linked(found, where)
    _refuse_alike(belonging, found, where)
    return HttpRoute(where, metadata, spec, status, tuple(belonging), removed)


def _rule(index: int, fields: Mapping[str, Any], where: str, removed: Mapping[str, Any]) -> Rule:
    place = f"{where}: spec.rules[{index}]"
    if fields.get("name") is not None:
        _text(fields["name"], f"{place}.name")
    refs = [
        _ref(_mapping(one, f"{place}.backendRefs[{at}]"), f"{place}.backendRefs[{at}]")
        for at, one in enumerate(_list(fields.get("backendRefs"), f"{place}.backendRefs"))
    ]
    names = [ref["name"] for ref in refs]
    if len(set(names)) < len(names):
        doubled = next(name for name in names if names.count(name) > 1)
        raise RoutingError(
            f"{place} holds backend {doubled!r} twice, and weights are kept by name: merge the two backendRefs, "
            "or leave this rule out by the setting 'rules'"
        )
    for at, one in enumerate(_list(fields.get("filters"), f"{place}.filters")):
        _filter(one, f"{place}.filters[{at}]")
    key = fields.get("name") or _digest(fields.get("matches"))
    kept = removed.get(key) or {}
    gone = tuple({ref["name"]: ref for ref in kept.get("refs", ()) if ref["name"] not in names}.values())
    return Rule(index, key, fields, tuple(refs), gone, kept.get("mirror"))


def _ref(fields: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    _text(fields.get("name"), f"{place}.name")
    weight = fields.get("weight")
    if weight is not None and (isinstance(weight, bool) or not isinstance(weight, int) or weight < 0):
        raise _broken(f"{place}.weight")
    return fields


def _filter(fields: Any, place: str) -> None:
    if not isinstance(fields, dict):
        raise _broken(place)
    mirror = fields.get("requestMirror")
    if mirror is not None:
        backend = _mapping(_mapping(mirror, place).get("backendRef"), f"{place}.requestMirror.backendRef")
        _text(backend.get("name"), f"{place}.requestMirror.backendRef.name")
        fraction = _mapping(mirror.get("fraction"), f"{place}.requestMirror.fraction")
        for number in (mirror.get("percent"), fraction.get("numerator")):
            if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
                raise _broken(f"{place}.requestMirror")


def _mirrored(one: Mapping[str, Any]) -> str | None:
    mirror = one.get("requestMirror") if one.get("type") == "RequestMirror" else None
    return None if mirror is None else mirror["backendRef"]["name"]


def _names(rule: Rule) -> list[str]:
    return [ref["name"] for ref in (*rule.refs, *rule.removed)]


def _named(found: Sequence[Rule], rules: Sequence[str], where: str) -> list[Rule]:
    missing = sorted(set(rules) - {rule.fields.get("name") for rule in found})
    if missing:
        known = ", ".join(sorted(str(rule.fields["name"]) for rule in found if rule.fields.get("name"))) or "none"
        raise RoutingError(
            f"{where} has no rule named {', '.join(missing)}; named: {known}. Correct the setting 'rules'"
        )
    chosen = [rule for rule in found if rule.fields.get("name") in rules]
    empty = [rule for rule in chosen if not _names(rule)]
    if empty:
        raise RoutingError(f"{where}: {empty[0].label} has no backendRefs: leave it out of the setting 'rules'")
    return chosen


def _linked(found: Sequence[Rule], where: str) -> list[Rule]:
    everyone = {name for rule in found for name in _names(rule)}
    groups: list[tuple[set[str], list[Rule]]] = []
    for rule in found:
        if not _names(rule):
            continue
        names = {*_names(rule), *({_mirrored(one) or "" for one in rule.filters} & everyone)}
        touching = [group for group in groups if group[0] & names]
        groups = [group for group in groups if group not in touching]
        groups.append((names.union(*(group[0] for group in touching)), [*(r for g in touching for r in g[1]), rule]))
    splitting = [rules for names, rules in groups if len(names) > 1] or [rules for _, rules in groups]
    if not splitting:
        raise RoutingError(f"{where} has no rule with backendRefs: check namespace and name")
    if len(splitting) > 1:
        labels = "; ".join(", ".join(rule.label for rule in rules) for rules in splitting)
        raise RoutingError(
            f"{where} has groups of rules without a backend in common ({labels}): "
            "name this route's rules by the setting 'rules'"
        )
    return sorted(splitting[0], key=lambda rule: rule.index)


def _refuse_alike(belonging: Sequence[Rule], found: Sequence[Rule], where: str) -> None:
    keys = [rule.key for rule in found]
    for rule in belonging:
        if keys.count(rule.key) > 1:
            raise RoutingError(f"{where}: {rule.label} cannot be told from another rule: give each rule a name")


def _kept(text: str | None) -> Mapping[str, Any]:
    """Return what the annotation keeps; an unusable part counts as nothing kept, so that a rollback goes on."""
    try:
        document = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {key: kept for key, kept in document.items() if _is_kept(kept)}


def _is_kept(kept: Any) -> bool:
    if not isinstance(kept, dict) or not isinstance(kept.get("mirror") or {}, dict):
        return False
    refs = kept.get("refs", [])
    return isinstance(refs, list) and all(isinstance(ref, dict) and isinstance(ref.get("name"), str) for ref in refs)


def _digest(matches: Any) -> str:
    text = json.dumps(matches, sort_keys=True, separators=(",", ":"))
    return f"matches:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _broken(place)
    return value


def _list(value: Any, place: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _broken(place)
    return value


def _text(value: Any, place: str) -> None:
    if not isinstance(value, str) or not value:
        raise _broken(place)


def _broken(place: str) -> RoutingError:
    return RoutingError(f"{place} is not what the Gateway API says: check that this is an API server's answer")

"""What an HTTPRoute says that it does. Pure."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from monitor.models.route import RouteSnapshot
from monitor.routing.httproute_object import DESIRED, HttpRoute, Rule
from monitor.routing.httproute_owner import owners_of, writer_of
from monitor.routing.httproute_status import behind

__all__ = ["snapshot_of"]


def snapshot_of(
    route: HttpRoute, *, namespace: str, controllers: Collection[str], expect_status: bool, gitops_ignores: bool
) -> RouteSnapshot:
    """Return what the object says.

    The rules should agree. Where they do not, the first one that differs from what was written last is shown
    (the first of all where nothing was written yet), so that a change of one rule shows, and ``pending`` names
    every rule that differs from the one shown.

    Args:
        route: the object.
        namespace: the object's.
        controllers: whose status counts; everyone's when empty.
        expect_status: whether the status must follow the object.
        gitops_ignores: whether its GitOps manager was told to leave weights and filters alone.
    """
    shown = _shown(route)
    writer, writer_name = writer_of(route.metadata)
    return RouteSnapshot(
        weights={**dict.fromkeys(route.backends, 0), **shown.weights},
        mirror=_mirror(shown, route),
        epoch=route.epoch,
        overrides=_beside(route),
        pending=(
            *_unlike(route, shown),
            *(behind(route, namespace, controllers) if expect_status else ()),
        ),
        writer=writer,
        writer_name=writer_name,
        owners=owners_of(route.metadata, gitops_ignores=gitops_ignores),
    )


def _shown(route: HttpRoute) -> Rule:
    written = _written(route)
    if written is None:
        return route.rules[0]
    return next((rule for rule in route.rules if _does(rule, route) != written), route.rules[0])


def _does(rule: Rule, route: HttpRoute) -> tuple[dict[str, Any], str | None]:
    return dict(rule.shares), _mirror(rule, route)


def _written(route: HttpRoute) -> tuple[dict[str, Any], str | None] | None:
    """Return what was written last, in the form of ``_does``; None where the stamp is absent or unusable."""
    try:
        stamp = json.loads(route.annotations[DESIRED])
        weights, mirror = stamp["weights"], stamp["mirror"]
        refs = tuple({"name": name, "weight": int(weight)} for name, weight in weights.items())
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    if mirror is not None and not isinstance(mirror, str):
        return None
    return dict(Rule(0, "", {}, refs).shares), mirror


def _mirror(rule: Rule, route: HttpRoute) -> str | None:
    """Return who gets the rule's copies: a mirror that samples nothing is none."""
    for index in rule.mirrors(route.backends):
        mirror = rule.filters[index]["requestMirror"]
        if mirror.get("percent") != 0 and (mirror.get("fraction") or {}).get("numerator") != 0:
            name: str = mirror["backendRef"]["name"]
            return name
    return None


def _unlike(route: HttpRoute, shown: Rule) -> tuple[str, ...]:
    lines = []
    for rule in route.rules:
        if not any(rule.weights.values()):
            lines.append(f"{rule.label} sends to nobody: all its weights are 0")
        elif _does(rule, route) != _does(shown, route):
            lines.append(f"{rule.label} shows {_words(rule, route)}, {shown.label} {_words(shown, route)}")
        if len(rule.mirrors(route.backends)) > 1:
            lines.append(f"{rule.label} mirrors to several backends")
    return tuple(lines)


def _words(rule: Rule, route: HttpRoute) -> str:
    weights = ", ".join(f"{name} {weight}" for name, weight in sorted(rule.weights.items()) if weight) or "no weights"
    return f"{weights}, mirror {_mirror(rule, route) or 'off'}"


def _target(one: Mapping[str, Any]) -> str:
    return str(((one.get("requestMirror") or {}).get("backendRef") or {}).get("name"))


def _beside(route: HttpRoute) -> dict[str, str]:
    """Return what else in the rules decides where requests or copies go; Fullback leaves it as it is."""
    found: dict[str, str] = {}
    for rule in route.rules:
        ours = rule.mirrors(route.backends)
        for index, one in enumerate(rule.filters):
            if one.get("type") == "RequestMirror" and index not in ours:
                found[f"{rule.label}: mirror"] = _target(one)
            elif index in ours and one["requestMirror"].get("percent") == 0:
                found[f"{rule.label}: mirror percent"] = "0"
        if rule.fields.get("sessionPersistence"):
            found[f"{rule.label}: sessionPersistence"] = "sessions stay where they are after a flip"
        for ref in rule.refs:
            if ref.get("filters"):
                found[f"{rule.label}: filters of backend {ref['name']}"] = "kept"
    return found

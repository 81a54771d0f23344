"""What a write asks of a router and what it changes, in words. Pure."""

from collections.abc import Collection
from dataclasses import replace

from monitor.models.route import DesiredRoute, Mirror, RouteSnapshot

__all__ = ["changes_between", "lacking", "mirror_text", "mirrored_to", "needed", "without_absent"]


def changes_between(found: RouteSnapshot, desired: DesiredRoute) -> tuple[str, ...]:
    """Return one line for each thing that a write would change; empty when the router does it already."""
    lines = [
        f"weight of {name}: {found.weights.get(name, 0)} -> {desired.weights.get(name, 0)}"
        for name in sorted({*found.weights, *desired.weights})
        if found.weights.get(name, 0) != desired.weights.get(name, 0)
    ]
    if found.mirror != desired.mirror:
        lines.append(f"mirror: {mirror_text(found.mirror)} -> {mirror_text(desired.mirror)}")
    if desired.cut:
        gone = sorted(name for name, weight in desired.weights.items() if not weight)
        lines.append(f"taken out: {', '.join(gone) or 'nothing'}")
    if found.epoch != desired.epoch:
        lines.append(f"epoch: {'none' if found.epoch is None else found.epoch} -> {desired.epoch}")
    return tuple(lines)


def needed(desired: DesiredRoute) -> frozenset[str]:
    """Return the backends that a router must have: those that serve, and those that get copies.

    A weight of 0 asks for nothing: a candidate may be registered before its backend is deployed, or live in one of
    several clusters, and neither may hold a rollback up.
    """
    return frozenset({name for name, weight in desired.weights.items() if weight} | mirrored_to(desired.mirror))


def without_absent(desired: DesiredRoute, known: Collection[str]) -> DesiredRoute:
    """Leave out backends of weight 0 that a router does not have: not named is 0."""
    weights = {name: weight for name, weight in desired.weights.items() if weight or name in known}
    return replace(desired, weights=weights)


def lacking(desired: DesiredRoute, known: Collection[str]) -> tuple[str, ...]:
    """Return one line for each backend of weight 0 that a router does not have, for people: it cannot serve yet."""
    absent = sorted({*desired.weights} - needed(desired) - {*known})
    return tuple(f"backend {name} is not there: it gets neither traffic nor copies here" for name in absent)


def mirrored_to(mirror: Mirror) -> frozenset[str]:
    """Return every backend that gets copies."""
    if mirror is None:
        return frozenset()
    return frozenset({mirror}) if isinstance(mirror, str) else frozenset(mirror.values())


def mirror_text(mirror: Mirror) -> str:
    """Return who gets the copies as people read it."""
    if mirror is None or isinstance(mirror, str):
        return mirror or "off"
    return ", ".join(f"{copied} (of {serving})" for serving, copied in sorted(mirror.items())) or "off"

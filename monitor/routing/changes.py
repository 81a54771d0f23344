"""What a write changes, in words. Pure."""

from monitor.models.route import DesiredRoute, Mirror, RouteSnapshot

__all__ = ["changes_between", "mirror_text", "mirrored_to"]


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

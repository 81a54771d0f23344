"""What a flip should leave behind: the desired routing, computed from what the router does now. Pure."""

from collections.abc import Sequence

from monitor.models.route import DesiredRoute, RouteSnapshot
from monitor.models.variant import Role, Variant

__all__ = ["toward_baseline", "toward_snapshot"]


def toward_baseline(variants: Sequence[Variant], harmful: str | None, epoch: int) -> DesiredRoute:
    """All primary traffic to the baseline; the mirror turns round in the same write.

    The harmful candidate (the only one, or the one named) gets the copies, so that it stays measured without serving
    anyone, and the baseline no longer gets its own requests twice at the worst moment.
    """
    baseline = next(variant for variant in variants if variant.role is Role.BASELINE)
    others = [variant.backend for variant in variants if variant.role is Role.CANDIDATE]
    mirror = harmful if harmful in others else (others[0] if others else None)
    weights = {baseline.backend: 100, **dict.fromkeys(others, 0)}
    return DesiredRoute(epoch=epoch, weights=weights, mirror=mirror)


def toward_snapshot(before: RouteSnapshot, epoch: int) -> DesiredRoute:
    """The routing as it was before the last flip."""
    return DesiredRoute(epoch=epoch, weights=dict(before.weights), mirror=before.mirror)

"""What a move should leave behind, and its steps: computed from what the routers did before. Pure."""

from collections.abc import Mapping, Sequence

from monitor.models.route import DesiredRoute, Mirror, RouteSnapshot, Stage
from monitor.models.variant import Role, Variant
from monitor.routing.base import Capabilities

__all__ = ["AT_ONCE", "desired_at", "stages_of", "toward_baseline", "toward_snapshot"]

AT_ONCE = (Stage(100),)
"""The whole way in one step."""


def toward_baseline(variants: Sequence[Variant], harmful: str | None, epoch: int, *, cut: bool = False) -> DesiredRoute:
    """All primary traffic to the baseline; the mirror turns round in the same write.

    The harmful candidate (the only one, or the one named) gets the copies, so that it stays measured without serving
    anyone, and the baseline no longer gets its own requests twice at the worst moment.
    """
    baseline = next(variant for variant in variants if variant.role is Role.BASELINE)
    others = [variant.backend for variant in variants if variant.role is Role.CANDIDATE]
    mirror = harmful if harmful in others else (others[0] if others else None)
    weights = {baseline.backend: 100, **dict.fromkeys(others, 0)}
    return DesiredRoute(epoch=epoch, weights=weights, mirror=mirror, cut=cut)


def toward_snapshot(before: RouteSnapshot, epoch: int) -> DesiredRoute:
    """The routing as it was before the last flip."""
    return DesiredRoute(epoch=epoch, weights=dict(before.weights), mirror=before.mirror)


def stages_of(steps: Sequence[int], capabilities: Sequence[Capabilities]) -> tuple[Stage, ...]:
    """Return the steps of a move, or one where a router knows no shares."""
    if not all(one.weights for one in capabilities):
        return AT_ONCE
    return tuple(Stage(share) for share in steps)


def desired_at(
    start: RouteSnapshot | None,
    end: DesiredRoute,
    stage: Stage,
    epoch: int,
    capabilities: Capabilities,
    *,
    mirror: Mirror = None,
) -> DesiredRoute:
    """Return what a router should do at a step between where it was and where the move ends.

    Formula: ``weight = start + (end - start) * share / 100`` on weights in percent, rounded so that they sum to 100 and
    a backend that is on the way up or down keeps at least 1 until the last step. A share of 0 leaves them as they were.

    Args:
        start: What the router did before; None (unreadable) goes the whole way at once.
        end: Where the move ends.
        stage: The step.
        epoch: The write's.
        capabilities: The router's: without shares there is one step, without mirrors no copies.
        mirror: Who gets the copies on the way back; None on the way to the baseline.
    """
    there = _there(start, end, back=mirror is not None)
    last = stage.share >= 100  # noqa: PLR2004 - percent
    if last or start is None or not any(start.weights.values()) or not capabilities.weights:
        sent = end.mirror if capabilities.mirror else None
        return DesiredRoute(epoch, dict(end.weights), _to_be_had(sent, there), end.cut)
    weights = dict(start.weights)
    if stage.share:
        weights = _between(_percent(start.weights), _percent(end.weights), stage.share)
    if isinstance(mirror, Mapping) and not capabilities.mirror_per_backend:
        mirror = None
    return DesiredRoute(epoch, weights, _to_be_had(mirror if capabilities.mirror else None, there))


def _there(start: RouteSnapshot | None, end: DesiredRoute, *, back: bool) -> frozenset[str] | None:
    """Return the backends that the router has; None where it was not seen.

    They are told by the end of the way that the router was read in, where the way to the baseline starts and the way
    back ends. The other end names every variant of the route, those that this router lacks too; of it, who serves.
    """
    if start is None or not any(start.weights.values()):
        return None
    serving = {name for weights in (start.weights, end.weights) for name, weight in weights.items() if weight}
    seen = end if back else start
    copied = seen.mirror.values() if isinstance(seen.mirror, Mapping) else [seen.mirror or ""]
    return frozenset({*serving, *seen.weights, *copied})


def _to_be_had(mirror: Mirror, there: frozenset[str] | None) -> Mirror:
    """Return the copies that can be had: a move goes on without those to or of a backend that the router lacks."""
    if mirror is None or there is None:
        return mirror
    if isinstance(mirror, str):
        return mirror if mirror in there else None
    return {serving: copied for serving, copied in mirror.items() if {serving, copied} <= there} or None


def _percent(weights: Mapping[str, int]) -> dict[str, float]:
    total = sum(weights.values())
    return {name: 100.0 * weight / total for name, weight in weights.items()}


def _between(start: Mapping[str, float], end: Mapping[str, float], share: int) -> dict[str, int]:
    """Round down, and give what is left to the backend that serves all at one end: so no step goes the wrong way."""
    names = sorted({*start, *end})
    exact = {n: start.get(n, 0.0) + (end.get(n, 0.0) - start.get(n, 0.0)) * share / 100 for n in names}
    weights = {name: max(1, int(value)) if value > 0.0 else 0 for name, value in exact.items()}
    whole = max(names, key=lambda name: max(start.get(name, 0.0), end.get(name, 0.0)))
    weights[whole] += 100 - sum(weights.values())
    if weights[whole] < 1:  # many others below one percent
        largest = max(names, key=lambda name: weights[name])
        weights[largest] -= 1 - weights[whole]
        weights[whole] = 1
    return weights

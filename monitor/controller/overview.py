"""How a route stands: what its routers show, what holds it, and what the proof says so far. Pure."""

from dataclasses import dataclass
from datetime import datetime

from monitor.controller.foreign import Standing, standing_of
from monitor.controller.proving import proof_of
from monitor.controller.readings import Readings
from monitor.controller.situation import Situation
from monitor.models.route import Phase, RouteSnapshot
from monitor.routing.base import ReadBack

__all__ = ["Overview", "TargetStanding", "overview_of"]

_WRITING = frozenset({Phase.APPLYING, Phase.VERIFYING_CONTROL})


@dataclass(frozen=True, slots=True)
class TargetStanding:
    """One target."""

    target: str
    read_back: ReadBack
    snapshot: RouteSnapshot | None
    standing: Standing | None
    """None where nothing was ever written: it does what it is configured to do."""
    said: str


@dataclass(frozen=True, slots=True)
class Overview:
    """A route at one moment."""

    at: datetime
    targets: tuple[TargetStanding, ...]
    not_armed: str | None
    """Why ``auto`` may not act by itself yet."""
    held: str | None
    """The freeze that holds automatic moves."""
    proof: str | None
    """What traffic says of the move under way; None where none is proven by traffic now."""


def overview_of(seen: Situation, readings: Readings) -> Overview:
    """Judge every target by the controller's own rule, and the proof as far as it has come."""
    proof = proof_of(seen, readings) if readings.traffic else None
    return Overview(
        at=readings.now,
        targets=tuple(_standing(seen, readings, label) for label in readings.routers),
        not_armed=readings.not_armed,
        held=readings.held,
        proof=None if proof is None else proof.reason,
    )


def _standing(seen: Situation, readings: Readings, label: str) -> TargetStanding:
    router, desired = readings.routers[label], seen.control.desired.get(label)
    read_back = router.capabilities.read_back
    if desired is None:
        said = router.problem or "; ".join(router.snapshot.pending if router.snapshot else ()) or "as configured"
        return TargetStanding(label, read_back, router.snapshot, None, said)
    settled = seen.control.phase not in _WRITING
    found = standing_of(label, router, desired, seen.control.before.get(label), settled=settled)
    return TargetStanding(label, read_back, router.snapshot, found.standing, found.reason)

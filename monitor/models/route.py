"""A route: a public model name, and what its router does now and should do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from monitor.models.text import NO_TEXT, TextPolicy

__all__ = ["DesiredRoute", "Goal", "Mode", "Phase", "Route", "RouteControl", "RouteSnapshot", "TargetRef"]


class Mode(StrEnum):
    """How far the controller may go by itself."""

    OBSERVE = "observe"
    ADVISE = "advise"
    AUTO = "auto"


class Goal(StrEnum):
    """What the last flip was for."""

    BASELINE = "baseline"
    """All primary traffic to the baseline."""
    RESTORE = "restore"
    """The routing from before the last flip."""


class Phase(StrEnum):
    """The controller's state for one route."""

    ARMED = "armed"
    PREFLIGHT = "preflight"
    APPLYING = "applying"
    VERIFYING_CONTROL = "verifying-control"
    VERIFYING_TRAFFIC = "verifying-traffic"
    ROLLED_BACK = "rolled-back"
    HOLD = "hold"
    STUCK = "stuck"
    REVERTED = "reverted"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class TargetRef:
    """Which kind of router, and the settings that kind needs."""

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """A public model name that clients call."""

    id: int
    name: str
    mode: Mode
    policy: str
    target: TargetRef
    mirror_host_suffix: str | None
    """Set when the router marks mirrored copies in the Host header: then an unmarked record is a primary."""
    mirror_percent: float
    """Share of requests that the mirror copies, by the router's configuration."""
    waiver: str | None
    """Why ``auto`` was armed before the observation period ended; None when it was not."""
    created_at: datetime
    text_storage: TextPolicy = NO_TEXT
    """Which of its events' texts are kept."""
    answer_schema: Mapping[str, Any] | None = None
    """The JSON Schema that answers to requests without one of their own are checked by."""


@dataclass(frozen=True, slots=True)
class DesiredRoute:
    """What the router should do. ``weights`` are per backend and never all zero.

    Raises:
        ValueError: all weights are zero or one is negative.
    """

    epoch: int
    weights: Mapping[str, int]
    mirror: str | None
    """The backend that gets the copies."""

    def __post_init__(self) -> None:
        if any(weight < 0 for weight in self.weights.values()):
            raise ValueError(f"weights must be >= 0, got {dict(self.weights)!r}")
        if not any(self.weights.values()):
            raise ValueError("weights must not all be zero: a router answers 404 or 503 to everything then")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"epoch": self.epoch, "weights": dict(self.weights), "mirror": self.mirror}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "DesiredRoute":
        """Inverse of ``to_json``."""
        return cls(int(document["epoch"]), dict(document["weights"]), document["mirror"])


@dataclass(frozen=True, slots=True)
class RouteSnapshot:
    """What the router says it does: effective values, after any override."""

    weights: Mapping[str, int]
    mirror: str | None
    epoch: int | None
    """The epoch stamped on the configuration, None when nobody stamped it."""
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Settings outside the configuration that change where traffic goes (an Envoy admin override)."""

    def shows(self, desired: DesiredRoute) -> bool:
        """Tell whether the router does what is desired."""
        wanted = {name: weight for name, weight in desired.weights.items() if weight}
        found = {name: weight for name, weight in self.weights.items() if weight}
        return wanted == found and self.mirror == desired.mirror and self.epoch == desired.epoch

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "weights": dict(self.weights),
            "mirror": self.mirror,
            "epoch": self.epoch,
            "overrides": dict(self.overrides),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "RouteSnapshot":
        """Inverse of ``to_json``."""
        return cls(dict(document["weights"]), document["mirror"], document["epoch"], dict(document["overrides"]))


@dataclass(frozen=True, slots=True)
class RouteControl:
    """The controller's row for a route: phase, fencing epoch, desired state."""

    route_id: int
    phase: Phase
    phase_since: datetime
    goal: Goal
    actor: str
    epoch: int
    desired: DesiredRoute | None
    before: RouteSnapshot | None
    """The routing before the last flip: what an undo restores."""
    applied_at: datetime | None
    incident_id: int | None
    pinned_by: str | None
    pinned_until: datetime | None

    def pinned(self, now: datetime) -> bool:
        """Tell whether a person's pin holds the route."""
        return self.pinned_by is not None and (self.pinned_until is None or now < self.pinned_until)

"""A route: a public model name, and what its router does now and should do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from monitor.models.text import NO_TEXT, TextPolicy

__all__ = [
    "MEASURED",
    "DesiredRoute",
    "Goal",
    "Mirror",
    "Mode",
    "Phase",
    "Route",
    "RouteControl",
    "RouteSnapshot",
    "Stage",
    "TargetRef",
    "Writer",
]


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
    """The routing from before the last flip, because the flip was wrong."""
    RAMP = "ramp"
    """The routing from before the last flip, in steps, because the candidate was shown to be safe."""


class Phase(StrEnum):
    """The controller's state for one route."""

    ARMED = "armed"
    TRIGGERED = "triggered"
    """A rollback is decided; the limits on acting are looked at next."""
    PREFLIGHT = "preflight"
    APPLYING = "applying"
    VERIFYING_CONTROL = "verifying-control"
    VERIFYING_TRAFFIC = "verifying-traffic"
    ROLLED_BACK = "rolled-back"
    HOLD = "hold"
    RECOVERING = "recovering"
    """The baseline serves, the candidate is mirrored to, and a person wants it back once it is shown to be safe."""
    RAMPING = "ramping"
    """A part of the traffic is back on the candidate and is looked at before the next step."""
    STUCK = "stuck"
    REVERTED = "reverted"
    BLOCKED = "blocked"


MEASURED: Final = frozenset(
    {Phase.ARMED, Phase.BLOCKED, Phase.HOLD, Phase.RECOVERING, Phase.RAMPING, Phase.STUCK, Phase.REVERTED}
)
"""Phases in which a candidate is tested; in the others, which last seconds to minutes, its streams are frozen."""


@dataclass(frozen=True, slots=True)
class TargetRef:
    """Which kind of router, and the settings that kind needs."""

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    """Tells the route's targets apart; the kind where nothing else is said."""
    backends: Mapping[str, str] = field(default_factory=dict)
    """This router's names of backends, by the variants' names for them, where the two differ."""
    sources: tuple[str, ...] = ()
    """The shippers whose events come from behind this router; then traffic proves this target by itself."""

    @property
    def label(self) -> str:
        """The name, or the kind."""
        return self.name or self.kind

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "name": self.label,
            "kind": self.kind,
            "settings": dict(self.settings),
            "backends": dict(self.backends),
            "sources": list(self.sources),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "TargetRef":
        """Inverse of ``to_json``; all but the kind may be absent."""
        return cls(
            document["kind"],
            dict(document.get("settings") or {}),
            document.get("name") or "",
            dict(document.get("backends") or {}),
            tuple(document.get("sources") or ()),
        )


@dataclass(frozen=True, slots=True)
class Route:
    """A public model name that clients call."""

    id: int
    name: str
    mode: Mode
    policy: str
    targets: tuple[TargetRef, ...]
    """The routers that serve it, one per cluster, by unlike labels; each is moved and verified."""
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


Mirror = str | Mapping[str, str] | None
"""Who gets the copies: one backend, a backend per serving backend (where the router can), or nobody."""


@dataclass(frozen=True, slots=True)
class DesiredRoute:
    """What one router should do. ``weights`` are per backend and never all zero.

    Raises:
        ValueError: all weights are zero or one is negative.
    """

    epoch: int
    weights: Mapping[str, int]
    mirror: Mirror
    cut: bool = False
    """The stronger verb: backends of weight 0 are taken out, where a weight of 0 might not be enough."""

    def __post_init__(self) -> None:
        if any(weight < 0 for weight in self.weights.values()):
            raise ValueError(f"weights must be >= 0, got {dict(self.weights)!r}")
        if not any(self.weights.values()):
            raise ValueError("weights must not all be zero: a router answers 404 or 503 to everything then")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "epoch": self.epoch,
            "weights": dict(self.weights),
            "mirror": _mirror_json(self.mirror),
            "cut": self.cut,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "DesiredRoute":
        """Inverse of ``to_json``."""
        return cls(
            int(document["epoch"]), dict(document["weights"]), document["mirror"], bool(document.get("cut", False))
        )


class Writer(StrEnum):
    """Who wrote a router's configuration last."""

    FULLBACK = "fullback"
    GITOPS = "gitops"
    """A manager that applies what a repository says (Argo CD, Flux)."""
    OTHER = "other"
    """A person, or something unknown: never fought."""


@dataclass(frozen=True, slots=True)
class RouteSnapshot:
    """What the router says it does: effective values, after any override."""

    weights: Mapping[str, int]
    mirror: Mirror
    epoch: int | None
    """The epoch stamped on the configuration, None when nobody stamped it."""
    overrides: Mapping[str, str] = field(default_factory=dict)
    """Settings outside the configuration that change where traffic goes (an Envoy admin override)."""
    pending: tuple[str, ...] = ()
    """Why the data plane may not follow this yet: a replica that shows otherwise, a status that is behind."""
    writer: Writer | None = None
    """Who wrote it last; None where the router does not tell."""
    writer_name: str | None = None
    """As the router names it."""
    owners: tuple[str, ...] = ()
    """GitOps managers that would write over a flip, because nothing tells them to leave the weights alone."""

    def shows(self, desired: DesiredRoute) -> bool:
        """Tell whether the router says that it does what is desired, everywhere."""
        return self.says(desired) and not self.pending

    def says(self, desired: DesiredRoute) -> bool:
        """Tell whether the configuration is what is desired, though the data plane may not follow yet."""
        wanted = {name: weight for name, weight in desired.weights.items() if weight}
        found = {name: weight for name, weight in self.weights.items() if weight}
        return wanted == found and self.mirror == desired.mirror and self.epoch == desired.epoch

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "weights": dict(self.weights),
            "mirror": _mirror_json(self.mirror),
            "epoch": self.epoch,
            "overrides": dict(self.overrides),
            "pending": list(self.pending),
            "writer": None if self.writer is None else self.writer.value,
            "writer_name": self.writer_name,
            "owners": list(self.owners),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "RouteSnapshot":
        """Inverse of ``to_json``; what an earlier release did not write is absent."""
        writer = document.get("writer")
        return cls(
            dict(document["weights"]),
            document["mirror"],
            document["epoch"],
            dict(document["overrides"]),
            tuple(document.get("pending") or ()),
            None if writer is None else Writer(writer),
            document.get("writer_name"),
            tuple(document.get("owners") or ()),
        )


def _mirror_json(mirror: Mirror) -> str | dict[str, str] | None:
    return dict(mirror) if isinstance(mirror, Mapping) else mirror


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a move, written and read back before the next: a drain, a ramp, or one step for all."""

    share: int
    """Share of the whole way, in percent: 100 is where the move ends, 0 keeps the weights and only drops the copies."""
    replicas: int | None = None
    """Not a change of weights: the baseline is scaled to so many replicas, and the next step waits for them."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"share": self.share, "replicas": self.replicas}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Stage":
        """Inverse of ``to_json``."""
        return cls(int(document["share"]), document["replicas"])


@dataclass(frozen=True, slots=True)
class RouteControl:
    """The controller's row for a route: phase, fencing epoch, desired state."""

    route_id: int
    phase: Phase
    phase_since: datetime
    goal: Goal
    actor: str
    epoch: int
    desired: Mapping[str, DesiredRoute] = field(default_factory=dict)
    """Per target; empty before the first flip. All carry the row's epoch."""
    before: Mapping[str, RouteSnapshot] = field(default_factory=dict)
    """The routing of each target before the last move: what an undo restores. Empty when there is none."""
    applied_at: datetime | None = None
    """When the routers took the last write."""
    incident_id: int | None = None
    pinned_by: str | None = None
    pinned_until: datetime | None = None
    stages: tuple[Stage, ...] = ()
    """The way of the move under way."""
    stage: int = 0
    """Index into ``stages`` of the step that is written or in force."""
    backed_off: int = 0
    """How often this ramp went a step back."""
    reasserted: int = 0
    """How often what is desired was written again after someone else had changed it, since the last move."""
    told: str | None = None
    """What was paged about the phase, so that it is paged once."""
    condemned: Mapping[str, str | None] = field(default_factory=dict)
    """The artifacts that were rolled back, as variant name to digest: the same one does not come back by itself."""
    version: int = 0
    """How often the row was written; the store counts, and no move sets it."""

    def pinned(self, now: datetime) -> bool:
        """Tell whether a person's pin holds the route."""
        return self.pinned_by is not None and (self.pinned_until is None or now < self.pinned_until)

    @property
    def step(self) -> Stage | None:
        """The step that is written or in force."""
        return self.stages[self.stage] if self.stage < len(self.stages) else None

    @property
    def last_step(self) -> bool:
        """Whether no step follows the one in force."""
        return self.stage + 1 >= len(self.stages)

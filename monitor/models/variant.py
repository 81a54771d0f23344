"""A variant: one served artifact."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.models.artifact import NO_FACTS, Artifact

__all__ = ["Role", "Tier", "Variant"]


class Role(StrEnum):
    """What a variant is to its route."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"


class Tier(StrEnum):
    """How far the artifact is from the baseline's weights."""

    SERVING = "serving"
    """The same weights, run differently: identical behaviour is expected."""
    QUANTIZED = "quantized"
    """The same weights in fewer bits."""
    DERIVED = "derived"
    """Another model: fine-tuned, distilled or pruned."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A served artifact of a route; ``backend`` is the router's name for it."""

    id: int
    route_id: int
    name: str
    role: Role
    backend: str
    format: str
    tier: Tier
    base_model: str | None
    digest: str | None
    created_at: datetime
    artifact: Artifact = NO_FACTS
    """What was stated of it; a suggestion until someone confirms it."""
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None

    @property
    def confirmed(self) -> bool:
        """Whether a person said that tier and facts are right."""
        return self.confirmed_at is not None

"""A variant: one served artifact."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["Role", "Tier", "Variant"]


class Role(StrEnum):
    """What a variant is to its route."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"


class Tier(StrEnum):
    """How far the artifact is from the baseline's weights."""

    SERVING = "serving"
    QUANTIZED = "quantized"
    DERIVED = "derived"


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

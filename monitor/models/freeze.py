"""A freeze: a time in which nothing is moved automatically."""

from dataclasses import dataclass
from datetime import datetime

__all__ = ["BREAKER", "Freeze"]

BREAKER = "breaker"
"""The actor of a freeze that no person began: many candidates alarmed at once."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """A person's, or the breaker's; of one route, or of all."""

    id: int
    route_id: int | None
    """None: of every route."""
    actor: str
    reason: str
    starts_at: datetime
    ends_at: datetime | None
    """None: until somebody lifts it."""
    lifted_at: datetime | None = None
    lifted_by: str | None = None
    lifted_reason: str | None = None

    def stands(self, now: datetime) -> bool:
        """Tell whether it holds anything at a moment."""
        return self.lifted_at is None and self.starts_at <= now and (self.ends_at is None or now < self.ends_at)

    @property
    def of_breaker(self) -> bool:
        """Whether the breaker began it."""
        return self.actor == BREAKER and self.route_id is None

    def said(self) -> str:
        """Return it as people read it."""
        if self.of_breaker:
            return f"the breaker holds all routes until it is lifted (fullback unfreeze {self.id}): {self.reason}"
        whose = "the route is frozen" if self.route_id is not None else "all routes are frozen"
        until = "until it is lifted" if self.ends_at is None else f"until {self.ends_at:%Y-%m-%d %H:%M} UTC"
        return f"{whose} by {self.actor} {until}: {self.reason}"

"""An API key as the service knows it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["ApiKey", "Scope"]


class Scope(StrEnum):
    """What a key may do; ``admin`` includes all."""

    INGEST = "ingest"
    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret."""

    id: str
    source: str
    """Who holds it; part of every event's identity."""
    scopes: frozenset[Scope]
    routes: frozenset[str] | None
    """Names of the routes it is bound to; None is every route."""
    created_at: datetime
    revoked_at: datetime | None

    def allows(self, scope: Scope) -> bool:
        """Tell whether the key carries a scope."""
        return self.revoked_at is None and (scope in self.scopes or Scope.ADMIN in self.scopes)

    def bound_to(self, route: str) -> bool:
        """Tell whether the key may touch a route."""
        return self.routes is None or route in self.routes

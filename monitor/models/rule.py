"""An attribution rule: which events it covers, and the route, variant and leg they get."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from monitor.models.event import Leg

__all__ = ["Comparison", "MatchField", "Pattern", "Rule"]


class MatchField(StrEnum):
    """What of an event a rule can look at."""

    SERVICE = "service"
    NAMESPACE = "namespace"
    BACKEND = "backend"
    REQUESTED_MODEL = "requested_model"
    RESPONSE_MODEL = "response_model"
    FINGERPRINT = "fingerprint"
    SOURCE = "source"
    """Whose key posted the event."""
    HOST = "host"


class Comparison(StrEnum):
    """How a pattern is compared with a value."""

    EXACT = "exact"
    PREFIX = "prefix"
    GLOB = "glob"
    """Shell wildcards: ``*``, ``?`` and ``[...]``; the case counts."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One condition on one field; a field the event lacks never fulfils it."""

    comparison: Comparison
    text: str

    def to_json(self) -> str | dict[str, str]:
        """Return a plain string for an exact pattern, else an object with one member."""
        return self.text if self.comparison is Comparison.EXACT else {self.comparison.value: self.text}

    @classmethod
    def from_json(cls, document: str | Mapping[str, str]) -> "Pattern":
        """Read what ``to_json`` wrote."""
        if isinstance(document, str):
            return cls(Comparison.EXACT, document)
        ((comparison, text),) = document.items()
        return cls(Comparison(comparison), text)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule; all its conditions must hold, and the first rule of the list that holds counts."""

    name: str
    match: Mapping[MatchField, Pattern]
    route: str
    variant: str | None = None
    leg: Leg | None = None
    actor: str = ""
    created_at: datetime | None = None

    def says_the_same(self, other: "Rule") -> bool:
        """Tell whether two rules differ in nothing but who wrote them when."""
        mine = (self.name, self.match, self.route, self.variant, self.leg)
        return mine == (other.name, other.match, other.route, other.variant, other.leg)

    def match_json(self) -> dict[str, Any]:
        """Return the conditions as JSON."""
        return {field.value: pattern.to_json() for field, pattern in self.match.items()}

    def outcome_json(self) -> dict[str, str]:
        """Return what the covered events get, as JSON; what is open is absent."""
        leg = None if self.leg is None else self.leg.value
        given = {"route": self.route, "variant": self.variant, "leg": leg}
        return {name: value for name, value in given.items() if value is not None}

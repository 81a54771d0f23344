"""A move: what a step decided, as data; ``transitions`` carries it out in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alerts.types import AlertKind
from monitor.controller.situation import CONTROLLER
from monitor.models.incident import Incident
from monitor.models.promotion import Promotion
from monitor.models.route import Phase

__all__ = ["Move"]


@dataclass(frozen=True, slots=True)
class Move:
    """One audited change of a route's control row."""

    action: str
    reason: str
    to: Phase | None = None
    """The next phase; None leaves it as it is."""
    actor: str = CONTROLLER
    alert: AlertKind | None = None
    incident: Incident | None = None
    """What it is about; the row's own where none is named."""
    close: bool = False
    """Whether it ends the incident."""
    mark: bool = False
    """Whether the incident remembers the action, so that it is told once."""
    false_alarm: Incident | None = None
    """Closed in the same transaction as one."""
    breaker: str | None = None
    """Why all automatic moves are held from now on."""
    promotion: Promotion | None = None
    """The gate's answer."""
    evidence: Mapping[str, Any] | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Fields of ``RouteControl``."""

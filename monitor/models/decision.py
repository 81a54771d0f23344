"""A decision and its audit row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from monitor.models.route import Phase

__all__ = ["Action", "Audit", "Decision"]


class Action(StrEnum):
    """What the controller may choose."""

    NOTHING = "nothing"
    WOULD_ROLL_BACK = "would_roll_back"
    ADVISE = "advise"
    ROLL_BACK = "roll_back"
    EXPIRE = "expire"
    """The incident's evidence is too old to act on: close it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An action with its reason: the same text in the audit, in Slack and on the page."""

    action: Action
    reason: str


@dataclass(frozen=True, slots=True)
class Audit:
    """One append-only row."""

    route_id: int
    at: datetime
    actor: str
    action: str
    from_phase: Phase
    to_phase: Phase
    reason: str
    epoch: int
    incident_id: int | None = None
    policy_name: str | None = None
    policy_version: int | None = None
    evidence: Mapping[str, Any] | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    code_version: str = ""
    id: int = 0

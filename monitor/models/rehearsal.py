"""A rehearsal: what a flip would do now, and what would hold one. Nothing is written."""

from dataclasses import dataclass
from datetime import datetime

from monitor.models.route import Goal, Phase, Stage

__all__ = ["PREFLIGHT", "Check", "FlipRehearsal", "TargetRehearsal"]

PREFLIGHT = "preflight"
"""The check of the baseline's health and capacity: the one whose failure means that a rollback would not happen."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that an automatic rollback is held by, or not."""

    name: str
    ok: bool
    said: str


@dataclass(frozen=True, slots=True)
class TargetRehearsal:
    """What the write would do at one router."""

    target: str
    problems: tuple[str, ...]
    """Why it would fail, or would not last; empty when it would be taken."""
    changes: tuple[str, ...]
    owners: tuple[str, ...] = ()
    """GitOps managers that would write over it."""
    judged_by_router: bool = False
    """Whether the router itself judged the write; else only what can be seen from here was looked at."""


@dataclass(frozen=True, slots=True)
class FlipRehearsal:
    """What a flip would do at every router, and what would hold an automatic one."""

    at: datetime
    goal: Goal
    phase: Phase
    epoch: int
    """What the write would carry."""
    checks: tuple[Check, ...]
    stages: tuple[Stage, ...]
    """The steps of an automatic rollback; empty where it would not begin. A person's flip has one step."""
    targets: tuple[TargetRehearsal, ...]

    @property
    def refused(self) -> str | None:
        """Why the preflight would not let a rollback begin; None where it would."""
        return next((check.said for check in self.checks if check.name == PREFLIGHT and not check.ok), None)

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that would make a rollback fail, each with its place.

        What a person decided is none: a mode, a pin, a freeze, a route that is not armed yet.
        """
        found = [f"{one.target}: {problem}" for one in self.targets for problem in one.problems]
        return tuple(found if self.refused is None else [self.refused, *found])

"""A route with all that the database says of it. Pure."""

from dataclasses import dataclass
from typing import Final

from monitor.controller.phases import DECIDED
from monitor.models.incident import Incident
from monitor.models.policy import Policy
from monitor.models.route import Goal, Phase, Route, RouteControl
from monitor.models.variant import Role, Variant

__all__ = ["CONTROLLER", "Situation"]

CONTROLLER: Final = "controller"
"""The actor of everything that no person asked for."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a step of the controller starts from."""

    route: Route
    control: RouteControl
    variants: list[Variant]
    incidents: list[Incident]
    policy: Policy

    @property
    def baseline(self) -> Variant | None:
        """The route's baseline."""
        return next((variant for variant in self.variants if variant.role is Role.BASELINE), None)

    @property
    def candidates(self) -> list[Variant]:
        """The route's candidates."""
        return [variant for variant in self.variants if variant.role is Role.CANDIDATE]

    @property
    def incident(self) -> Incident | None:
        """The open incident the control row is about; the oldest open one where it is about none."""
        wanted = self.control.incident_id
        if wanted is not None:
            return next((one for one in self.incidents if one.id == wanted), None)
        return self.incidents[0] if self.incidents else None

    @property
    def harmful(self) -> Variant | None:
        """The candidate that the incident is about; the one that was rolled back where it is closed."""
        incident, condemned = self.incident, self.control.condemned
        if incident is not None:
            return next((one for one in self.candidates if one.id == incident.candidate_id), None)
        named = [one for one in self.candidates if one.name in condemned]
        return named[0] if len(named) == 1 else None

    @property
    def half_way(self) -> bool:
        """Whether a rollback was blocked after steps of it had been written."""
        control = self.control
        return control.phase is Phase.BLOCKED and control.goal is Goal.BASELINE and control.applied_at is not None

    @property
    def between(self) -> bool:
        """Whether the routers show a step of ours between the routing from before the first flip and its end."""
        control = self.control
        deciding = control.phase in DECIDED
        return bool(control.before) and deciding and (self.half_way or control.goal is Goal.RAMP)

    @property
    def automatic(self) -> bool:
        """Whether the move under way is the controller's own, and no person's."""
        return self.control.actor == CONTROLLER

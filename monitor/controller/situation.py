"""A route with all that the database says of it. Pure."""

from dataclasses import dataclass
from typing import Final

from monitor.models.incident import Incident
from monitor.models.policy import Policy
from monitor.models.route import Route, RouteControl
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
        """The incident the control row is about, or the oldest open one."""
        wanted = self.control.incident_id
        return next((i for i in self.incidents if i.id == wanted), self.incidents[0] if self.incidents else None)

    @property
    def harmful(self) -> Variant | None:
        """The candidate that the incident is about."""
        incident = self.incident
        return next((one for one in self.candidates if incident is not None and one.id == incident.candidate_id), None)

    @property
    def automatic(self) -> bool:
        """Whether the move under way is the controller's own, and no person's."""
        return self.control.actor == CONTROLLER

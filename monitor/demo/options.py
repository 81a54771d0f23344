"""What a run of the demo can be told."""

from dataclasses import dataclass
from enum import StrEnum

from monitor.demo.fault import Fault
from monitor.demo.faults import fault
from monitor.demo.routers import RouterKind

__all__ = ["DemoOptions", "EngineKind"]


class EngineKind(StrEnum):
    """What serves the variants."""

    SIMULATED = "simulated"
    """Chat servers that behave like models, with faults at will."""
    LLAMACPP = "llamacpp"
    """Real llama.cpp servers with generated weights."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """Options of ``fullback demo``.

    Args:
        headless: end after the result.
        json: the last line of standard output is one JSON object; progress goes to standard error.
        fault: name of what goes wrong; None: ``schema`` with simulated engines, ``none`` with real ones.
        seed: of traffic and answers.
        engines: what serves.
        target: what keeps the route.
        keep: leave the working directory behind.
        quiet_s: how long a run without a fault is watched after the warm-up.
        effect_s: how long to wait for the measured effect after the rollback.
        warm_limit_s: how long the warm-up may take.

    Raises:
        ValueError: there is no such fault, or these engines cannot have it.
    """

    headless: bool = False
    json: bool = False
    fault: str | None = None
    seed: int = 1
    engines: EngineKind = EngineKind.SIMULATED
    target: RouterKind = RouterKind.ENVOY
    keep: bool = False
    quiet_s: float = 85.0
    effect_s: float = 15.0
    warm_limit_s: float = 150.0

    def __post_init__(self) -> None:
        if self.engines is EngineKind.LLAMACPP and self.chosen_fault.simulated:
            raise ValueError(
                f"real engines cannot have the fault {self.chosen_fault.name}: choose none, dead or quantized"
            )
        if self.engines is EngineKind.SIMULATED and self.chosen_fault.replaces:
            raise ValueError(
                f"simulated engines cannot have the fault {self.chosen_fault.name}: add --engines llamacpp"
            )

    @property
    def chosen_fault(self) -> Fault:
        """The fault, with its default."""
        if self.fault is not None:
            return fault(self.fault)
        return fault("schema" if self.engines is EngineKind.SIMULATED else "none")

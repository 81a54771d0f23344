"""What a run of the demo can be told."""

from dataclasses import dataclass
from enum import StrEnum

from monitor.demo.behaviour import Fault

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
        fault: what goes wrong; None: ``schema`` with simulated engines, ``none`` with real ones.
        seed: of traffic and answers.
        engines: what serves.
        keep: leave the working directory behind.
        healthy_s: how long all is well before the fault.
        fault_limit_s: how long the rollback may take.
        quiet_s: how long a run without a fault is watched after the warm-up.
        effect_s: how long to wait for the measured effect after the rollback.
        warm_limit_s: how long the warm-up may take.

    Raises:
        ValueError: real engines cannot have that fault.
    """

    headless: bool = False
    json: bool = False
    fault: Fault | None = None
    seed: int = 1
    engines: EngineKind = EngineKind.SIMULATED
    keep: bool = False
    healthy_s: float = 25.0
    fault_limit_s: float = 100.0
    quiet_s: float = 85.0
    effect_s: float = 15.0
    warm_limit_s: float = 150.0

    def __post_init__(self) -> None:
        if self.engines is EngineKind.LLAMACPP and self.chosen_fault not in {Fault.NONE, Fault.DEAD}:
            raise ValueError(f"real engines cannot have the fault {self.chosen_fault!s}: choose none or dead")

    @property
    def chosen_fault(self) -> Fault:
        """The fault, with its default."""
        if self.fault is not None:
            return self.fault
        return Fault.SCHEMA if self.engines is EngineKind.SIMULATED else Fault.NONE

"""Whether the alarms of a run say what was wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.demo.fault import Fault

__all__ = ["Finding", "find"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What the alarms named, beside what they had to name."""

    fault: Fault
    first: tuple[str, str] | None = None
    """Signal and slice of the incident; None if there was no alarm."""
    alarmed: tuple[tuple[str, str], ...] = ()
    """Signal and slice of every alarm, the incident's included."""

    @property
    def right(self) -> bool:
        """Whether the incident names what is wrong; without a fault, whether there is none."""
        return self.fault.names(*self.first) if self.first else not self.fault.expected

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "alarm": _named(self.first) if self.first else None,
            "alarms": [_named(each) for each in self.alarmed],
            "expected": {"signals": list(self.fault.signals), "slices": list(self.fault.slices)},
            "named_as_expected": self.right,
        }

    def line(self) -> str:
        """Say it for people."""
        wanted = f"{' or '.join(self.fault.signals)} in {' or '.join(self.fault.slices)}"
        if self.first is None:
            return f"MISSED: none; expected {wanted}"
        first, rest = _spelled(self.first), [_spelled(each) for each in self.alarmed if each != self.first]
        also = f"; also {', '.join(rest)}" if rest else ""
        return f"{first}, as expected{also}" if self.right else f"{first}, NOT {wanted} as expected{also}"


def find(fault: Fault, incidents: Sequence[Mapping[str, Any]], alarmed: Sequence[tuple[str, str]]) -> Finding:
    """Put together what the first incident and all alarms named, oldest first."""
    first = (str(incidents[0]["signal"]), str(incidents[0]["slice"])) if incidents else None
    every = dict.fromkeys(([first] if first else []) + list(alarmed))
    return Finding(fault, first, tuple(every))


def _named(alarm: tuple[str, str]) -> dict[str, str]:
    return {"signal": alarm[0], "slice": alarm[1]}


def _spelled(alarm: tuple[str, str]) -> str:
    return f"{alarm[0]} ({alarm[1]})"

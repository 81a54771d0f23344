"""Faults: why answers were bad, counted for people; detection never looks at them."""

from datetime import date
from typing import NamedTuple

__all__ = ["OTHER", "Fault", "FaultCount"]

OTHER = "(other)"
"""Stands for every place beyond the most that are told apart."""


class Fault(NamedTuple):
    """One bad reading: its signal, the class of the fault, and where it was, if the signal tells ("" if not)."""

    signal: str
    reason: str
    detail: str


class FaultCount(NamedTuple):
    """How often a variant had a fault on one day of starts."""

    route_id: int
    variant_id: int
    day: date
    fault: Fault
    n: int

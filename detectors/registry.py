"""Every signal there is: a new one is a file in ``signals`` and a line here."""

from collections.abc import Mapping
from types import MappingProxyType

from detectors.base import Signal
from detectors.errors import UnknownSignalError
from detectors.signals.latency_e2e import LatencyE2e
from detectors.signals.latency_tpot import LatencyTpot
from detectors.signals.latency_ttft import LatencyTtft
from detectors.signals.refusal import Refusal
from detectors.signals.request_error import RequestError
from detectors.signals.schema_validity import SchemaValidity

__all__ = ["SIGNALS", "all_names", "signal"]

_REGISTERED: tuple[Signal, ...] = (
    SchemaValidity(),
    Refusal(),
    LatencyTtft(),
    LatencyTpot(),
    LatencyE2e(),
    RequestError(),
)

SIGNALS: Mapping[str, Signal] = MappingProxyType({each.name: each for each in _REGISTERED})
"""Signals by name, in the order in which people see them."""


def signal(name: str) -> Signal:
    """Return the signal of that name.

    Raises:
        UnknownSignalError: there is none; the message lists the known ones.
    """
    try:
        return SIGNALS[name]
    except KeyError:
        raise UnknownSignalError(name, all_names()) from None


def all_names() -> list[str]:
    """Return the names of all signals."""
    return list(SIGNALS)

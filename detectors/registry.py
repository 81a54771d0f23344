"""Every signal there is: a new one is a file in ``signals`` and a line here."""

from collections.abc import Mapping
from types import MappingProxyType

from detectors.base import Signal
from detectors.errors import UnknownSignalError
from detectors.signals._fall import fall_of
from detectors.signals.agreement import Agreement
from detectors.signals.correction import Correction
from detectors.signals.empty_output import EmptyOutput
from detectors.signals.format_drift import FormatDrift
from detectors.signals.language_switch import LanguageSwitch
from detectors.signals.latency_e2e import LatencyE2e
from detectors.signals.latency_queue import LatencyQueue
from detectors.signals.latency_tpot import LatencyTpot
from detectors.signals.latency_ttft import LatencyTtft
from detectors.signals.logprob_shift import LogprobShift
from detectors.signals.output_length import OutputLength
from detectors.signals.partial_refusal import PartialRefusal
from detectors.signals.refusal import Refusal
from detectors.signals.regenerate import Regenerate
from detectors.signals.repetition import Repetition
from detectors.signals.request_error import RequestError
from detectors.signals.retry_loop import RetryLoop
from detectors.signals.schema_validity import SchemaValidity
from detectors.signals.tool_loop import ToolLoop
from detectors.signals.truncation import Truncation

__all__ = ["SIGNALS", "all_names", "signal"]

_REGISTERED: tuple[Signal, ...] = (
    SchemaValidity(),
    Refusal(),
    fall_of(Refusal(), "Fewer refusals"),
    PartialRefusal(),
    fall_of(PartialRefusal(), "Fewer partial refusals"),
    LatencyTtft(),
    LatencyTpot(),
    LatencyE2e(),
    LatencyQueue(),
    RequestError(),
    Truncation(),
    EmptyOutput(),
    Repetition(),
    LanguageSwitch(),
    FormatDrift(),
    ToolLoop(),
    OutputLength(),
    fall_of(OutputLength(), "Shorter answers"),
    LogprobShift(),
    Agreement(),
    RetryLoop(),
    Correction(),
    Regenerate(),
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

"""What all latency signals make of an attempt's end and of a duration."""

from math import inf, isfinite

from detectors.types import Failure, Outcome, Reading

__all__ = ["duration", "failure_reading", "read_duration"]

_TIMEOUT = Reading(inf, "timeout")
_FAILED = Reading(0.0, "failed")


def read_duration(outcome: Outcome, ms: float | None) -> Reading | None:
    """Return the reading of an attempt that lasted ``ms``: None when it was cancelled or not recorded."""
    if outcome.failure is Failure.CANCELLED:
        return None
    return failure_reading(outcome) if outcome.failed else duration(ms)


def duration(ms: float | None) -> Reading | None:
    """Return milliseconds as a reading, or None for what no clock can have measured."""
    if ms is None or not isfinite(ms) or ms < 0.0:
        return None
    return Reading(float(ms), "ok")


def failure_reading(outcome: Outcome) -> Reading:
    """Return ``inf`` for a time-out, exact for every threshold below it, and "not slow" for any other failure."""
    return _TIMEOUT if outcome.failure is Failure.TIMEOUT else _FAILED

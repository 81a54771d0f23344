"""What all latency signals make of an attempt's end and of a duration.

A reading of 0 or more is a duration in milliseconds, ``inf`` a time-out. One below 0 is censored: the client left after
that many milliseconds, and the duration would have been longer. ``detectors.stats.latency.exceedance`` reads all three.
"""

from math import inf, isfinite

from detectors.types import Failure, Outcome, Reading

__all__ = ["censored", "duration", "failure_reading", "read_duration"]

_TIMEOUT = Reading(inf, "timeout")
_FAILED = Reading(0.0, "failed")


def read_duration(outcome: Outcome, ms: float | None) -> Reading | None:
    """Return the reading of an attempt that lasted ``ms``; censored there when it was cancelled, None if unknown."""
    if outcome.failure is Failure.CANCELLED:
        return censored(ms)
    return failure_reading(outcome) if outcome.failed else duration(ms)


def duration(ms: float | None) -> Reading | None:
    """Return milliseconds as a reading, or None for what no clock can have measured."""
    if ms is None or not isfinite(ms) or ms < 0.0:
        return None
    return Reading(float(ms), "ok")


def censored(ms: float | None) -> Reading | None:
    """Return "longer than ``ms``", or None where nothing was measured before the client left."""
    if ms is None or not isfinite(ms) or ms <= 0.0:
        return None
    return Reading(-float(ms), "cancelled")


def failure_reading(outcome: Outcome) -> Reading:
    """Return ``inf`` for a time-out, exact for every threshold below it, and "not slow" for any other failure."""
    return _TIMEOUT if outcome.failure is Failure.TIMEOUT else _FAILED

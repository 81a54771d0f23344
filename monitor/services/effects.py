"""The effect shown to people: estimate and interval from fresh ticks, not from those that raised the alarm."""

from typing import Any

from detectors.stats.intervals import difference
from detectors.types import ArmCounts, Counts
from monitor.models.evidence import Stream
from monitor.models.incident import Incident
from monitor.models.tick import tick_of
from monitor.storage.streams import StreamStore

__all__ = ["confirmation", "effect_of"]

_FEWEST = 50
_SHORTEST_S = 60.0
_LONGEST_S = 600.0
_SHARE_OF_ONSET = 0.25


def confirmation(
    incident: Incident, stream: Stream, streams: StreamStore, tick: int, tick_s: float
) -> dict[str, Any] | None:
    """Return the effect over the confirmation window so far, or None with too little in it or nothing new.

    The window begins with the tick after the alarm and lasts a quarter of the time since the onset, at least one and
    at most ten minutes. The since-onset estimate is selected by the alarm and biased up; this one is not.
    """
    length_s = _SHARE_OF_ONSET * tick_s * (incident.alarm_tick - tick_of(incident.onset_at, tick_s))
    last = incident.alarm_tick + int(min(max(length_s, _SHORTEST_S), _LONGEST_S) / tick_s)
    if tick > last:
        return None
    counts = streams.counted(stream, incident.alarm_tick + 1, tick)
    if min(counts.candidate_n, counts.baseline_n) < _FEWEST:
        return None
    return effect_of(stream.signal, counts, "confirmation")


def effect_of(signal: str, counts: Counts, window: str) -> dict[str, Any]:
    """Return the difference as stored and shown: Tango's interval for pairs, Newcombe's for arms."""
    interval = difference(counts)
    return {
        "signal": signal,
        "candidate": counts.candidate_bad / counts.candidate_n,
        "baseline": counts.baseline_bad / counts.baseline_n,
        "difference": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "level": interval.level,
        "pairs": counts.n,
        "unit": "sessions" if isinstance(counts, ArmCounts) else "pairs",
        "window": window,
    }

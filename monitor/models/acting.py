"""How the controller acts on a verdict: what a policy says of preflight, of the way, of proof and of the way back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

__all__ = [
    "BreakerPolicy",
    "DrainPolicy",
    "FreezeWindow",
    "PreflightPolicy",
    "ProbePolicy",
    "RampPolicy",
    "VerifyPolicy",
]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class ProbePolicy:
    """Synthetic requests, for times when there is too little traffic to prove anything."""

    url: str
    """An OpenAI-compatible endpoint, with its path."""
    model: str
    requests: int = 60
    """How many at most, per move or preflight."""
    after_s: float = 20.0
    """How long real traffic is waited for first, seconds."""
    key_env: str | None = None
    """The environment variable that holds the bearer token."""


@dataclass(frozen=True, slots=True)
class VerifyPolicy:
    """What proves a flip: zero primary candidate answers in ``requests`` new requests."""

    requests: int = 300
    skew_s: float = 2.0
    control_timeout_s: float = 30.0
    traffic_timeout_s: float = 120.0
    hard_cut: bool = True
    """Whether the stronger verb is tried once where a flip cannot be verified in time."""
    probe: ProbePolicy | None = None
    """Through the router, as a client would ask."""
    counters: tuple[Mapping[str, Any], ...] = ()
    """Router metrics that must not rise after a flip: url, metric, labels."""


@dataclass(frozen=True, slots=True)
class DrainPolicy:
    """Going to the baseline in steps, each waiting until its queue and its cache have room."""

    steps: tuple[int, ...] = (25, 50, 75, 100)
    """Share of the way in percent."""
    pause_s: float = 10.0
    """Least time between steps, seconds."""
    meters: Mapping[str, Any] | None = None
    """Where the baseline's queue and cache are read: urls, names of the metrics."""
    max_waiting: float = 1.0
    """Requests that may wait at the baseline, all replicas together, for the next step."""
    max_cache_used: float = 0.9
    """Share of the key-value cache that may be used, of the fullest replica."""
    without_meters: str = "at_once"
    """Without a reading of the meters: ``at_once`` or ``block``."""


@dataclass(frozen=True, slots=True)
class PreflightPolicy:
    """When the baseline counts as healthy enough to take the traffic, and able to."""

    window_s: float = 120.0
    min_events: int = 50
    max_error_rate: float = 0.02
    capacity_rps: float | None = None
    """Requests per second that the baseline can serve, as its owner declares; where the mirror copies everything it is
    measured instead."""
    headroom: float = 1.1
    """The capacity must be so many times the load."""
    probe: ProbePolicy | None = None
    """Straight to the baseline."""
    drain: DrainPolicy | None = None
    scale: Mapping[str, Any] | None = None
    """How the baseline is scaled up where its capacity falls short: ``replicas`` and where to ask for them."""


@dataclass(frozen=True, slots=True)
class RampPolicy:
    """The way back of a candidate that was shown to be safe."""

    steps: tuple[int, ...] = (1, 5, 25, 50, 100)
    """Share of the way in percent; the last is 100."""
    look_s: float = 600.0
    """How long each step is looked at, at least, seconds."""
    requests: int = 300
    """New requests that each step waits for, at least."""
    alpha: float = 0.05
    """False discovery rate of the gate over all promotions ever asked for."""
    cooldown_s: float = 21_600.0
    """Least time from a rollback to the next way back, seconds."""
    per_hour: int = 2
    """Most ways back that begin in an hour, over all routes."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """Many candidates alarming at once: suspect what they have in common before moving all of them."""

    routes: int = 3
    share: float = 0.2
    window_s: float = 600.0

    def limit(self, routes: int) -> float:
        """Return how many of ``routes`` may be triggered within the window: the larger of number and share."""
        return max(float(self.routes), self.share * routes)


@dataclass(frozen=True, slots=True)
class FreezeWindow:
    """A time of the week in which nothing is moved automatically; it may reach over midnight."""

    days: tuple[str, ...] = _DAYS
    """The days on which it begins."""
    start: str = "00:00"
    end: str = "24:00"
    zone: str = "UTC"
    reason: str = "freeze window"

    def covers(self, now: datetime) -> bool:
        """Tell whether a moment is inside."""
        local = now.astimezone(ZoneInfo(self.zone))
        minute, start, end = local.hour * 60 + local.minute, _minutes(self.start), _minutes(self.end)
        today, yesterday = _DAYS[local.weekday()], _DAYS[(local.weekday() - 1) % 7]
        if start < end:
            return today in self.days and start <= minute < end
        return (today in self.days and minute >= start) or (yesterday in self.days and minute < end)


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)

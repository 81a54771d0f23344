"""What a step looked at outside of the database's own rows of the route: readings as data, so that deciding is pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from detectors.stats.multiplicity import Gates
from monitor.models.route import RouteSnapshot
from monitor.models.tick import PrimaryCounts
from monitor.routing.base import Capabilities

__all__ = ["BaselineHealth", "CandidateEvidence", "Readings", "Room", "RouterReading", "Scaling", "Traffic", "Write"]


@dataclass(frozen=True, slots=True)
class RouterReading:
    """One target read back, or why not."""

    capabilities: Capabilities
    snapshot: RouteSnapshot | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """One target written to, or why not."""

    problem: str | None = None
    stale: bool = False
    """The target holds a newer epoch: someone else writes."""


@dataclass(frozen=True, slots=True)
class BaselineHealth:
    """The baseline's own telemetry, shadow and primary together, and the load it would have to take."""

    answers: int
    """Those to probes of ours included."""
    failed: int
    copied: int = 0
    """Requests in the same time that the baseline answered on either leg, counted once."""
    primaries: int = 0
    """Requests in the same time that users got an answer to, whoever served them."""
    probes: int = 0
    """How many of the answers were to probes of ours."""
    probing: bool = False
    """More of them are under way: what is too little now may be enough in a moment."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests by the variant that served their primary leg, started after a write, and in an equal time before it."""

    since: datetime
    after: PrimaryCounts
    before: PrimaryCounts
    draining: int = 0
    """Requests that a candidate finished after the write and that began before it: no leak."""
    risen: tuple[str, ...] = ()
    """Router counters of candidates that rose after the write, in words."""
    unread: tuple[str, ...] = ()
    """Router counters that could not be read."""
    probed: PrimaryCounts = field(default_factory=lambda: PrimaryCounts({}))
    """Probes of ours that the router sent on after the write, by the variant that served them; in neither of the above.
    """
    probes_sent: int = 0
    """How many were sent since the write."""


@dataclass(frozen=True, slots=True)
class Room:
    """Whether the baseline's queue and cache have room for the next step."""

    ok: bool
    reason: str
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Scaling:
    """The baseline's replicas."""

    wanted: int
    ready: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class CandidateEvidence:
    """What the tests say of a candidate behind the mirror, over the streams of the slice ``all`` that have pairs."""

    safe: tuple[str, ...] = ()
    """Signals with a certificate in force."""
    unproven: tuple[str, ...] = ()
    """Signals without one, with the reason."""
    harmful: str | None = None
    """The headline of an alarm that still stands."""


@dataclass(frozen=True, slots=True)
class Readings:
    """Everything a step may look at; what its phase does not need is absent."""

    now: datetime
    not_armed: str | None = None
    """Why ``auto`` is not armed."""
    held: str | None = None
    """Why automatic moves are held: a freeze, the breaker."""
    triggered: int = 0
    """Routes whose rollback was decided within the breaker's window, with this one."""
    routes: int = 1
    routers: Mapping[str, RouterReading] = field(default_factory=dict)
    writes: Mapping[str, Write] = field(default_factory=dict)
    health: BaselineHealth | None = None
    traffic: Mapping[str, Traffic] = field(default_factory=dict)
    """Per target whose shippers are named; under the empty name all others together."""
    room: Room | None = None
    """None where the policy names no meters."""
    scaling: Scaling | None = None
    evidence: CandidateEvidence | None = None
    gates: Gates = field(default_factory=Gates)
    ramps_last_hour: int = 0
    answered_at: datetime | None = None
    """When an alarm was last answered by a way back's begin, a step back, or an undo: older ones are no news."""
    rolled_back_at: datetime | None = None
    """When the last rollback of the route was committed."""

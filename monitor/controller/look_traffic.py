"""What a flip is proven by: users' requests, probes, and the router's counters, since the last write took effect."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from monitor.controller.counters import CounterWatch
from monitor.controller.probing import Prober
from monitor.controller.readings import Traffic
from monitor.controller.situation import Situation
from monitor.errors import ValidationError
from monitor.models.event import Leg
from monitor.models.probe import ProbeWay
from monitor.models.route import Phase, TargetRef
from monitor.models.tick import PrimaryCounts
from monitor.routing.base import RouteTarget
from monitor.storage.probes import ProbeStore
from monitor.storage.proof import ProofStore
from monitor.storage.session import Database

__all__ = ["TrafficLook", "shortfall"]

_DRAINS_FROM: Final = timedelta(minutes=15)
"""Streams that are older are not looked for: the count is told, and decides nothing."""
_AHEAD: Final = timedelta(minutes=1)
_LATELY: Final = timedelta(seconds=30)
_ON_ITS_WAY: Final = timedelta(seconds=30)
"""The events of a probe that was sent this long ago may still come: routers write their logs in batches."""

_Shippers = tuple[tuple[str, ...], tuple[str, ...]]
"""Only these, or all but these."""


class TrafficLook:
    """Counts a route's requests since a write, and asks for probes where they are too few."""

    def __init__(self, database: Database, target_of: Callable[[TargetRef], RouteTarget], prober: Prober) -> None:
        self._database = database
        self._target_of = target_of
        self._prober = prober
        self._counters = CounterWatch()

    def at(self, seen: Situation, now: datetime, *, probing: bool = True) -> Mapping[str, Traffic]:
        """Count each target's own requests where its shippers are named, all others together.

        ``probing``: send probes where there are too few; the leader alone does.
        """
        applied = seen.control.applied_at
        if applied is None:
            return {}
        start = self._start(seen, applied)
        risen, unread = self._counted_by_router(seen, start, now)
        parts = _parts(seen)
        candidates = [variant.id for variant in seen.candidates]
        with self._database.reading() as session:
            store, route = ProofStore(session), seen.route.id
            if seen.control.phase is Phase.STUCK:
                start = self._after_the_leak(store, seen, candidates, start, now)
            length = max(now - start, timedelta())
            sent = ProbeStore(session).sent(route, ProbeWay.ROUTER, start, seen.control.epoch)
            lately = ProbeStore(session).sent(route, ProbeWay.ROUTER, now - _ON_ITS_WAY, seen.control.epoch)
            found = {
                label: Traffic(
                    start,
                    store.primaries(route, start, now + _AHEAD, sources=own, but=but),
                    store.primaries(route, applied - length, applied, sources=own, but=but),
                    store.draining(route, candidates, applied - _DRAINS_FROM, applied, sources=own, but=but),
                    risen,
                    unread,
                    store.primaries(route, start, now + _AHEAD, sources=own, but=but, leg=Leg.PROBE),
                    sent,
                )
                for label, (own, but) in parts.items()
            }
        if probing:
            self._probe(seen, now, start, found, lately)
        return found

    def lately(self, seen: Situation, now: datetime) -> Mapping[str, Traffic]:
        """Count the last requests of a route that is held: a replica may come back with the old routing."""
        applied = seen.control.applied_at
        if applied is None:
            return {}
        settle = max((self._settle(ref) for ref in seen.route.targets), default=0.0)
        started = max(applied, seen.control.phase_since) + timedelta(seconds=seen.policy.verify.skew_s + settle)
        since = max(started, now - _LATELY)
        with self._database.reading() as session:
            counted = ProofStore(session).primaries(seen.route.id, since, now + _AHEAD)
        return {"": Traffic(since, counted, PrimaryCounts({}))}

    def _after_the_leak(
        self, store: ProofStore, seen: Situation, candidates: list[int], start: datetime, now: datetime
    ) -> datetime:
        """Count anew once a leak has been over for as long as a flip is waited for: it must not disprove for ever."""
        leaked = store.last_primary(seen.route.id, candidates, start, now + _AHEAD)
        over = leaked is not None and now - leaked >= timedelta(seconds=seen.policy.verify.traffic_timeout_s)
        return leaked + timedelta(microseconds=1) if leaked is not None and over else start

    def _start(self, seen: Situation, applied: datetime) -> datetime:
        """Return from when on a new request must follow the write."""
        settle = max((self._settle(ref) for ref in seen.route.targets), default=0.0)
        start = applied + timedelta(seconds=seen.policy.verify.skew_s + settle)
        return max(start, seen.control.phase_since) if seen.control.phase is Phase.STUCK else start

    def _settle(self, ref: TargetRef) -> float:
        try:
            return self._target_of(ref).capabilities.propagation_s
        except ValidationError:
            return 0.0

    def _counted_by_router(
        self, seen: Situation, start: datetime, now: datetime
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        counters, backends = seen.policy.verify.counters, {one.backend for one in seen.candidates}
        serving = any(one.weights.get(backend) for one in seen.control.desired.values() for backend in backends)
        if not counters or serving or now < start:
            return (), ()
        return self._counters.look(seen.route.id, seen.control.epoch, start, counters)

    def _probe(
        self, seen: Situation, now: datetime, start: datetime, found: Mapping[str, Traffic], lately: int
    ) -> None:
        """Send a few probes once real traffic has been too thin for long enough."""
        probe = seen.policy.verify.probe
        if probe is None or seen.control.phase is not Phase.VERIFYING_TRAFFIC or seen.baseline is None:
            return
        if now - start < timedelta(seconds=probe.after_s):
            return
        candidates = [variant.id for variant in seen.candidates]
        wanted = shortfall(found, seen.baseline.id, candidates, seen.policy.verify.requests, lately)
        self._prober.send(seen, probe, ProbeWay.ROUTER, wanted, since=start, epoch=seen.control.epoch)


def shortfall(
    found: Mapping[str, Traffic], baseline: int, candidates: list[int], requests: int, lately: int = 0
) -> int:
    """Return how many requests the target with the fewest still lacks; none once there is a leak to look into.

    Args:
        found: What was counted.
        baseline: The variant that should answer.
        candidates: Those that should not.
        requests: How many are enough.
        lately: Probes whose events may still be on their way.
    """
    if any(part.after.of(one) + part.probed.of(one) for part in found.values() for one in candidates):
        return 0
    lacking = max((requests - part.after.of(baseline) - part.probed.of(baseline) for part in found.values()), default=0)
    unseen = max((part.probes_sent - part.probed.of(baseline) for part in found.values()), default=0)
    return max(0, lacking - max(0, min(lately, unseen)))


def _parts(seen: Situation) -> dict[str, _Shippers]:
    named = {ref.label: ref.sources for ref in seen.route.targets if ref.sources}
    everyone = tuple(source for sources in named.values() for source in sources)
    parts: dict[str, _Shippers] = {label: (own, ()) for label, own in named.items()}
    if len(named) < len(seen.route.targets):
        parts[""] = ((), everyone)
    return parts

"""Which routes a worker evaluates while several run: each stays with the routes it closes. Pure but for its memory.

Any worker may close any tick: the clock row lets one win and nobody waits. But a route's streams, latencies and load
are in the memory of the worker that closed the tick before, and another would read them back. So a worker leaves a
route to the one that is at work on it, and takes it over when that one is late.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from monitor.models.tick import RouteClock, tick_start

__all__ = ["Shards"]

_LATE_TICKS: Final = 2
"""Ticks that a route may be behind before another worker takes it over."""


@dataclass(slots=True)
class Shards:
    """What one worker knows of who evaluates which route."""

    _seen: dict[int, RouteClock] = field(default_factory=dict)
    """Each route's clock when this worker last looked."""
    _others: set[int] = field(default_factory=set)
    """Routes that another worker was seen to be at work on."""

    def mine(self, clock: RouteClock, now: datetime) -> bool:
        """Tell whether to try a route's next tick: no other is at work on it, or it is late."""
        seen = self._seen.get(clock.route_id)
        self._seen[clock.route_id] = clock
        if seen is None or (seen.tick_s, seen.warm_at) != (clock.tick_s, clock.warm_at):
            self._others.discard(clock.route_id)  # the clock is new, or was started anew
        elif seen.last_tick != clock.last_tick:
            self._others.add(clock.route_id)
        return clock.route_id not in self._others or self._late(clock, now)

    def closed(self, clock: RouteClock) -> None:
        """Remember that this worker closed a tick, which moved the clock to where it is now."""
        self._seen[clock.route_id] = clock
        self._others.discard(clock.route_id)

    def _late(self, clock: RouteClock, now: datetime) -> bool:
        behind = tick_start(clock.last_tick + 2 + _LATE_TICKS, clock.tick_s) + timedelta(seconds=clock.horizon_s)
        return now >= behind

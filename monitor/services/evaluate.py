"""Evaluation: closes due ticks, each in one transaction, and folds them into the streams."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog

from monitor.clock import Clock
from monitor.models.policy import Policy
from monitor.models.route import Route
from monitor.models.tick import RouteClock, tick_start
from monitor.services.bounds import note_bounds
from monitor.services.broken import watch_breakage
from monitor.services.closing import Closing
from monitor.services.comparability_watch import ComparabilityWatch, Standing
from monitor.services.conversations import Conversations
from monitor.services.fingerprints import builds_of
from monitor.services.histories import Histories, Loads
from monitor.services.leaving_out import runs_after
from monitor.services.memory import Memory
from monitor.services.pair_columns import pair_columns
from monitor.services.policies import PolicyService
from monitor.services.seating import seat_and_slice
from monitor.services.sharding import Shards
from monitor.services.stages import Stages
from monitor.services.stored_states import sound, tell_restarts
from monitor.services.stream_bound import bound_of
from monitor.services.ticks import keep_clock
from monitor.services.watch import Watched, watch
from monitor.storage.clocks import ClockStore
from monitor.storage.controls import ControlStore
from monitor.storage.events import EventStore
from monitor.storage.fingerprints import FingerprintStore
from monitor.storage.late_events import LateEventStore
from monitor.storage.leg_columns import read_legs
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database
from monitor.storage.streams import StreamStore
from monitor.storage.turns import TurnStore
from monitor.telemetry import LATE_EVENTS

__all__ = ["EvaluateService"]

_SKEW = timedelta(seconds=5)
"""How far the clocks of the two legs' recorders may differ."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_TICKS_A_RUN = 200
_log = structlog.get_logger("fullback.evaluate")


class EvaluateService:
    """Closes ticks. Safe to run anywhere, any number of times: the clock row lets one transaction close a tick.

    Several processes split the routes (``sharding``); none waits for another.
    """

    def __init__(
        self,
        database: Database,
        policies: PolicyService,
        clock: Clock,
        comparability: ComparabilityWatch | None = None,
    ) -> None:
        self._database = database
        self._policies = policies
        self._clock = clock
        self._comparability = comparability
        self._histories = Histories()
        self._conversations = Conversations()
        self._loads = Loads()
        self._memory = Memory()
        self._shards = Shards()
        self.stages = Stages()

    def run(self) -> int:
        """Close every tick that is due on every route and return how many were closed.

        One route's trouble does not hold up another's; the first is raised at the end.
        """
        with self._database.reading() as session:
            routes = RouteStore(session).all()
        closed, troubles = 0, []
        for route in routes:
            try:
                closed += self._run_route(route, len(routes))
            except Exception as error:  # noqa: BLE001 - raised below
                _log.warning("evaluation failed", route=route.name, error=type(error).__name__)
                troubles.append(error)
        if troubles:
            raise troubles[0]
        return closed

    def _run_route(self, route: Route, fleet: int) -> int:
        policy = self._policies.get(route.policy)
        with self._database.transaction() as session:
            clock = keep_clock(session, route, policy, self._clock.now())
        closed = 0
        if not self._shards.mine(clock, self._clock.now()):
            return 0
        while clock.warm_at is not None and closed < _MOST_TICKS_A_RUN:
            tick = clock.due(self._clock.now())
            if tick is None or not self.close_tick(route, policy, clock, tick, fleet):
                break
            clock = replace(clock, last_tick=tick)
            self._shards.closed(clock)
            closed += 1
        return closed

    def close_tick(self, route: Route, policy: Policy, clock: RouteClock, tick: int, fleet: int = 1) -> bool:
        """Close one tick: read its events once, pair, count, fold, judge. False if it was not the next one."""
        start, end = tick_start(tick, clock.tick_s), tick_start(tick + 1, clock.tick_s)
        timed = self.stages.timed
        with self._database.transaction() as session:
            if not ClockStore(session).advance(route.id, tick):
                return False
            with timed("read"):
                control = ControlStore(session).get(route.id)
                variants = RouteStore(session).variants(route.id)
                closes = end + timedelta(seconds=clock.horizon_s)
                legs = read_legs(session, route.id, start, end, since=start - _SKEW, until=end + _SKEW, closes=closes)
                late = EventStore(session).late(route.id, start, closes - (end - start), closes)
                load = self._loads.close(EventStore(session), route.id, tick, clock.tick_s)
                recalled = sound(*self._memory.recall(StreamStore(session), route.id), tick)
                tell_restarts(session, control, recalled.damaged, self._clock.now())
                matured = self._conversations.matured(
                    TurnStore(session), route.id, tick, start, end, policy.reactions.matures_after_s
                )
            with timed("pair"):
                complete = route.mirror_percent >= 100  # noqa: PLR2004
                paired = pair_columns(legs, _microseconds(start), _microseconds(end), mirror_complete=complete)
                standing: Mapping[int, Standing] = {}
                if self._comparability is not None:
                    turns, now = self._conversations.opened(route.id), self._clock.now()
                    standing = self._comparability.close(
                        session, route, policy, variants, control, tick, turns, paired, now
                    )
                bound = bound_of(policy, variants)
                seating = (policy, bound, paired, matured, start, recalled.streams)
                pairs, sessions, slices = seat_and_slice(session, route, *seating)
            builds = builds_of(FingerprintStore(session).of_route(route.id))
            watched = _stored_first(
                StreamStore(session),
                watch(
                    policy,
                    variants,
                    recalled.streams,
                    epoch=control.epoch,
                    fleet=fleet,
                    builds=builds,
                    slices=slices,
                    memories=recalled.memories,
                ),
            )
            closing = Closing(
                session, route, policy, clock, control, tick, self._clock.now(), self._histories, load, standing
            )
            with timed("count"):
                counted = closing.count(pairs, watched)
                runs = runs_after(pairs, watched, counted, tick)
            with timed("fold"):
                folded = closing.fold_all(watched, counted, sessions, runs)
                watch_breakage(
                    session, route, policy, variants, pairs, watched, control, builds, fleet, tick, closing.now
                )
            with timed("store"):
                LateEventStore(session).add(route.id, tick, start, late)
                version = closing.store(folded)
                closing.confirm(variants)
                ladders = {one.stream.id: one.memory.beside.ladder for one in folded}
                note_bounds(session, watched, ladders, tick, round(policy.evidence_ttl_s / clock.tick_s))
        LATE_EVENTS.labels(route.name).inc(late)
        with timed("store"):
            closing.remember(folded)
            self._memory.keep(route.id, version, [(one.stream, one.memory) for one in folded])
        return True


def _microseconds(at: datetime) -> int:
    """Return microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def _stored_first(store: StreamStore, watched: Sequence[Watched]) -> list[Watched]:
    """Return the streams after new ones were stored: an incident and a history name them by their ids."""
    new = iter(store.add([one.stream for one in watched if not one.stream.id]))
    return [one if one.stream.id else replace(one, stream=next(new)) for one in watched]

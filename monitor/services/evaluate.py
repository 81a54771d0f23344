"""Evaluation: closes due ticks, each in one transaction, and folds them into the streams."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from detectors.registry import SIGNALS
from detectors.stats import guard
from detectors.stats import stream as detector
from detectors.stats.fleet_states import Member
from detectors.types import SignalKind
from monitor.clock import Clock
from monitor.models.columns import PairColumns
from monitor.models.conversation import SessionRecord
from monitor.models.evidence import Evidence, Stream
from monitor.models.incident import Alarm, Incident
from monitor.models.policy import Policy
from monitor.models.route import Phase, Route, RouteControl
from monitor.models.tick import RouteClock, ScoredTick, Stratum, tick_start
from monitor.models.variant import Role, Variant
from monitor.services.arms import REFERENCE_ADVICE, Arms, ReferenceAlarm, score_sessions, take
from monitor.services.beside import Beside, Run
from monitor.services.beside_tick import Raised, beside_after
from monitor.services.bounds import note_bounds
from monitor.services.broken import watch_breakage
from monitor.services.comparability_watch import COMPARABLE, ComparabilityWatch, Standing
from monitor.services.conversations import Conversations
from monitor.services.counting import Counted, count_all
from monitor.services.effects import confirmation, effect_of
from monitor.services.evidence import evidence_after, told
from monitor.services.fingerprints import builds_of
from monitor.services.folding import Due, fold_together
from monitor.services.histories import Histories, Loads
from monitor.services.leaving_out import runs_after
from monitor.services.load import RouteLoad, advice_on
from monitor.services.memory import Memory
from monitor.services.pair_columns import pair_columns
from monitor.services.policies import PolicyService
from monitor.services.seating import seat_and_slice
from monitor.services.sharding import Shards
from monitor.services.slicing import by_slice
from monitor.services.stages import Stages
from monitor.services.stored_states import sound, tell_restarts
from monitor.services.stream_bound import bound_of
from monitor.services.ticks import keep_clock
from monitor.services.verdicts import StreamFacts, alarm_headline, judge
from monitor.services.watch import OwnAlarm, Remembered, Watched, order, sibling_floors, watch
from monitor.storage.clocks import ClockStore
from monitor.storage.controls import ControlStore
from monitor.storage.events import EventStore
from monitor.storage.fingerprints import FingerprintStore
from monitor.storage.incidents import IncidentStore
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
_A_A_DOUBT = timedelta(days=1)
"""How long an alarm of the baseline against itself casts doubt on a signal."""
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
            closing = _Closing(
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


@dataclass(frozen=True, slots=True)
class _Folded:
    """A stream after a tick."""

    stream: Stream
    memory: Remembered
    scored: ScoredTick


@dataclass(frozen=True, slots=True)
class _Closing:
    """One tick of one route being closed inside its transaction."""

    session: Session
    route: Route
    policy: Policy
    clock: RouteClock
    control: RouteControl
    tick: int
    now: datetime
    histories: Histories
    load: RouteLoad
    standing: Mapping[int, Standing]
    """What stands against comparing a candidate."""

    def count(self, pairs: PairColumns, watched: Sequence[Watched]) -> Counted:
        """Count the tick for every stream of pairs."""
        streams = StreamStore(self.session)

        def thresholds(one: Watched) -> Callable[[Stratum], tuple[int | None, ...]]:
            return self.histories.before(streams, one.stream, self.tick, self.clock.tick_s).thresholds

        return count_all(
            pairs, watched, thresholds=thresholds, footing=self.load.footing, horizon_s=self.clock.horizon_s
        )

    def fold_all(
        self,
        watched: Sequence[Watched],
        counted: Counted,
        sessions: Sequence[SessionRecord],
        runs: Mapping[int, Run],
    ) -> list[_Folded]:
        """Fold the tick into every stream."""
        open_incidents = IncidentStore(self.session).open_of(self.route.id)
        odd = {
            w.stream.signal
            for w in watched
            if w.is_aa and w.memory.alarm and w.memory.alarm.within(self.now, _A_A_DOUBT)
        }
        added = self._added(sorted(watched, key=order), counted, by_slice(sessions))
        frozen = self.control.phase is not Phase.ARMED
        states = fold_together([each.due for each in added], self.tick, frozen=frozen)
        folded = []
        for each, (state, alarm) in zip(added, states, strict=True):
            one = each.one
            if alarm is not None and one.is_aa:
                odd.add(one.stream.signal)
            raised, beside = beside_after(
                each.due,
                one,
                state,
                self.tick,
                each.scored,
                self._raised(each, alarm),
                runs.get(one.stream.id),
                frozen=frozen,
            )
            differs = one.stream.signal in odd
            folded.append(
                self._judged(one, each.arms, beside, each.scored, state, raised, open_incidents, differs=differs)
            )
        return folded

    def _added(
        self, watched: Sequence[Watched], counted: Counted, sessions_of: Mapping[str, Sequence[SessionRecord]]
    ) -> "list[_Added]":
        """Return what the tick adds to each stream."""
        floors, added = sibling_floors(watched), []
        for one in watched:
            this, arms, remembered = one.stream, one.memory.arms, None
            if SIGNALS[this.signal].paired:
                scored = counted[this.candidate_id, this.signal, this.slice]
                harm, safe = scored.harm, scored.safe
            else:
                counts = score_sessions(
                    sessions_of.get(this.slice, ()), this.candidate_id, one.baseline_id, this.signal
                )
                scored = ScoredTick((counts,), (counts,), (counts,), paired=counts.n)  # no session lacks a leg
                arms, due, remembered = take(arms, counts, one.config.margin, one.config.threshold)
                harm = safe = (due,)
            floor = floors[this.candidate_id, this.signal]
            added.append(_Added(one, scored, arms, remembered, Due(one.memory.state, one.config, harm, safe, floor)))
        return added

    def _raised(self, each: "_Added", alarm: detector.Alarm | None) -> Raised | None:
        """Return the alarm of a stream, or of its sessions against the reference."""
        if alarm is not None:
            advice = self._advice(each.one, alarm)
            return Raised(alarm.onset_tick, alarm.since_onset, alarm.log_statistic, advice)
        if each.reference is None or self.control.phase is not Phase.ARMED:
            return None
        onset = self.tick - each.arms.baseline_away
        return Raised(onset, each.reference.counts, each.reference.log_statistic, REFERENCE_ADVICE)

    def _judged(
        self,
        one: Watched,
        arms: Arms,
        beside: Beside,
        scored: ScoredTick,
        state: Member,
        raised: Raised | None,
        open_incidents: Sequence[Incident],
        *,
        differs: bool,
    ) -> _Folded:
        pairing = guard.observe(one.memory.pairing, pairs=scored.paired, one_sided=scored.one_sided)
        idle = 0 if scored.scored else one.memory.idle + 1
        evidence = evidence_after(one, state, pairing, self.tick)
        if raised is not None:
            evidence = replace(evidence, **told(raised.since), log_statistic=raised.log_statistic)
        standing = self.standing.get(one.stream.candidate_id, COMPARABLE)
        split, note = standing.inconclusive(one.stream.signal), standing.note(one.stream.signal)
        doubtful = guard.trips(pairing) or differs or split is not None
        own = one.memory.alarm if raised is None else OwnAlarm(self.now, evidence, raised.advice)
        if raised is not None and own is not None and not one.is_aa and not doubtful:
            self._open(one, raised, own)
        latched = (
            None if one.is_aa else self._latched(one, own, open_incidents, fresh=raised is not None and not doubtful)
        )
        signal = SIGNALS[one.stream.signal]
        verdict, reason = judge(
            StreamFacts(
                title=signal.title,
                kind=signal.kind,
                evidence=evidence if latched is None else latched.evidence,
                harm_latched=latched is not None,
                advice=None if latched is None else latched.advice,
                safe=state.safe_at(self.tick),
                guard_tripped=guard.trips(pairing),
                differs_from_itself=differs,
                idle_ticks=idle,
                frozen_in=None if self.control.phase is Phase.ARMED else self.control.phase.value,
                baseline_away_ticks=arms.baseline_away,
                split=split,
                unlike=scored.unlike > 0 and self.load.footing(one.stream.candidate_id, one.baseline_id).unlike,
                learning=scored.paired > scored.unlike and not any(table.n for table in scored.complete),
            )
        )
        if note is not None and note not in reason:
            reason = f"{reason}. {note}"
        memory = Remembered(state, pairing, idle, own, arms, beside)
        stream = replace(
            one.stream,
            state=memory.to_json(),
            last_tick=self.tick,
            verdict=verdict,
            reason=reason,
            evidence=evidence,
            updated_at=self.now,
        )
        return _Folded(stream, memory, scored)

    def store(self, folded: Sequence[_Folded]) -> int:
        """Store every stream and what the tick added to it; return the version of the rows."""
        streams = StreamStore(self.session)
        streams.save([one.stream for one in folded])
        started_at = tick_start(self.tick, self.clock.tick_s)
        streams.add_ticks(self.tick, started_at, [(one.stream, one.scored) for one in folded])
        return streams.version()

    def remember(self, folded: Sequence[_Folded]) -> None:
        """Keep the tick's histograms in memory, once it is stored."""
        for one in folded:
            self.histories.append(one.stream, self.tick, one.scored.histogram)

    def _advice(self, one: Watched, alarm: detector.Alarm) -> str | None:
        """Return why an alarm only advises: what is slow under load of its own is no proof against the variant."""
        doubt = self.standing.get(one.stream.candidate_id, COMPARABLE).advice(one.stream.signal)
        if doubt is not None or SIGNALS[one.stream.signal].kind is not SignalKind.LATENCY:
            return doubt
        return advice_on(self.load.overlap_since(one.stream.candidate_id, one.baseline_id, alarm.onset_tick))

    def _open(self, one: Watched, raised: Raised, own: OwnAlarm) -> None:
        """Open an incident, or attach to the open one."""
        this, signal = one.stream, SIGNALS[one.stream.signal]
        IncidentStore(self.session).record(
            Alarm(
                route_id=this.route_id,
                candidate_id=this.candidate_id,
                stream_id=this.id,
                signal=this.signal,
                slice=this.slice,
                tick=self.tick,
                at=self.now,
                onset_at=tick_start(raised.onset_tick, self.clock.tick_s),
                headline=alarm_headline(signal.title, signal.kind, own.evidence),
                evidence=own.evidence.to_json(),
                effect=effect_of(this.signal, raised.since, "since onset"),
                advice=own.advice,
            )
        )
        _log.warning("alarm", route=self.route.name, signal=this.signal, slice=this.slice, tick=self.tick)

    def _latched(
        self, one: Watched, own: OwnAlarm | None, open_incidents: Sequence[Incident], *, fresh: bool
    ) -> OwnAlarm | None:
        """Return the alarm that harm is latched on: an incident is open and its alarm young enough to act on."""
        if fresh and own is not None:
            return own
        ttl = timedelta(seconds=self.policy.evidence_ttl_s)
        for incident in open_incidents:
            if incident.candidate_id != one.stream.candidate_id or not incident.actionable(self.now, ttl):
                continue
            if incident.stream_id == one.stream.id:
                return OwnAlarm(incident.last_alarm_at, Evidence.from_json(incident.evidence), incident.advice)
            if own is not None and own.at >= incident.opened_at and own.within(self.now, ttl):
                return own
        return None

    def confirm(self, variants: Sequence[Variant]) -> None:
        """Refresh the effect shown for each open incident from the ticks after its alarm."""
        baseline = next((v for v in variants if v.role is Role.BASELINE), None)
        streams, incidents = StreamStore(self.session), IncidentStore(self.session).open_of(self.route.id)
        known = {one.id: one for one in streams.some([incident.stream_id for incident in incidents])}
        for incident in incidents:
            one = known.get(incident.stream_id)
            if one is None or baseline is None:
                continue
            effect = confirmation(incident, one, streams, self.tick, self.clock.tick_s)
            if effect is not None:
                IncidentStore(self.session).set_effect(incident.id, effect)


@dataclass(frozen=True, slots=True)
class _Added:
    """What a tick adds to a stream."""

    one: Watched
    scored: ScoredTick
    arms: Arms
    reference: ReferenceAlarm | None
    """Of sessions, for want of a baseline's."""
    due: Due

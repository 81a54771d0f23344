"""Evaluation: closes due ticks, each in one transaction, and folds them into the streams."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf, log
from typing import TypedDict

import structlog
from sqlalchemy.orm import Session

from detectors.registry import SIGNALS
from detectors.stats import guard, planning
from detectors.stats import stream as detector
from detectors.types import ArmCounts, Counts, PairCounts, SignalKind
from monitor.clock import Clock
from monitor.models.conversation import SessionRecord
from monitor.models.evidence import Evidence, Stream
from monitor.models.incident import Alarm, Incident
from monitor.models.policy import Policy
from monitor.models.route import Phase, Route, RouteControl
from monitor.models.tick import Pair, RouteClock, ScoredTick, tick_start
from monitor.models.variant import Role, Variant
from monitor.services.arms import REFERENCE_ADVICE, take
from monitor.services.conversations import Conversations
from monitor.services.effects import confirmation, effect_of
from monitor.services.fingerprints import builds_of
from monitor.services.histories import Histories, Loads
from monitor.services.load import RouteLoad, advice_on
from monitor.services.pairing import pair_up
from monitor.services.policies import PolicyService
from monitor.services.scoring import score_bits, score_prints, score_sessions
from monitor.services.slicing import Tested, by_slice, members_of, resliced, take_seats, to_test
from monitor.services.tails import score_tails
from monitor.services.ticks import keep_clock
from monitor.services.verdicts import StreamFacts, alarm_headline, judge
from monitor.services.watch import OwnAlarm, Watched, order, sibling_floors, stored_state, watch
from monitor.storage.clocks import ClockStore
from monitor.storage.controls import ControlStore
from monitor.storage.events import EventStore
from monitor.storage.fingerprints import FingerprintStore
from monitor.storage.incidents import IncidentStore
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database
from monitor.storage.slice_seats import SliceSeatStore
from monitor.storage.streams import StreamStore
from monitor.storage.turns import TurnStore

__all__ = ["EvaluateService"]

_SKEW = timedelta(seconds=5)
"""How far the clocks of the two legs' recorders may differ."""
_MOST_TICKS_A_RUN = 200
_PLAN_EVERY_TICKS = 10
_A_A_DOUBT = timedelta(days=1)
"""How long an alarm of the baseline against itself casts doubt on a signal."""
_log = structlog.get_logger("fullback.evaluate")


class EvaluateService:
    """Closes ticks. Safe to run anywhere, any number of times: the clock row lets one transaction close a tick."""

    def __init__(self, database: Database, policies: PolicyService, clock: Clock) -> None:
        self._database = database
        self._policies = policies
        self._clock = clock
        self._histories = Histories()
        self._conversations = Conversations()
        self._loads = Loads()

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
        while clock.warm_at is not None and closed < _MOST_TICKS_A_RUN:
            tick = clock.due(self._clock.now())
            if tick is None or not self.close_tick(route, policy, clock, tick, fleet):
                break
            clock = replace(clock, last_tick=tick)
            closed += 1
        return closed

    def close_tick(self, route: Route, policy: Policy, clock: RouteClock, tick: int, fleet: int = 1) -> bool:
        """Close one tick: read its events once, pair, count, fold, judge. False if it was not the next one."""
        start, end = tick_start(tick, clock.tick_s), tick_start(tick + 1, clock.tick_s)
        with self._database.transaction() as session:
            if not ClockStore(session).advance(route.id, tick):
                return False
            control = ControlStore(session).get(route.id)
            variants = RouteStore(session).variants(route.id)
            records = EventStore(session).legs(route.id, start - _SKEW, end + _SKEW)
            load = self._loads.close(EventStore(session), route.id, tick, clock.tick_s, records)
            paired = pair_up(records, start, end, mirror_complete=route.mirror_percent >= 100)  # noqa: PLR2004
            stored = StreamStore(session).of_route(route.id)
            matured = self._conversations.matured(
                TurnStore(session), route.id, tick, start, end, policy.reactions.matures_after_s
            )
            pairs, sessions, slices = _slices(session, route, policy, paired.pairs, matured, start, stored)
            builds = builds_of(FingerprintStore(session).of_route(route.id))
            watched = watch(policy, variants, stored, epoch=control.epoch, fleet=fleet, builds=builds, slices=slices)
            closing = _Closing(session, route, policy, clock, control, tick, self._clock.now(), self._histories, load)
            closing.fold_all(watched, pairs, sessions)
            closing.confirm(variants)
        return True


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

    def fold_all(self, watched: Sequence[Watched], pairs: Sequence[Pair], sessions: Sequence[SessionRecord]) -> None:
        """Fold the tick into every stream."""
        floors = sibling_floors(watched)
        open_incidents = IncidentStore(self.session).open_of(self.route.id)
        pairs_of, sessions_of = by_slice(pairs), by_slice(sessions)
        odd = {w.stream.signal for w in watched if w.is_aa and w.alarm and w.alarm.within(self.now, _A_A_DOUBT)}
        for one in sorted(watched, key=order):
            this, arms, remembered = one.stream, one.arms, None
            if SIGNALS[this.signal].paired:
                scored = self._score(one, pairs_of.get(this.slice, ()))
                harm, safe = scored.harm, scored.safe
            else:
                counts = score_sessions(
                    sessions_of.get(this.slice, ()), this.candidate_id, one.baseline_id, this.signal
                )
                scored = ScoredTick((counts,), (counts,), (counts,), paired=counts.n)  # no session lacks a leg
                arms, due, remembered = take(arms, counts, one.config.margin, one.config.threshold)
                harm = safe = (due,)
            state, alarm = detector.fold(
                one.state,
                one.config,
                self.tick,
                harm,
                safe,
                sibling_phi=floors.get((this.candidate_id, this.signal), 1.0),
                frozen=self.control.phase is not Phase.ARMED,
            )
            if alarm is not None and one.is_aa:
                odd.add(this.signal)
            raised = None
            if alarm is not None:
                raised = _Raised(alarm.onset_tick, alarm.since_onset, alarm.log_statistic, self._advice(one, alarm))
            elif remembered is not None and self.control.phase is Phase.ARMED:
                onset = self.tick - arms.baseline_away
                raised = _Raised(onset, remembered.counts, remembered.log_statistic, REFERENCE_ADVICE)
            self._save(replace(one, arms=arms), scored, state, raised, open_incidents, differs=this.signal in odd)

    def _score(self, one: Watched, pairs: Sequence[Pair]) -> ScoredTick:
        this = one.stream
        kind = SIGNALS[this.signal].kind
        if kind is SignalKind.BIT:
            return score_bits(pairs, this.candidate_id, one.baseline_id, this.signal, this.slice)
        if kind is SignalKind.PRINT:
            return score_prints(pairs, this.candidate_id, one.baseline_id, this.signal, this.slice)
        history = self.histories.before(StreamStore(self.session), this, self.tick, self.clock.tick_s)
        return score_tails(
            pairs,
            this.candidate_id,
            one.baseline_id,
            this.signal,
            this.slice,
            relative_margin=one.relative_margin,
            thresholds=history.thresholds,
            limit_ms=1000.0 * self.clock.horizon_s if kind is SignalKind.LATENCY else inf,
            footing=self.load.footing(this.candidate_id, one.baseline_id),
        )

    def _save(
        self,
        one: Watched,
        scored: ScoredTick,
        state: detector.StreamState,
        raised: "_Raised | None",
        open_incidents: Sequence[Incident],
        *,
        differs: bool,
    ) -> None:
        pairing = guard.observe(one.guard, pairs=scored.paired, one_sided=scored.one_sided)
        idle = 0 if scored.scored else one.idle + 1
        evidence = self._evidence(one, state, pairing)
        if raised is not None:
            evidence = replace(evidence, **_told(raised.since), log_statistic=raised.log_statistic)
        doubtful = guard.trips(pairing) or differs
        own = one.alarm if raised is None else OwnAlarm(self.now, evidence, raised.advice)
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
                baseline_away_ticks=one.arms.baseline_away,
                unlike=scored.unlike > 0 and self.load.footing(one.stream.candidate_id, one.baseline_id).unlike,
                learning=scored.paired > scored.unlike and not any(table.n for table in scored.complete),
            )
        )
        saved = StreamStore(self.session).save(
            replace(
                one.stream,
                state=stored_state(state, pairing, idle, own, one.arms),
                last_tick=self.tick,
                verdict=verdict,
                reason=reason,
                evidence=evidence,
                updated_at=self.now,
            )
        )
        StreamStore(self.session).add_tick(saved, self.tick, tick_start(self.tick, self.clock.tick_s), scored)
        self.histories.append(saved, self.tick, scored.histogram)

    def _evidence(self, one: Watched, state: detector.StreamState, pairing: guard.GuardState) -> Evidence:
        counts, statistic = state.totals[0], state.log_statistic
        baseline = _rate(counts.baseline_bad, counts.baseline_n)
        known = one.stream.evidence.smallest_detectable
        if self.tick % _PLAN_EVERY_TICKS == 0 and isinstance(counts, PairCounts) and baseline is not None:
            known = planning.smallest_detectable(
                min(baseline, 0.99),
                one.config.margin,
                one.config.threshold,
                counts.n,
                state.phi,
                levels=one.config.levels,
            )
        return Evidence(
            **_told(counts),
            log_statistic=None if statistic == -inf else statistic,
            log_threshold=log(one.config.threshold),
            phi=state.phi,
            one_sided_share=pairing.share,
            smallest_detectable=known,
        )

    def _advice(self, one: Watched, alarm: detector.Alarm) -> str | None:
        """Return why an alarm only advises: what is slow under load of its own is no proof against the variant."""
        if SIGNALS[one.stream.signal].kind is not SignalKind.LATENCY:
            return None
        return advice_on(self.load.overlap_since(one.stream.candidate_id, one.baseline_id, alarm.onset_tick))

    def _open(self, one: Watched, raised: "_Raised", own: OwnAlarm) -> None:
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
        streams = StreamStore(self.session)
        known = {one.id: one for one in streams.of_route(self.route.id)}
        for incident in IncidentStore(self.session).open_of(self.route.id):
            one = known.get(incident.stream_id)
            if one is None or baseline is None:
                continue
            effect = confirmation(incident, one, streams, self.tick, self.clock.tick_s)
            if effect is not None:
                IncidentStore(self.session).set_effect(incident.id, effect)


def _slices(
    session: Session,
    route: Route,
    policy: Policy,
    pairs: Sequence[Pair],
    matured: Sequence[SessionRecord],
    at: datetime,
    stored: Sequence[Stream],
) -> tuple[Sequence[Pair], Sequence[SessionRecord], Sequence[Tested]]:
    """Seat the values that a tick's pairs show; return pairs and sessions with all their slices, and those to test."""
    if not members_of(policy):
        return resliced(policy, (), pairs), resliced(policy, (), matured), to_test(policy)
    seating = take_seats(policy, SliceSeatStore(session).of_route(route.id), pairs, at)
    SliceSeatStore(session).keep(route.id, seating.changed, seating.departed)
    StreamStore(session).drop(route.id, [seat.slice for seat in seating.departed if seat.slice not in policy.slices])
    pairs = resliced(policy, seating.seats, pairs)
    known = {one.slice for one in stored}.union(*(pair.slices for pair in pairs))
    return pairs, resliced(policy, seating.seats, matured), to_test(policy, seating.seats, at, known)


def _told(counts: Counts) -> "_Told":
    arms = isinstance(counts, ArmCounts)
    return {
        "pairs": counts.candidate_n,
        "candidate_rate": _rate(counts.candidate_bad, counts.candidate_n),
        "baseline_rate": _rate(counts.baseline_bad, counts.baseline_n),
        "baseline_n": counts.baseline_n if arms else None,
    }


@dataclass(frozen=True, slots=True)
class _Raised:
    """An alarm as an incident takes it."""

    onset_tick: int
    since: Counts
    log_statistic: float
    advice: str | None
    """Why it only advises."""


class _Told(TypedDict):
    """What evidence says of counts."""

    pairs: int
    candidate_rate: float | None
    baseline_rate: float | None
    baseline_n: int | None


def _rate(bad: int, n: int) -> float | None:
    return bad / n if n else None

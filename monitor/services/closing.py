"""One tick of one route being closed inside its transaction: counted, folded, judged, stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from detectors.registry import SIGNALS
from detectors.stats import guard
from detectors.stats import stream as detector
from detectors.stats.fleet_states import Member
from detectors.types import SignalKind
from monitor.models.columns import PairColumns
from monitor.models.conversation import SessionRecord
from monitor.models.evidence import Evidence, Stream
from monitor.models.incident import Alarm, Incident
from monitor.models.policy import Policy
from monitor.models.route import MEASURED, Route, RouteControl
from monitor.models.tick import RouteClock, ScoredTick, Stratum, tick_start
from monitor.models.variant import Role, Variant
from monitor.services.arms import REFERENCE_ADVICE, Arms, ReferenceAlarm, score_sessions, take
from monitor.services.beside import Beside, Run
from monitor.services.beside_tick import Raised, beside_after
from monitor.services.comparability_watch import COMPARABLE, Standing
from monitor.services.counting import Counted, count_all
from monitor.services.effects import confirmation, effect_of
from monitor.services.evidence import evidence_after, told
from monitor.services.folding import Due, fold_together
from monitor.services.histories import Histories
from monitor.services.load import RouteLoad, advice_on
from monitor.services.slicing import by_slice
from monitor.services.verdicts import StreamFacts, alarm_headline, judge
from monitor.services.watch import A_A_DOUBT, OwnAlarm, Remembered, Watched, order, sibling_floors
from monitor.storage.incidents import IncidentStore
from monitor.storage.streams import StreamStore

__all__ = ["Closing", "Folded"]

_log = structlog.get_logger("fullback.evaluate")


@dataclass(frozen=True, slots=True)
class Folded:
    """A stream after a tick."""

    stream: Stream
    memory: Remembered
    scored: ScoredTick


@dataclass(frozen=True, slots=True)
class Closing:
    """What closes a tick."""

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
    ) -> list[Folded]:
        """Fold the tick into every stream."""
        open_incidents = IncidentStore(self.session).open_of(self.route.id)
        odd = {
            w.stream.signal
            for w in watched
            if w.is_aa and w.memory.alarm and w.memory.alarm.within(self.now, A_A_DOUBT)
        }
        added = self._added(sorted(watched, key=order), counted, by_slice(sessions))
        frozen = self.control.phase not in MEASURED
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
            raised = self._doubted(one, raised)
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
            return Raised(alarm.onset_tick, alarm.since_onset, alarm.log_statistic, None)
        if each.reference is None or self.control.phase not in MEASURED:
            return None
        onset = self.tick - each.arms.baseline_away
        return Raised(onset, each.reference.counts, each.reference.log_statistic, REFERENCE_ADVICE)

    def _doubted(self, one: Watched, raised: Raised | None) -> Raised | None:
        """Return an alarm with what stands against acting on it, however it was raised."""
        if raised is None or raised.advice is not None:
            return raised
        return replace(raised, advice=self._advice(one, raised.onset_tick))

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
    ) -> Folded:
        pairing = guard.observe(one.memory.pairing, pairs=scored.paired, one_sided=scored.one_sided)
        idle = 0 if scored.scored else one.memory.idle + 1
        evidence = evidence_after(one, state, pairing, self.tick)
        if raised is not None:
            evidence = replace(evidence, **told(raised.since), log_statistic=raised.log_statistic)
        standing = self.standing.get(one.stream.candidate_id, COMPARABLE)
        split, note = standing.inconclusive(one.stream.signal), standing.advice(one.stream.signal)
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
                frozen_in=None if self.control.phase in MEASURED else self.control.phase.value,
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
        return Folded(stream, memory, scored)

    def store(self, folded: Sequence[Folded]) -> int:
        """Store every stream and what the tick added to it; return the version of the rows."""
        streams = StreamStore(self.session)
        streams.save([one.stream for one in folded])
        started_at = tick_start(self.tick, self.clock.tick_s)
        streams.add_ticks(self.tick, started_at, [(one.stream, one.scored) for one in folded])
        return streams.version()

    def remember(self, folded: Sequence[Folded]) -> None:
        """Keep the tick's histograms in memory, once it is stored."""
        for one in folded:
            self.histories.append(one.stream, self.tick, one.scored.histogram)

    def _advice(self, one: Watched, onset_tick: int) -> str | None:
        """Return why an alarm only advises: what is slow under load of its own is no proof against the variant."""
        doubt = self.standing.get(one.stream.candidate_id, COMPARABLE).advice(one.stream.signal)
        if doubt is not None or SIGNALS[one.stream.signal].kind is not SignalKind.LATENCY:
            return doubt
        return advice_on(self.load.overlap_since(one.stream.candidate_id, one.baseline_id, onset_tick))

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

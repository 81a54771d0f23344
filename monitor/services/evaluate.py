"""Evaluation: closes due ticks, each in one transaction, and folds them into the streams."""

import hashlib
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil, inf, log, log2

import structlog
from sqlalchemy.orm import Session

from detectors.registry import SIGNALS
from detectors.stats import budget, guard, latency, planning
from detectors.stats import stream as detector
from detectors.types import Margin, SignalKind, Verdict
from monitor.clock import Clock
from monitor.models.evidence import Evidence, Stream
from monitor.models.incident import Alarm, Incident
from monitor.models.policy import Policy
from monitor.models.route import Phase, Route, RouteControl
from monitor.models.tick import Pair, RouteClock, ScoredTick, tick_start
from monitor.models.variant import Role, Variant
from monitor.services.effects import confirmation, effect_of
from monitor.services.histories import Histories
from monitor.services.pairing import ALL, ALWAYS_APPLICABLE, pair_up
from monitor.services.policies import PolicyService
from monitor.services.scoring import score_bits, score_latency
from monitor.services.ticks import keep_clock
from monitor.services.verdicts import StreamFacts, alarm_headline, judge
from monitor.storage.clocks import ClockStore
from monitor.storage.controls import ControlStore
from monitor.storage.events import EventStore
from monitor.storage.incidents import IncidentStore
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database
from monitor.storage.streams import StreamStore

__all__ = ["EvaluateService", "stream_fingerprint"]

_SKEW = timedelta(seconds=5)
"""How far the clocks of the two legs' recorders may differ."""
_MONTH_S = 30 * 86400.0
_DAY_S = 86400.0
_MOST_TICKS_A_RUN = 200
_PLAN_EVERY_TICKS = 10
_A_A_FALSE_ALARMS_PER_MONTH = 2.0
_log = structlog.get_logger("fullback.evaluate")


@dataclass(frozen=True, slots=True)
class _Watched:
    """One stream as it stands before a tick, with what it is tested against."""

    stream: Stream
    state: detector.StreamState
    guard: guard.GuardState
    idle: int
    config: detector.StreamConfig
    baseline_id: int
    relative_margin: float


class EvaluateService:
    """Closes ticks. Safe to run anywhere, any number of times: the clock row lets one transaction close a tick."""

    def __init__(self, database: Database, policies: PolicyService, clock: Clock) -> None:
        self._database = database
        self._policies = policies
        self._clock = clock
        self._histories = Histories()

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
            paired = pair_up(records, start, end, mirror_complete=route.mirror_percent >= 100)  # noqa: PLR2004
            watched = _watched(session, route, policy, control, variants, fleet)
            closing = _Closing(session, route, policy, clock, control, tick, self._clock.now(), self._histories)
            closing.fold_all(watched, paired.pairs)
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

    def fold_all(self, watched: Sequence[_Watched], pairs: Sequence[Pair]) -> None:
        floors = _sibling_floors(watched)
        open_incidents = IncidentStore(self.session).open_of(self.route.id)
        odd = {
            w.stream.signal
            for w in watched
            if _is_aa(w) and w.stream.verdict is Verdict.INCONCLUSIVE and "differs" in w.stream.reason
        }
        for one in sorted(watched, key=_order):
            scored = self._score(one, pairs)
            state, alarm = detector.fold(
                one.state,
                one.config,
                self.tick,
                scored.harm,
                scored.safe,
                sibling_phi=floors.get((one.stream.candidate_id, one.stream.signal), 1.0),
                frozen=self.control.phase is not Phase.ARMED,
            )
            if alarm is not None and _is_aa(one):
                odd.add(one.stream.signal)
            self._save(one, scored, state, alarm, open_incidents, differs=one.stream.signal in odd)

    def _score(self, one: _Watched, pairs: Sequence[Pair]) -> ScoredTick:
        this = one.stream
        if SIGNALS[this.signal].kind is SignalKind.BIT:
            return score_bits(pairs, this.candidate_id, one.baseline_id, this.signal, this.slice)
        shift = latency.margin_bins(one.relative_margin)
        history = self.histories.pooled(StreamStore(self.session), this, self.tick, self.clock.tick_s)
        limit_ms = 1000.0 * self.clock.horizon_s
        thresholds = [
            None if bin_ is None or latency.edge(bin_ + shift) >= limit_ms else bin_
            for bin_ in latency.tail_thresholds(history)
        ]
        return score_latency(
            pairs,
            this.candidate_id,
            one.baseline_id,
            this.signal,
            this.slice,
            relative_margin=one.relative_margin,
            thresholds=thresholds,
        )

    def _save(
        self,
        one: _Watched,
        scored: ScoredTick,
        state: detector.StreamState,
        alarm: detector.Alarm | None,
        open_incidents: Sequence[Incident],
        *,
        differs: bool,
    ) -> None:
        pairing = guard.observe(one.guard, pairs=scored.paired, one_sided=scored.one_sided)
        idle = 0 if scored.scored else one.idle + 1
        evidence = self._evidence(one, state, pairing)
        if alarm is not None:
            since = alarm.since_onset
            evidence = replace(
                evidence,
                pairs=since.n,
                candidate_rate=_rate(since.candidate_bad, since.n),
                baseline_rate=_rate(since.baseline_bad, since.n),
                log_statistic=alarm.log_statistic,
            )
        latched = self._latch(one, alarm, evidence, guard.trips(pairing) or differs, open_incidents)
        signal = SIGNALS[one.stream.signal]
        verdict, reason = judge(
            StreamFacts(
                title=signal.title,
                kind=signal.kind,
                evidence=latched.evidence if latched is not None else evidence,
                harm_latched=latched is not None,
                safe=state.safe_at(self.tick),
                guard_tripped=guard.trips(pairing),
                differs_from_itself=differs,
                idle_ticks=idle,
                frozen_in=None if self.control.phase is Phase.ARMED else self.control.phase.value,
                learning=scored.paired > 0 and not any(table.n for table in scored.complete),
            )
        )
        saved = StreamStore(self.session).save(
            replace(
                one.stream,
                state={
                    "detector": state.to_json(),
                    "guard": [pairing.requests, pairing.one_sided],
                    "idle": idle,
                },
                last_tick=self.tick,
                verdict=verdict,
                reason=reason,
                evidence=evidence,
                updated_at=self.now,
            )
        )
        StreamStore(self.session).add_tick(saved, self.tick, tick_start(self.tick, self.clock.tick_s), scored)
        self.histories.append(saved, self.tick, scored.histogram)

    def _evidence(self, one: _Watched, state: detector.StreamState, pairing: guard.GuardState) -> Evidence:
        pairs = state.pairs
        statistic = state.log_statistic
        baseline = _rate(state.baseline_bad, pairs)
        known = one.stream.evidence.smallest_detectable
        if self.tick % _PLAN_EVERY_TICKS == 0 and pairs and baseline is not None:
            known = planning.smallest_detectable(
                min(baseline, 0.99), one.config.margin, one.config.threshold, pairs, state.phi, levels=one.config.levels
            )
        return Evidence(
            pairs=pairs,
            candidate_rate=_rate(state.candidate_bad, pairs),
            baseline_rate=baseline,
            log_statistic=None if statistic == -inf else statistic,
            log_threshold=log(one.config.threshold),
            phi=state.phi,
            one_sided_share=pairing.share,
            smallest_detectable=known,
        )

    def _latch(
        self,
        one: _Watched,
        alarm: detector.Alarm | None,
        evidence: Evidence,
        doubtful: bool,
        open_incidents: Sequence[Incident],
    ) -> "_Latched | None":
        """Record an alarm; return what harm is latched on, if any. A doubtful alarm opens nothing."""
        this = one.stream
        if _is_aa(one):
            return None
        if alarm is not None and not doubtful:
            signal = SIGNALS[this.signal]
            headline = alarm_headline(signal.title, signal.kind, evidence)
            IncidentStore(self.session).record(
                Alarm(
                    route_id=this.route_id,
                    candidate_id=this.candidate_id,
                    stream_id=this.id,
                    signal=this.signal,
                    slice=this.slice,
                    tick=self.tick,
                    at=self.now,
                    onset_at=tick_start(alarm.onset_tick, self.clock.tick_s),
                    headline=headline,
                    evidence=evidence.to_json(),
                    effect=effect_of(this.signal, alarm.since_onset, "since onset"),
                )
            )
            _log.warning("alarm", route=self.route.name, signal=this.signal, slice=this.slice, tick=self.tick)
            return _Latched(evidence)
        ttl = timedelta(seconds=self.policy.evidence_ttl_s)
        for incident in open_incidents:
            if incident.stream_id == this.id and incident.actionable(self.now, ttl):
                return _Latched(Evidence.from_json(incident.evidence))
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


@dataclass(frozen=True, slots=True)
class _Latched:
    evidence: Evidence


def _is_aa(one: _Watched) -> bool:
    return one.stream.candidate_id == one.baseline_id


def _order(one: _Watched) -> tuple[bool, bool, bool]:
    """A/A first (it can cast doubt), then failures and whole-route streams: the first alarm names the incident."""
    return not _is_aa(one), one.stream.signal != ALWAYS_APPLICABLE, one.stream.slice != ALL


def _rate(bad: int, n: int) -> float | None:
    return bad / n if n else None


def _sibling_floors(watched: Sequence[_Watched]) -> dict[tuple[int, str], float]:
    """Return, per (variant, signal), the median inflation that its streams learned."""
    learned: dict[tuple[int, str], list[float]] = {}
    for one in watched:
        learned.setdefault((one.stream.candidate_id, one.stream.signal), []).append(one.state.own_phi)
    return {key: max(1.0, statistics.median(values)) for key, values in learned.items()}


def _watched(
    session: Session, route: Route, policy: Policy, control: RouteControl, variants: Sequence[Variant], fleet: int
) -> list[_Watched]:
    """Return every stream of a route, new ones and restarted ones at their initial state."""
    baseline = next((variant for variant in variants if variant.role is Role.BASELINE), None)
    if baseline is None:
        return []
    known = {(s.candidate_id, s.signal, s.slice): s for s in StreamStore(session).of_route(route.id)}
    candidates = [variant for variant in variants if variant.role is Role.CANDIDATE]
    parts = 2 ** ceil(log2(max(1, fleet * len(candidates))))
    shares = budget.shares({name: chosen.weight for name, chosen in policy.signals.items()}, policy.slices)
    watched = []
    for candidate in [*candidates, baseline]:
        for (signal, slice_), share in shares.items():
            own = share / parts
            alarms = policy.false_rollbacks_per_month if candidate is not baseline else _A_A_FALSE_ALARMS_PER_MONTH
            threshold = budget.threshold(_MONTH_S / policy.tick_s, alarms, own)
            fingerprint = stream_fingerprint(policy, signal, slice_, candidate, baseline, threshold, control.epoch)
            watched.append(
                _restore(
                    known.get((candidate.id, signal, slice_)),
                    policy,
                    signal,
                    slice_,
                    candidate,
                    baseline,
                    threshold,
                    fingerprint,
                )
            )
    return watched


def stream_fingerprint(
    policy: Policy, signal: str, slice_: str, candidate: Variant, baseline: Variant, threshold: float, epoch: int
) -> str:
    """Digest everything whose change restarts a stream: a threshold never falls on live evidence."""
    margin = policy.signals[signal].margin
    parts = [
        detector.FORMAT,
        signal,
        SIGNALS[signal].version,
        slice_,
        margin.absolute,
        margin.relative,
        policy.tick_s,
        round(threshold, 6),
        candidate.id,
        candidate.digest,
        baseline.id,
        baseline.digest,
        epoch,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _restore(
    found: Stream | None,
    policy: Policy,
    signal: str,
    slice_: str,
    candidate: Variant,
    baseline: Variant,
    threshold: float,
    fingerprint: str,
) -> _Watched:
    margin = policy.signals[signal].margin
    bits = SIGNALS[signal].kind is SignalKind.BIT
    config = detector.StreamConfig(
        margin=margin if bits else Margin(),
        levels=1 if bits else len(latency.LEVELS),
        threshold=threshold,
        safe_ticks=max(1, round(_DAY_S / policy.tick_s)),
        tick_s=policy.tick_s,
        initial_phi=1.0 if bits else 3.0,
    )
    fresh = found is None or found.fingerprint != fingerprint
    state: Mapping[str, object] = {} if found is None or fresh else found.state
    this = Stream(
        id=0 if found is None else found.id,
        route_id=candidate.route_id,
        candidate_id=candidate.id,
        signal=signal,
        slice=slice_,
        fingerprint=fingerprint,
        threshold=threshold,
        state=state,
        last_tick=0 if found is None else found.last_tick,
        verdict=Verdict.INCONCLUSIVE if found is None or fresh else found.verdict,
        reason="" if found is None or fresh else found.reason,
        evidence=Evidence(log_threshold=log(threshold)) if found is None or fresh else found.evidence,
        updated_at=candidate.created_at,
    )
    return _Watched(
        stream=this,
        state=detector.StreamState.from_json(state["detector"]) if state else detector.initial(config),  # type: ignore[arg-type]
        guard=guard.GuardState(*state["guard"]) if state else guard.GuardState(),  # type: ignore[misc]
        idle=int(state["idle"]) if state else 0,  # type: ignore[call-overload]
        config=config,
        baseline_id=baseline.id,
        relative_margin=margin.relative,
    )

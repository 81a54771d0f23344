"""Broken candidates: their pairs of a closed tick are folded, stored, and opened as critical incidents."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from detectors.stats.catastrophe import Breakage
from monitor.models.breakage import StoredBreakage
from monitor.models.columns import PairColumns
from monitor.models.evidence import Evidence
from monitor.models.incident import Alarm
from monitor.models.policy import Policy
from monitor.models.route import MEASURED, Route, RouteControl
from monitor.models.slices import ALL
from monitor.models.tick import tick_start
from monitor.models.variant import Role, Variant
from monitor.services.breakage import BrokenTick, Rule, broken_tick, fold_tick, headline, recalled, rule_of
from monitor.services.effects import effect_of
from monitor.services.evidence import told
from monitor.services.tier_defaults import policy_for
from monitor.services.watch import A_A_DOUBT, Watched, parts_of
from monitor.storage.breakages import BreakageStore
from monitor.storage.incidents import IncidentStore

__all__ = ["watch_breakage"]

_log = structlog.get_logger("fullback.evaluate")


def watch_breakage(
    session: Session,
    route: Route,
    policy: Policy,
    variants: Sequence[Variant],
    pairs: PairColumns,
    watched: Sequence[Watched],
    control: RouteControl,
    builds: Mapping[int, str],
    fleet: int,
    tick: int,
    now: datetime,
) -> None:
    """Fold a closed tick into the rule of every candidate, exactly once: the caller's transaction owns the tick.

    A broken variant loses legs, so that the guard on pairing does not hold the alarm back: it rests on failures that
    were recorded, and a lost leg counts for the candidate. A mirror that fails the baseline itself does: its own
    stream against itself has alarmed then.
    """
    baseline = next((one for one in variants if one.role is Role.BASELINE), None)
    candidates = [one for one in variants if one.role is Role.CANDIDATE]
    if baseline is None:
        return
    stored = BreakageStore(session).of_route(route.id)
    kept = []
    for candidate in candidates:
        own = policy_for(policy, candidate, variants)
        rule = rule_of(own, candidate, baseline, parts_of(fleet, candidates), control.epoch, builds)
        if rule is None:
            continue
        before = stored.get(candidate.id)
        state = recalled(before, rule)
        seen = broken_tick(pairs, candidate.id, baseline.id, rule.signals)
        state, alarm = fold_tick(state, rule, tick, seen, frozen=control.phase not in MEASURED)
        kept.append(StoredBreakage(candidate.id, rule.fingerprint, state.to_json()))
        if alarm is not None and not _doubtful(rule, watched, now):
            _open(session, route, policy.tick_s, candidate, rule, watched, seen, alarm, now)
    BreakageStore(session).keep(route.id, tick, kept)


def _doubtful(rule: Rule, watched: Sequence[Watched], now: datetime) -> bool:
    """Tell whether the baseline differed from its own mirror lately, on what the rule calls a failure."""
    return any(
        one.is_aa
        and one.stream.signal in rule.signals
        and one.memory.alarm is not None
        and one.memory.alarm.within(now, A_A_DOUBT)
        for one in watched
    )


def _open(
    session: Session,
    route: Route,
    tick_s: float,
    candidate: Variant,
    rule: Rule,
    watched: Sequence[Watched],
    seen: BrokenTick,
    alarm: Breakage,
    now: datetime,
) -> None:
    """Open a critical incident, or make the open one critical; it names the signal that fails most."""
    failures = seen.failures or {}
    signal = max(rule.signals, key=lambda name: failures.get(name, 0))
    stream = next(
        one.stream
        for one in watched
        if (one.stream.candidate_id, one.stream.signal, one.stream.slice) == (candidate.id, signal, ALL)
    )
    evidence = Evidence(**told(alarm.since), log_statistic=alarm.log_statistic, log_threshold=alarm.log_threshold)
    IncidentStore(session).record(
        Alarm(
            route_id=route.id,
            candidate_id=candidate.id,
            stream_id=stream.id,
            signal=signal,
            slice=ALL,
            tick=alarm.tick,
            at=now,
            onset_at=tick_start(alarm.since_tick, tick_s),
            headline=headline(alarm, seen, tick_s),
            evidence=evidence.to_json(),
            effect=effect_of(signal, alarm.since, "since onset"),
            critical=True,
        )
    )
    _log.warning("broken", route=route.name, signal=signal, tick=alarm.tick)

"""Counts folded again under another policy, against the detector run by hand."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.registry import SIGNALS
from detectors.stats import stream as detector
from detectors.types import PairCounts
from monitor.models.tick import tick_start
from monitor.models.variant import Role, Tier, Variant
from monitor.services.policies import parse_policy
from monitor.services.policy_trial import Basis, Past, try_policy
from monitor.services.watch import watch
from monitor.storage.tick_history import History, joined, merged
from tests.conftest import START

TICK_S, FIRST = 10.0, 1_000
BASE, CAND = 1, 2
VARIANTS = [
    Variant(BASE, 1, "bf16", Role.BASELINE, "base", "bf16", Tier.SERVING, None, None, START),
    Variant(CAND, 1, "int4", Role.CANDIDATE, "cand", "int4", Tier.QUANTIZED, None, None, START),
]
WATCHED = ("schema_validity", "refusal", "latency_e2e", "correction")


def policy(name="new", *, slices=("all",), only=WATCHED, signals=None, **fields):
    weights = {one: {"weight": 0} for one in SIGNALS if one not in only} | (signals or {})
    return parse_policy(name, 1, {"signals": weights, "slices": list(slices), **fields})


def history(tables, *, missing=(0, 0), first=FIRST):
    rows = [[table] if not isinstance(table[0], (tuple, list)) else table for table in tables]
    n = len(rows)
    return History(
        np.arange(first, first + n), np.array(rows, dtype=np.int64), np.tile(np.array(missing, dtype=np.int64), (n, 1))
    )


GOOD, BAD = (0, 1, 1, 98), (0, 12, 1, 87)


def past(histories, *, present=None, **fields):
    return Past(present or policy("present"), VARIANTS, (), histories, TICK_S, **fields)


def by_hand(chosen, tables, signal="schema_validity"):
    """The ticks at which the real detector alarms on them, under the policy's own threshold and margin."""
    [one] = [
        w
        for w in watch(chosen, VARIANTS, (), epoch=0, fleet=1)
        if (w.stream.candidate_id, w.stream.signal) == (CAND, signal)
    ]
    state, ticks = one.memory.state.plain(), []
    for place, cells in enumerate(tables):
        counts = [PairCounts(*cells)]
        state, alarm = detector.fold(
            state, one.config, FIRST + place, counts, counts, sibling_phi=max(1.0, state.own_phi)
        )
        ticks += [] if alarm is None else [FIRST + place]
    return ticks


def ends(alarms):
    return [round((alarm.at - tick_start(0, TICK_S)).total_seconds() / TICK_S) - 1 for alarm in alarms]


def test_alarms_come_at_the_ticks_at_which_the_detector_raises_them():
    tables = [GOOD] * 20 + [BAD] * 40
    chosen = policy()
    trial = try_policy(chosen, past({(CAND, "schema_validity", "all"): history(tables)}))
    assert ends(trial.alarms) == by_hand(chosen, tables)
    assert len(trial.alarms) >= 2
    [rollback] = trial.rollbacks
    assert rollback == trial.alarms[0]
    assert rollback.onset == tick_start(FIRST + 20, TICK_S)
    assert rollback.counts.candidate_bad / rollback.counts.n == pytest.approx(0.12)


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(0, 4), st.integers(50, 90)), min_size=5, max_size=60
    )
)
@settings(max_examples=25, deadline=None)
def test_any_counts_alarm_as_by_hand(tables):
    chosen = policy(false_rollbacks_per_month=100)
    trial = try_policy(chosen, past({(CAND, "schema_validity", "all"): history(tables)}))
    assert ends(trial.alarms) == by_hand(chosen, tables)


def test_a_wider_margin_tolerates_what_the_present_one_does_not():
    histories = {(CAND, "schema_validity", "all"): history([GOOD] * 20 + [BAD] * 40)}
    wide = policy(signals={"schema_validity": {"margin_absolute": 0.2}})
    assert try_policy(policy(), past(histories)).rollbacks
    assert not try_policy(wide, past(histories)).alarms


def test_incidents_are_told_apart_by_the_age_of_the_evidence():
    apart = [GOOD] * 20 + [BAD] * 15 + [GOOD] * 300 + [BAD] * 15
    histories = {(CAND, "schema_validity", "all"): history(apart)}
    assert len(try_policy(policy(), past(histories)).rollbacks) == 2
    assert len(try_policy(policy(evidence_ttl_s=86_400), past(histories)).rollbacks) == 1


def test_missing_legs_never_speak_against_the_candidate_and_put_alarms_in_doubt():
    histories = {(CAND, "schema_validity", "all"): history([GOOD] * 20 + [BAD] * 40, missing=(3, 3))}
    whole = {(CAND, "schema_validity", "all"): history([GOOD] * 20 + [BAD] * 40)}
    lossy, clean = try_policy(policy(), past(histories)), try_policy(policy(), past(whole))
    assert len(lossy.alarms) < len(clean.alarms)
    assert {alarm.withheld for alarm in lossy.alarms} <= {"broken pairing"}
    assert not lossy.rollbacks


def test_a_baseline_unlike_its_own_mirror_puts_the_alarm_in_doubt():
    tables = [GOOD] * 20 + [BAD] * 40
    histories = {(one, "schema_validity", "all"): history(tables) for one in (BASE, CAND)}
    trial = try_policy(policy(), past(histories))
    assert {alarm.withheld for alarm in trial.alarms} == {"the baseline differed from its own mirror"}
    assert {alarm.candidate_id for alarm in trial.alarms} == {CAND}
    assert not trial.rollbacks


def test_what_was_not_counted_is_said():
    mine = [{"name": "mine", "when": "lang:de"}]
    other = [{"name": "mine", "when": "lang:fr"}]
    histories = {
        (CAND, signal, slice_): history([GOOD] * 30)
        for signal in ("schema_validity", "refusal")
        for slice_ in ("all", "mine")
    }
    trial = try_policy(
        policy(slices=("all", "lang:it", *mine)), past(histories, present=policy(slices=("all", *other)))
    )
    bases = {(one.signal, one.slice): one.basis for one in trial.streams}
    assert bases["schema_validity", "all"] is Basis.COUNTED
    assert bases["schema_validity", "mine"] is Basis.OTHER_MEANING
    assert bases["schema_validity", "lang:it"] is Basis.NOT_COUNTED
    assert bases["latency_e2e", "all"] is Basis.NOT_COUNTED


def test_tails_of_another_margin_are_told_apart():
    slow = [[GOOD] * 3] * 20 + [[(0, 60, 1, 39)] * 3] * 80
    histories = {(CAND, "latency_e2e", "all"): history(slow)}
    same = try_policy(policy(), past(histories))
    assert same.rollbacks
    wide = policy(signals={"latency_e2e": {"margin_relative": 0.5}})
    other = try_policy(wide, past(histories))
    assert (other.alarms, other.rollbacks) == ((), ())
    assert other.at_other_margin == {"latency_e2e": len(same.alarms)}


def test_sessions_are_gathered_as_in_evaluation():
    histories = {(CAND, "correction", "all"): history([(40, 12, 2, 0)] * 300)}
    trial = try_policy(policy(), past(histories))
    assert trial.rollbacks
    assert trial.rollbacks[0].counts.baseline_n > 0
    assert not try_policy(policy(), past({(CAND, "correction", "all"): history([(40, 1, 2, 0)] * 300)})).alarms


def test_ticks_put_together_still_tell_the_harm():
    tables = [GOOD] * 60 + [BAD] * 60
    together = merged(history(tables, first=1_002), 6)
    trial = try_policy(policy(), past({(CAND, "schema_validity", "all"): together}, group=6))
    [rollback] = trial.rollbacks
    onset = tick_start(1_062, TICK_S)
    assert trial.group_s == 60.0
    assert onset < rollback.at <= onset + timedelta(minutes=4)


def test_many_ticks_are_put_together_to_bound_the_time(monkeypatch):
    monkeypatch.setattr("monitor.services.policy_trial._MOST_FOLDS", 50)
    trial = try_policy(policy(), past({(CAND, "schema_validity", "all"): history([GOOD] * 60 + [BAD] * 60)}))
    assert trial.group_s == 30.0
    assert len(trial.rollbacks) == 1


@given(st.integers(1, 9), st.integers(1, 40), st.integers(0, 1_000))
@settings(deadline=None)
def test_merging_and_joining_lose_no_count_and_keep_the_order(group, n, first):
    chance = np.random.default_rng(n)
    whole = History(np.arange(first, first + n), chance.integers(0, 50, (n, 3, 4)), chance.integers(0, 5, (n, 2)))
    together = merged(whole, group)
    assert (together.tables.sum(axis=0) == whole.tables.sum(axis=0)).all()
    assert (together.missing.sum(axis=0) == whole.missing.sum(axis=0)).all()
    assert len(together.ticks) == len(set((whole.ticks // group).tolist()))
    parts = [
        {7: History(whole.ticks[place], whole.tables[place], whole.missing[place])}
        for place in (slice(n // 2, None), slice(0, n // 2))
        if len(whole.ticks[place])
    ]
    assert (joined(parts)[7].ticks == whole.ticks).all()
    assert (joined(parts)[7].tables == whole.tables).all()

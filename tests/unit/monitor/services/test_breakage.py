"""The rule for broken variants: what counts as a failure, what a tick says, what starts it afresh."""

from dataclasses import replace
from datetime import timedelta
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.registry import SIGNALS
from detectors.stats import catastrophe
from detectors.types import Margin, PairCounts, SignalKind
from monitor.models.breakage import StoredBreakage
from monitor.models.columns import NOBODY, PairColumns, SliceSet
from monitor.models.evidence import Evidence
from monitor.models.variant import Role, Tier, Variant
from monitor.services.breakage import (
    HARD,
    BrokenTick,
    broken_tick,
    fold_tick,
    headline,
    recalled,
    rule_of,
)
from monitor.services.broken import _doubtful
from monitor.services.policies import parse_policy
from monitor.services.watch import OwnAlarm, watch
from tests.conftest import START

BASE, CAND = 1, 2
VARIANTS = [
    Variant(BASE, 1, "bf16", Role.BASELINE, "base", "bf16", Tier.SERVING, None, None, START),
    Variant(CAND, 1, "int4", Role.CANDIDATE, "cand", "int4", Tier.QUANTIZED, None, None, START),
]
POLICY = parse_policy("p", 1, {})
NAMES = ("request_error", "schema_validity", "refusal")
VALUES = st.sampled_from([0.0, 0.0, 1.0, nan])


def columns(rows, clients=None, names=NAMES):
    """Pairs of the candidate as primary; each row is the primary's and the shadow's readings."""
    n = len(rows)
    primary = np.array([row[0] for row in rows], dtype=np.float64).reshape(n, len(names)).T
    shadow = np.array([row[1] for row in rows], dtype=np.float64).reshape(n, len(names)).T
    applicable = ~(np.isnan(primary) & np.isnan(shadow))
    none = np.zeros(n, dtype=np.int64)
    return PairColumns(
        primary_variant=np.full(n, CAND),
        shadow_variant=np.full(n, BASE),
        signals=names,
        primary=primary,
        shadow=shadow,
        applicable=applicable,
        slice_set=none,
        sets=[SliceSet(frozenset({"all"}))],
        primary_tokens=none,
        shadow_tokens=none,
        client=none if clients is None else np.array(clients, dtype=np.int64),
    )


def rule(policy=POLICY, *, parts=1, epoch=0, builds=None):
    return rule_of(policy, VARIANTS[1], VARIANTS[0], parts, epoch, builds or {})


def test_hard_failures_are_bits_of_pairs():
    assert {SIGNALS[name].kind for name in HARD} == {SignalKind.BIT}
    assert all(SIGNALS[name].paired for name in HARD)


@settings(deadline=None)
@given(st.lists(st.tuples(st.tuples(VALUES, VALUES, VALUES), st.tuples(VALUES, VALUES, VALUES)), max_size=8))
def test_a_tick_is_counted_pair_by_pair_against_the_claim(rows):
    """The candidate is bad where a hard signal says so; the baseline good where every one that applies says so."""
    expected = PairCounts()
    for x, y in rows:
        hard = [(a, b) for a, b in list(zip(x, y, strict=True))[:2] if not (isnan(a) and isnan(b))]
        if not hard:
            continue
        bad, good = any(a > 0 for a, _ in hard), all(b == 0.0 for _, b in hard)
        expected += PairCounts(
            int(bad and not good), int(bad and good), int(not bad and not good), int(not bad and good)
        )
    assert broken_tick(columns(rows), CAND, BASE, NAMES[:2]).counts == expected


def test_the_clients_are_those_that_only_the_candidate_failed():
    good, bad, both = ((0, 0, 0), (0, 0, 0)), ((1, 0, 0), (0, 0, 0)), ((0, 1, 0), (0, 1, 0))
    seen = broken_tick(columns([good, bad, bad, both, bad], [5, 6, 6, 7, NOBODY]), CAND, BASE, NAMES[:2])
    assert seen.clients == ("0", "6")
    assert seen.failures == {"request_error": 3, "schema_validity": 0}
    assert broken_tick(columns([bad]), CAND, 9, NAMES[:2]) == BrokenTick(PairCounts()), "other variants' pairs"


def test_the_margin_is_what_the_signals_tolerate_together_but_ten_points_at_least():
    assert rule().margin.absolute == catastrophe.BROKEN
    wide = {"signals": {name: {"margin_absolute": 0.06, "margin_relative": 0.2} for name in HARD}}
    assert rule(parse_policy("p", 1, wide)).margin == Margin(0.24, 0.2)
    assert rule(parse_policy("p", 1, {"signals": {name: {"weight": 0} for name in HARD}})) is None


def test_rule_and_streams_divide_one_budget():
    """Their false alarms per month add up to the policy's, as if each had its own threshold."""
    month = 30 * 86_400 / POLICY.tick_s
    watched = watch(POLICY, VARIANTS, (), epoch=0, fleet=1)
    streams = sum(month / one.config.threshold for one in watched if one.stream.candidate_id == CAND)
    assert streams + month / rule().threshold == pytest.approx(POLICY.false_rollbacks_per_month)
    assert rule(parts=4).threshold == pytest.approx(4 * rule().threshold)


def test_a_change_starts_the_rule_afresh():
    one, state = rule(), replace(catastrophe.initial(), last_tick=7)
    stored = StoredBreakage(CAND, one.fingerprint, state.to_json())
    assert recalled(stored, one) == state
    for other in (rule(parts=2), rule(epoch=1), rule(builds={CAND: "b2"}), rule(parse_policy("q", 1, {"tick_s": 5}))):
        assert recalled(stored, other) == catastrophe.initial()
    assert recalled(replace(stored, state={"format": 99}), one) == catastrophe.initial(), "a form that nobody reads"
    assert recalled(None, one) == catastrophe.initial()


def test_a_tick_is_folded_once_and_nothing_is_learned_while_frozen():
    bad = BrokenTick(PairCounts(n10=60), tuple("abcde"))
    state, alarm = fold_tick(catastrophe.initial(), rule(), 4, bad, frozen=True)
    assert (state, alarm) == (replace(catastrophe.initial(), last_tick=4), None)
    state, alarm = fold_tick(state, rule(), 5, bad, frozen=False)
    assert alarm is not None
    with pytest.raises(ValueError, match="tick must be > 5"):
        fold_tick(state, rule(), 5, bad, frozen=False)
    assert fold_tick(catastrophe.initial(), rule(), 5, replace(bad, clients=tuple("abcd")), frozen=False)[1] is None


def test_the_sentence_says_how_many_of_what_for_how_many():
    seen = BrokenTick(PairCounts(n10=58, n00=2), tuple("abcde"), {"request_error": 2, "schema_validity": 57})
    _, alarm = fold_tick(catastrophe.initial(), rule(), 5, seen, frozen=False)
    assert headline(alarm, seen, 10.0) == (
        "Broken: 58 of 60 requests failed on the candidate alone, 0 on the baseline alone, for at least 5 clients "
        "within 10 s (in the last 10 s: schema_validity 57, request_error 2)"
    )


@pytest.mark.parametrize(
    ("variant", "signal", "hours", "doubtful"),
    [
        (BASE, "request_error", 23, True),
        (BASE, "request_error", 25, False),
        (BASE, "refusal", 1, False),
        (CAND, "request_error", 1, False),
    ],
)
def test_a_baseline_unlike_its_own_mirror_casts_doubt(variant, signal, hours, doubtful):
    """On what the rule calls a failure, for a day."""
    alarm = OwnAlarm(START, Evidence())
    watched = [
        replace(one, memory=replace(one.memory, alarm=alarm))
        if (one.stream.candidate_id, one.stream.signal, one.stream.slice) == (variant, signal, "all")
        else one
        for one in watch(POLICY, VARIANTS, (), epoch=0, fleet=1)
    ]
    assert _doubtful(rule(), watched, START + timedelta(hours=hours)) is doubtful

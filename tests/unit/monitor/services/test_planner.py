"""Planning against the core's own formula and against folds of the expected traffic."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.stats import latency, planning
from detectors.stats import stream as detector
from detectors.types import ArmCounts, Design, Margin
from monitor.errors import ValidationError
from monitor.services.planner import Question, make_plan, question_of, tail_rates
from monitor.services.policies import parse_policy

POLICY = parse_policy("mine", 0, {})


def question(**changes):
    asked = {"signal": "schema_validity", "margin": Margin(absolute=0.005), "threshold": 1e6, "tick_s": 10.0}
    return Question(**{**asked, "candidate_s": 10.0, "baseline_s": 10.0, "base_rate": 0.01, **changes})


def test_pairs_are_planned_by_the_core():
    plan = make_plan(question(), 0.03)
    pairs = planning.pairs_to_detect(
        0.03, 0.01, 0.0003, Margin(absolute=0.005), threshold=1e6, pairs_per_tick=100.0, phi=1.0
    )
    assert plan.requests == pytest.approx(pairs)
    assert plan.seen_after_s == pytest.approx(pairs / 10.0)


def test_what_the_margin_tolerates_is_never_seen():
    plan = make_plan(question(), 0.015)
    assert (plan.seen_after_s, plan.requests) == (math.inf, math.inf)
    assert plan.to_json()["seen_after_s"] is None


def test_a_gross_fault_waits_for_the_cap_of_a_tick():
    plan = make_plan(question(candidate_s=1e4, baseline_s=1e4), 1.0)
    assert plan.seen_after_s == plan.soonest_s == 10.0 * math.ceil(math.log(1e6) / 3.0)


@pytest.mark.parametrize("paired", [True, False])
def test_the_smallest_effect_takes_just_the_time(paired):
    asked = question(paired=paired, baseline_s=10.0 if paired else 0.5)
    for span, effect in make_plan(asked, 0.05).smallest.items():
        seconds = {"1 h": 3600.0, "1 day": 86400.0}[span]
        assert make_plan(asked, effect).seen_after_s == pytest.approx(seconds, rel=0.01)


def test_too_little_traffic_sees_nothing_in_an_hour():
    assert make_plan(question(candidate_s=0.001, baseline_s=0.001), 0.05).smallest["1 h"] is None


@pytest.mark.parametrize(("holdback", "rate"), [(1.0, 0.04), (0.25, 0.08)])
def test_arms_are_seen_when_folds_of_the_expected_sessions_see_them(holdback, rate):
    asked = question(paired=False, candidate_s=40.0, baseline_s=40.0 * holdback)
    plan = make_plan(asked, rate)
    config = detector.StreamConfig(asked.margin, levels=1, threshold=asked.threshold, design=Design.UNPAIRED)
    state, alarm, tick = detector.initial(config), None, 0
    n_b = round(400 * holdback)
    counts = [ArmCounts(400, round(400 * rate), n_b, round(n_b * 0.01))]
    while alarm is None:
        state, alarm = detector.fold(state, config, tick, counts, counts)
        tick += 1
    assert plan.seen_after_s == pytest.approx(tick * 10.0, rel=0.35)


def test_a_small_holdback_is_gathered_over_ticks_as_evaluation_does():
    asked = question(paired=False, candidate_s=2.0, baseline_s=0.05)
    config = detector.StreamConfig(asked.margin, levels=1, threshold=asked.threshold, design=Design.UNPAIRED, cap=30.0)
    state, alarm, tick = detector.initial(config), None, 0
    while alarm is None:
        tick += 10
        counts = [ArmCounts(200, 40, 5, 0)]
        state, alarm = detector.fold(state, config, tick, counts, counts)
    assert make_plan(asked, 0.2).seen_after_s == pytest.approx(tick * 10.0, rel=0.4)


@given(st.floats(0.03, 0.3), st.floats(1.01, 1.5), st.floats(1.0, 20.0))
@settings(max_examples=40, deadline=None)
def test_more_harm_and_more_traffic_are_seen_sooner(rate, factor, rps):
    for paired in (True, False):
        less = question(paired=paired, candidate_s=rps, baseline_s=rps)
        more = question(paired=paired, candidate_s=rps * factor, baseline_s=rps * factor)
        assert make_plan(less, min(1.0, rate * factor)).seen_after_s <= make_plan(less, rate).seen_after_s + 1e-6
        assert make_plan(more, rate).seen_after_s <= make_plan(less, rate).seen_after_s * 1.05 + 10.0


def test_tails_at_the_margin_exceed_alike():
    for level, (candidate, baseline) in zip(
        latency.LEVELS, tail_rates(latency.GAMMA ** latency.margin_bins(0.15), 0.15, 0.5), strict=True
    ):
        assert candidate == pytest.approx(baseline) == pytest.approx(1.0 - level)


@given(st.floats(1.2, 4.0), st.floats(0.1, 1.5))
@settings(max_examples=40, deadline=None)
def test_a_slower_tail_exceeds_more_and_the_pool_keeps_its_level(slowdown, spread):
    for level, (candidate, baseline) in zip(latency.LEVELS, tail_rates(slowdown, 0.15, spread), strict=True):
        assert candidate > baseline
        assert (candidate + baseline) / 2.0 == pytest.approx(1.0 - level, abs=1e-6)


def test_the_policy_and_the_topology_put_the_question():
    asked = question_of(POLICY, "latency_e2e", rps=20.0, mirror=0.5, holdback=0.1)
    assert (asked.candidate_s, asked.baseline_s, asked.phi, asked.levels) == (9.0, 9.0, 3.0, 3)
    arms = question_of(POLICY, "correction", rps=2.0, holdback=0.05, base_rate=0.02)
    assert (arms.paired, arms.candidate_s, arms.baseline_s) == (False, 1.9, 0.1)
    one, four = (question_of(POLICY, "refusal", rps=1.0, base_rate=0.01, watched=n) for n in (1, 3))
    assert four.threshold == pytest.approx(4 * one.threshold)
    first = question_of(POLICY, "refusal", rps=1.0, base_rate=0.01, slice_="first_turn", slice_share=0.2)
    assert (first.threshold, first.candidate_s) == (one.threshold, 0.2)  # half to all, half to the one other slice


@pytest.mark.parametrize(
    ("signal", "given_", "told"),
    [
        ("agreement", {}, "does not watch 'agreement'"),
        ("refusal", {"slice_": "lang:de"}, "has no slice 'lang:de'"),
        ("refusal", {"mirror": 0.0}, "mirror is 0.0"),
        ("refusal", {"holdback": 1.0}, "holdback is 1.0"),
        ("correction", {}, "--holdback 5%"),
        ("refusal", {"rps": 0.0}, "candidate_s is 0.0"),
        ("refusal", {"margin": 1.0}, "absolute must be in"),
        ("refusal", {"watched": 0}, "at least 1"),
    ],
)
def test_a_wrong_question_says_what_is_wrong(signal, given_, told):
    with pytest.raises(ValidationError, match=told.replace("(", r"\(")):
        question_of(POLICY, signal, **{"rps": 1.0, "base_rate": 0.01, **given_})

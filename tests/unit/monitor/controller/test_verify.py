"""Proof by traffic."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.controller.readings import Traffic
from monitor.controller.verify import Proof, ProofState, judge_all, judge_traffic, residual_bound
from monitor.models.acting import VerifyPolicy
from monitor.models.tick import PrimaryCounts

BASELINE, CANDIDATE, SECOND = 1, 2, 3
POLICY = VerifyPolicy(requests=300)
SINCE = datetime(2026, 3, 2, tzinfo=UTC)
counts = st.integers(0, 5000)


def traffic(served: int, leaked: int = 0, *, served_before: int = 0, leaked_before: int = 0) -> Traffic:
    after = PrimaryCounts({BASELINE: served, CANDIDATE: leaked})
    return Traffic(SINCE, after, PrimaryCounts({BASELINE: served_before, CANDIDATE: leaked_before}))


def judge(part: Traffic, *, to_baseline: bool = True) -> Proof:
    return judge_traffic(part, BASELINE, [CANDIDATE, SECOND], POLICY, to_baseline=to_baseline)


@given(counts, counts, st.booleans())
def test_silence_never_proves(served_before, leaked_before, to_baseline):
    part = traffic(0, served_before=served_before, leaked_before=leaked_before)
    proof = judge(part, to_baseline=to_baseline)
    outage = to_baseline and served_before + leaked_before >= 5
    assert proof.state is (ProofState.SILENT if outage else ProofState.THIN)


@given(counts, st.integers(1, 5000), counts, counts)
def test_one_leaked_answer_never_proves(served, leaked, served_before, leaked_before):
    proof = judge(traffic(served, leaked, served_before=served_before, leaked_before=leaked_before))
    assert proof.state is ProofState.LEAKED
    assert f"{leaked} of {leaked + served}" in proof.reason


@given(st.integers(300, 5000), st.integers(0, 5000), st.integers(1, 5000))
def test_without_a_rise_nothing_is_proven(served, more, leaked_before):
    part = traffic(served, served_before=served + more, leaked_before=leaked_before)
    assert judge(part).state is ProofState.NOT_RISEN


def test_a_baseline_that_served_everything_before_need_not_rise():
    assert judge(traffic(300, served_before=300)).state is ProofState.PROVEN


def test_a_leak_of_any_candidate_counts():
    part = replace(traffic(0), after=PrimaryCounts({BASELINE: 1000, SECOND: 1}))
    assert judge(part).state is ProofState.LEAKED


def test_a_router_counter_that_rose_is_a_leak_and_one_not_read_is_told():
    assert judge(replace(traffic(300), risen=("cand: 3",))).state is ProofState.LEAKED
    proof = judge(replace(traffic(300), unread=("cand",)))
    assert (proof.state, proof.reason.endswith("; not read: cand")) == (ProofState.PROVEN, True)


def test_what_drains_is_counted_apart_and_is_no_leak():
    proof = judge(replace(traffic(300), draining=7))
    assert proof.state is ProofState.PROVEN
    assert "7 that began before it ended on a candidate" in proof.reason


@pytest.mark.parametrize(("served", "state"), [(299, ProofState.THIN), (300, ProofState.PROVEN)])
def test_the_policy_says_how_many_requests_prove(served, state):
    assert judge(traffic(served, served_before=15, leaked_before=285)).state is state


def test_the_proof_states_its_bound():
    assert judge(traffic(300)).reason == (
        "0 of 300 new requests were answered by a candidate (its share is below 0.99 % at 95 % confidence)"
    )


@given(counts, counts)
def test_back_again_is_proven_by_an_answer_of_a_candidate(served, leaked):
    proof = judge(traffic(served, leaked), to_baseline=False)
    assert proof.state is (ProofState.PROVEN if leaked else ProofState.THIN)


PARTS = {
    ProofState.PROVEN: traffic(300, served_before=15, leaked_before=285),
    ProofState.THIN: traffic(10, served_before=1),
    ProofState.SILENT: traffic(0, served_before=50),
    ProofState.NOT_RISEN: traffic(300, served_before=300, leaked_before=5),
    ProofState.LEAKED: traffic(300, 1),
}


@given(st.dictionaries(st.sampled_from(["", "east", "west"]), st.sampled_from(ProofState), min_size=1))
def test_of_several_targets_the_worst_counts_and_is_named(states):
    parts = {label: PARTS[state] for label, state in states.items()}
    proof = judge_all(parts, BASELINE, [CANDIDATE], POLICY)
    assert proof.state is max(states.values())
    for label, state in states.items():
        if label:
            assert (f"{label}: " in proof.reason) == (state is proof.state)


def test_nothing_looked_at_proves_nothing():
    assert judge_all({}, BASELINE, [CANDIDATE], POLICY).state is ProofState.THIN


@pytest.mark.parametrize(
    ("requests", "bound"),
    # SciPy 1.17: the exact one-sided 95 % interval of binomtest(0, n, alternative="less")
    [(1, 0.95), (10, 0.2588656), (30, 0.0950339), (59, 0.0495076), (300, 0.0099360), (10000, 0.00029953)],
)
def test_the_residual_bound(requests, bound):
    assert residual_bound(requests) == pytest.approx(bound, rel=1e-5)


@pytest.mark.parametrize("requests", [0, -1])
def test_no_request_bounds_nothing(requests):
    assert residual_bound(requests) == 1.0


@given(st.integers(1, 10**6))
def test_the_bound_falls_and_is_about_three_over_n(requests):
    assert 0 < residual_bound(requests + 1) < residual_bound(requests) <= min(0.95, 3.0 / requests)

"""Proof by traffic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.controller.verify import Proof, ProofState, judge_traffic, residual_bound
from monitor.models.policy import VerifyPolicy
from monitor.models.route import Goal
from monitor.models.tick import PrimaryCounts

BASELINE, CANDIDATE, SECOND = 1, 2, 3
POLICY = VerifyPolicy(requests=300)
counts = st.integers(0, 5000)


def judge(
    served: int, leaked: int = 0, *, served_before: int = 0, leaked_before: int = 0, goal: Goal = Goal.BASELINE
) -> Proof:
    return judge_traffic(
        PrimaryCounts({BASELINE: served, CANDIDATE: leaked}),
        PrimaryCounts({BASELINE: served_before, CANDIDATE: leaked_before}),
        BASELINE,
        [CANDIDATE, SECOND],
        goal,
        POLICY,
    )


@given(counts, counts)
def test_silence_never_proves(served_before, leaked_before):
    for goal in Goal:
        proof = judge(0, served_before=served_before, leaked_before=leaked_before, goal=goal)
        assert proof.state is ProofState.WAITING


@given(counts, st.integers(1, 5000), counts, counts)
def test_one_leaked_answer_never_proves(served, leaked, served_before, leaked_before):
    proof = judge(served, leaked, served_before=served_before, leaked_before=leaked_before)
    assert proof.state is ProofState.WAITING
    assert f"{leaked} of {leaked + served}" in proof.reason


@given(counts, counts, st.integers(1, 5000))
def test_without_a_rise_nothing_is_proven(served, more, leaked_before):
    assert judge(served, served_before=served + more, leaked_before=leaked_before).state is ProofState.WAITING


def test_a_baseline_that_served_everything_before_need_not_rise():
    assert judge(300, served_before=300).state is ProofState.PROVEN


def test_a_leak_of_any_candidate_counts():
    found = PrimaryCounts({BASELINE: 1000, SECOND: 1})
    proof = judge_traffic(found, PrimaryCounts({}), BASELINE, [CANDIDATE, SECOND], Goal.BASELINE, POLICY)
    assert proof.state is ProofState.WAITING


@pytest.mark.parametrize(("served", "state"), [(299, ProofState.WAITING), (300, ProofState.PROVEN)])
def test_the_policy_says_how_many_requests_prove(served, state):
    assert judge(served, served_before=15, leaked_before=285).state is state


def test_the_proof_states_its_bound():
    assert judge(300).reason == (
        "0 of 300 new requests were answered by a candidate (its share is below 0.99 % at 95 % confidence)"
    )


@given(counts, counts)
def test_back_again_is_proven_by_an_answer_of_a_candidate(served, leaked):
    proof = judge(served, leaked, goal=Goal.RESTORE)
    assert proof.state is (ProofState.PROVEN if leaked else ProofState.WAITING)


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

from itertools import combinations, product
from math import exp, inf, log, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.stats.budget import threshold
from detectors.stats.multiplicity import Gates, e_bh, e_lond, gate_share, mixture, period_log_e

LOG_E = st.floats(-50, 50)
NAMED = st.dictionaries(st.integers(0, 30), LOG_E, max_size=12)


def brute_force(log_e, alpha):
    """The largest set whose members all reach N / (alpha * its size): self-consistency, by trying every set."""
    names = list(log_e)
    for size in range(len(names), 0, -1):
        for chosen in combinations(names, size):
            if all(log_e[name] >= log(len(names) / (alpha * size)) for name in chosen):
                return set(chosen)
    return set()


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 30), st.floats(-2, 8), max_size=8), st.floats(0.01, 0.9))
def test_e_bh_is_the_largest_self_consistent_set(log_e, alpha):
    assert set(e_bh(log_e, alpha)) == brute_force(log_e, alpha)


@settings(deadline=None)
@given(NAMED, st.floats(0.01, 0.5), st.floats(0.01, 0.49))
def test_e_bh_laws(log_e, alpha, more):
    found = e_bh(log_e, alpha)
    assert [log_e[name] for name in found] == sorted((log_e[name] for name in found), reverse=True)
    assert all(log_e[name] > log_e[left] for name in found for left in log_e.keys() - set(found))
    assert set(found) <= set(e_bh(log_e, alpha + more))
    raised = {name: value + 3 * (name in found) for name, value in log_e.items()}
    assert set(found) == set(e_bh(raised, alpha)) or set(found) < set(e_bh(raised, alpha))
    if found:  # a stream more with nothing to show can only shorten the list
        assert set(e_bh({**log_e, 99: -inf}, alpha)) <= set(found)


def test_the_false_discovery_rate_holds_in_the_worst_dependence():
    # Each null e-value is 1 / p with probability p, never two at once, just enough to be listed beside a true effect.
    nulls, alpha = 5, 0.4
    p = 2 * alpha / (nulls + 1)
    found = e_bh({0: -log(p) + 1e-9, **dict.fromkeys(range(1, nulls), -inf), "true": 50.0}, alpha)
    assert set(found) == {0, "true"}
    fdr = nulls * p / len(found)
    assert 0.8 * alpha < fdr <= alpha
    # Without a true effect the bound is reached.
    p = alpha / nulls
    found = e_bh({0: -log(p) + 1e-9, **dict.fromkeys(range(1, nulls), -inf)}, alpha)
    assert nulls * p * len(found) == pytest.approx(alpha)


def test_shares_of_the_gates_sum_to_one():
    assert sum(gate_share(t) for t in range(1, 2_001)) == pytest.approx(1 - 1 / (1 + log(2_001)))
    assert all(gate_share(t) > gate_share(t + 1) > 0 for t in range(1, 2_000))
    assert gate_share(10**12) > 0


@settings(deadline=None)
@given(st.lists(LOG_E, max_size=30), st.floats(0.01, 0.3))
def test_e_lond_is_its_definition(sequence, alpha):
    state, opened = Gates(), 0
    for t, log_e in enumerate(sequence, start=1):
        level = alpha * (1 / (1 + log(t)) - 1 / (1 + log(t + 1))) * (opened + 1)
        state, gate = e_lond(state, log_e, alpha)
        assert gate.log_threshold == pytest.approx(-log(level), rel=1e-9)
        assert gate.opens == (log_e >= gate.log_threshold)
        opened += gate.opens
    assert state == Gates(len(sequence), opened)


@pytest.mark.parametrize("copied", [False, True], ids=["independent", "copied"])
def test_false_gates_stay_below_alpha_by_enumeration(copied):
    # Null e-values are 1/p with probability p, tuned to the first thresholds; two of five questions are true effects.
    alpha, gates, effects = 0.3, 5, {1, 3}
    p = alpha * gate_share(2) * 2
    fdr = 0.0
    for lit in [(hit,) * gates for hit in (True, False)] if copied else product((True, False), repeat=gates):
        null = lit[:1] if copied else [hit for t, hit in enumerate(lit) if t not in effects]
        if not copied and not all(lit[t] for t in effects):
            continue
        chance = np.prod([p if hit else 1 - p for hit in null])
        state, wrong = Gates(), 0
        for t in range(gates):
            state, gate = e_lond(state, 50.0 if t in effects else (-log(p) if lit[t] else -inf), alpha)
            wrong += gate.opens and t not in effects
        fdr += chance * wrong / max(1, state.opened)
    assert 0 < fdr <= alpha


SHARES = st.dictionaries(st.integers(0, 9), st.floats(0.001, 1), min_size=1, max_size=6)


@settings(deadline=None)
@given(SHARES, st.data())
def test_the_mixture_is_never_later_than_its_streams(raw, data):
    shares = {name: share / sum(raw.values()) * 0.999 for name, share in raw.items()}
    statistics = {name: data.draw(st.floats(-5, 40)) for name in shares}
    found = mixture(shares, statistics)
    assert exp(found.log_statistic) == pytest.approx(sum(shares[n] * exp(statistics[n]) for n in shares), rel=1e-6)
    leader = max(shares, key=lambda n: log(shares[n]) + statistics[n])
    assert log(shares[found.culprit]) + statistics[found.culprit] == pytest.approx(
        log(shares[leader]) + statistics[leader]
    )
    assert 0 < found.part <= 1 + 1e-12
    for name, share in shares.items():
        if statistics[name] >= log(threshold(259_200, 0.1, share)):
            assert found.log_statistic >= log(threshold(259_200, 0.1, 1.0)) - 1e-9


def test_a_candidate_without_evidence_has_no_leader_of_weight():
    found = mixture({"all": 0.5, "lang:de": 0.5}, {"all": -inf, "lang:de": -inf})
    assert (found.log_statistic, found.part) == (-inf, 0.5)


def test_a_months_statistic_is_an_e_value():
    assert period_log_e(-inf, 100) == -inf
    assert period_log_e(log(100), 100) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: e_bh({"a": 1.0}, 0.0), "alpha must be in"),
        (lambda: e_bh({"a": nan}), "log e-value must be a number"),
        (lambda: e_lond(Gates(), nan), "log_e must be a number"),
        (lambda: e_lond(Gates(), 1.0, 1.0), "alpha must be in"),
        (lambda: Gates(1, 2), r"opened must be in \[0, 1\]"),
        (lambda: gate_share(0), "t must be >= 1, got 0"),
        (lambda: period_log_e(1.0, 0), "horizon_ticks must be > 0"),
        (lambda: period_log_e(inf, 10), "log_statistic must be a number"),
        (lambda: mixture({}, {}), "same streams, got 0 and 0"),
        (lambda: mixture({"a": 0.5}, {"b": 1.0}), "same streams"),
        (lambda: mixture({"a": 0.0}, {"a": 1.0}), "shares must be > 0"),
        (lambda: mixture({"a": 0.7, "b": 0.7}, {"a": 1.0, "b": 1.0}), "sum to at most 1"),
    ],
)
def test_errors_name_the_rule(call, named):
    with pytest.raises(ValueError, match=named):
        call()

"""Merge laws, monotonicity and order invariance."""

import json
from dataclasses import replace
from math import comb, inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.stats import inflation, latency, paired, unpaired
from detectors.stats.budget import shares
from detectors.stats.intervals import paired_difference
from detectors.stats.shiryaev_roberts import update
from detectors.stats.stream import StreamConfig, StreamState, fold, initial
from detectors.types import ArmCounts, Design, Margin, PairCounts

COUNT = st.integers(0, 10_000)
COUNTS = st.builds(PairCounts, COUNT, COUNT, COUNT, COUNT)
ARM = st.integers(0, 3_000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
ARMS = st.builds(lambda candidate, baseline: ArmCounts(*candidate, *baseline), ARM, ARM)
RATES = st.floats(1e-4, 0.9)
MARGINS = st.builds(Margin, st.floats(0, 0.5), st.floats(0, 2))
HISTOGRAMS = st.dictionaries(st.integers(latency.LOWEST_BIN, latency.OVERFLOW_BIN), st.integers(1, 10**6), max_size=30)
MS = st.floats(allow_nan=False)


@given(COUNTS, COUNTS, COUNTS)
def test_counts_merge_in_any_order(a, b, c):
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + PairCounts() == a
    assert (a + b).n == a.n + b.n


@given(COUNTS, COUNTS, MARGINS)
def test_evidence_of_merged_counts_is_the_sum(a, b, margin):
    for increments in (paired.log_increments, paired.safe_log_increments):
        together = increments((a + b).cells, margin)
        assert together == pytest.approx(increments(a.cells, margin) + increments(b.cells, margin), rel=1e-9, abs=1e-7)


@given(COUNTS, MARGINS)
def test_more_bad_answers_of_the_candidate_are_more_evidence(counts, margin):
    worse = replace(counts, n10=counts.n10 + 1)
    assert (paired.log_increments(worse.cells, margin) > paired.log_increments(counts.cells, margin)).all()
    assert (paired.safe_log_increments(worse.cells, margin) < paired.safe_log_increments(counts.cells, margin)).all()


@given(COUNTS, MARGINS)
def test_more_bad_answers_of_the_baseline_are_less_evidence(counts, margin):
    worse = replace(counts, n01=counts.n01 + 1)
    assert (paired.log_increments(worse.cells, margin) < paired.log_increments(counts.cells, margin)).all()


@given(COUNTS, st.floats(0, 0.4), st.floats(0.001, 0.4))
def test_a_wider_margin_is_never_more_evidence(counts, absolute, wider):
    narrow, wide = Margin(absolute=absolute), Margin(absolute=absolute + wider)
    gap = paired.log_increments(counts.cells, narrow) - paired.log_increments(counts.cells, wide)
    assert (gap >= -1e-9 * max(1, counts.n)).all()


@given(COUNTS, MARGINS)
def test_increments_are_finite(counts, margin):
    assert np.isfinite(paired.log_increments(counts.cells, margin)).all()
    assert np.isfinite(paired.safe_log_increments(counts.cells, margin)).all()


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 1))
def test_no_bet_gains_under_the_null(a, b, c, m, r):
    cuts = sorted((a, b, c))
    p11, p10, p01, p00 = cuts[0], cuts[1] - cuts[0], cuts[2] - cuts[1], 1 - cuts[2]
    excess = (p11 + p10) - (1 + r) * (p11 + p01) - m
    cells, margin = np.array([p11, p10, p01, p00]), Margin(m, r)
    if excess <= 0:
        assert (cells @ np.exp(paired.coefficients(margin)) <= 1 + 1e-9).all()
    if excess >= 0:
        assert (cells @ np.exp(paired.safe_coefficients(margin)) <= 1 + 1e-9).all()


@given(ARMS, ARMS, ARMS)
def test_arms_merge_in_any_order(a, b, c):
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + ArmCounts() == a
    assert (a + b).n == a.n + b.n


@given(ARMS, MARGINS, RATES)
def test_unpaired_evidence_is_finite_and_needs_both_arms(arms, margin, rate):
    for increments in (unpaired.log_increments, unpaired.safe_log_increments):
        assert np.isfinite(increments(arms.cells, margin, rate)).all()
        for alone in (replace(arms, candidate_n=0, candidate_bad=0), replace(arms, baseline_n=0, baseline_bad=0)):
            assert not increments(alone.cells, margin, rate).any()


@given(ARMS, st.floats(0, 0.4), st.floats(0, 0.5), st.floats(1e-4, 0.3))
def test_unpaired_evidence_is_monotone_in_the_bad_answers(arms, absolute, relative, rate):
    margin, (n_v, x_v, n_b, x_b) = Margin(absolute, relative), arms.cells
    if (1 + relative) * rate + absolute >= 1 or min(n_v, n_b) == 0:
        return
    if x_v < n_v:
        worse = (n_v, x_v + 1, n_b, x_b)
        gain = unpaired.log_increments(worse, margin, rate) - unpaired.log_increments(arms.cells, margin, rate)
        assert (gain > 0).all()
        loss = unpaired.safe_log_increments(worse, margin, rate) - unpaired.safe_log_increments(
            arms.cells, margin, rate
        )
        assert (loss < 0).all()
    if x_b < n_b:
        milder = (n_v, x_v, n_b, x_b + 1)
        loss = unpaired.log_increments(milder, margin, rate) - unpaired.log_increments(arms.cells, margin, rate)
        assert (loss <= 1e-9).all()


def chance(x, n, p):
    """Binomial probabilities by their definition: SciPy's overflow where p is subnormal."""
    ways = np.array([comb(n, k) for k in range(n + 1)], float)
    return (ways * float(p) ** np.arange(n + 1) * (1.0 - p) ** np.arange(n, -1, -1))[x]


SIZES = [(1, 1), (5, 1), (1, 5), (40, 8), (8, 40), (25, 25), (3, 0), (0, 3)]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SIZES), RATES, st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 2))
def test_no_unpaired_bet_gains_under_the_null(sizes, rate, p_b, share, m, r):
    """Every outcome of both arms, weighed by its probability: at the margin, inside it, and beyond for ``safe``."""
    (n_v, n_b), margin = sizes, Margin(m, r)
    x_v, x_b = (grid.ravel() for grid in np.mgrid[: n_v + 1, : n_b + 1])
    cells = np.stack([np.full(x_v.shape, n_v), x_v, np.full(x_b.shape, n_b), x_b], axis=-1)
    rates = np.full(len(cells), rate)
    harm = np.exp(unpaired.log_increments(cells, margin, rates))
    safe = np.exp(unpaired.safe_log_increments(cells, margin, rates))
    tolerated = (1 + r) * p_b + m
    for p_v in (min(1.0, tolerated), share * min(1.0, tolerated)):
        assert (chance(x_v, n_v, p_v) * chance(x_b, n_b, p_b) @ harm <= 1 + 1e-9).all()
    if tolerated <= 1:
        for p_v in (tolerated, tolerated + share * (1 - tolerated)):
            assert (chance(x_v, n_v, p_v) * chance(x_b, n_b, p_b) @ safe <= 1 + 1e-9).all()


@pytest.mark.parametrize("sizes", [(5, 1), (1, 5), (25, 25)], ids=str)
@pytest.mark.parametrize("margin", [Margin(), Margin(absolute=0.02)], ids=str)
def test_at_the_projection_the_bets_are_fair(sizes, margin):
    """With m = r = 0 and both rates at t_j the factor's mean is 1 exactly: nothing is given away."""
    (n_v, n_b), rate = sizes, 0.1
    x_v, x_b = (grid.ravel() for grid in np.mgrid[: n_v + 1, : n_b + 1])
    cells = np.stack([np.full(x_v.shape, n_v), x_v, np.full(x_b.shape, n_b), x_b], axis=-1)
    factors = np.exp(unpaired.log_increments(cells, margin, np.full(len(cells), rate)))
    means = [chance(x_v, n_v, t + margin.absolute) * chance(x_b, n_b, t) @ factors for t in np.linspace(0.09, 0.6, 400)]
    assert np.max(means, axis=0) == pytest.approx(np.ones(6), abs=1e-4)


@given(HISTOGRAMS, HISTOGRAMS, HISTOGRAMS)
def test_histograms_merge_in_any_order(a, b, c):
    assert latency.merge(latency.merge(a, b), c) == latency.merge(a, latency.merge(b, c)) == latency.merge(c, b, a)
    assert latency.merge(a, {}) == a


@given(st.lists(MS), st.lists(MS))
def test_a_histogram_of_all_is_the_merge_of_the_parts(first, second):
    merged = latency.merge(latency.histogram(map(latency.place, first)), latency.histogram(map(latency.place, second)))
    assert merged == latency.histogram(map(latency.place, second + first))
    assert sum(merged.values()) == len(first) + len(second)


@given(MS)
def test_edges_enclose_the_value(ms):
    index = latency.bin_of(ms)
    assert latency.edge(index) <= ms
    assert ms < latency.edge(index + 1) or ms == inf


@given(MS.map(abs), MS.map(abs), st.integers(latency.LOWEST_BIN, latency.OVERFLOW_BIN))
def test_exceedance_is_monotone_and_exact(a, b, edge_bin):
    assert latency.exceedance(latency.place(max(a, b)), edge_bin) >= latency.exceedance(
        latency.place(min(a, b)), edge_bin
    )
    assert latency.exceedance(latency.place(a), edge_bin) == (a >= latency.edge(edge_bin))


@given(HISTOGRAMS, HISTOGRAMS, st.integers(0, 40))
def test_thresholds_are_ordered_and_hold_the_tail(a, b, shift):
    pooled = latency.pool(a, b, shift)
    assert sum(pooled.values()) == sum(a.values()) + sum(b.values())
    found = latency.tail_thresholds(pooled, minimum=1)
    if not pooled:
        assert found == (None, None, None)
        return
    assert list(found) == sorted(found)
    total = sum(pooled.values())
    for level, threshold in zip(latency.LEVELS, found, strict=True):
        if threshold < latency.OVERFLOW_BIN:
            above = sum(count for index, count in pooled.items() if index >= threshold)
            assert above <= (1 - level) * total + 1e-6 * total


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=20), st.floats(0, 3), st.floats(1, 50))
def test_the_detector_is_monotone_in_evidence(increments, more, phi):
    low = high = np.array([-inf])
    for s in increments:
        low, high = update(low, np.array([s]), phi=phi), update(high, np.array([s + more]), phi=phi)
    assert high >= low


@given(
    st.dictionaries(st.text(max_size=5), st.floats(0.01, 100), min_size=1, max_size=6),
    st.lists(st.text(max_size=5)),
)
def test_shares_sum_to_one(signals, slices):
    found = shares(signals, slices)
    assert sum(found.values()) == pytest.approx(1.0)
    assert min(found.values()) > 0
    assert len(found) == len(signals) * len({*slices, "all"})


@given(
    st.dictionaries(st.text(max_size=5), st.floats(0.01, 100), min_size=1, max_size=6),
    st.lists(st.sampled_from("abcdef")),
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 100)),
)
def test_shares_times_members_sum_to_one(signals, slices, members):
    found = shares(signals, slices, members)
    assert sum(share * members.get(name, 1) for (_, name), share in found.items()) == pytest.approx(1.0)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(1, 60),
    st.sampled_from([0.8, 0.95, 0.99]),
)
def test_the_interval_holds_the_estimate_and_mirrors(n11, n10, n01, n00, level):
    found = paired_difference(PairCounts(n11, n10, n01, n00), level)
    mirrored = paired_difference(PairCounts(n11, n01, n10, n00), level)
    assert -1 <= found.low <= found.estimate <= found.high <= 1
    assert (found.low, found.high) == pytest.approx((-mirrored.high, -mirrored.low), abs=1e-9)


SMALL = st.builds(PairCounts, st.integers(0, 5), st.integers(0, 8), st.integers(0, 8), st.integers(0, 200))
CONFIG = StreamConfig(Margin(absolute=0.01), levels=1, threshold=1e4, safe_ticks=5, tick_s=8_640.0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(SMALL, st.floats(1, 10), st.booleans()), max_size=30), st.integers(0, 30))
def test_a_restart_from_storage_changes_nothing(ticks, restart_at):
    state = stored = initial(CONFIG)
    for tick, (counts, phi, frozen) in enumerate(ticks):
        if tick == restart_at:
            stored = StreamState.from_json(json.loads(json.dumps(stored.to_json(), allow_nan=False)))
        options = {"sibling_phi": phi, "frozen": frozen}
        state, alarm = fold(state, CONFIG, tick, [counts], [counts], **options)
        stored, stored_alarm = fold(stored, CONFIG, tick, [counts], [counts], **options)
        assert (state, alarm) == (stored, stored_alarm)
        assert state.log_statistic < np.log(CONFIG.threshold)


SMALL_ARM = st.integers(0, 100).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, min(n, 9))))
SMALL_ARMS = st.builds(lambda candidate, baseline: ArmCounts(*candidate, *baseline), SMALL_ARM, SMALL_ARM)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(SMALL_ARMS, st.floats(1, 10), st.booleans()), max_size=30), st.integers(0, 30))
def test_an_unpaired_restart_from_storage_changes_nothing(ticks, restart_at):
    config = replace(CONFIG, design=Design.UNPAIRED)
    state = stored = initial(config)
    for tick, (counts, phi, frozen) in enumerate(ticks):
        if tick == restart_at:
            stored = StreamState.from_json(json.loads(json.dumps(stored.to_json(), allow_nan=False)))
        options = {"sibling_phi": phi, "frozen": frozen}
        state, alarm = fold(state, config, tick, [counts], [counts], **options)
        stored, stored_alarm = fold(stored, config, tick, [counts], [counts], **options)
        assert (state, alarm) == (stored, stored_alarm)


@settings(max_examples=40, deadline=None)
@given(st.lists(SMALL, min_size=130, max_size=200))
def test_block_moments_are_those_of_the_blocks(ticks):
    state = inflation.Inflations.initial(np.ones((1, 1)))
    for counts in ticks:
        contrast = paired.contrast(counts.cells).reshape(3, 1, 1)
        state.observe(contrast, hold=np.array([False]))
    d = np.array([counts.n10 - counts.n01 for counts in ticks], float)
    for j in range(inflation.SCALES):
        whole = d[: len(d) // 2**j * 2**j].reshape(-1, 2**j).sum(1)
        assert state.moments[j, 0].item() == pytest.approx((whole**2).sum(), rel=0.02, abs=1e-9)
        assert state.blocks[j].item() == pytest.approx(len(whole), rel=0.02)

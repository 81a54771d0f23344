import json
from math import ceil, inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.stats import latency
from detectors.stats.latency import GAMMA, LOWEST_BIN, OVERFLOW_BIN
from detectors.stats.sketch import Sketch

MS = st.one_of(st.floats(0.01, 1e6), st.just(inf), st.floats(allow_nan=False))
VALUES = st.lists(MS, max_size=60)
SKETCHES = st.builds(Sketch.of, VALUES)
COLLAPSED = st.builds(lambda sketch, most: sketch.collapsed(most), SKETCHES, st.integers(2, 8))


@settings(deadline=None)
@given(COLLAPSED, COLLAPSED, COLLAPSED)
def test_merging_is_associative_order_free_and_has_a_neutral(a, b, c):
    assert a.merged(b).merged(c) == a.merged(b.merged(c)) == a.merged(b, c)
    assert a.merged(b) == b.merged(a)
    assert a.merged(Sketch()) == a == a.merged()
    assert a.merged(b).n == a.n + b.n


@settings(deadline=None)
@given(VALUES, VALUES)
def test_a_merge_is_the_sketch_of_everything(one, other):
    assert Sketch.of(one).merged(Sketch.of(other)) == Sketch.of(one + other)
    assert dict(Sketch.of(one).counts) == latency.histogram((latency.bin_of(value), False) for value in one)


@settings(deadline=None)
@given(VALUES, st.integers(LOWEST_BIN - 3, OVERFLOW_BIN + 3))
def test_exceedance_over_an_edge_is_exact(values, edge_bin):
    edge = latency.edge(edge_bin)
    assert Sketch.of(values).exceeding(edge_bin) == sum(ms >= edge for ms in values)


@settings(deadline=None)
@given(VALUES.filter(bool), st.floats(0, 1))
def test_quantiles_lie_within_their_bounds(values, q):
    exact = sorted(values)[max(1, ceil(q * len(values) - 1e-9)) - 1]
    low, high = Sketch.of(values).quantile_bounds(q)
    assert low <= exact < high or low == exact == high == inf
    if exact > 0.01 and high < 1e9:
        assert high / low == pytest.approx(GAMMA)


@settings(deadline=None)
@given(VALUES, st.integers(2, 10))
def test_only_the_lowest_bins_are_collapsed(values, most):
    whole = Sketch.of(values)
    small = whole.collapsed(most)
    assert len(small.bins) <= most
    assert small.n == whole.n
    for edge_bin in {index for index, _ in whole.bins}:
        if edge_bin > small.floor:
            assert small.exceeding(edge_bin) == whole.exceeding(edge_bin)
        elif edge_bin > LOWEST_BIN:
            with pytest.raises(ValueError, match=f"edge_bin must be above {small.floor}"):
                small.exceeding(edge_bin)
    for rank in range(1, whole.n + 1):
        low, high = small.rank_bounds(rank)
        inner_low, inner_high = whole.rank_bounds(rank)
        assert low <= inner_low
        assert inner_high <= high


@settings(deadline=None)
@given(COLLAPSED)
def test_both_stored_forms_round_trip(sketch):
    assert Sketch.from_bytes(sketch.to_bytes()) == sketch
    assert Sketch.from_json(json.loads(json.dumps(sketch.to_json()))) == sketch


@settings(deadline=None)
@given(COLLAPSED, st.binary(min_size=1, max_size=3))
def test_a_damaged_form_is_refused_or_another_sketch(sketch, extra):
    stored = sketch.to_bytes()
    with pytest.raises(ValueError, match="must"):
        Sketch.from_bytes(stored[:-1])
    try:
        found = Sketch.from_bytes(stored + extra)
    except ValueError:
        return
    assert found != sketch


def test_time_outs_stay_in_the_tail():
    sketch = Sketch.of([10.0] * 98 + [inf] * 2)
    assert sketch.quantile_bounds(0.99) == (inf, inf)
    assert sketch.exceeding(OVERFLOW_BIN) == 2
    assert Sketch.of([1.0, 2.0, inf]).collapsed(2).exceeding(OVERFLOW_BIN) == 1


def test_a_day_of_latencies_is_small():
    values = [20.0 * 1.5 ** (i % 17) for i in range(10_000)]
    assert len(Sketch.of(values).to_bytes()) < 100


def test_thresholds_are_taken_from_it():
    sketch = Sketch.of([100.0] * 1_900 + [900.0] * 200)
    (found,) = latency.tail_thresholds(latency.pool(sketch.counts, sketch.counts, 8), levels=(0.9,))
    assert sketch.exceeding(found) == 200


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: Sketch.of([nan]), "ms must be a number"),
        (lambda: Sketch(((5, 1), (5, 1))), "bins must rise"),
        (lambda: Sketch(((5, 0),)), "counts must be >= 1"),
        (lambda: Sketch(((OVERFLOW_BIN + 1, 1),)), "bins must rise"),
        (lambda: Sketch(((3, 1),), floor=4), "bins must rise"),
        (lambda: Sketch(floor=OVERFLOW_BIN), "floor must be"),
        (lambda: Sketch().collapsed(1), "most_bins must be >= 2"),
        (lambda: Sketch().quantile_bounds(0.5), r"rank must be in \[1, 0\]"),
        (lambda: Sketch.of([1.0]).quantile_bounds(1.1), "q must be in"),
        (lambda: Sketch.of([1.0]).rank_bounds(2), r"rank must be in \[1, 1\]"),
        (lambda: Sketch.from_json({"format": 1, "gamma": 1.01}), "format and gamma must be"),
        (lambda: Sketch.from_json({"format": 1, "gamma": GAMMA}), r"floor and bins \(pairs\)"),
        (
            lambda: Sketch.from_json({"format": 1, "gamma": GAMMA, "floor": -350, "bins": [7]}),
            r"floor and bins \(pairs\)",
        ),
        (lambda: Sketch.from_bytes(b"FBL\x02\x00\x00"), "format 1"),
        (lambda: Sketch.from_bytes(b"FBL\x01\x00\x01"), "as many bins"),
        (lambda: Sketch.from_bytes(b"FBL\x01"), "as many bins"),
        (lambda: Sketch.from_bytes(b"FBL\x01\x00\x80"), "whole number"),
    ],
)
def test_errors_name_the_rule(call, named):
    with pytest.raises(ValueError, match=named):
        call()

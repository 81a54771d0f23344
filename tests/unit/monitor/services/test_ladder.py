"""The rungs above a stream's margin, and what an incident says of them."""

from dataclasses import replace

import pytest

from detectors.registry import SIGNALS
from detectors.stats.severity import LadderState
from detectors.types import Margin, PairCounts
from monitor.models.variant import Role, Tier, Variant
from monitor.services.ladder import bound_of, climb, has_ladder
from monitor.services.policies import parse_policy
from monitor.services.watch import watch
from tests.conftest import START

VARIANTS = [
    Variant(1, 1, "bf16", Role.BASELINE, "base", "bf16", Tier.SERVING, None, None, START),
    Variant(2, 1, "int4", Role.CANDIDATE, "cand", "int4", Tier.QUANTIZED, None, None, START),
]
MARGINS = {"schema_validity": {"margin_absolute": 0.005}, "empty_output": {"margin_absolute": 0, "margin_relative": 0}}
POLICY = parse_policy("p", 1, {"signals": {name: {"weight": 0} for name in SIGNALS} | MARGINS | {"latency_e2e": {}}})


def stream(signal="schema_validity", slice_="all", candidate=2):
    (one,) = [
        w
        for w in watch(POLICY, VARIANTS, (), epoch=0, fleet=1)
        if (w.stream.signal, w.stream.slice, w.stream.candidate_id) == (signal, slice_, candidate)
    ]
    return one


def climbed(ticks, counts, one, frozen=False):
    state = None
    for tick in range(ticks):
        state = climb(state, one, tick, [counts], [counts], sibling_phi=1.0, frozen=frozen)
    return state


def test_only_bits_over_all_traffic_with_a_margin_have_rungs():
    assert has_ladder(stream())
    assert not has_ladder(stream(slice_="first_turn"))
    assert not has_ladder(stream(candidate=1)), "the baseline against itself"
    assert not has_ladder(stream("latency_e2e")), "its margin is in the thresholds"
    assert not has_ladder(stream("empty_output")), "a margin of nothing has no multiples"
    assert climb(None, stream("latency_e2e"), 0, [], [], sibling_phi=1.0, frozen=False) is None


@pytest.mark.parametrize(("bad", "factor"), [(0, None), (1, None), (3, 2.0), (8, 4.0)])
def test_the_widest_margin_that_is_exceeded_is_told(bad, factor):
    one = stream()
    state = climbed(300, PairCounts(n10=bad, n00=200 - bad), one)
    found = bound_of(state, one, 299, 300)
    assert (found and found["factor"]) == factor
    assert LadderState.from_json(state.to_json()) == state


def test_a_bound_is_about_the_present():
    one = stream()
    state = climbed(40, PairCounts(n10=30, n00=170), one)
    assert bound_of(state, one, 40, 5)["factor"] == 4.0
    assert bound_of(state, one, 400, 5) is None
    assert bound_of(climbed(40, PairCounts(n10=30, n00=170), one, frozen=True), one, 40, 50) is None


@pytest.mark.parametrize(
    ("margin", "text"),
    [
        (Margin(0.005), "at least 1.5 points worse than the margin allows: beyond 4 times the margin"),
        (
            Margin(0.0, 0.2),
            "at least 60 % of the baseline's rate worse than the margin allows: beyond 4 times the margin",
        ),
        (
            Margin(0.01, 0.1),
            "at least 30 % of the baseline's rate and 3 points worse than the margin allows: beyond 4 times the margin",
        ),
    ],
)
def test_the_sentence_says_by_how_much(margin, text):
    one = stream()
    one = replace(one, config=replace(one.config, margin=margin))
    found = bound_of(climbed(40, PairCounts(n10=60, n00=40), one), one, 39, 40)
    assert found["text"] == text
    assert (found["margin_absolute"], found["margin_relative"]) == (4 * margin.absolute, 4 * margin.relative)

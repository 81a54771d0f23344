"""A fleet in arrays is its streams one by one: against the plain reference, over resets, freezes and high phi."""

import json
from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.stats import columns, inflation
from detectors.stats.designs import DESIGNS
from detectors.stats.fleet import Terms, fold
from detectors.stats.fleet_states import Member, alarm_of, fleet_of, gathered, state_of, stored_of
from detectors.stats.stream import StreamConfig, StreamState, initial
from detectors.types import Design, Margin
from tests.support.stream_by_stream import alike, fold_plainly

CONFIGS = st.builds(
    StreamConfig,
    margin=st.builds(Margin, st.floats(0, 0.2), st.floats(0, 1)),
    levels=st.just(1),
    threshold=st.sampled_from([2.3, 17.7, 400.3, 9e3]),
    cap=st.sampled_from([0.5, 3.0, inf]),
    safe_ticks=st.integers(1, 12),
    tick_s=st.sampled_from([10.0, 20_000.0]),
    initial_phi=st.sampled_from([1.0, 1.3, 2.5]),
)
LEVELS = st.sampled_from([1, 3])


def cells_of(rng, design, streams, levels):
    """One tick's cells (streams, levels, 4); a fifth of them empty, some of one arm alone."""
    n = rng.integers(0, 50, (streams, levels)) * (rng.random((streams, levels)) > 0.2)
    if design is Design.PAIRED:
        kinds = [[0.02, 0.03, 0.05, 0.9], [0.05, 0.4, 0.05, 0.5], [0.0, 0.0, 0.0, 1.0]]
        return rng.multinomial(n, kinds[rng.integers(3)])
    other = rng.integers(0, 40, (streams, levels))
    return np.stack([n, rng.binomial(n, rng.choice([0.02, 0.4])), other, rng.binomial(other, 0.05)], axis=-1)


def fit(design, margin):
    """Return the margin as the design takes it: the conditional one has no absolute part."""
    return Margin(relative=margin.relative + margin.absolute) if design is Design.CONDITIONAL else margin


def told(design, cells):
    return [DESIGNS[design].counts(*map(int, level)) for level in cells]


def compare(configs, states, rng, ticks, *, first=0, phis=(1.0,), freezes=True, swap=True):
    """Fold random ticks both ways; return the plain states and how many alarms there were."""
    design, levels, alarms = configs[0].design, configs[0].levels, 0
    fleet, terms = fleet_of(states), Terms.of(configs)
    for tick in range(first, first + ticks):
        harm = cells_of(rng, design, len(configs), levels)
        safe = cells_of(rng, design, len(configs), levels) if swap else harm
        floors, frozen = rng.choice(phis, len(configs)), freezes and rng.random() < 0.1
        raised = fold(fleet, terms, tick, harm, safe, sibling_phi=floors, frozen=frozen)
        for s, config in enumerate(configs):
            states[s], alarm = fold_plainly(
                states[s],
                config,
                tick,
                told(design, harm[s]),
                told(design, safe[s]),
                sibling_phi=float(floors[s]),
                frozen=frozen,
            )
            assert raised[s] == (alarm is not None), (tick, s)
            if alarm is not None:
                found = alarm_of(fleet, terms, s)
                assert found.log_statistic == pytest.approx(alarm.log_statistic)
                assert replace(found, log_statistic=0.0) == replace(alarm, log_statistic=0.0)
                alarms += 1
    for s, state in enumerate(states):
        alike(state_of(fleet, s), state)
        assert fleet.log_statistic[s] == pytest.approx(state.log_statistic, abs=1e-9)
    return states, alarms


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32), st.sampled_from(Design), st.lists(CONFIGS, min_size=1, max_size=4), st.sampled_from([1, 3])
)
def test_a_fleet_is_its_streams_one_by_one(seed, design, configs, levels):
    configs = [replace(config, design=design, levels=levels, margin=fit(design, config.margin)) for config in configs]
    rng = np.random.default_rng(seed)
    compare(configs, [initial(config) for config in configs], rng, 25, phis=(1.0, 1.4, 3.0))


@pytest.mark.parametrize("design", Design)
def test_streams_of_different_ages_learn_alike(design, monkeypatch):
    monkeypatch.setattr(inflation, "RECOMPUTE_TICKS", 20)
    monkeypatch.setattr(inflation, "APPLY_LAG_TICKS", 50)
    rng = np.random.default_rng(3)
    config = StreamConfig(fit(design, Margin(absolute=0.08)), levels=2, threshold=300.0, design=design, safe_ticks=9)
    old, _ = compare([config], [initial(config)], rng, 75)
    both = [*old, initial(config), replace(initial(config), last_tick=74)]
    states, alarms = compare([config] * 3, both, rng, 220, first=75)
    assert alarms, "nothing alarmed, so nothing was held or reset"
    assert max(state.own_phi for state in states) > 1.0, "nothing was learned"
    assert len({state.inflation[0].age for state in states}) == 2


@pytest.mark.parametrize("design", Design)
def test_a_fleet_survives_storage_and_new_company(design):
    """Stored, read, put beside others, taken apart again: nothing changes."""
    rng = np.random.default_rng(5)
    configs = [StreamConfig(fit(design, Margin(0.01 * i)), levels=3, threshold=1e3, design=design) for i in range(4)]
    fleet = fleet_of([initial(config) for config in configs])
    for tick in range(40):
        fold(fleet, Terms.of(configs), tick, cells_of(rng, design, 4, 3), cells_of(rng, design, 4, 3))
    stored = stored_of(fleet)
    again = [StreamState.from_json(json.loads(document)) for document in stored]
    assert [json.loads(json.dumps(state.to_json())) for state in again] == [json.loads(text) for text in stored]
    mixed = gathered([Member(fleet, 0), Member.of(again[2]), Member(fleet, 1), Member(fleet, 3)])
    order = [0, 2, 1, 3]
    assert stored_of(mixed) == [stored[i] for i in order]
    tick = cells_of(rng, design, 4, 3)
    fold(mixed, Terms.of([configs[i] for i in order]), 40, tick[order])
    fold(fleet, Terms.of(configs), 40, tick)
    assert stored_of(mixed) == [stored_of(fleet)[i] for i in order]


def test_folding_a_copy_leaves_the_fleet_alone():
    config = StreamConfig(Margin(), levels=1, threshold=50.0)
    fleet = fleet_of([initial(config)] * 2)
    before = stored_of(fleet)
    copy = columns.copied(fleet)
    while not fold(copy, Terms.of([config] * 2), int(copy.last_tick.max(initial=-1)) + 1, [[[0, 9, 0, 9]]] * 2).any():
        pass
    fleet.stored = None
    assert stored_of(fleet) == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"harm": [[[0, -1, 0, 1]]]}, r"harm must hold counts >= 0, got -1"),
        ({"harm": [[[0, float("nan"), 0, 1]]]}, r"harm must hold counts >= 0, got nan"),
        ({"safe": [[[0, inf, 0, 1]]]}, r"safe must hold counts"),
        ({"harm": [[[0, 1, 0, 1]] * 2]}, r"harm must have the shape \(1, 1, 4\), got \(1, 2, 4\)"),
        ({"sibling_phi": 0.5}, r"sibling_phi must be >= 1, got 0.5"),
        ({"sibling_phi": float("nan")}, r"sibling_phi must be >= 1"),
        ({"tick": 3}, r"tick must be > 3 \(the last one folded\), got 3"),
    ],
)
def test_what_is_no_tick_is_refused_and_changes_nothing(change, named):
    config = StreamConfig(Margin(), levels=1, threshold=50.0)
    fleet, terms = fleet_of([replace(initial(config), last_tick=3)]), Terms.of([config])
    given = {"tick": 4, "harm": [[[0, 1, 0, 9]]], "safe": [[[0, 1, 0, 9]]]} | change
    before = stored_of(fleet)
    with pytest.raises(ValueError, match=named):
        fold(fleet, terms, **given)
    fleet.stored = None
    assert stored_of(fleet) == before


def test_a_fleet_holds_one_design_and_number_of_levels():
    config = StreamConfig(Margin(), levels=1, threshold=50.0)
    with pytest.raises(ValueError, match="one design and number of levels"):
        Terms.of([config, replace(config, levels=3)])
    with pytest.raises(ValueError, match=r"must be of design, levels and streams \('paired', 1, 1\), got .*3, 1"):
        fold(fleet_of([initial(config)]), Terms.of([replace(config, levels=3)]), 0, [[[0, 0, 0, 1]]])

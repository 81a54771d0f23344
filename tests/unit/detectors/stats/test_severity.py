import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.stats import paired, severity
from detectors.stats.severity import LadderState, fold, initial, margins, rungs
from detectors.stats.stream import StreamConfig
from detectors.stats.stream import fold as fold_stream
from detectors.stats.stream import initial as initial_stream
from detectors.types import ArmCounts, Design, Margin, PairCounts

CONFIG = StreamConfig(Margin(absolute=0.01), levels=1, threshold=1e4)
COUNTS = st.builds(PairCounts, *[st.integers(0, 60)] * 4)


def run(ticks, config=CONFIG):
    configs = rungs(config)
    state, alarms = initial(configs), []
    for tick, counts in enumerate(ticks):
        state, seen = fold(state, configs, tick, [[counts]] * len(configs), [[counts]] * len(configs))
        alarms.append(seen)
    return state, alarms


def test_margins_are_multiples_of_both_parts():
    assert margins(Margin(0.01, 0.5)) == (Margin(0.01, 0.5), Margin(0.02, 1.0), Margin(0.04, 2.0))
    assert margins(Margin(absolute=0.6)) == (Margin(absolute=0.6),)
    assert margins(Margin()) == (Margin(),)
    assert [config.margin.absolute for config in rungs(CONFIG)] == [0.01, 0.02, 0.04]
    assert {config.threshold for config in rungs(CONFIG)} == {1e4}


@settings(deadline=None)
@given(st.lists(COUNTS, max_size=6))
def test_every_rung_is_a_stream_of_its_own(ticks):
    state, alarms = run(ticks)
    for i, config in enumerate(rungs(CONFIG)):
        alone = initial_stream(config)
        for tick, counts in enumerate(ticks):
            alone, alarm = fold_stream(alone, config, tick, [counts], [counts])
            assert alarm == alarms[tick][i]
        assert alone == state.streams[i]


@settings(deadline=None)
@given(COUNTS, st.floats(0, 0.2), st.floats(0, 2))
def test_a_higher_rung_never_has_more_evidence(counts, absolute, relative):
    found = [paired.log_increments(counts.cells, each) for each in margins(Margin(absolute, relative))]
    assert all((above <= below + 1e-9).all() for below, above in pairwise(found))


@settings(deadline=None)
@given(st.lists(COUNTS, min_size=1, max_size=12))
def test_no_rung_alarms_before_the_rung_below(ticks):
    _, alarms = run(ticks)
    first = [next((t for t, seen in enumerate(alarms) if seen[i]), len(ticks)) for i in range(3)]
    assert first == sorted(first)


@pytest.mark.parametrize(("rate", "expected"), [(0, None), (1, None), (2, 0), (3, 1), (20, 2)])
def test_the_highest_rung_that_alarmed_bounds_the_harm(rate, expected):
    state, _ = run([PairCounts(n10=rate, n00=100 - rate)] * 120)
    assert severity.severity(state, 119, 120) == expected


def test_an_old_alarm_says_nothing_of_the_present():
    state, alarms = run([PairCounts(n10=10, n00=90)] * 20 + [PairCounts(n00=100)] * 50)
    latest = max(at for at in state.alarmed if at is not None)
    assert severity.severity(state, latest + 5, 5) is not None
    assert severity.severity(state, latest + 6, 5) is None
    assert any(any(seen) for seen in alarms)


def test_frozen_only_advances():
    configs, counts = rungs(CONFIG), [[PairCounts(n10=50)]] * 3
    state, alarms = fold(initial(configs), configs, 3, counts, counts, frozen=True)
    assert alarms == (None, None, None)
    assert {each.last_tick for each in state.streams} == {3}
    assert {each.pairs for each in state.streams} == {0}


def test_latency_and_unpaired_rungs_take_counts_of_their_own():
    configs = [StreamConfig(Margin(), levels=1, threshold=1e4, design=Design.UNPAIRED)] * 2
    harm = [[ArmCounts(100, 30, 100, 5)], [ArmCounts(100, 8, 100, 5)]]
    state = initial(configs)
    for tick in range(20):
        state, _ = fold(state, configs, tick, harm, harm)
    assert severity.severity(state, 19, 20) == 0


def test_state_survives_json():
    state, _ = run([PairCounts(n10=6, n00=94)] * 15)
    assert LadderState.from_json(json.loads(json.dumps(state.to_json()))) == state


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: margins(Margin(), ()), "factors must begin with 1"),
        (lambda: margins(Margin(), (2.0, 4.0)), "factors must begin with 1"),
        (lambda: margins(Margin(), (1.0, 1.0)), "factors must begin with 1 and rise"),
        (lambda: fold(initial(rungs(CONFIG)), rungs(CONFIG), 0, [[PairCounts()]], [[PairCounts()]]), "harm must hold"),
        (lambda: severity.severity(initial(rungs(CONFIG)), 0, -1), "valid_ticks must be >= 0"),
        (lambda: LadderState.from_json({"streams": [], "alarmed": []}), "one tick per rung"),
    ],
)
def test_errors_name_the_rule(call, named):
    with pytest.raises(ValueError, match=named):
        call()


@pytest.mark.calibration
def test_false_bounds_stay_within_the_budget():
    # Harm of exactly twice the margin: the rungs at 2 and 4 are respected, and only those may not speak.
    rng, streams, ticks, promise = np.random.default_rng(20_261_121), 400, 400, 0.05
    log_weights = np.log(paired.prior())
    wrong = np.zeros(streams, dtype=bool)
    levels = [margins(Margin(absolute=0.01))[i] for i in (1, 2)]
    log_r = np.full((2, streams, paired.BETS), -np.inf)
    for _ in range(ticks):
        cells = rng.multinomial(100, [0.002, 0.028, 0.008, 0.962], size=streams)  # n11, n10, n01, n00
        for i, margin in enumerate(levels):
            log_r[i] = np.logaddexp(0, log_r[i]) + np.minimum(paired.log_increments(cells, margin), 3.0)
            wrong |= np.logaddexp.reduce(log_r[i] + log_weights, axis=1) >= np.log(ticks / promise)
    assert wrong.mean() <= promise
    assert wrong.any()

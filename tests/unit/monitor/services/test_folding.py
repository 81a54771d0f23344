"""Streams of several kinds folded together are the streams folded one by one."""

from dataclasses import replace

import pytest

from detectors.stats.fleet import start
from detectors.stats.fleet_states import Member
from detectors.stats.stream import StreamConfig, fold, initial
from detectors.types import ArmCounts, Design, Margin, PairCounts
from monitor.services.folding import Due, fold_together
from tests.support.stream_by_stream import alike

BITS = StreamConfig(Margin(absolute=0.01), levels=1, threshold=1e4)
WIDE = replace(BITS, margin=Margin(absolute=0.05), threshold=1e3)
TAILS = StreamConfig(Margin(), levels=3, threshold=1e4, initial_phi=3.0)
ARMS = replace(BITS, design=Design.UNPAIRED)
CONFIGS = [ARMS, BITS, TAILS, WIDE, BITS]


def counts(config, bad):
    if config.design is Design.UNPAIRED:
        return (ArmCounts(100, bad, 100, 2),)
    return (PairCounts(n11=1, n10=bad, n00=99 - bad),) * config.levels


def due(states, tick):
    """The last stream is healthy, the others are worse than their margins allow."""
    bad = [20, 15, 30, 25, 0]
    return [
        Due(state, config, counts(config, bad[i]), counts(config, bad[i] + 1), 1.0 + 0.1 * (tick % 2) * i)
        for i, (state, config) in enumerate(zip(states, CONFIGS, strict=True))
    ]


def test_kinds_are_folded_apart_and_come_back_in_order():
    states, plain = [Member(start([config]), 0) for config in CONFIGS], [initial(config) for config in CONFIGS]
    raised, expected = [], []
    for tick in range(30):
        added = due(states, tick)
        folded = fold_together(added, tick)
        states = [state for state, _ in folded]
        raised += [(tick, i, alarm.onset_tick) for i, (_, alarm) in enumerate(folded) if alarm]
        for i, one in enumerate(added):
            plain[i], alarm = fold(plain[i], one.config, tick, one.harm, one.safe, sibling_phi=one.floor)
            expected += [(tick, i, alarm.onset_tick)] if alarm else []
    for state, expected_state in zip(states, plain, strict=True):
        alike(state.plain(), expected_state)
    assert raised == expected
    assert {i for _, i, _ in raised} == {0, 1, 2, 3}
    shown = [(one.total, one.log_statistic, one.phi, one.own_phi, one.last_tick) for one in states]
    assert shown == [(one.total, pytest.approx(one.log_statistic), one.phi, one.own_phi, 29) for one in plain]
    assert [one.onset_now for one in states] == [one.onset_now for one in plain]
    assert [(one.design, one.levels) for one in states] == [(one.design, one.levels) for one in plain]


def test_a_tick_that_is_undone_can_be_folded_again():
    states = [Member(start([config]), 0) for config in CONFIGS]
    for tick in range(5):
        states = [state for state, _ in fold_together(due(states, tick), tick)]
    before = [state.plain() for state in states]
    first = fold_together(due(states, 5), 5)
    assert [state.plain() for state in states] == before
    again = fold_together(due(states, 5), 5)
    assert [(state.plain(), alarm) for state, alarm in again] == [(state.plain(), alarm) for state, alarm in first]


def test_no_tick_counts_twice_and_frozen_streams_stay():
    states = [Member(start([config]), 0) for config in CONFIGS]
    frozen = [state for state, _ in fold_together(due(states, 3), 3, frozen=True)]
    assert [replace(state.plain(), last_tick=None) for state in frozen] == [state.plain() for state in states]
    with pytest.raises(ValueError, match="tick must be > 3"):
        fold_together(due(frozen, 3), 3)


def test_a_certificate_is_read_off_its_stream():
    config = replace(BITS, safe_ticks=3, tick_s=8_640.0)
    state = Member(start([config]), 0)
    for tick in range(3):
        [(state, _)] = fold_together([Due(state, config, *[(PairCounts(n00=2_000),)] * 2)], tick)
    assert (state.safe_until_tick, state.safe_at(12), state.safe_at(13)) == (12, True, False)

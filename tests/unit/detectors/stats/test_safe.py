import numpy as np
import pytest

from detectors.stats import safe
from detectors.stats.paired import prior, safe_log_increments
from detectors.types import Margin

TIMES = {"cover_ticks": 24, "validity_ticks": 24, "patience_ticks": 168}
GOOD = safe_log_increments([0, 0, 0, 1000], Margin(absolute=0.005))
BAD = safe_log_increments([0, 20, 0, 980], Margin(absolute=0.005))


def fold(increments, state=None, start=0):
    state = state or safe.initial(8)
    for tick, s in enumerate(increments, start):
        state = safe.update(state, tick, s, prior(), **TIMES)
    return state


def test_certifies_not_before_the_whole_period_is_covered():
    assert fold([GOOD] * 23).until_tick is None
    assert fold([GOOD] * 24).until_tick == 23 + 24


def test_certificate_expires():
    state = fold([GOOD] * 24)
    assert safe.safe_at(state, 47)
    assert not safe.safe_at(state, 48)
    assert not safe.safe_at(safe.initial(8), 0)


def test_run_restarts_after_certifying_and_is_renewed_without_a_gap():
    state = fold([GOOD] * 24)
    assert state.covered_ticks == 0
    assert fold([GOOD] * 24, state, start=24).until_tick == 47 + 24


def test_harm_is_never_certified():
    assert fold([BAD] * 400).until_tick is None


def test_an_old_bad_time_is_forgotten_after_the_patience():
    state = fold([BAD] * 168)
    assert state.covered_ticks == 0
    assert fold([GOOD] * 24, state, start=168).until_tick is not None


def test_too_little_evidence_is_no_certificate():
    assert fold([safe_log_increments([0, 0, 0, 5], Margin(absolute=0.005))] * 100).until_tick is None


@pytest.mark.parametrize("order", [(GOOD, BAD), (BAD, GOOD)])
def test_every_level_must_be_safe(order):
    state = safe.initial(16)
    for tick in range(60):
        state = safe.update(state, tick, np.concatenate(order), prior(), **TIMES)
    assert state.until_tick is None


def test_threshold_is_one_hundred():
    one_tick = TIMES | {"cover_ticks": 1}
    below, above = np.full(8, np.log(99.0)), np.full(8, np.log(101.0))
    assert safe.update(safe.initial(8), 0, below, prior(), **one_tick).until_tick is None
    assert safe.update(safe.initial(8), 0, above, prior(), **one_tick).until_tick == 24

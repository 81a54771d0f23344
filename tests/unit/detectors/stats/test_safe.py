from dataclasses import replace

import numpy as np
import pytest

from detectors.stats import safe
from detectors.stats.paired import prior, safe_log_increments
from detectors.types import Margin

TIMES = {
    name: np.array([ticks]) for name, ticks in (("cover_ticks", 24), ("validity_ticks", 24), ("patience_ticks", 168))
}
GOOD = safe_log_increments([0, 0, 0, 1000], Margin(absolute=0.005))
BAD = safe_log_increments([0, 20, 0, 980], Margin(absolute=0.005))


def fresh(levels=1):
    times = (np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64), np.full(1, safe.NEVER))
    return safe.Certificates(np.zeros((8, levels, 1)), *times)


def fold(increments, state=None, start=0, **times):
    """Fold log e-values of one stream, shape (8,) or (levels, 8) a tick; return its state."""
    state = state or fresh(np.ndim(increments[0]))
    for tick, s in enumerate(increments, start):
        state.observe(tick, np.atleast_2d(s).T[..., None], prior(), **(TIMES | times))
    return state


def test_certifies_not_before_the_whole_period_is_covered():
    assert fold([GOOD] * 23).until == safe.NEVER
    assert fold([GOOD] * 24).until == 23 + 24


def test_certificate_expires():
    state = replace(safe.initial(8), until_tick=int(fold([GOOD] * 24).until[0]))
    assert safe.safe_at(state, 47)
    assert not safe.safe_at(state, 48)
    assert not safe.safe_at(safe.initial(8), 0)


def test_run_restarts_after_certifying_and_is_renewed_without_a_gap():
    state = fold([GOOD] * 24)
    assert state.covered == 0
    assert fold([GOOD] * 24, state, start=24).until == 47 + 24


def test_harm_is_never_certified():
    assert fold([BAD] * 400).until == safe.NEVER


def test_an_old_bad_time_is_forgotten_after_the_patience():
    state = fold([BAD] * 168)
    assert state.covered == 0
    assert fold([GOOD] * 24, state, start=168).until > 168


def test_too_little_evidence_is_no_certificate():
    assert fold([safe_log_increments([0, 0, 0, 5], Margin(absolute=0.005))] * 100).until == safe.NEVER


@pytest.mark.parametrize("order", [(GOOD, BAD), (BAD, GOOD)])
def test_every_level_must_be_safe(order):
    assert fold([np.stack(order)] * 60).until == safe.NEVER


def test_one_bet_alone_does_not_certify_a_level():
    """Its wealth of 150 weighs less than 100 in its level's mixture."""
    sure, lone = np.full(8, np.log(1e6)), np.array([np.log(150.0), *[-50.0] * 7])
    now = {"cover_ticks": np.array([1])}
    assert fold([np.stack([sure, lone])], **now).until == safe.NEVER
    assert fold([np.stack([sure, sure])], **now).until == 24


def test_threshold_is_one_hundred():
    below, above = np.full(8, np.log(99.0)), np.full(8, np.log(101.0))
    assert fold([below], cover_ticks=np.array([1])).until == safe.NEVER
    assert fold([above], cover_ticks=np.array([1])).until == 24

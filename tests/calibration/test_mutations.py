"""What each part of the detector is for: take it away, and the promise that rests on it breaks at once.

The unbroken detector keeps each of these promises on the same truths in ``test_false_alarms`` and ``test_delays``.
"""

from math import inf

import numpy as np
import pytest

from detectors.calibration.delays import ARL_TICKS, EFFECTS, alarm_ticks
from detectors.calibration.false_alarms import false_alarms
from detectors.calibration.streams import Streams
from detectors.calibration.traffic import pairs
from detectors.calibration.truths import PROMISE, TRUTHS
from detectors.stats import paired, unpaired
from detectors.stats.stream import StreamConfig
from detectors.types import Margin

pytestmark = pytest.mark.calibration

SCORES, PROJECTION = paired._scores, unpaired._projection


@pytest.fixture
def rescore(monkeypatch):
    """Change the scores of n11, n10, n01 and n00 that the bets are made of."""

    def change(scores):
        monkeypatch.setattr(paired, "_scores", scores)
        paired.coefficients.cache_clear()

    yield change
    monkeypatch.undo()
    paired.coefficients.cache_clear()


def share(name, *, streams=200, ticks=1_000):
    return false_alarms(np.random.default_rng(9), TRUTHS[name], streams=streams, ticks=ticks).share


def without(cell):
    def scores(margin):
        return np.where(np.arange(4)[:, None] == cell, 0.0, SCORES(margin))

    return scores


@pytest.mark.parametrize(
    ("truth", "scores"),
    [
        pytest.param("relative", without(0), id="both bad are dropped"),
        pytest.param("at-margin", without(3), id="both good are dropped"),
        pytest.param("no-margin", without(2), id="the baseline's failures are dropped"),
        pytest.param("at-margin", lambda margin: 2 * SCORES(Margin()) - SCORES(margin), id="sign of m"),
        pytest.param("relative", lambda margin: 2 * SCORES(Margin()) - SCORES(margin), id="sign of r"),
    ],
)
def test_scores_that_forget_something_raise_false_alarms(rescore, truth, scores):
    assert share(truth).high <= 2 * PROMISE
    rescore(scores)
    assert share(truth).low > 4 * PROMISE


def test_bets_of_the_wrong_sign_never_see_harm(rescore):
    def found():
        rng, streams = np.random.default_rng(10), Streams(StreamConfig(EFFECTS[5].margin, 1, ARL_TICKS), 50)
        return alarm_ticks(streams, (pairs(rng, 50, 0.10, 0.05) for _ in range(200)))

    assert np.isfinite(found()).all()
    rescore(lambda margin: -0.5 * SCORES(margin))
    assert (found() == inf).all()


def test_a_projection_for_another_ticks_sizes_raises_false_alarms(monkeypatch):
    assert share("unpaired-swinging").high <= 2 * PROMISE

    def stale(n_v, n_b, *rest):
        return PROJECTION(np.full_like(n_v, 100.0), np.full_like(n_b, 20.0), *rest)

    monkeypatch.setattr(unpaired, "_projection", stale)
    assert share("unpaired-swinging").low > 2 * PROMISE


@pytest.mark.parametrize(("cap", "alarmed"), [(StreamConfig(Margin(), 1, 2.0).cap, 0), (inf, 100)])
def test_one_bad_tick_alarms_only_without_the_cap(cap, alarmed):
    rng, streams = np.random.default_rng(11), Streams(StreamConfig(Margin(absolute=0.005), 1, ARL_TICKS, cap=cap), 100)
    for _ in range(200):
        assert not streams.fold(pairs(rng, 100, 0.01, 0.01)).any()
    assert streams.fold(np.tile([0, 100, 0, 0], (100, 1, 1))).sum() == alarmed

"""The rivals are what they are called: SciPy's tests on the same counts."""

import numpy as np
import pytest
from scipy import stats

from detectors.calibration.rivals import LOOK_TICKS, WINDOW_TICKS, BitRivals
from detectors.calibration.rivals_tail import TailRivals
from detectors.calibration.side_by_side import OURS, Race
from detectors.calibration.traffic import lose, pairs

pytestmark = pytest.mark.calibration


def last(found):
    return [each for each in found if each is not None][-1]


def test_windows_of_bits_hold_five_minutes():
    rng = np.random.default_rng(1)
    ticks = [pairs(rng, 3, 0.06, 0.02) for _ in range(WINDOW_TICKS + LOOK_TICKS)]
    rivals = BitRivals(3, 0.005)
    looks = [rivals.look(cells) for cells in ticks]
    assert [look is not None for look in looks].count(True) == 2
    for stream in range(3):
        n11, n10, n01, n00 = sum(ticks[-WINDOW_TICKS:])[stream, 0]
        n, x, y = n11 + n10 + n01 + n00, n11 + n10, n11 + n01
        fisher = stats.fisher_exact([[x, n - x], [y, n - y]], alternative="greater").pvalue
        assert last(looks)["fisher"][stream] == pytest.approx(-np.log10(fisher), rel=1e-6)
        assert last(looks)["threshold"][stream] == pytest.approx((x - y) / n)
        p, q = x / n, y / n
        z = (p - q - 0.005) / np.sqrt((p * (1 - p) + q * (1 - q)) / n)
        assert last(looks)["z"][stream] == pytest.approx(z)


def test_the_confidence_sequence_holds_the_truth_and_narrows():
    rng, streams = np.random.default_rng(2), 200
    rivals = BitRivals(streams, 0.0)
    lower = [look["confseq"] for look in (rivals.look(pairs(rng, streams, 0.03, 0.01)) for _ in range(600)) if look]
    wrong = (np.max(lower, axis=0) > 0.02).mean()
    assert wrong <= 0.05
    assert np.median(lower[-1]) > np.median(lower[0])
    assert np.median(lower[-1]) > 0.0


def test_equality_tests_of_latency_are_scipys():
    rng = np.random.default_rng(3)
    ticks = [np.stack([rng.integers(40, 92, (4, 50)), rng.integers(40, 90, (4, 50))]) for _ in range(WINDOW_TICKS)]
    rivals = TailRivals(4)
    found = last([rivals.look(seen) for seen in ticks])
    for stream in range(4):
        v, b = (np.concatenate([seen[arm, stream] for seen in ticks]) for arm in (0, 1))
        n = len(v)
        assert found["ks"][stream] == pytest.approx(stats.ks_2samp(v, b).statistic * np.sqrt(n / 2))
        test = stats.mannwhitneyu(v, b, alternative="greater", method="asymptotic", use_continuity=False)
        assert stats.norm.sf(found["mann-whitney"][stream]) == pytest.approx(test.pvalue, rel=1e-6)


def test_the_canary_judges_once_an_hour():
    rng = np.random.default_rng(4)
    rivals = TailRivals(2)
    judged = []
    for _ in range(361):
        seen = np.stack([rng.integers(60, 80, (2, 20)), rng.integers(40, 60, (2, 20))])
        look = rivals.look(seen)
        judged += [] if look is None else [np.isfinite(look["canary"]).all()]
    assert judged.count(True) == 1
    assert judged[-1]


def test_tuning_in_hindsight_lets_one_in_twenty_alarm():
    race = Race({OURS: np.full(100, np.inf)}, {"z": np.arange(100.0)})
    assert (race.peaks["z"] >= race.tuned()["z, tuned"]).mean() <= 0.05
    assert (race.peaks["z"] >= race.tuned()["z, tuned"]).mean() >= 0.03
    assert race.median(OURS) == np.inf


def test_lost_legs_count_against_the_claim():
    rng = np.random.default_rng(5)
    cells = np.array([[[100, 200, 300, 400]]])
    scored, complete = lose(rng, cells, (1.0, 0.0), (0.0, 0.0))
    assert scored.tolist() == [[[0, 0, 400, 600]]], "the candidate's bad legs are gone, and count as good"
    assert complete.tolist() == [[[0, 0, 300, 400]]]
    scored, complete = lose(rng, cells, (0.0, 0.0), (0.0, 1.0))
    assert scored.tolist() == [[[300, 0, 700, 0]]], "the baseline's good legs are gone, and count as bad"
    assert complete.tolist() == [[[100, 0, 300, 0]]]
    scored, complete = lose(rng, cells, (1.0, 1.0), (1.0, 1.0))
    assert scored.sum() == complete.sum() == 0, "nobody saw the request"

"""The simulator is the detector: a fleet without certificates and counts gives what ``stream.fold`` gives."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.calibration.streams import Streams
from detectors.stats import inflation
from detectors.stats.stream import StreamConfig, fold, initial
from detectors.types import ArmCounts, Design, Margin, PairCounts

FORMS = {Design.PAIRED: PairCounts, Design.UNPAIRED: ArmCounts, Design.CONDITIONAL: ArmCounts}


def ticks_of(rng, design, streams, levels, ticks):
    """Cells (ticks, streams, levels, 4), with empty and one-armed ticks among them."""
    if design is Design.PAIRED:
        return rng.multinomial(rng.integers(0, 60, (ticks, streams, levels)), [0.05, 0.2, 0.1, 0.65])
    n_v, n_b = rng.integers(0, 40, (2, ticks, streams, levels))
    return np.stack([n_v, rng.binomial(n_v, 0.2), n_b, rng.binomial(n_b, 0.1)], axis=-1)


def fit(design, margin):
    """Return the margin as the design takes it: the conditional one has no absolute part."""
    return Margin(relative=margin.relative + margin.absolute) if design is Design.CONDITIONAL else margin


def compare(config, cells, *, siblings=0, learns=False):
    """Fold the same ticks both ways; return the alarms."""
    streams = cells.shape[1]
    many = Streams(config, streams, learns=learns, siblings=siblings)
    states = [initial(config) for _ in range(streams)]
    alarms = 0
    for tick, counts in enumerate(cells):
        floors = [1.0] * streams
        if siblings:
            own = [state.own_phi for state in states]
            floors = [max(1.0, float(np.median(own[i // siblings * siblings :][:siblings]))) for i in range(streams)]
        together = many.fold(counts)
        for i, levels in enumerate(counts.tolist()):
            harm = [FORMS[config.design](*level) for level in levels]
            states[i], alarm = fold(states[i], config, tick, harm, harm, sibling_phi=floors[i])
            assert together[i] == (alarm is not None), (tick, i)
            told = states[i].log_statistic if alarm is None else alarm.log_statistic
            assert many.log_statistic[i] == pytest.approx(told, rel=1e-9, abs=1e-9)
            onset = states[i].onset_now
            assert many.onsets()[i] == (-1 if onset is None else onset.tick)
            alarms += alarm is not None
        if learns:
            assert many.own_phi.max(axis=1) == pytest.approx([state.own_phi for state in states], rel=1e-9)
    return alarms


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(Design),
    st.builds(Margin, st.floats(0, 0.2), st.floats(0, 1)),
    st.integers(1, 3),
    st.floats(2, 1e4),
    st.sampled_from([0.5, 3.0, inf]),
    st.floats(1, 4),
)
def test_many_streams_are_single_ones(seed, design, margin, levels, threshold, cap, phi):
    config = StreamConfig(
        fit(design, margin), levels=levels, threshold=threshold, cap=cap, initial_phi=phi, design=design
    )
    compare(config, ticks_of(np.random.default_rng(seed), design, 3, levels, 12))


@pytest.mark.parametrize("design", Design)
def test_what_is_learned_is_learned_alike(design, monkeypatch):
    monkeypatch.setattr(inflation, "RECOMPUTE_TICKS", 20)
    monkeypatch.setattr(inflation, "APPLY_LAG_TICKS", 50)
    rng = np.random.default_rng(2)
    cells = ticks_of(rng, design, 4, 2, 260)
    config = StreamConfig(fit(design, Margin(absolute=0.08)), levels=2, threshold=300.0, design=design, initial_phi=1.2)
    assert compare(config, cells, siblings=2, learns=True) > 0, "nothing alarmed, so nothing was held or reset"


def test_gain_without_a_cap_stays_finite():
    streams = Streams(StreamConfig(Margin(), levels=1, threshold=1e6, cap=inf), 2)
    cells = np.array([[[0, 10**5, 0, 0]], [[0, 0, 10**5, 0]]])
    for _ in range(3):
        assert streams.fold(cells).tolist() == [True, False]
    assert np.isfinite(streams.log_statistic).all()


def test_siblings_must_fill_families():
    with pytest.raises(ValueError, match=r"multiple of siblings \(3\), got 4"):
        Streams(StreamConfig(Margin(), levels=1, threshold=1e6), 4, siblings=3)

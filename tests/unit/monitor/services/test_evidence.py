"""Evidence: what could have been seen by now, for pairs and for arms."""

from datetime import UTC, datetime

import pytest

from detectors.stats import guard, planning
from detectors.stats import stream as detector
from detectors.types import ArmCounts, Design, Margin, PairCounts, Verdict
from monitor.models.evidence import Evidence, Stream
from monitor.services.evidence import evidence_after
from monitor.services.watch import Remembered, Watched

MARGIN = Margin(absolute=0.01)
DUE = 20
"""A tick at which stream 0 is planned anew."""


def after(counts, tick=DUE):
    design = Design.PAIRED if isinstance(counts, PairCounts) else Design.UNPAIRED
    config = detector.StreamConfig(MARGIN, levels=1, threshold=2.6e6, design=design)
    state, _ = detector.fold(detector.initial(config), config, tick, [counts], [counts])
    at = datetime(2026, 3, 2, tzinfo=UTC)
    stream = Stream(0, 1, 2, "correction", "all", "", 2.6e6, {}, 0, Verdict.UNDECIDED, "", Evidence(), at)
    one = Watched(stream, Remembered(state), config, 1, 0.0)
    return evidence_after(one, state, guard.GuardState(), tick)


def test_pairs_are_planned_by_their_number():
    seen = planning.smallest_detectable(0.02, MARGIN, 2.6e6, 20_000)
    assert after(PairCounts(100, 300, 300, 19_300)).smallest_detectable == pytest.approx(seen)


def test_arms_are_planned_by_the_sessions_of_each():
    found = after(ArmCounts(19_000, 380, 1_000, 20))
    seen = planning.smallest_detectable_of_arms(0.02, MARGIN, 2.6e6, 19_000, 1_000)
    assert found.smallest_detectable == pytest.approx(seen)
    assert (found.pairs, found.baseline_n) == (19_000, 1_000)


def test_arms_of_which_one_is_empty_could_have_shown_nothing():
    assert after(ArmCounts(19_000, 380, 0, 0)).smallest_detectable is None


def test_streams_take_turns():
    assert after(ArmCounts(19_000, 380, 1_000, 20), DUE + 1).smallest_detectable is None

"""The confirmation interval's coverage, and how often ``safe`` is granted to a harmful candidate."""

from math import inf, log

import numpy as np
from numpy.random import Generator

from detectors.calibration.bounds import Share
from detectors.calibration.delays import ARL_TICKS, Effect
from detectors.calibration.streams import Streams
from detectors.calibration.traffic import PAIRS, pairs, table
from detectors.stats import paired, safe
from detectors.stats.intervals import paired_difference
from detectors.stats.stream import StreamConfig
from detectors.types import Margin, PairCounts

__all__ = ["confirmation_coverage", "falsely_safe"]

_SHARE_OF_ONSET = 0.25
_SHORTEST, _LONGEST = 6, 60
"""Ticks: one to ten minutes."""
_MOST = 20_000
_COVER = 8_640
_PATIENCE = 7 * _COVER


def confirmation_coverage(rng: Generator, effect: Effect, *, runs: int) -> tuple[Share, float]:
    """Return how often the 95 % interval of the confirmation window holds the true difference, and its relative bias.

    The window begins after the alarm and lasts a quarter of the time since the estimated onset, one to ten minutes:
    its length is chosen by what raised the alarm, its counts are not.
    """
    streams = Streams(StreamConfig(effect.margin, levels=1, threshold=ARL_TICKS), runs)
    length = np.zeros(runs, dtype=np.int64)
    for tick in range(_MOST):
        alarm = streams.fold(pairs(rng, runs, effect.candidate, effect.baseline)) & (length == 0)
        since = tick - streams.onsets()
        length[alarm] = np.clip(_SHARE_OF_ONSET * since[alarm], _SHORTEST, _LONGEST)
        if length.all():
            break
    counts = rng.multinomial(length * PAIRS, table(effect.candidate, effect.baseline))
    true = effect.candidate - effect.baseline
    found = [paired_difference(PairCounts(*row)) for row in counts.tolist()]
    held = sum(one.low <= true <= one.high for one in found)
    return Share(held, runs), float(np.mean([one.estimate for one in found]) / true - 1.0)


def falsely_safe(rng: Generator, margin: Margin, baseline: float, *, runs: int, at_once: bool) -> Share:
    """Return the share of runs of seven days that grant ``safe`` to a candidate exactly at the margin.

    Args:
        rng: Source of chance.
        margin: Tolerance.
        baseline: Its bad rate.
        runs: Independent runs.
        at_once: Whether a certificate may come from the first tick on, which is the worst case of the bound, instead of
            after a day; the run then lasts half a day.
    """
    first, last = (1, _COVER // 2) if at_once else (_COVER, _PATIENCE)
    law = table((1.0 + margin.relative) * baseline + margin.absolute, baseline)
    bets, log_weights = paired.safe_coefficients(margin), np.log(paired.prior())
    log_e, highest = np.zeros((runs, paired.BETS)), np.full(runs, -inf)
    for tick in range(first, last + 1):
        # What comes before the first look is only a sum.
        log_e += rng.multinomial(PAIRS * (first if tick == first else 1), law, size=runs) @ bets
        peak = log_e.max(axis=1)
        near = peak > safe.LOG_THRESHOLD - log(paired.BETS)
        if near.any():
            highest[near] = np.maximum(highest[near], np.logaddexp.reduce(log_e[near] + log_weights, axis=1))
    return Share(int((highest >= safe.LOG_THRESHOLD).sum()), runs)

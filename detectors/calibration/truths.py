"""The truths under which an alarm is false: what is drawn, what it is tested against and what is promised."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from detectors.calibration import tails
from detectors.calibration.traffic import bursts, common_bursts, drift, lose, pairs, samples
from detectors.types import Design, Margin

__all__ = ["PROMISE", "TRUTHS", "Ticks", "Truth"]

PROMISE = 0.05
"""Expected false alarms over the horizon; the threshold is horizon / promise."""
_BURSTS_ALLOWED = 1.2
"""Times the promise, where phi has to be learned."""
_DAY = 8_640
_CALM = 0.01

Ticks = Iterator[NDArray[np.int64]]
"""Cells per tick, shape (streams, levels, 4)."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One truth within the margin."""

    title: str
    margin: Margin
    draw: Callable[[Generator, int, int], Ticks]
    """From the source of chance, streams and ticks."""
    design: Design = Design.PAIRED
    levels: int = 1
    allowed: float = 1.0
    """Times the promise."""
    learns: bool = False
    siblings: int = 0
    burn_in: int = 0
    """Ticks before alarms count: while a route is observed only."""
    times: int = 1
    """Times the streams of other truths, where the share is close to the promise."""
    promised: bool = True
    """False where the row shows what an unguarded way would do."""


def _at(margin: Margin, rates: Callable[[Generator, int], NDArray[np.float64]], *, at_margin: bool = True) -> Truth:
    """Pairs whose baseline follows ``rates``, with the candidate at the margin or equal."""

    def draw(rng: Generator, streams: int, ticks: int) -> Ticks:
        for rate in rates(rng, ticks):
            candidate = (1 + margin.relative) * rate + margin.absolute if at_margin else rate
            yield pairs(rng, streams, candidate, rate)

    return Truth("", margin, draw)


def _steady(rate: float) -> Callable[[Generator, int], NDArray[np.float64]]:
    return lambda _, ticks: np.full(ticks, rate)


def _drifting(rate: float) -> Callable[[Generator, int], NDArray[np.float64]]:
    return lambda _, ticks: drift(ticks, rate)


def _bursting(rate: float) -> Callable[[Generator, int], NDArray[np.float64]]:
    return lambda rng, ticks: common_bursts(rng, ticks, rate)


def _two_samples(margin: Margin, *sizes: tuple[int, int]) -> Callable[[Generator, int, int], Ticks]:
    """Samples of a baseline that drifts; of several sizes, each tick has the next."""

    def draw(rng: Generator, streams: int, ticks: int) -> Ticks:
        for rate, size in zip(drift(ticks, 0.01), cycle(sizes), strict=False):
            yield samples(rng, streams, size, (1 + margin.relative) * rate + margin.absolute, rate)

    return draw


def _loss(
    candidate: tuple[float, float], baseline: tuple[float, float], rates: tuple[float, float], *, complete: bool = False
) -> Callable[[Generator, int, int], Ticks]:
    def draw(rng: Generator, streams: int, ticks: int) -> Ticks:
        for _ in range(ticks):
            yield lose(rng, pairs(rng, streams, *rates), candidate, baseline)[complete]

    return draw


def _private_bursts(
    rng: Generator,
    streams: int,
    ticks: int,
    *,
    length: tuple[int, int],
    burst: tuple[float, float],
    every: int = 1,
) -> Ticks:
    """Yield equal arms with bursts of their own; every stream has a size, a burst, a share and a length of its own.

    Args:
        rng: Source of chance.
        streams: How many.
        ticks: How many.
        length: Shortest and longest block in ticks.
        burst: Lowest and highest rate in a burst; 1 % otherwise.
        every: Only every so many of the streams burst; its siblings are clean.
    """
    law = {
        "length": rng.integers(length[0], length[1] + 1, streams),
        "share": rng.uniform(0.05, 0.15, streams),
        "burst": np.where(np.arange(streams) % every == 0, rng.uniform(*burst, streams), _CALM),
    }
    n = rng.integers(20, 181, streams)
    arms = zip(bursts(rng, ticks, **law), bursts(rng, ticks, **law), strict=True)
    for candidate, baseline in arms:
        x, y = rng.binomial(n, candidate), rng.binomial(n, baseline)
        both = rng.hypergeometric(x, n - x, y)
        yield np.stack([both, x - both, y - both, n - x - y + both], axis=-1)[:, None]


_HALF, _NONE = Margin(absolute=0.005), Margin()


def _named(truth: Truth, title: str) -> Truth:
    return Truth(title, truth.margin, truth.draw)


_BURST = partial(Truth, margin=_NONE, allowed=_BURSTS_ALLOWED, learns=True, siblings=20, burn_in=_DAY)
_STRONG = partial(_private_bursts, length=(6, 18), burst=(0.02, 0.06))

TRUTHS: Mapping[str, Truth] = {
    "equal": _named(_at(_HALF, _steady(0.01), at_margin=False), "equal arms 1 %, m 0.5 pt"),
    "at-margin": _named(_at(_HALF, _steady(0.01)), "at the margin: 1 % and 1.5 %, m 0.5 pt"),
    "no-margin": replace(_named(_at(_NONE, _steady(0.01)), "equal arms 1 %, m 0 (its margin)"), times=3),
    "rare": _named(_at(Margin(absolute=0.002), _steady(0.002)), "at the margin: 0.2 % and 0.4 %, m 0.2 pt"),
    "drift-at-margin": _named(_at(_HALF, _drifting(0.01)), "drift of both arms, at the margin, m 0.5 pt"),
    "drift": _named(_at(_NONE, _drifting(0.01)), "drift of both arms, m 0"),
    "common-bursts": _named(_at(_NONE, _bursting(0.01)), "bursts of both arms, m 0"),
    "common-bursts-at-margin": _named(_at(_HALF, _bursting(0.01)), "bursts of both arms, at the margin, m 0.5 pt"),
    "relative": _named(_at(Margin(relative=0.5), _drifting(0.01)), "drift of both arms, at the margin, r 50 %"),
    "relative-and-absolute": _named(
        _at(Margin(absolute=0.0025, relative=0.1), _drifting(0.05)), "drift of both arms, at r 10 % + m 0.25 pt"
    ),
    "unpaired-1-1": Truth(
        "two samples 100:100, drift, at the margin, m 0.5 pt", _HALF, _two_samples(_HALF, (100, 100)), Design.UNPAIRED
    ),
    "unpaired-5-1": Truth(
        "two samples 100:20, drift, at the margin, m 0.5 pt", _HALF, _two_samples(_HALF, (100, 20)), Design.UNPAIRED
    ),
    "unpaired-1-5": Truth(
        "two samples 20:100, drift, at the margin, m 0.5 pt", _HALF, _two_samples(_HALF, (20, 100)), Design.UNPAIRED
    ),
    "unpaired-swinging": Truth(
        "two samples, 100:20 and 20:100 in turn, drift, at the margin, m 0.5 pt",
        _HALF,
        _two_samples(_HALF, (100, 20), (20, 100)),
        Design.UNPAIRED,
    ),
    "unpaired-no-margin": Truth(
        "two samples 100:20, drift, m 0", _NONE, _two_samples(_NONE, (100, 20)), Design.UNPAIRED
    ),
    "unpaired-relative": Truth(
        "two samples 100:20, drift, at the margin, r 50 %",
        Margin(relative=0.5),
        _two_samples(Margin(relative=0.5), (100, 20)),
        Design.UNPAIRED,
    ),
    "lost-70": Truth("70 % of the baseline's bad legs lost, m 0", _NONE, _loss((0, 0), (0.7, 0), (0.01, 0.01))),
    "lost-90": Truth("90 % of the baseline's bad legs lost, m 0", _NONE, _loss((0, 0), (0.9, 0), (0.01, 0.01))),
    "lost-90-at-margin": Truth("the same, at the margin, m 0.5 pt", _HALF, _loss((0, 0), (0.9, 0), (0.015, 0.01))),
    "lost-90-complete": Truth(
        "the same, were only complete pairs counted",
        _HALF,
        _loss((0, 0), (0.9, 0), (0.015, 0.01), complete=True),
        promised=False,
    ),
    "aborts": Truth(
        "clients abort 2 % of the bad and 1 % of the good primaries, m 0",
        _NONE,
        _loss((0.02, 0.01), (0, 0), (0.01, 0.01)),
    ),
    "aborts-baseline": Truth(
        "the same where the baseline serves: 0.5 % of the bad, 2 % of the good, m 0",
        _NONE,
        _loss((0, 0), (0.005, 0.02), (0.01, 0.01)),
    ),
    "latency-drift": Truth(
        "latency, equal arms, load drift, r 0 (its margin)",
        _NONE,
        partial(tails.counted, law=tails.EQUAL, relative=0.0),
        levels=len(tails.LEVELS),
    ),
    "latency-margin": Truth(
        "latency, candidate 15 % slower, load drift, r 15 %",
        _NONE,
        partial(tails.counted, law=tails.slower(1.15), relative=0.15),
        levels=len(tails.LEVELS),
    ),
    "latency-aborts": Truth(
        "latency, clients abort slow primaries, load drift, r 0",
        _NONE,
        partial(tails.counted, law=tails.EQUAL, relative=0.0, aborts=True),
        levels=len(tails.LEVELS),
    ),
    "bursts": _BURST("bursts of each arm alone, unlike streams, phi learned, m 0", draw=_STRONG),
    "bursts-weak": _BURST("weak ones, 1.2 to 2 %", draw=partial(_private_bursts, length=(6, 18), burst=(0.012, 0.02))),
    "bursts-faint": _BURST(
        "faint ones, 1.1 to 1.6 %", draw=partial(_private_bursts, length=(6, 18), burst=(0.011, 0.016))
    ),
    "bursts-slow": _BURST(
        "slow ones, 10 to 30 minutes, 2 to 4 %", draw=partial(_private_bursts, length=(60, 180), burst=(0.02, 0.04))
    ),
    "bursts-half": _BURST(
        "weak ones, 1.2 to 2.5 %, in every other sibling",
        draw=partial(_private_bursts, length=(6, 18), burst=(0.012, 0.025), every=2),
    ),
    "bursts-untempered": _BURST("the first without phi", draw=_STRONG, learns=False, promised=False),
}
"""In the order they are run and shown."""

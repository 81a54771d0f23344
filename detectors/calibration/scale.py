"""How much is simulated, and from which source of chance."""

from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.random import Generator

__all__ = ["FULL", "QUICK", "Run", "Scale"]


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of a run."""

    streams: int
    """Streams per truth of false alarms."""
    ticks: int
    """Horizon of a stream, in ticks of 100 pairs."""
    runs: int
    """Changes per effect."""
    clean: int
    """Clean ticks before a change, where there are any."""
    races: int
    """Streams on which the rivals run."""
    race_ticks: int
    """Their horizon without a change."""
    tail_races: int
    tail_race_ticks: int
    certificates: int
    """Runs of seven days that may grant ``safe``."""
    longest: int
    """Ticks after a change in which rivals, and streams with lost legs, may find it."""
    effects: slice
    """Which of the effects are simulated."""


FULL = Scale(
    streams=2_000,
    ticks=10_000,
    runs=2_000,
    clean=5_000,
    races=500,
    race_ticks=10_000,
    tail_races=400,
    tail_race_ticks=6_000,
    certificates=2_000,
    longest=2_000,
    effects=slice(None),
)
QUICK = Scale(
    streams=200,
    ticks=1_000,
    runs=400,
    clean=300,
    races=80,
    race_ticks=1_000,
    tail_races=40,
    tail_race_ticks=600,
    certificates=50,
    longest=1_000,
    effects=slice(None, None, 3),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its sizes, its seed and whom to tell of its progress."""

    scale: Scale
    seed: int = 1
    say: Callable[[str], None] = lambda _: None

    def rng(self, what: str) -> Generator:
        """Return the source of chance of one row, which does not depend on what else is run."""
        return np.random.default_rng([self.seed, crc32(what.encode())])

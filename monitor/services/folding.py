"""The streams of a route folded together: one array operation per design and number of levels. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from detectors.stats import fleet as fleets
from detectors.stats.fleet import Terms
from detectors.stats.fleet_states import Member, alarm_of, gathered
from detectors.stats.stream import Alarm, StreamConfig
from detectors.types import Counts, Design

__all__ = ["Due", "fold_together"]


@dataclass(frozen=True, slots=True)
class Due:
    """One stream with what a tick adds to it."""

    state: Member
    config: StreamConfig
    harm: Sequence[Counts]
    """One per level, missing legs scored as candidate good and baseline bad."""
    safe: Sequence[Counts]
    """The same with missing legs scored the other way round."""
    floor: float = 1.0
    """The siblings' floor of phi."""


def fold_together(due: Sequence[Due], tick: int, *, frozen: bool = False) -> list[tuple[Member, Alarm | None]]:
    """Return every stream's state after a tick and its alarm, in the order given.

    The states given are left as they are: a tick that is undone can be folded again.

    Raises:
        ValueError: a tick was folded before, counts are of another form, or a floor is below 1.
    """
    kinds: dict[tuple[Design, int], list[int]] = {}
    for place, one in enumerate(due):
        kinds.setdefault((one.config.design, one.config.levels), []).append(place)
    folded: dict[int, tuple[Member, Alarm | None]] = {}
    for places in kinds.values():
        folded |= dict(zip(places, _fold([due[place] for place in places], tick, frozen=frozen), strict=True))
    return [folded[place] for place in range(len(due))]


def _fold(due: Sequence[Due], tick: int, *, frozen: bool) -> list[tuple[Member, Alarm | None]]:
    fleet = gathered([one.state for one in due])
    terms = Terms.of([one.config for one in due])
    harm, safe = _cells([one.harm for one in due], terms.levels), _cells([one.safe for one in due], terms.levels)
    floors = np.array([one.floor for one in due])
    alarms = fleets.fold(fleet, terms, tick, harm, safe, sibling_phi=floors, frozen=frozen)
    raised: Mapping[int, Alarm] = {row: alarm_of(fleet, terms, row) for row in np.flatnonzero(alarms).tolist()}
    return [(Member(fleet, row), raised.get(row)) for row in range(len(due))]


def _cells(counts: Sequence[Sequence[Counts]], levels: int) -> NDArray[np.float64]:
    """Return the cells of every stream and level, shape (streams, levels, 4)."""
    # From one flat run of numbers: as many small containers would keep the garbage collector busy.
    return np.fromiter(chain.from_iterable(each.cells for row in counts for each in row), np.float64).reshape(
        len(counts), levels, 4
    )

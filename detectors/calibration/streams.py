"""Many independent streams with one configuration: the service's fold, without what the calibration does not ask."""

import numpy as np
from numpy.typing import NDArray

from detectors.stats import fleet as fleets
from detectors.stats.fleet import Terms
from detectors.stats.stream_state import StreamConfig

__all__ = ["Streams"]


class Streams:
    """The detectors of ``count`` independent streams: a fleet that keeps no certificates and no counts since the onset.

    Args:
        config: What each stream tests.
        count: Streams.
        learns: Whether phi is learned; otherwise ``config.initial_phi`` holds throughout.
        siblings: Streams in a row that form a family, whose median phi is the floor of each; 0 for none.
    """

    def __init__(self, config: StreamConfig, count: int, *, learns: bool = False, siblings: int = 0) -> None:
        if siblings and count % siblings:
            raise ValueError(f"count must be a multiple of siblings ({siblings}), got {count!r}")
        self.config, self.count = config, count
        self._learns, self._siblings = learns, siblings
        self._terms = Terms.of([config] * count)
        self._fleet = fleets.start([config] * count, certify=False, count=False)
        self._tick, self._floors = -1, self._family_floors()

    @property
    def log_statistic(self) -> NDArray[np.float64]:
        """``log sum w R`` of the last tick, before a reset, shape (count,)."""
        return self._fleet.log_peak

    @property
    def own_phi(self) -> NDArray[np.float64]:
        """What each stream learned by itself, shape (count, levels)."""
        return self._fleet.own_phi.T

    @property
    def phi(self) -> NDArray[np.float64]:
        """The inflation in force per stream and level, with the siblings' floor, shape (count, levels)."""
        return np.maximum(self.own_phi, self._floors[:, None])

    def fold(self, cells: NDArray[np.generic]) -> NDArray[np.bool_]:
        """Fold one tick's cells, shape (count, levels, 4), and return which streams alarm; those start again."""
        self._tick += 1
        alarms = fleets.fold(self._fleet, self._terms, self._tick, cells, sibling_phi=self._floors, learn=self._learns)
        if self._fleet.inflations.renewed:
            self._floors = self._family_floors()
        return alarms

    def onsets(self) -> NDArray[np.int64]:
        """Return the present estimate of each stream's onset, as a number of ticks folded before; -1 without one."""
        return self._fleet.runs.starts()

    def _family_floors(self) -> NDArray[np.float64]:
        if not self._siblings:
            return np.ones(self.count)
        own = self._fleet.own_phi.max(axis=0).reshape(-1, self._siblings)
        return np.repeat(np.maximum(1.0, np.median(own, axis=1)), self._siblings)

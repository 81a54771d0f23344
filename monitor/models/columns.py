"""The legs and pairs of a tick as columns: what a tick of many events is read, paired and counted in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOBODY", "NO_TOKENS", "LegColumns", "PairColumns", "SliceSet"]

NO_TOKENS = -1
"""Stands for an answer whose length nobody told."""
NOBODY = 0
"""Stands for the client of a request that names none."""


@dataclass(frozen=True, slots=True)
class SliceSet:
    """The slices that some requests have in common."""

    slices: frozenset[str]


@dataclass(frozen=True, slots=True)
class LegColumns:
    """What recorders say of the legs of a tick; every array but ``readings`` has shape (n,)."""

    request: NDArray[np.int64]
    """Equal for the records of one request."""
    gateway: NDArray[np.bool_]
    """Recorded by the gateway, else by the server."""
    shadow: NDArray[np.bool_]
    variant: NDArray[np.int64]
    began_us: NDArray[np.int64]
    """Microseconds since 1970."""
    tokens: NDArray[np.int64]
    mirrored: NDArray[np.int8]
    """1 and 0 for what the access log says, -1 where it says nothing."""
    client: NDArray[np.int64]
    """Digest of whom the request is about, else of its session; ``NOBODY`` where it says nothing."""
    slice_set: NDArray[np.int64]
    """Index in ``sets``."""
    sets: Sequence[frozenset[str]]
    signals: tuple[str, ...]
    readings: NDArray[np.float64]
    """Shape (signals, n); NaN where a signal says nothing."""


@dataclass(frozen=True, slots=True)
class PairColumns:
    """The pairs of a closed tick: ``models.tick.Pair`` by columns, of shape (n,) where nothing is said."""

    primary_variant: NDArray[np.int64]
    shadow_variant: NDArray[np.int64]
    signals: tuple[str, ...]
    primary: NDArray[np.float64]
    """Shape (signals, n); NaN where the leg is missing or its reading."""
    shadow: NDArray[np.float64]
    applicable: NDArray[np.bool_]
    """Shape (signals, n)."""
    slice_set: NDArray[np.int64]
    """Index in ``sets``."""
    sets: Sequence[SliceSet]
    primary_tokens: NDArray[np.int64]
    shadow_tokens: NDArray[np.int64]
    client: NDArray[np.int64]
    """Digest of whom the request is about, else of its session; ``NOBODY`` where no recorder says."""
    unsampled: int = 0
    """Primaries that the mirror did not copy, by configuration or access log."""
    conflicting: int = 0
    """Requests whose recorders name different variants for one leg: excluded."""
    _rows: dict[str, int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._rows.update({name: row for row, name in enumerate(self.signals)})

    def __len__(self) -> int:
        return len(self.slice_set)

    def row(self, signal: str) -> int | None:
        """Return the row of a signal, or None where no event of the tick has it."""
        return self._rows.get(signal)

    def seen(self) -> Mapping[str, int]:
        """Return how many pairs each slice has."""
        counts: dict[str, int] = {}
        for one, n in zip(self.sets, np.bincount(self.slice_set, minlength=len(self.sets)).tolist(), strict=True):
            if n:
                for name in one.slices:
                    counts[name] = counts.get(name, 0) + n
        return counts

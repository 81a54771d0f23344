"""Many streams folded at once: bets, tempering, detector, onset and certificate composed, in arrays.

The one implementation of a tick: the service folds the streams of a route with it, ``stream.fold`` one stream, the
calibration thousands. ``StreamState`` is the plain form of one stream.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.stats import shiryaev_roberts
from detectors.stats.baseline_rate import Rates
from detectors.stats.designs import DESIGNS, Bets, Gains
from detectors.stats.inflation import Inflations
from detectors.stats.onset import Runs
from detectors.stats.safe import NEVER, Certificates
from detectors.stats.stream_state import StreamConfig
from detectors.types import Design

__all__ = ["DROP_COARSE_ABOVE", "Fleet", "Terms", "fold", "log_statistics", "start"]

DAY_S: Final = 86_400.0
DROP_COARSE_ABOVE: Final = 1.5
"""Beyond this phi the design's coarse bets are left out."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What each stream of a fleet tests, in arrays of shape (streams,)."""

    design: Design
    levels: int
    log_threshold: NDArray[np.float64]
    cap: NDArray[np.float64]
    cover_ticks: NDArray[np.int64]
    validity_ticks: NDArray[np.int64]
    patience_ticks: NDArray[np.int64]
    gains: Gains
    """Log e-values against "not harmful"."""
    safe_gains: Gains
    """Log e-values against "harmful"."""

    @classmethod
    def of(cls, configs: Sequence[StreamConfig]) -> "Terms":
        """Return the terms of streams, in their order.

        Raises:
            ValueError: there is none, or they differ in design or number of levels.
        """
        kinds = {(config.design, config.levels) for config in configs}
        if len(kinds) != 1:
            told = sorted(f"{design.value} with {levels} levels" for design, levels in kinds)
            raise ValueError(f"configs must hold one design and number of levels, got {told}")
        [(design, levels)] = kinds
        bets, margins = DESIGNS[design], [config.margin for config in configs]
        cover = np.array([config.safe_ticks for config in configs], dtype=np.int64)
        day = np.array([max(1, round(DAY_S / config.tick_s)) for config in configs], dtype=np.int64)
        return cls(
            design=design,
            levels=levels,
            log_threshold=np.array([log(config.threshold) for config in configs]),
            cap=np.array([config.cap for config in configs]),
            cover_ticks=cover,
            validity_ticks=day,
            patience_ticks=7 * np.maximum(day, cover),
            gains=bets.gains(margins),
            safe_gains=bets.safe_gains(margins),
        )

    @property
    def size(self) -> int:
        """Streams."""
        return len(self.cap)


@dataclass(slots=True)
class Fleet:
    """What many streams of one design and number of levels remember. K bets, L levels, S streams."""

    design: Design
    log_r: NDArray[np.float64]
    """The detector, shape (K, L, S)."""
    runs: Runs
    certificates: Certificates | None
    """None where nobody asks whether the candidate is safe."""
    inflations: Inflations
    totals: NDArray[np.float64]
    """Harm-scored counts since the start, shape (4, L, S): whole numbers."""
    last_tick: NDArray[np.int64]
    """Shape (S,); ``NEVER`` before the first tick."""
    sibling_phi: NDArray[np.float64]
    """The floors that were last applied, shape (S,)."""
    rates: Rates | None
    """The baselines' expected rates, where the design needs them."""
    log_statistic: NDArray[np.float64]
    """``log sum w R``, shape (S,); ``-inf`` at the start and after an alarm."""
    log_peak: NDArray[np.float64]
    """The same after the last tick that was folded, before any reset."""
    stored: list[bytes] | None = field(default=None, init=False)
    """The stored form of every stream, once it was asked for (``fleet_states.stored_of``); None after a tick."""

    @property
    def bets(self) -> Bets:
        """What is bet."""
        return DESIGNS[self.design]

    @property
    def levels(self) -> int:
        """L."""
        return int(self.log_r.shape[1])

    @property
    def size(self) -> int:
        """S."""
        return int(self.log_r.shape[2])

    @property
    def own_phi(self) -> NDArray[np.float64]:
        """What each stream learned by itself per level, shape (L, S): what siblings take their median of."""
        return self.inflations.phi

    @property
    def phi(self) -> NDArray[np.float64]:
        """The inflation in force per level, with the siblings' floor, shape (L, S)."""
        return np.maximum(self.inflations.phi, self.sibling_phi)


def start(configs: Sequence[StreamConfig], *, certify: bool = True, count: bool = True) -> Fleet:
    """Return a fleet before its first tick.

    Args:
        configs: One per stream, of one design and number of levels.
        certify: Whether certificates are kept.
        count: Whether the counts since the onset are kept.
    """
    bets, levels, streams = DESIGNS[configs[0].design], configs[0].levels, len(configs)
    shape = (bets.size, levels, streams)
    fleet = Fleet(
        design=configs[0].design,
        log_r=np.full(shape, -np.inf),
        runs=Runs(np.zeros(shape), np.zeros(shape, dtype=np.int64), np.zeros((4, *shape)) if count else None),
        certificates=None,
        inflations=Inflations.initial(np.tile([config.initial_phi for config in configs], (levels, 1))),
        totals=np.zeros((4, levels, streams)),
        last_tick=np.full(streams, NEVER),
        sibling_phi=np.ones(streams),
        rates=Rates(np.zeros((levels, streams)), np.zeros((levels, streams))) if bets.needs_rate else None,
        log_statistic=np.full(streams, -np.inf),
        log_peak=np.full(streams, -np.inf),
    )
    if certify:
        times = (np.zeros(streams, dtype=np.int64), np.zeros(streams, dtype=np.int64), np.full(streams, NEVER))
        fleet.certificates = Certificates(np.zeros(shape), *times)
    return fleet


def fold(
    fleet: Fleet,
    terms: Terms,
    tick: int,
    harm: ArrayLike,
    safe: ArrayLike | None = None,
    *,
    sibling_phi: ArrayLike = 1.0,
    frozen: bool = False,
    learn: bool = True,
) -> NDArray[np.bool_]:
    """Fold one closed tick into every stream of a fleet, exactly once. Changes the fleet.

    Formula: per level and bet, ``R <- (1 + R) exp(min(s / phi, cap))``; alarm when ``sum w R >= A`` and some bet is
    ahead in the CUSUM form (so that empty ticks, which only count, can never alarm), then R = 0 and no certificate; the
    onset's run goes on, since the change did.

    Args:
        fleet: The state before, changed to the state after; unchanged where an error is raised.
        terms: What each stream tests; the same at every call.
        tick: Number of the tick, larger than the last one of every stream.
        harm: The tick's cells, shape (S, L, 4), missing legs scored as candidate good and baseline bad.
        safe: The same with missing legs scored the other way round; not read where no certificates are kept.
        sibling_phi: Floors of phi, shape (S,) or one number.
        frozen: Only advance ``last_tick``: while an incident is handled.
        learn: Whether phi is learned; otherwise it stays as it is.

    Returns:
        Which streams alarm, shape (S,).

    Guarantee: as of ``stream.fold``, stream by stream.

    Raises:
        ValueError: the tick was folded before, cells are no counts or of another shape, or a floor is below 1.
    """
    floors = np.asarray(sibling_phi, dtype=np.float64)
    _check(fleet, terms, tick, floors)
    cells = _cells("harm", harm, fleet)
    mirrored = cells if safe is None or safe is harm or fleet.certificates is None else _cells("safe", safe, fleet)
    fleet.stored = None
    fleet.last_tick[:] = tick
    if frozen:
        return np.zeros(fleet.size, dtype=np.bool_)
    fleet.sibling_phi[:] = floors
    phi, rates = fleet.phi, np.empty(0) if fleet.rates is None else fleet.rates.expected
    gain = _advance(fleet, terms, cells, rates, phi)
    fleet.log_statistic = fleet.log_peak = log_statistics(fleet.log_r, fleet.bets)
    fleet.runs.observe(tick, gain, fleet.totals)
    if fleet.certificates is not None:
        _certify(fleet.certificates, terms, tick, mirrored, rates, phi)
    fleet.totals += cells
    if learn:
        hold = fleet.log_peak > 0.5 * terms.log_threshold
        fleet.inflations.observe(fleet.bets.contrast(cells), hold=hold)
    if fleet.rates is not None:
        fleet.rates.observe(bad=cells[3], n=cells[2])
    alarms = fleet.log_peak >= terms.log_threshold
    if alarms.any():
        alarms &= fleet.runs.value.max(axis=(0, 1)) > 0.0
        _after(fleet, np.flatnonzero(alarms))
    return alarms


def _check(fleet: Fleet, terms: Terms, tick: int, floors: NDArray[np.float64]) -> None:
    if tick <= (last := int(fleet.last_tick.max(initial=NEVER))):
        raise ValueError(f"tick must be > {last} (the last one folded), got {tick!r}")
    given, held = (terms.design.value, terms.levels, terms.size), (fleet.design.value, fleet.levels, fleet.size)
    if given != held:
        raise ValueError(f"terms must be of design, levels and streams {held}, got {given}")
    if not (floors.min(initial=1.0) >= 1.0 and floors.max(initial=1.0) < np.inf):
        raise ValueError(f"sibling_phi must be >= 1, got {floors.tolist()!r}")


def _cells(name: str, given: ArrayLike, fleet: Fleet) -> NDArray[np.float64]:
    """Return a tick's cells by planes, shape (4, L, S)."""
    cells = np.asarray(given, dtype=np.float64)
    if cells.shape != (fleet.size, fleet.levels, 4):
        raise ValueError(f"{name} must have the shape {(fleet.size, fleet.levels, 4)}, got {cells.shape}")
    planes = np.ascontiguousarray(cells.transpose(2, 1, 0))
    least, most = float(planes.min(initial=0.0)), float(planes.max(initial=0.0))
    if not (least >= 0.0 and most < np.inf):
        raise ValueError(f"{name} must hold counts >= 0, got {least!r} to {most!r}")
    return planes


def _advance(
    fleet: Fleet, terms: Terms, cells: NDArray[np.float64], rates: NDArray[np.float64], phi: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fold a tick into the detector and return what was bet on it: tempered first, capped second."""
    gain = terms.gains(cells, rates)
    largest = float(phi.max(initial=1.0))
    if largest > 1.0:
        gain /= phi
    np.minimum(gain, terms.cap, out=gain)
    shiryaev_roberts.advance(fleet.log_r, gain)
    if largest > DROP_COARSE_ABOVE:
        coarse = fleet.bets.coarse
        fleet.log_r[coarse] = np.where(phi > DROP_COARSE_ABOVE, -np.inf, fleet.log_r[coarse])
    return gain


def log_statistics(log_r: NDArray[np.float64], bets: Bets) -> NDArray[np.float64]:
    """Return ``log sum w R`` over the bets of all levels, from shape (K, L, S) to (S,)."""
    levels = log_r.shape[1]
    weights = np.repeat(bets.weights / levels, levels)
    return shiryaev_roberts.log_mixture(log_r.reshape(len(weights), -1), weights)


def _certify(
    certificates: Certificates,
    terms: Terms,
    tick: int,
    cells: NDArray[np.float64],
    rates: NDArray[np.float64],
    phi: NDArray[np.float64],
) -> None:
    gain = terms.safe_gains(cells, rates)
    gain /= phi
    certificates.observe(
        tick,
        gain,
        DESIGNS[terms.design].weights,
        cover_ticks=terms.cover_ticks,
        validity_ticks=terms.validity_ticks,
        patience_ticks=terms.patience_ticks,
    )


def _after(fleet: Fleet, rows: NDArray[np.int64]) -> None:
    """Put R to 0 and take back certificates; the onset run goes on, since the change did."""
    fleet.log_statistic = fleet.log_peak.copy()
    fleet.log_statistic[rows] = -np.inf
    fleet.log_r[:, :, rows] = -np.inf
    if fleet.certificates is not None:
        fleet.certificates.forget(rows)

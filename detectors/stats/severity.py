"""How bad at least: the same stream at wider and wider margins, a lower bound that holds at any time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from detectors.stats import stream
from detectors.stats.stream import Alarm, StreamConfig, StreamState
from detectors.types import Counts, Margin

__all__ = ["FACTORS", "LadderState", "fold", "initial", "margins", "rungs", "severity"]

FACTORS = (1.0, 2.0, 4.0)
"""Multiples of the margin: the first rung is the stream that decides, the others only describe."""


def margins(margin: Margin, factors: Sequence[float] = FACTORS) -> tuple[Margin, ...]:
    """Return the margins of the rungs: both parts times each factor, those with an absolute part below 1.

    A margin of zero has no multiples: its ladder is one rung. For latency give the margin that is in the thresholds,
    and count each rung with thresholds of its own (``latency.margin_bins``).

    Raises:
        ValueError: the factors do not begin with 1 or do not rise.

    >>> [each.absolute for each in margins(Margin(absolute=0.3))]
    [0.3, 0.6]
    """
    if not factors or factors[0] != 1.0 or any(a >= b for a, b in pairwise(factors)):
        raise ValueError(f"factors must begin with 1 and rise, got {tuple(factors)!r}")
    if margin == Margin():
        return (margin,)
    return tuple(
        Margin(absolute=margin.absolute * factor, relative=margin.relative * factor)
        for factor in factors
        if margin.absolute * factor < 1.0
    )


def rungs(config: StreamConfig, factors: Sequence[float] = FACTORS) -> tuple[StreamConfig, ...]:
    """Return the configurations of the rungs: ``config`` at each of its ``margins``, all else the same."""
    return tuple(replace(config, margin=each) for each in margins(config.margin, factors))


@dataclass(frozen=True, slots=True)
class LadderState:
    """One stream's state per rung, and when each rung alarmed last."""

    streams: tuple[StreamState, ...]
    alarmed: tuple[int | None, ...]
    """Tick of each rung's latest alarm."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"streams": [each.to_json() for each in self.streams], "alarmed": list(self.alarmed)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "LadderState":
        """Return the state that ``to_json`` stored.

        Raises:
            ValueError: the form is another version's, or damaged.
        """
        streams = tuple(StreamState.from_json(each) for each in stored.get("streams", ()))
        alarmed = tuple(stored.get("alarmed", ()))
        if not streams or len(alarmed) != len(streams):
            raise ValueError(f"alarmed must hold one tick per rung ({len(streams)}), got {len(alarmed)}")
        return cls(streams, alarmed)


def initial(configs: Sequence[StreamConfig]) -> LadderState:
    """Return the state before the first tick, for the configurations of ``rungs``."""
    return LadderState(tuple(stream.initial(config) for config in configs), (None,) * len(configs))


def fold(
    state: LadderState,
    configs: Sequence[StreamConfig],
    tick: int,
    harm: Sequence[Sequence[Counts]],
    safe: Sequence[Sequence[Counts]],
    *,
    sibling_phi: float = 1.0,
    frozen: bool = False,
) -> tuple[LadderState, tuple[Alarm | None, ...]]:
    """Fold one closed tick into every rung, exactly once: ``stream.fold`` per rung.

    Args:
        state: The state before.
        configs: From ``rungs`` (or, for latency, one per threshold); the same at every call.
        tick: Number of the tick.
        harm: Per rung the counts that ``stream.fold`` takes. Bits: the same counts for every rung.
        safe: Likewise.
        sibling_phi: As for ``stream.fold``.
        frozen: As for ``stream.fold``.

    Returns:
        The new state and each rung's alarm. Only the first rung's may move traffic, so the others cost no budget.

    Raises:
        ValueError: a sequence does not hold one entry per rung, or what ``stream.fold`` refuses.
    """
    for name, given in (("configs", configs), ("harm", harm), ("safe", safe)):
        if len(given) != len(state.streams):
            raise ValueError(f"{name} must hold one entry per rung ({len(state.streams)}), got {len(given)}")
    folded = [
        stream.fold(each, config, tick, bad, good, sibling_phi=sibling_phi, frozen=frozen)
        for each, config, bad, good in zip(state.streams, configs, harm, safe, strict=True)
    ]
    alarms = tuple(alarm for _, alarm in folded)
    alarmed = tuple(tick if alarm else before for alarm, before in zip(alarms, state.alarmed, strict=True))
    return LadderState(tuple(new for new, _ in folded), alarmed), alarms


def severity(state: LadderState, tick: int, valid_ticks: int) -> int | None:
    """Return the highest rung with an alarm at most ``valid_ticks`` old, or None: the harm exceeds that rung's margin.

    Args:
        state: The state after ``fold`` of ``tick``.
        tick: The present tick.
        valid_ticks: How long an alarm speaks for the present, >= 0.

    Returns:
        Index into ``rungs``: the candidate was beyond ``margins(...)[index]`` at some time in the run that alarmed. A
        lower bound; the rung above was not *shown*, which is not evidence that the harm is below it.

    Guarantee: with phi = 1 a rung whose margin is respected throughout alarms at most T / A times in T ticks, in
    expectation and under any stopping rule, so a false bound from a given rung is as rare as a false alarm. For pairs a
    wider margin never has more evidence: until its first alarm the lowest respected rung alarms no later than the rungs
    above it, and the probability of *any* false bound in T ticks is at most T / A as well. For two samples it is at
    most the sum over the respected rungs.

    Raises:
        ValueError: ``valid_ticks`` is negative.

    >>> from detectors.types import PairCounts
    >>> configs = rungs(StreamConfig(Margin(absolute=0.01), levels=1, threshold=1e5))
    >>> state, bad = initial(configs), [[PairCounts(n10=3, n00=97)]] * 3
    >>> for tick in range(60):
    ...     state, _ = fold(state, configs, tick, bad, bad)
    >>> configs[severity(state, tick, 60)].margin.absolute
    0.02

    References: Shin, Ramdas and Rinaldo 2023, E-detectors (NEJSDS).
    """
    if valid_ticks < 0:
        raise ValueError(f"valid_ticks must be >= 0, got {valid_ticks!r}")
    recent = [i for i, at in enumerate(state.alarmed) if at is not None and tick - at <= valid_ticks]
    return max(recent, default=None)

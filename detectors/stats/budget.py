"""The false-rollback budget: what an operator grants, split into alarm thresholds."""

from collections.abc import Mapping, Sequence
from math import fsum, isfinite
from types import MappingProxyType

__all__ = ["ALL", "shares", "threshold"]

ALL = "all"
"""The slice that holds every request."""


def threshold(ticks_per_month: float, false_rollbacks_per_month: float, share: float) -> float:
    """Return the alarm threshold ``A = T / (B * share)`` of one stream.

    Formula: T is ``ticks_per_month``, B is ``false_rollbacks_per_month`` for the whole fleet, ``share`` the
    part of B granted to the stream.

    Args:
        ticks_per_month: Ticks in 30 days, > 0 (259,200 at 10 s).
        false_rollbacks_per_month: Expected false rollbacks tolerated in the fleet per month, > 0; raising it
            shortens every delay by log(ratio) nats.
        share: In (0, 1]; the shares of a fleet sum to at most 1.

    Returns:
        A >= 1, in ticks between false alarms.

    Guarantee: with a Shiryaev-Roberts e-detector at A, expected false alarms in any T ticks are at most B *
    share. Budgets add over streams whatever their dependence.

    Raises:
        ValueError: an argument is outside its range, or A would be below 1 (the budget exceeds one alarm a
        tick).

    >>> threshold(259_200, 0.1, 0.5)
    5184000.0
    """
    if not (isfinite(ticks_per_month) and ticks_per_month > 0):
        raise ValueError(f"ticks_per_month must be > 0, got {ticks_per_month!r}")
    if not (isfinite(false_rollbacks_per_month) and false_rollbacks_per_month > 0):
        raise ValueError(f"false_rollbacks_per_month must be > 0, got {false_rollbacks_per_month!r}")
    if not 0.0 < share <= 1.0:
        raise ValueError(f"share must be in (0, 1], got {share!r}")
    value = ticks_per_month / (false_rollbacks_per_month * share)
    if value < 1.0:
        raise ValueError(f"the threshold must be >= 1 tick, got {value!r}; lower false_rollbacks_per_month")
    return value


def shares(
    signals: Mapping[str, float], slices: Sequence[str], members: Mapping[str, int] = MappingProxyType({})
) -> dict[tuple[str, str], float]:
    """Return the share of one candidate's budget for each (signal, slice).

    Formula: signals in proportion to their weights; inside a signal 1/2 to ``all`` and 1/2 equally over the
    other slices, or everything to ``all`` when there is no other slice. A share costs log(1/share) nats of
    delay, so a thousand more slices delay an alarm by about half. The part of a name that stands for several slices
    is split over the most there can be, whether they exist yet or not: a new one changes nobody's share.

    Args:
        signals: Weight of each signal, > 0; only ratios matter.
        slices: Names of the slices watched; ``all`` is always included and duplicates count once.
        members: How many slices a name stands for at most, >= 1; 1 for names not in it. Raising it costs each of
            them log(ratio) nats.

    Returns:
        The share of each single slice: times their members, the shares sum to 1.

    Raises:
        ValueError: there is no signal, a weight is not a positive number, or a name stands for no slice.

    >>> shares({"refusal": 1.0, "schema_validity": 3.0}, ["all", "lang:de"])[("schema_validity", "lang:de")]
    0.375
    >>> shares({"refusal": 1.0}, ["all", "lang:*"], {"lang:*": 4})[("refusal", "lang:*")]
    0.125
    """
    if not signals:
        raise ValueError("signals must name at least one signal, got none")
    for name, weight in signals.items():
        if not (isfinite(weight) and weight > 0):
            raise ValueError(f"signals[{name!r}] must be > 0, got {weight!r}")
    for name, most in members.items():
        if most < 1:
            raise ValueError(f"members[{name!r}] must be >= 1, got {most!r}")
    total = fsum(signals.values())
    others = [name for name in dict.fromkeys(slices) if name != ALL]
    parts = {ALL: 0.5 if others else 1.0} | {name: 0.5 / len(others) / members.get(name, 1) for name in others}
    return {(signal, part): signals[signal] / total * parts[part] for signal in signals for part in parts}

"""How bad at least: a stream over all traffic is tested at two and four times its margin, too. Pure."""

from collections.abc import Sequence
from typing import Any

from detectors.stats import severity
from detectors.stats.severity import LadderState
from detectors.types import Counts, Margin
from monitor.models.slices import ALL
from monitor.services.watch import Watched

__all__ = ["bound_of", "climb", "has_ladder"]


def has_ladder(one: Watched) -> bool:
    """Tell whether a stream has rungs above its own margin: bits over all traffic, with a margin to multiply.

    The margin of a latency is inside its thresholds, so that its rungs would need counts of their own.
    """
    return not one.is_aa and one.stream.slice == ALL and one.config.levels == 1 and one.config.margin != Margin()


def climb(
    before: LadderState | None,
    one: Watched,
    tick: int,
    harm: Sequence[Counts],
    safe: Sequence[Counts],
    *,
    sibling_phi: float,
    frozen: bool,
) -> LadderState | None:
    """Fold one closed tick into the rungs above the stream itself, which decides; None for a stream without rungs.

    Args:
        before: The rungs before; None starts them.
        one: The stream.
        tick: Number of the tick.
        harm: What the stream itself was folded with.
        safe: Likewise.
        sibling_phi: Likewise.
        frozen: Likewise.
    """
    if not has_ladder(one):
        return None
    configs = severity.rungs(one.config)[1:]
    if not configs:
        return None
    state = before
    if state is None or len(state.streams) != len(configs):
        state = severity.initial(configs)
    bad, good = [harm] * len(configs), [safe] * len(configs)
    return severity.fold(state, configs, tick, bad, good, sibling_phi=sibling_phi, frozen=frozen)[0]


def bound_of(state: LadderState | None, one: Watched, tick: int, valid_ticks: int) -> dict[str, Any] | None:
    """Return the widest margin that was exceeded, as an incident keeps it; None while that is none beyond the stream's.

    The bound has the error rate of an alarm (``severity.severity``): it describes, and moves nothing.
    """
    rung = None if state is None else severity.severity(state, tick, valid_ticks)
    if rung is None:
        return None
    factor, margin = severity.FACTORS[rung + 1], one.config.margin
    return {
        "factor": factor,
        "margin_absolute": factor * margin.absolute,
        "margin_relative": factor * margin.relative,
        "text": _text(margin, factor),
    }


def _text(margin: Margin, factor: float) -> str:
    beyond = factor - 1.0
    parts = [
        *([f"{100 * beyond * margin.relative:.3g} % of the baseline's rate"] if margin.relative else []),
        *([f"{100 * beyond * margin.absolute:.3g} points"] if margin.absolute else []),
    ]
    return f"at least {' and '.join(parts)} worse than the margin allows: beyond {factor:g} times the margin"

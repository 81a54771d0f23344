"""What a webhook receiver answers: the state of the route, checked to the last field. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from monitor.errors import RoutingError
from monitor.models.route import RouteSnapshot
from monitor.routing.bounded_http import Answer
from monitor.routing.changes import mirrored_to

__all__ = ["MOST_WEIGHT", "Observed", "conflicting_epoch", "observed"]

MOST_WEIGHT = 1_000_000
"""The largest weight, as in the Gateway API."""

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=253, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Weight = Annotated[int, msgspec.Meta(ge=0, le=MOST_WEIGHT)]
_Epoch = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Words = Annotated[str, msgspec.Meta(max_length=500)]


class _State(msgspec.Struct, frozen=True):
    weights: Annotated[dict[_Name, _Weight], msgspec.Meta(min_length=1, max_length=256)]
    mirror: _Name | dict[_Name, _Name] | None
    epoch: _Epoch | None
    backends: Annotated[Sequence[_Name], msgspec.Meta(max_length=256)] = ()
    pending: Annotated[Sequence[_Words], msgspec.Meta(max_length=32)] = ()
    problems: Annotated[Sequence[_Words], msgspec.Meta(max_length=32)] = ()


class _Conflict(msgspec.Struct, frozen=True):
    epoch: _Epoch


@dataclass(frozen=True, slots=True)
class Observed:
    """A receiver's word on the route."""

    snapshot: RouteSnapshot
    known: frozenset[str]
    """The backends that it names."""
    lists_all: bool
    """Whether these are all that may get traffic or copies, by the receiver's own list."""
    problems: tuple[str, ...]
    """Of a dry run: why the order would not be taken."""


def observed(answer: Answer, where: str) -> Observed:
    """Return the state that a 2xx answer tells of.

    Raises:
        RoutingError: it tells of none, or of a part, or of one that cannot be.
    """
    try:
        state = msgspec.json.decode(answer.body, type=_State)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RoutingError(
            f"{where} answered {answer.status} without a valid state ({_reason(error)}): "
            'it must answer {"epoch": N or null, "weights": {backend: 0 to 1000000}, "mirror": backend or null}'
        ) from None
    weights = {**dict.fromkeys(state.backends, 0), **state.weights}
    return Observed(
        RouteSnapshot(weights, state.mirror, state.epoch, pending=tuple(state.pending)),
        frozenset({*state.weights, *mirrored_to(state.mirror), *state.backends}),
        bool(state.backends),
        tuple(state.problems),
    )


def conflicting_epoch(answer: Answer) -> int | None:
    """Return the epoch that a 409 names, None when it names none."""
    try:
        return msgspec.json.decode(answer.body, type=_Conflict).epoch
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _reason(error: Exception) -> str:
    """Return what was wrong and where; msgspec's words name the type and the place, never the value."""
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]

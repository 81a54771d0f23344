"""The stored form of what a tick added to a stream, and whether a row has it."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from detectors.stats import latency

__all__ = ["TickForm", "decoded", "sound"]

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Bin = Annotated[int, msgspec.Meta(ge=latency.LOWEST_BIN, le=latency.OVERFLOW_BIN)]
_Bins = dict[_Bin, _Count]


class TickForm(msgspec.Struct, frozen=True):
    """``counts`` of a row of ``tick_counts``."""

    complete: Annotated[tuple[tuple[_Count, _Count, _Count, _Count], ...], msgspec.Meta(min_length=1)]
    """Four cells per level."""
    missing: tuple[_Count, _Count]
    histogram: _Bins = {}
    """Of all strata together, as the release before strata reads it."""
    strata: tuple[tuple[tuple[str, ...], _Bins], ...] = ()


_decoder = msgspec.json.Decoder(TickForm)


def decoded(counts: str) -> TickForm | None:
    """Return a row's JSON text; None where it is damaged: a cell below zero, too few of them, no number."""
    try:
        return _decoder.decode(counts)
    except msgspec.MsgspecError:
        return None


def sound(counts: Mapping[str, Any]) -> TickForm | None:
    """Return a row's document; None where it is damaged."""
    try:
        return msgspec.convert(counts, TickForm, str_keys=True)
    except msgspec.MsgspecError:
        return None

"""Two legs of one request read by a signal of fingerprints: whether they ended in different answers. Pure."""

from typing import Final

from detectors.base import Signal
from detectors.signals.agreement import disagrees, is_prose
from detectors.types import Exchange, Reading, SignalKind

__all__ = ["read_pair"]

_SAME: Final = Reading(0.0, "same")
_DIFFERENT: Final = Reading(1.0, "different")
_PROSE: Final = Reading(0.0, "prose")
_NO_ANSWER: Final = Reading(0.0, "no_answer")


def read_pair(signal: Signal, candidate: Exchange, baseline: Exchange) -> Reading | None:
    """Return 1 where the legs' answers differ, else 0, as a tick scores the pair; None where the signal does not apply.

    The reason is ``same``, ``different``, ``prose`` (two answers of open prose, which are not compared) or
    ``no_answer`` (a leg failed, which ``request_error`` counts).

    Raises:
        ValueError: the signal is not one of fingerprints.
    """
    if signal.kind is not SignalKind.PRINT:
        raise ValueError(f"{signal.name} is of kind {signal.kind.value}; only fingerprints compare two answers")
    found = [signal.read(leg) for leg in (candidate, baseline)]
    prints = [int(reading.value) for reading in found if reading is not None]
    if len(prints) < len(found):
        return None
    if 0 in prints:
        return _NO_ANSWER
    if all(map(is_prose, prints)):
        return _PROSE
    return _DIFFERENT if disagrees(*prints) else _SAME

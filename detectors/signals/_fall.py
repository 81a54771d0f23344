"""The fall of a signal as a stream of its own: a variant that does something less often, or less, has drifted too."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import ClassVar, Final

from typing_extensions import override

from detectors.base import Signal
from detectors.types import Exchange, Indicts, Margin, Outcome, Reading, SignalKind

__all__ = ["fall_of"]

_REASONS: Final = 256
"""Readings that are kept: reasons are a few fixed words."""
_SCALE: Final = 1e6
_MOST: Final = 1e12
"""Stands for the fall of an amount to nothing."""

_TURNS: Final[Mapping[SignalKind, Callable[[float], float]]] = {
    SignalKind.BIT: lambda value: 1.0 - value,
    SignalKind.AMOUNT: lambda value: min(_SCALE / value, _MOST) if value else _MOST,
}


def fall_of(signal: Signal, heading: str) -> Signal:
    """Return the signal of the fall of a bit or of an amount, named after it.

    Raises:
        ValueError: the signal is neither.
    """
    if signal.kind not in _TURNS:
        raise ValueError(f"signal must be a bit or an amount, got {signal.name!r}, which is {signal.kind.value!r}")
    turned = _TURNS[signal.kind]

    class Fall(Signal):
        """1 where the bit that this is the fall of reads 0; of an amount, its reciprocal.

        Sees, as a rise of its own, that a variant does less often what the other signal counts, such as refusing, or
        that its low tail has moved down. Misses what that signal misses, and a fall in one kind of request that a
        rise in another makes up for. An answer that never came is no fall: 0.

        Applies to the requests that the other signal applies to.
        """

        name: ClassVar[str] = f"{signal.name}_fall"
        version: ClassVar[int] = signal.version
        kind: ClassVar[SignalKind] = signal.kind
        title: ClassVar[str] = heading
        unit: ClassVar[str] = signal.unit if signal.kind is SignalKind.BIT else f"10^6 / {signal.unit}"
        default_margin: ClassVar[Margin] = signal.default_margin
        default_weight: ClassVar[float] = signal.default_weight / 2
        indicts: ClassVar[Indicts] = signal.indicts
        is_fault: ClassVar[bool] = False

        @override
        def read(self, exchange: Exchange) -> Reading | None:
            """Return the other reading turned round, 0 for a failed attempt, or None where that has no reading."""
            reading = signal.read(exchange)
            if reading is None or (exchange.outcome.failed and reading == signal.read_failure(exchange.outcome)):
                return None if reading is None else self.read_failure(exchange.outcome)
            return _reading(turned(reading.value), reading)

        @override
        def read_failure(self, outcome: Outcome) -> Reading:
            """Return 0 with the reason of the other signal."""
            return _reading(0.0, signal.read_failure(outcome))

    return Fall()


def _reading(value: float, other: Reading) -> Reading:
    if other.span is None and value in {0.0, 1.0}:
        return _unplaced(value, other.reason)
    return Reading(value, other.reason, span=other.span)


@lru_cache(maxsize=_REASONS)
def _unplaced(value: float, reason: str) -> Reading:
    return Reading(value, reason)

"""The seam of the library: what a signal is."""

from typing import ClassVar, Protocol

from detectors.types import Exchange, Indicts, Margin, Outcome, Reading, SignalKind

__all__ = ["Signal"]


class Signal(Protocol):
    """Reads one bit or one number off an exchange. Stateless; a file each; listed in ``registry.py``."""

    name: ClassVar[str]
    """As in policies, tables and metrics."""
    version: ClassVar[int]
    """Raise it when the reading changes: streams then restart."""
    kind: ClassVar[SignalKind]
    title: ClassVar[str]
    """For people: "Schema failures"."""
    unit: ClassVar[str]
    """"share of requests" or "ms"."""
    default_margin: ClassVar[Margin]
    indicts: ClassVar[Indicts] = Indicts.THIS
    default_weight: ClassVar[float] = 1.0
    """Share of the false-alarm budget beside the other signals, unless the policy says otherwise; 0 is not watched."""
    is_fault: ClassVar[bool] = True
    """Whether a bad reading is a fault of the answer; a fall of something says that it became rarer, no more."""

    @property
    def paired(self) -> bool:
        """Whether a request's two legs are compared. What users do about an answer has no twin: arms are compared."""
        return self.indicts is Indicts.THIS

    def read(self, exchange: Exchange) -> Reading | None:
        """Return the reading, or None if the request is not one the signal applies to.

        Applicability is a function of ``exchange.request`` alone; every answer, however broken, then gets a
        value. None is also returned when what the signal needs was not logged.
        """
        ...

    def read_failure(self, outcome: Outcome) -> Reading:
        """Return the reading of an applicable request whose attempt failed without an answer."""
        ...

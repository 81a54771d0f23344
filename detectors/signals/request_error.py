"""Attempts that the server failed: 5xx, time-outs, broken connections, engine errors."""

from dataclasses import dataclass
from typing import ClassVar, assert_never

from typing_extensions import override

from detectors.base import Signal
from detectors.types import Exchange, Failure, Margin, Outcome, Reading, SignalKind

__all__ = ["RequestError"]

_CLIENT_ERROR = 400
_SERVER_ERROR = 500
_BAD_FINISH = frozenset({"error", "abort"})


@dataclass(frozen=True, slots=True)
class RequestError(Signal):
    """1 when the server failed the attempt.

    Sees 5xx answers, time-outs, refused or reset connections, aborted streams and errors an engine reports
    inside an answer; it needs no more than a gateway's record. Misses answers that are wrong but well
    delivered. 4xx (429 included) is the client's or a quota's doing and a cancelled request the client's:
    not bad.

    Applies to every attempt.
    """

    name: ClassVar[str] = "request_error"
    version: ClassVar[int] = 1
    kind: ClassVar[SignalKind] = SignalKind.BIT
    title: ClassVar[str] = "Failed requests"
    unit: ClassVar[str] = "share of requests"
    default_margin: ClassVar[Margin] = Margin(absolute=0.005)

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return 1 for a failed attempt; None when nothing of its end was logged."""
        outcome, answer = exchange.outcome, exchange.answer
        if outcome.failed:
            return self.read_failure(outcome)
        if answer is not None and answer.finish_reason in _BAD_FINISH:
            return Reading(1.0, f"finish_{answer.finish_reason}")
        if answer is None and outcome.status is None:
            return None
        return Reading(0.0, "ok")

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return the reading of a failed attempt by what is known of its end."""
        status, failure = outcome.status, outcome.failure
        if failure is Failure.CANCELLED:
            return Reading(0.0, "cancelled")
        if failure is None or failure is Failure.STATUS:
            return _by_status(status)
        match failure:
            case Failure.TIMEOUT | Failure.CONNECT | Failure.ABORT | Failure.ENGINE:
                return Reading(1.0, failure.value)
            case _:
                assert_never(failure)


def _by_status(status: int | None) -> Reading:
    if status is not None and _CLIENT_ERROR <= status < _SERVER_ERROR:
        return Reading(0.0, "client")
    return Reading(1.0, "status")

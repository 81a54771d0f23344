"""How a simulated variant behaves: which answer, how fast, and when it goes wrong."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import exp, log
from pathlib import Path
from typing import Any

import msgspec

from monitor.demo.answers import Answer, compose
from monitor.demo.concerns import Concerns, chats, structured
from monitor.demo.damage import Case, Change, NoAnswer, break_structure, decline
from monitor.demo.fault import Fault
from monitor.demo.faults import FAULTS, fault

__all__ = ["Behaviour", "FaultFile", "Plan"]

_ERROR_RATE = 0.001
_ORDINARY: tuple[tuple[Concerns, float, Change], ...] = (
    (structured, 0.003, break_structure),
    (chats, 0.01, decline),
)
"""What goes wrong now and then with any variant: which answers, how often, and how."""

_TTFT_MEDIAN_S = 0.12
_TTFT_SIGMA = 0.35
_TOKEN_S = (0.006, 0.009)
_QUEUE_MEDIAN_S = 0.006
_QUEUE_SIGMA = 0.5
_VARIANT_SIGMA = 0.04
_SURPRISE_SIGMA = 0.02


@dataclass(frozen=True, slots=True)
class Plan:
    """One answer to come, or how there will be none."""

    answer: Answer | NoAnswer
    queue_s: float
    ttft_s: float
    """From the arrival, the time in the queue included."""
    token_s: float
    injected: bool
    """The fault, and not the ordinary failure rate, made this answer bad."""


class Behaviour:
    """Plans the answers of one variant.

    The conversation alone decides the answer and the pace, so twins agree; the variant and the request
    decide a small noise and the ordinary failures.

    Args:
        seed: of the whole demo.
        variant: the variant's name.
    """

    def __init__(self, seed: int, variant: str) -> None:
        self._seed = seed
        self._variant = variant

    def plan(self, request: Mapping[str, Any], request_id: str, wrong: Fault) -> Plan:
        """Plan the answer to a chat completion request."""
        shared = _generator(str(self._seed).encode(), msgspec.json.encode(request["messages"]))
        own = _generator(str(self._seed).encode(), self._variant.encode(), request_id.encode())
        good = compose(request, shared)
        good = replace(good, surprise=good.surprise * exp(own.gauss(0, _SURPRISE_SIGMA)))
        noise = exp(own.gauss(0, _VARIANT_SIGMA))
        pace = wrong.slowdown * noise
        usual_queue_s = shared.lognormvariate(log(_QUEUE_MEDIAN_S), _QUEUE_SIGMA) * noise
        queue_s = wrong.queueing * usual_queue_s
        ttft_s = shared.lognormvariate(log(_TTFT_MEDIAN_S), _TTFT_SIGMA) * pace + queue_s - usual_queue_s
        token_s = shared.uniform(*_TOKEN_S) * pace
        failed = own.random() < _ERROR_RATE
        answer, injected = (NoAnswer.FAILED, False) if failed else _worsen(request, good, wrong, own)
        return Plan(answer, queue_s, ttft_s, token_s, injected or (wrong.slows and not failed))


def _worsen(
    request: Mapping[str, Any], answer: Answer, wrong: Fault, own: random.Random
) -> tuple[Answer | NoAnswer, bool]:
    """Spoil a concerned answer at the fault's rate, another at the ordinary one; tell whether it was the fault."""
    case, draw = Case(request, answer, own), own.random()
    if wrong.change is not None and wrong.concerns(request):
        return (wrong.change(case), True) if draw < wrong.share else (answer, False)
    for concerns, rate, change in _ORDINARY:
        if concerns(request) and draw < rate:
            return change(case), False
    return answer, False


def _generator(*parts: bytes) -> random.Random:
    digest = blake2b(b"\0".join(parts), digest_size=8).digest()
    return random.Random(int.from_bytes(digest))


class FaultFile:
    """The fault as a control file names it; read again whenever the file changes.

    Args:
        path: JSON such as ``{"fault": "schema"}``; a missing file means no fault.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen = 0
        self._fault = FAULTS["none"]

    def current(self) -> Fault:
        """Return the fault in force."""
        if self._path is None:
            return self._fault
        try:
            modified = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return FAULTS["none"]
        if modified != self._seen:
            self._fault = fault(msgspec.json.decode(self._path.read_bytes())["fault"])
            self._seen = modified
        return self._fault

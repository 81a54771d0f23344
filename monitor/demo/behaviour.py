"""How a simulated variant behaves: which answer, how fast, and when it goes wrong."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from math import exp, log
from pathlib import Path
from typing import Any

import msgspec

from monitor.demo.answers import Answer, break_structure, compose, kind_of, refuse

__all__ = ["Behaviour", "Fault", "FaultFile", "Plan"]

_BROKEN_RATE = 0.003
_REFUSAL_RATE = 0.01
_ERROR_RATE = 0.001
_FAULT_RATE = 0.08
_SLOWDOWN = 1.8

_TTFT_MEDIAN_S = 0.12
_TTFT_SIGMA = 0.35
_TOKEN_S = (0.006, 0.009)
_VARIANT_SIGMA = 0.04


class Fault(StrEnum):
    """What is wrong with the candidate."""

    NONE = "none"
    SCHEMA = "schema"
    REFUSAL = "refusal"
    LATENCY = "latency"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Plan:
    """One answer to come. ``answer`` is None when the server will fail with a 500."""

    answer: Answer | None
    ttft_s: float
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

    def plan(self, request: Mapping[str, Any], request_id: str, fault: Fault) -> Plan:
        """Plan the answer to a chat completion request."""
        shared = _generator(str(self._seed).encode(), msgspec.json.encode(request["messages"]))
        own = _generator(str(self._seed).encode(), self._variant.encode(), request_id.encode())
        answer = compose(request, shared)
        pace = _slowdown(fault) * exp(own.gauss(0, _VARIANT_SIGMA))
        ttft_s = shared.lognormvariate(log(_TTFT_MEDIAN_S), _TTFT_SIGMA) * pace
        token_s = shared.uniform(*_TOKEN_S) * pace
        if own.random() < _ERROR_RATE:
            return Plan(None, ttft_s, token_s, injected=False)
        worse, injected = _worsen(request, answer, fault, own)
        return Plan(worse, ttft_s, token_s, injected or fault is Fault.LATENCY)


def _slowdown(fault: Fault) -> float:
    return _SLOWDOWN if fault is Fault.LATENCY else 1.0


def _worsen(request: Mapping[str, Any], answer: Answer, fault: Fault, own: random.Random) -> tuple[Answer, bool]:
    """Break or refuse an answer at the ordinary rate, or at the fault's."""
    kind, draw = kind_of(request), own.random()
    if kind == "structured":
        base, faulty = _BROKEN_RATE, fault is Fault.SCHEMA
    else:
        base, faulty = _REFUSAL_RATE if kind == "chat" else 0.0, fault is Fault.REFUSAL and kind == "chat"
    if draw >= (_FAULT_RATE if faulty else base):
        return answer, False
    if kind == "structured":
        return break_structure(answer, request["response_format"]["json_schema"]["schema"], own), faulty
    return refuse(own), faulty


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
        self._fault = Fault.NONE

    def current(self) -> Fault:
        """Return the fault in force."""
        if self._path is None:
            return Fault.NONE
        try:
            modified = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return Fault.NONE
        if modified != self._seen:
            self._fault = Fault(msgspec.json.decode(self._path.read_bytes())["fault"])
            self._seen = modified
        return self._fault

"""The shapes that signals read and tests return: plain frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

__all__ = [
    "Answer",
    "Exchange",
    "Failure",
    "Indicts",
    "Margin",
    "Message",
    "Outcome",
    "PairCounts",
    "Reading",
    "Request",
    "SignalKind",
    "Timing",
    "ToolCall",
    "Verdict",
]


HTTP_ERROR = 400
"""Statuses from here on are errors."""


class SignalKind(StrEnum):
    """What a signal's value is."""

    BIT = "bit"
    """1.0 is bad, 0.0 is not bad."""
    LATENCY = "latency"
    """Milliseconds, higher is worse; ``inf`` is a time-out."""
    AMOUNT = "amount"
    """A number of any unit whose distribution is compared; a shift either way is a change."""
    PRINT = "print"
    """A fingerprint, a whole number below 2^24: a pair is bad if its legs' disagree; 0 disagrees with nothing."""


class Indicts(StrEnum):
    """Which answer a reading speaks about."""

    THIS = "this"
    """The answer of the same event."""
    PREVIOUS = "previous"
    """The answer before: the user's reaction in turn t is a reading of the answer of turn t - 1. Such a signal
    is read on the primary leg only, since nobody reacts to a shadow answer."""


class Verdict(StrEnum):
    """What is known about one stream."""

    HARM = "harm"
    SAFE = "safe"
    UNDECIDED = "undecided"
    INCONCLUSIVE = "inconclusive"


class Failure(StrEnum):
    """Why an attempt gave no usable answer."""

    STATUS = "status"
    """A 5xx answer."""
    TIMEOUT = "timeout"
    CONNECT = "connect"
    """No connection to the backend, or it was reset before an answer."""
    ABORT = "abort"
    """The server broke off."""
    ENGINE = "engine"
    """The engine reported an error inside an answer."""
    CANCELLED = "cancelled"
    """The client went away: not the variant's doing."""


class ToolCall(msgspec.Struct, frozen=True, gc=False):
    """A tool call of an answer; ``arguments`` is the raw string, which may not be JSON."""

    name: str
    arguments: str


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message of a conversation; ``text`` is None when it was not logged."""

    role: str
    text: str | None
    tool_calls: tuple[ToolCall, ...] = ()
    """What an assistant's turn in the history called."""


class Request(msgspec.Struct, frozen=True, gc=False):
    """What the client asked for. Applicability of a signal depends on this alone."""

    messages: tuple[Message, ...] = ()
    response_schema: Mapping[str, Any] | bool | None = None
    """The JSON Schema asked for (``response_format: json_schema``)."""
    json_object: bool = False
    """Any JSON object was asked for (``response_format: json_object``)."""
    tools: Mapping[str, Mapping[str, Any] | None] = msgspec.field(default_factory=dict)
    """Name of each tool offered, with the JSON Schema of its arguments."""
    max_tokens: int | None = None
    stream: bool = False
    temperature: float | None = None
    """0 asks for the most likely answer; None leaves it to the server."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What came back; ``text`` is None when it was not logged (as opposed to empty)."""

    text: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    """Normalised: stop, length, tool_calls, content_filter, error, abort, repetition; or as received."""
    refusal: str | None = None
    """The model's own refusal field."""
    completion_tokens: int | None = None
    prompt_tokens: int | None = None
    mean_logprob: float | None = None
    """Mean natural-log probability of the answer's tokens, when they were logged."""


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """How the attempt ended."""

    status: int | None = None
    failure: Failure | None = None

    @property
    def failed(self) -> bool:
        """Whether the attempt gave an error instead of an answer."""
        return self.failure is not None or (self.status is not None and self.status >= HTTP_ERROR)


class Timing(msgspec.Struct, frozen=True, gc=False):
    """Durations in milliseconds as the recorder saw them."""

    ttft_ms: float | None = None
    e2e_ms: float | None = None
    queue_ms: float | None = None
    """Time before the engine began, as the server tells it."""


class Exchange(msgspec.Struct, frozen=True, gc=False):
    """One attempt as a signal sees it. ``request`` is None when only a gateway recorded it."""

    request: Request | None = None
    answer: Answer | None = None
    outcome: Outcome = Outcome()
    timing: Timing = Timing()


class Reading(msgspec.Struct, frozen=True, gc=False):
    """A signal's value with the reason, a short class such as ``truncated`` (never user text)."""

    value: float
    reason: str
    detail: str | None = None
    """Where, for people: a place in the request's schema, a rule's name; never what a user or a model wrote."""
    span: tuple[int, int] | None = None
    """The characters of the answer's text that gave the reading."""


@dataclass(frozen=True, slots=True)
class Margin:
    """The tolerance an owner set: harm means candidate > (1 + relative) * baseline + absolute.

    Raises:
        ValueError: a part is negative, not finite, or ``absolute`` is 1 or more.
    """

    absolute: float = 0.0
    relative: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.absolute < 1.0:
            raise ValueError(f"absolute must be in [0, 1), got {self.absolute!r}")
        if not 0.0 <= self.relative < float("inf"):
            raise ValueError(f"relative must be in [0, inf), got {self.relative!r}")


@dataclass(frozen=True, slots=True)
class PairCounts:
    """A paired 2x2 table: the first digit is the candidate, the second the baseline, 1 is bad.

    Raises:
        ValueError: a count is negative.
    """

    n11: int = 0
    n10: int = 0
    n01: int = 0
    n00: int = 0

    def __post_init__(self) -> None:
        for name in ("n11", "n10", "n01", "n00"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be >= 0, got {getattr(self, name)!r}")

    def __add__(self, other: "PairCounts") -> "PairCounts":
        return PairCounts(self.n11 + other.n11, self.n10 + other.n10, self.n01 + other.n01, self.n00 + other.n00)

    @property
    def n(self) -> int:
        """Number of pairs."""
        return self.n11 + self.n10 + self.n01 + self.n00

    @property
    def candidate_bad(self) -> int:
        """Pairs in which the candidate was bad."""
        return self.n11 + self.n10

    @property
    def baseline_bad(self) -> int:
        """Pairs in which the baseline was bad."""
        return self.n11 + self.n01

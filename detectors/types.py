"""The shapes that signals read and tests return: plain frozen values."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

import msgspec
from typing_extensions import override

__all__ = [
    "CANCELLED",
    "Answer",
    "ArmCounts",
    "Counts",
    "Design",
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


CANCELLED: Final = Failure.CANCELLED
"""The same by a name that costs nothing to look up: every signal asks for it at every event."""


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
    reasoning: bool = False
    """The request turns reasoning on; False where it says nothing of it, too."""


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


class Design(StrEnum):
    """How a stream's answers of the two variants are compared."""

    PAIRED = "paired"
    """Two answers to the same request: a 2x2 table (``PairCounts``)."""
    UNPAIRED = "unpaired"
    """Answers to different requests of the same tick: two samples (``ArmCounts``)."""
    CONDITIONAL = "conditional"
    """The same two samples, asking only on which arm a bad answer was: for rare ones and a relative margin."""


class Counts(ABC):
    """What a tick adds to a stream: good and bad answers of the two arms. Adds field by field, in any order."""

    __slots__ = ()

    @abstractmethod
    def __init__(self, *cells: int) -> None:
        """Take the four counts in the order of ``cells``; those left out are 0."""

    @property
    @abstractmethod
    def cells(self) -> tuple[int, int, int, int]:
        """The four counts in the order of the fields, as the tests read them."""

    @property
    @abstractmethod
    def n(self) -> int:
        """What the sample size is counted in: pairs, or answers of both arms."""

    @property
    @abstractmethod
    def candidate_n(self) -> int:
        """The candidate's answers."""

    @property
    @abstractmethod
    def candidate_bad(self) -> int:
        """The candidate's bad answers."""

    @property
    @abstractmethod
    def baseline_n(self) -> int:
        """The baseline's answers."""

    @property
    @abstractmethod
    def baseline_bad(self) -> int:
        """The baseline's bad answers."""

    def __add__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        a, b, c, d = self.cells
        w, x, y, z = other.cells
        return type(self)(a + w, b + x, c + y, d + z)


@dataclass(frozen=True, slots=True)
class PairCounts(Counts):
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

    @property
    @override
    def cells(self) -> tuple[int, int, int, int]:
        """The table as (n11, n10, n01, n00)."""
        return self.n11, self.n10, self.n01, self.n00

    @property
    @override
    def n(self) -> int:
        """Number of pairs."""
        return self.n11 + self.n10 + self.n01 + self.n00

    @property
    @override
    def candidate_n(self) -> int:
        """Number of pairs: each holds one answer of the candidate."""
        return self.n

    @property
    @override
    def candidate_bad(self) -> int:
        """Pairs in which the candidate was bad."""
        return self.n11 + self.n10

    @property
    @override
    def baseline_n(self) -> int:
        """Number of pairs: each holds one answer of the baseline."""
        return self.n

    @property
    @override
    def baseline_bad(self) -> int:
        """Pairs in which the baseline was bad."""
        return self.n11 + self.n01


@dataclass(frozen=True, slots=True)
class ArmCounts(Counts):
    """Two samples of one period: answers and bad answers of each arm, to different requests.

    Raises:
        ValueError: a count is negative, or an arm has more bad answers than answers.
    """

    candidate_n: int = 0
    candidate_bad: int = 0
    baseline_n: int = 0
    baseline_bad: int = 0

    def __post_init__(self) -> None:
        for arm in ("candidate", "baseline"):
            n, bad = getattr(self, f"{arm}_n"), getattr(self, f"{arm}_bad")
            if n < 0:
                raise ValueError(f"{arm}_n must be >= 0, got {n!r}")
            if not 0 <= bad <= n:
                raise ValueError(f"{arm}_bad must be in [0, {n}] ({arm}_n), got {bad!r}")

    @property
    @override
    def cells(self) -> tuple[int, int, int, int]:
        """The samples as (candidate_n, candidate_bad, baseline_n, baseline_bad)."""
        return self.candidate_n, self.candidate_bad, self.baseline_n, self.baseline_bad

    @property
    @override
    def n(self) -> int:
        """Answers of both arms."""
        return self.candidate_n + self.baseline_n

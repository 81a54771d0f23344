"""What a replay plays: lines in the order in which they would have been received, and who is in them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from monitor.errors import FullbackError

__all__ = ["MOST_SHOWN", "Line", "Part", "Problem", "Problems", "ReplayError", "RouteCast", "Source"]

MOST_SHOWN = 20
"""Problems that are told with their lines; the others are counted."""


class ReplayError(FullbackError):
    """Nothing can be replayed as asked."""

    code = "replay"
    status = 422
    title = "Nothing can be replayed"


class Line(NamedTuple):
    """One record as it would have been posted."""

    received: float
    """Unix time, seconds."""
    door: str
    file: str
    number: int
    """Its line, from 1."""
    raw: bytes
    alone: bool = False
    """Its time could not be read: it may spoil the records it is posted with."""


@dataclass(frozen=True, slots=True)
class Part:
    """A variant that was seen."""

    name: str
    backend: str
    primary: int = 0
    shadow: int = 0
    """Records that state this leg."""
    untold: int = 0
    """Records that tell no leg."""


@dataclass(frozen=True, slots=True)
class RouteCast:
    """The variants of one route as the records name them."""

    name: str
    parts: tuple[Part, ...]
    suffix: str | None = None
    """What the host of mirrored copies ends with, where it tells them."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that was passed over, and why. Never what it holds."""

    file: str
    line: int
    code: str
    detail: str


@dataclass(slots=True)
class Problems:
    """The first problems with their lines, and how many there were of each kind."""

    shown: list[Problem] = field(default_factory=list)
    by_code: Counter[str] = field(default_factory=Counter)

    def add(self, file: str, line: int, code: str, detail: str) -> None:
        """Count a problem."""
        self.by_code[code] += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(Problem(file, line, code, detail))


class Source(Protocol):
    """Recorded lines, in order, in bounded memory."""

    problems: Problems
    flipped: set[str]
    """Routes whose traffic goes to the baseline now. A source that can follows it."""
    follows: bool

    @property
    def casts(self) -> Sequence[RouteCast]:
        """Who was seen on which route."""
        ...

    @property
    def records(self) -> int:
        """Lines there are."""
        ...

    @property
    def span(self) -> tuple[float, float]:
        """When the first and the last would have been received."""
        ...

    @property
    def first_start(self) -> float:
        """When the first attempt started."""
        ...

    @property
    def lag_s(self) -> float:
        """The time from a start to its receipt that 99.9 % keep."""
        ...

    @property
    def has_sessions(self) -> bool:
        """Whether some event names a session or a subject."""
        ...

    def lines(self) -> Iterator[Line]:
        """Give out the lines in the order of their receipt."""
        ...

    def close(self) -> None:
        """Let go of files."""
        ...

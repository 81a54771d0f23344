"""What every benchmark of ingest is told, and how it says that its figures would mean nothing."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from monitor.bench.load import Load
from monitor.errors import FullbackError
from monitor.models.text import TextMode

__all__ = ["BenchError", "BenchOptions", "Say", "at_least"]

Say = Callable[[str], None]
"""Takes one line of progress."""


class BenchError(FullbackError):
    """The benchmark could not run, or an event is not accounted for."""

    code = "bench"
    title = "No benchmark"


def at_least(least: int, values: Any, *names: str) -> None:
    """Check the named fields.

    Raises:
        ValueError: one is smaller.
    """
    for name in names:
        if getattr(values, name) < least:
            raise ValueError(f"{name} must be >= {least}, got {getattr(values, name)!r}")


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """How events are sent and what the service does with them.

    Raises:
        ValueError: a number is too small.
    """

    batch: int = 500
    connections: int = 8
    encoding: str = "gzip"
    format: str = "ndjson"
    signals: str = "all"
    group_commit: bool = True
    redact: bool = False
    """Whether texts go through the built-in redaction rules; COPY's rows never do."""
    text: TextMode = TextMode.ALL
    """Which texts the route keeps: all or none."""
    processes: int = 1
    """Server processes; connections are spread over them in turn."""
    rounds: int = 5
    events: int = 30_000
    """Events in one round, on each side."""
    warm_up: int = 2_000
    """Events sent to each side before anything is measured."""
    seed: int = 1

    def __post_init__(self) -> None:
        at_least(1, self, "batch", "connections", "processes", "rounds", "events", "warm_up")
        if self.processes > self.connections:
            raise ValueError(f"processes must be <= connections ({self.connections}), got {self.processes}")

    @property
    def load(self) -> Load:
        """How events are sent."""
        return Load(self.batch, self.connections, self.encoding, self.format)

    def told(self, *without: str) -> dict[str, Any]:
        """Return the options as plain types, without those that mean nothing in a mode."""
        return {name: value for name, value in asdict(self).items() if name not in without}

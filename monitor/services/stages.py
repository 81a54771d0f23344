"""How long the stages of closing a tick take."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

__all__ = ["Stages"]


@dataclass(slots=True)
class Stages:
    """Seconds per stage, added up until they are taken away."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the length of a block to a stage."""
        began = perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - began

    def take(self) -> dict[str, float]:
        """Return the seconds per stage and start again from nothing."""
        taken, self.seconds = self.seconds, {}
        return taken

"""What a stream keeps beside its detector: whose its pairs are, rungs above its margin, complete pairs alone. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detectors.stats.influence import ClientTable
from detectors.stats.severity import LadderState
from detectors.stats.stream import StreamState

__all__ = ["Beside", "Run"]


@dataclass(frozen=True, slots=True)
class Run:
    """Whose the pairs are since the evidence began."""

    since: int
    """Its first tick."""
    table: ClientTable
    hangs: bool = False
    """An alarm was held back since: it is raised once it stands without any one client."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"since": self.since, "table": self.table.to_json(), "hangs": self.hangs}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Run":
        """Inverse of ``to_json``.

        Raises:
            ValueError: the table's form is another version's, or damaged.
        """
        return cls(int(stored["since"]), ClientTable.from_json(stored["table"]), bool(stored["hangs"]))


@dataclass(frozen=True, slots=True)
class Beside:
    """What is remembered from tick to tick; the stored form leaves out what there is not."""

    since: int | None = None
    """First tick of the stream."""
    run: Run | None = None
    ladder: LadderState | None = None
    complete: StreamState | None = None
    """The stream on complete pairs alone; None as long as none lacked a leg: it would be the stream itself."""
    waits: int | None = None
    """When that one alarmed, while the stream's own alarm is waited for."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        parts = {"run": self.run, "ladder": self.ladder, "complete": self.complete}
        waits = {} if self.waits is None else {"waits": self.waits}
        return {"since": self.since, **waits, **{name: one.to_json() for name, one in parts.items() if one is not None}}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Beside":
        """Inverse of ``to_json``.

        Raises:
            ValueError: a part's form is another version's, or damaged.
        """
        run, ladder, complete = (stored.get(name) for name in ("run", "ladder", "complete"))
        return cls(
            since=stored.get("since"),
            run=None if run is None else Run.from_json(run),
            ladder=None if ladder is None else LadderState.from_json(ladder),
            complete=None if complete is None else StreamState.from_json(complete),
            waits=stored.get("waits"),
        )

"""Watches one route through Fullback's API and tells how it goes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TextIO

from monitor.clock import Clock
from monitor.demo.cluster import Cluster
from monitor.demo.names import ROUTE
from monitor.demo.processes import Children
from monitor.demo.service import Service, ServiceError

__all__ = ["Narrator", "Seen", "Watch"]

_EVERY_S = 0.5
_TELL_EVERY_S = 5.0


class Narrator:
    """Prints lines with the seconds since the start.

    Args:
        out: where to.
        clock: for the seconds.
    """

    def __init__(self, out: TextIO, clock: Clock) -> None:
        self._out = out
        self._clock = clock
        self._began = clock.now()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return (self._clock.now() - self._began).total_seconds()

    def say(self, text: str) -> None:
        """Print a line of progress."""
        print(f"[{self.elapsed_s:6.1f} s] {text}", file=self._out, flush=True)

    def show(self, text: str = "") -> None:
        """Print a line as it is."""
        print(text, file=self._out, flush=True)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the API last said."""

    route: Mapping[str, Any] = field(default_factory=dict)
    accounts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def phase(self) -> str:
        """The controller's phase."""
        return str(self.route.get("phase", "?"))

    @property
    def epoch(self) -> int:
        """The route's fencing epoch."""
        return int(self.route.get("epoch") or 0)

    @property
    def warm(self) -> bool:
        """Tell whether the streams may alarm."""
        return bool(self.route.get("warm"))

    @property
    def streams(self) -> Sequence[Mapping[str, Any]]:
        """Every tested stream."""
        streams: Sequence[Mapping[str, Any]] = self.route.get("streams") or ()
        return streams

    @property
    def evaluated_s(self) -> float:
        """Up to when traffic was evaluated, in seconds since 1970."""
        return float(self.route.get("last_tick") or 0) * float(self.route.get("tick_s") or 0)

    @property
    def alarmed(self) -> Sequence[tuple[str, str]]:
        """Signal and slice of every stream of the candidate whose verdict is harm."""
        return [
            (str(stream["signal"]), str(stream["slice"]))
            for stream in self.streams
            if stream["verdict"] == "harm" and not stream["a_a"]
        ]

    @property
    def pairs(self) -> int:
        """Pairs of the best filled stream since it last started from zero."""
        return max((int(stream.get("pairs") or 0) for stream in self.streams), default=0)

    @property
    def stored(self) -> int:
        """Events stored."""
        return int(self.accounts.get("stored") or 0)


class Watch:
    """Polls the route, prints progress, and notices when a part of the demo dies.

    Args:
        service: is asked.
        cluster: its traffic is counted.
        children: must stay alive.
        narrator: tells.
        clock: for waiting.
    """

    def __init__(
        self, service: Service, cluster: Cluster, children: Children, narrator: Narrator, clock: Clock
    ) -> None:
        self.seen = Seen()
        self.most_pairs = 0
        """Most pairs seen: the streams start from zero after a flip."""
        self.alarmed: dict[tuple[str, str], None] = {}
        """Signal and slice of every alarm seen, in that order: the streams start from zero after a flip."""
        self.tell_every_s = _TELL_EVERY_S
        self.may_end: set[str] = set()
        """Names of processes that are meant to die."""
        self._service = service
        self._cluster = cluster
        self._children = children
        self._narrator = narrator
        self._clock = clock
        self._told_at = clock.now()
        self._told = (0, "")

    def until(self, done: Callable[[], bool], limit_s: float, what: str) -> bool:
        """Watch until ``done`` or the limit; tell whether it was done."""
        began = self._clock.now()
        while not done():
            if self._seconds_since(began) >= limit_s:
                return False
            self._clock.wait(_EVERY_S)
            self._check_children()
            self._look()
            self._tell(what)
        return True

    def pass_time(self, seconds: float, what: str) -> None:
        """Watch that long."""
        self.until(lambda: False, seconds, what)

    def incidents(self) -> list[dict[str, Any]]:
        """Return the route's incidents, oldest first."""
        items: list[dict[str, Any]] = self._service.get("/v1/incidents", route=ROUTE)["items"]
        return sorted(items, key=lambda item: str(item["opened_at"]))

    def decisions(self) -> list[dict[str, Any]]:
        """Return the route's audit rows, oldest first."""
        items: list[dict[str, Any]] = self._service.get("/v1/decisions", route=ROUTE)["items"]
        return sorted(items, key=lambda item: (str(item["at"]), item["id"]))

    def _look(self) -> None:
        try:
            accounts = self._service.get("/v1/ingest/accounts")
            self.seen = Seen(self._service.get(f"/v1/routes/{ROUTE}"), accounts)
            self.most_pairs = max(self.most_pairs, self.seen.pairs)
            self.alarmed |= dict.fromkeys(self.seen.alarmed)
        except ServiceError as error:
            self._narrator.say(f"the service does not answer: {error}")

    def _tell(self, what: str) -> None:
        stored, phase = self._told
        passed_s = self._seconds_since(self._told_at)
        if passed_s < self.tell_every_s and phase == self.seen.phase:
            return
        rate = (self.seen.stored - stored) / passed_s if passed_s > 0 else 0
        sent = self._cluster.stats("traffic").get("sent", 0)
        self._narrator.say(
            f"{what} · {sent} requests sent · {self.seen.stored} events stored ({rate:.0f}/s) · "
            f"{self.most_pairs} pairs · phase {self.seen.phase}"
        )
        self._told_at, self._told = self._clock.now(), (self.seen.stored, self.seen.phase)

    def _check_children(self) -> None:
        for child in self._children.ended():
            if child.name not in self.may_end:
                raise ServiceError(f"{child.name} ended unexpectedly:\n{child.complaint()}")

    def _seconds_since(self, moment: datetime) -> float:
        return (self._clock.now() - moment).total_seconds()

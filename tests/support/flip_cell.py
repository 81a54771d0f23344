"""A cell of the flip matrix: a route, its router's honest traffic, and the processes that lead."""

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text

from detectors.types import Exchange, Outcome
from monitor.clock import FakeClock
from monitor.config import Settings
from monitor.controller.announce import Announcer
from monitor.controller.look import Look
from monitor.controller.operate import Operator
from monitor.controller.readings import Room
from monitor.controller.reconcile import Reconciler
from monitor.controller.situation import Situation
from monitor.controller.transitions import Transitions
from monitor.errors import FullbackError
from monitor.factory import Factory
from monitor.models.decision import Audit
from monitor.models.event import Event, Record, Recorder
from monitor.models.policy import Policy
from monitor.models.route import MEASURED, Mode, Phase, RouteControl
from monitor.models.variant import Role, Tier
from monitor.services.attribution import attribute, event_key
from monitor.services.ingest import readings_of
from monitor.services.routes import RouteSpec
from monitor.storage.controls import ControlStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.locks import LeaseStore
from monitor.storage.routes import VariantSpec
from tests.support.flip_adapters import Adapter
from tests.support.flip_points import PointedDatabase, Points
from tests.support.flip_router import Link, Router
from tests.support.flip_site import Site
from tests.support.world import record_alarm

__all__ = ["LEASE_S", "LONG_S", "ROUND_S", "SHORT_S", "Cell", "Process"]

ROUND_S: Final = 5
"""A round of the matrix: requests for so long, then every process takes its steps. The controller watches as often."""
SHORT_S: Final = 5
LONG_S: Final = 60
"""Longer than every timeout of the policy, and than the lease."""
CONTROL_TIMEOUT_S: Final = 12
LEASE_S: Final = 15
_PER_ROUND: Final = 20
_ALARM_EVERY: Final = timedelta(seconds=30)
_MOST_STEPS: Final = 12
_START: Final = datetime.fromisoformat("2026-03-02T12:00:00+00:00")

POLICY: Mapping[str, Any] = {
    "verify": {
        "requests": _PER_ROUND,
        "skew_s": 1,
        "control_timeout_s": CONTROL_TIMEOUT_S,
        "traffic_timeout_s": 30,
    },
    "preflight": {"window_s": 120, "min_events": _PER_ROUND, "max_error_rate": 0.02},
    "ramp": {"steps": [5, 50, 100], "look_s": 20, "requests": _PER_ROUND, "cooldown_s": 60, "per_hour": 100},
    "breaker": {"routes": 1000},
}
DRAIN: Mapping[str, Any] = {
    **POLICY,
    "preflight": {**POLICY["preflight"], "drain": {"steps": [50, 100], "pause_s": 8}},
}


def _has_room(seen: Situation, now: datetime) -> Room:
    """The baseline's queue always has room: a drain goes on after its pause."""
    del seen, now
    return Room(ok=True, reason="the baseline has room")


class Process:
    """One service process: its own connections, its own memory, and the lease if it can get it."""

    def __init__(self, cell: "Cell", name: str) -> None:
        self.name, self._cell = name, cell
        self.points = Points()
        self.database = PointedDatabase(cell.site.url, self.points)
        link = Link(cell.router, name, self.points)
        transitions = Transitions(self.database, cell.clock, Announcer("http://127.0.0.1", ("slack",)))
        self.look = Look(self.database, lambda _: link, cell.clock)
        if cell.drains:
            self.look._baseline.room = _has_room  # type: ignore[method-assign]
        self.reconciler = Reconciler(self.database, cell.policy_of, transitions, self.look)
        self.operator = Operator(cell.policy_of, transitions, self.look, cell.clock)
        self.most_steps = 0
        self.failed = 0

    def leads(self) -> bool:
        """Take or renew the lease, as a worker does before each round."""
        self.points.asleep = True
        try:
            with self.database.transaction() as session:
                now = self._cell.clock.now()
                return LeaseStore(session).hold(self._cell.lease, self.name, now, timedelta(seconds=LEASE_S))
        finally:
            self.points.asleep = False

    def step(self) -> bool:
        return self.reconciler.step(self._cell.route)

    def round(self) -> None:
        """What a worker does: lead, and step the route as far as it goes."""
        try:
            if self.leads():
                self.steps()
        except FullbackError:
            self.failed += 1

    def steps(self) -> None:
        """Step as far as it goes, as a leader or one who believes to be."""
        taken = 0
        while taken < _MOST_STEPS and self.step():
            taken += 1
        self.most_steps = max(self.most_steps, taken)

    def close(self) -> None:
        self.reconciler._pool.shutdown(wait=False)
        self.database.close()


class Cell:
    """One route under one fault."""

    _numbers = itertools.count(1)

    def __init__(self, site: Site, adapter: Adapter, *, drains: bool = False) -> None:
        number = next(self._numbers)
        self.site, self.drains = site, drains
        self.clock = FakeClock(_START)
        self.lease = f"flip-{number}"
        self.router = Router(adapter, self.clock)
        self.harmful = True
        self.candidate_only = False
        self._factory = Factory(Settings(), clock=self.clock, database=site.database)
        self._factory.__dict__["notifiers"] = {}
        name = f"flip-{number}"
        self._factory.policies.add(name, dict(DRAIN if drains else POLICY), "test")
        variants = (
            VariantSpec("bf16", Role.BASELINE, "base", "bf16", Tier.SERVING),
            VariantSpec("int4", Role.CANDIDATE, "cand", "int4", Tier.QUANTIZED),
        )
        spec = RouteSpec(name, (adapter.ref(),), variants, name, mode=Mode.AUTO, waiver="a test")
        self.route = self._factory.routes.add(spec, "test")
        found = {variant.role: variant for variant in self._factory.routes.variants(self.route)}
        self.candidate = found[Role.CANDIDATE]
        self._catalog = self._factory.catalog.get()
        self._policy = self._factory.policies.get(name)
        self._requests = itertools.count(1)
        self._waiting: list[Record] = []
        self._alarmed_at: datetime | None = None
        self._names = itertools.count(1)
        self.processes: list[Process] = []
        self._all: list[Process] = []
        self.first = self.join()

    def join(self) -> Process:
        """A further process starts."""
        process = Process(self, f"process-{next(self._names)}")
        self.processes.append(process)
        self._all.append(process)
        return process

    def close(self) -> None:
        for process in self._all:
            process.close()

    def policy_of(self, _name: str) -> Policy:
        """Return the route's policy, which no cell changes."""
        return self._policy

    @property
    def most_steps(self) -> int:
        return max(process.most_steps for process in self._all)

    @property
    def control(self) -> RouteControl:
        with self.site.database.reading() as session:
            return ControlStore(session).get(self.route.id)

    @property
    def phase(self) -> Phase:
        return self.control.phase

    @property
    def place(self) -> tuple[Phase, int, int]:
        """Where the route is: phase, step of the move, epoch."""
        control = self.control
        return control.phase, control.stage, control.epoch

    @property
    def audits(self) -> list[Audit]:
        """Oldest first, without the route's creation."""
        with self.site.database.reading() as session:
            return DecisionStore(session).newest(self.route.id, 1000)[::-1][1:]

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """Every alert queued for the route, oldest first."""
        with self.site.database.reading() as session:
            rows = session.execute(
                text("SELECT alert FROM outbox WHERE alert ->> 'route' = :name ORDER BY id"), {"name": self.route.name}
            )
            return [row.alert for row in rows]

    @property
    def candidate_serves(self) -> bool:
        """By what the router and a stale replica of it really do."""
        return self.router.serve(60).get("cand", 0) > 0

    def alarm(self) -> None:
        self._alarmed_at = self.clock.now()
        record_alarm(self.site.database, self.route, self.candidate, self._alarmed_at, "int4 breaks its schema")

    def serve(self, seconds: float = ROUND_S) -> None:
        """Users ask for so long until now, answered as the router really does; events wait for the database."""
        asked = round(_PER_ROUND * seconds / ROUND_S)
        counts = {"cand": asked} if self.candidate_only else self.router.serve(asked)
        backends = [name for name, n in sorted(counts.items()) for _ in range(n)]
        apart = timedelta(seconds=seconds) / len(backends)
        now = self.clock.now()
        for index, backend in enumerate(backends):
            event = Event(
                recorder=Recorder.GATEWAY,
                request_id=f"{self.route.name}-r{next(self._requests)}",
                started_at=now - apart * index,
                exchange=Exchange(outcome=Outcome(200)),
                backend=backend,
                route=self.route.name,
            )
            attribution = attribute(event, self._catalog)
            key = event_key("test", event, attribution.leg)
            self._waiting.append(Record(event, attribution, "test", key, readings_of(event.exchange), now))
        if not self.site.away:
            self.site.store(self._waiting)
            self._waiting = []

    def pass_time(
        self,
        seconds: float,
        until: Callable[[], bool] | None = None,
        *,
        stepping: bool = False,
        every: float = ROUND_S,
    ) -> None:
        """Rounds of traffic and of every process; ``stepping`` looks at ``until`` between single steps."""
        for _ in range(round(seconds / every)):
            self.clock.wait(every)
            self.serve(every)
            self.evaluate()
            if stepping:
                while until is not None and not until() and self.first.step():
                    pass
            else:
                for process in list(self.processes):
                    process.round()
            if until is not None and until():
                return
        assert until is None, f"not reached: {self.phase}"

    def evaluate(self) -> None:
        """Alarm again while the candidate is tested and is harmful, as evaluation does."""
        if not self.harmful or self.site.away or self._alarmed_at is None:
            return
        late = abs(self.clock.now() - self._alarmed_at) >= _ALARM_EVERY
        if late and self.phase in MEASURED:
            self.alarm()

    @contextmanager
    def held_at(self, point: str, act: Callable[[], bool]) -> Iterator[bool]:
        """Hold the first process in ``act`` at a point while the block runs; yields whether it got there."""
        release = threading.Event()
        self.first.points.at(point, lambda: _wait(release))

        def run() -> None:
            with suppress(FullbackError):
                act()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        while thread.is_alive() and not self.first.points.fired.wait(0.002):
            pass
        try:
            yield self.first.points.fired.is_set()
        finally:
            release.set()
            thread.join(30)
            assert not thread.is_alive(), "a process that was let go does not end"


def _wait(event: threading.Event) -> None:
    assert event.wait(120), "nobody let it go"

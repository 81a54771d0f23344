"""A route with its variants, router, traffic and incidents, over a real database and a clock that stands still."""

import asyncio
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

import psycopg
from sqlalchemy import text
from typing_extensions import override

from alerts.types import Alert
from detectors.types import Exchange, Failure, Outcome
from monitor.clock import Clock
from monitor.controller.look import Look
from monitor.controller.operate import Operator
from monitor.controller.reconcile import Reconciler
from monitor.errors import RoutingError
from monitor.factory import Factory
from monitor.models.decision import Audit
from monitor.models.event import Event, Record, Recorder
from monitor.models.incident import Alarm, Incident
from monitor.models.route import DesiredRoute, Mode, Phase, Route, RouteControl, RouteSnapshot, TargetRef
from monitor.models.variant import Role, Tier, Variant
from monitor.routing.base import Capabilities, Rehearsal, RouteTarget
from monitor.routing.registry import build
from monitor.services.attribution import attribute, event_key
from monitor.services.ingest import readings_of
from monitor.services.routes import RouteSpec
from monitor.storage.controls import ControlStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.events import add_events
from monitor.storage.incidents import IncidentStore
from monitor.storage.routes import VariantSpec
from monitor.storage.session import Database

POLICY: Mapping[str, Any] = {
    "verify": {"requests": 30, "skew_s": 2, "control_timeout_s": 30, "traffic_timeout_s": 120},
    "preflight": {"window_s": 120, "min_events": 20, "max_error_rate": 0.02},
}
START_WEIGHTS = {"base": 5, "cand": 95}
FLIPPED = {"base": 100, "cand": 0}
_PATIENCE_S = 60


class RecordingNotifier:
    """Keeps what it is told to send; ``failures`` are raised first, one per attempt."""

    name: ClassVar[str] = "slack"

    def __init__(self, *failures: Exception) -> None:
        self.sent: list[Alert] = []
        self.attempts = 0
        self._failures = list(failures)
        self._lock = threading.Lock()

    def notify(self, alert: Alert) -> None:
        with self._lock:
            self.attempts += 1
            if self._failures:
                raise self._failures.pop(0)
            self.sent.append(alert)


class WrappedTarget(RouteTarget):
    """A router whose answers a test bends: ``reads`` and ``writes`` replace what the real one does."""

    kind: ClassVar[str] = "wrapped"

    def __init__(self, inner: RouteTarget, capabilities: Capabilities | None = None) -> None:
        self.capabilities: Capabilities = capabilities or inner.capabilities
        self.inner = inner
        self.calls: list[str] = []
        self.reads: Callable[[], RouteSnapshot] = inner.read
        self.writes: Callable[[DesiredRoute], None] = inner.apply

    @override
    def read(self) -> RouteSnapshot:
        self.calls.append("read")
        return self.reads()

    @override
    def apply(self, desired: DesiredRoute) -> None:
        self.calls.append("apply")
        self.writes(desired)

    @override
    def rehearse(self, desired: DesiredRoute) -> Rehearsal:
        self.calls.append("rehearse")
        return self.inner.rehearse(desired)


def unreachable(*_: object) -> Any:
    raise RoutingError("connection refused")


@dataclass
class World:
    """One route and all that a test does to it."""

    factory: Factory
    route: Route
    target: WrappedTarget
    notifier: RecordingNotifier
    baseline: Variant
    candidate: Variant
    clusters: Mapping[str, WrappedTarget] = field(default_factory=dict)
    """Every target by its name; ``target`` is the first."""
    _numbers: dict[str, int] = field(default_factory=lambda: {"request": 0})

    @property
    def clock(self) -> Clock:
        return self.factory.clock

    @property
    def control(self) -> RouteControl:
        with self.factory.database.reading() as session:
            return ControlStore(session).get(self.route.id)

    @property
    def desired(self) -> DesiredRoute:
        """What the one router should do."""
        return self.control.desired["memory"]

    @property
    def phase(self) -> Phase:
        return self.control.phase

    @property
    def audits(self) -> list[Audit]:
        """Audit rows, oldest first, without the route's creation."""
        with self.factory.database.reading() as session:
            return DecisionStore(session).newest(self.route.id, 1000)[::-1][1:]

    @property
    def actions(self) -> list[str]:
        return [audit.action for audit in self.audits]

    @property
    def queued(self) -> list[str]:
        """The kinds of the alerts ever queued, oldest first."""
        return [alert["kind"] for alert in self.alerts]

    @property
    def alerts(self) -> list[dict[str, Any]]:
        with self.factory.database.reading() as session:
            return [row.alert for row in session.execute(text("SELECT alert FROM outbox ORDER BY id"))]

    @property
    def incidents(self) -> list[Incident]:
        """Every incident, oldest first."""
        with self.factory.database.reading() as session:
            return IncidentStore(session).newest(self.route.id, 100)[::-1]

    def wait(self, seconds: float) -> None:
        self.clock.wait(seconds)

    def run(self, times: int = 1) -> Phase:
        for _ in range(times):
            self.factory.reconciler.run()
            wait(self.factory.reconciler._busy.values(), _PATIENCE_S)  # a round ends before what is slow is through
        return self.phase

    def alarm(
        self, headline: str = "int4 breaks its schema", at: datetime | None = None, *, critical: bool = False
    ) -> int:
        moment = at or self.clock.now()
        return record_alarm(self.factory.database, self.route, self.candidate, moment, headline, critical=critical)

    def serve(
        self,
        variant: Variant,
        n: int,
        *,
        since: float = 0.0,
        recorder: Recorder = Recorder.GATEWAY,
        failed: int = 0,
        source: str = "test",
        duration_ms: float | None = None,
    ) -> None:
        """Store ``n`` requests that start from ``since`` seconds before now on; their leg is worked out, not stated."""
        start = self.clock.now() - timedelta(seconds=since)
        catalog = self.factory.catalog.get()
        records = []
        for index in range(n):
            self._numbers["request"] += 1
            outcome = Outcome(503, Failure.STATUS) if index < failed else Outcome(200)
            event = Event(
                recorder=recorder,
                request_id=f"r{self._numbers['request']}",
                started_at=start + timedelta(milliseconds=index),
                exchange=Exchange(outcome=outcome),
                backend=variant.backend,
                route=self.route.name,
                duration_ms=duration_ms,
            )
            attribution = attribute(event, catalog)
            records.append(
                Record(
                    event=event,
                    attribution=attribution,
                    source=source,
                    key=event_key(source, event, attribution.leg),
                    readings=readings_of(event.exchange),
                    received_at=self.clock.now(),
                )
            )
        store_events(self.factory.database, records)

    def healthy_mix(self) -> None:
        """Two minutes' worth of the usual split: the baseline holdback and the candidate."""
        self.serve(self.baseline, 25, since=60)
        self.serve(self.candidate, 100, since=60)

    def baseline_serves_all(self, n: int = 40) -> None:
        """Traffic after a flip, later than the skew allowance."""
        self.wait(10)
        self.serve(self.baseline, n, since=1)

    def to_hold(self) -> None:
        """Roll back for real: alarm, flip, proof."""
        self.healthy_mix()
        self.alarm()
        assert self.run() is Phase.VERIFYING_TRAFFIC
        self.baseline_serves_all()
        assert self.run() is Phase.HOLD


def a_world(
    factory: Factory,
    *,
    mode: Mode = Mode.AUTO,
    waiver: str | None = "a test",
    policy: Mapping[str, Any] = POLICY,
    name: str = "chat",
    notifier: RecordingNotifier | None = None,
    clusters: Sequence[str] = ("memory",),
    sources: bool = False,
    capabilities: Capabilities | None = None,
) -> World:
    """Create the route, and let the factory's controller reach its router through a wrapper."""
    told = notifier or RecordingNotifier()
    factory.__dict__.setdefault("notifiers", {"slack": told})
    factory.policies.add(f"policy-{name}", dict(policy), "test")
    refs = tuple(
        TargetRef(
            "memory",
            {"name": str(uuid.uuid4()), "weights": START_WEIGHTS, "mirror": "base"},
            cluster,
            sources=(f"shipper-{cluster}",) if sources else (),
        )
        for cluster in clusters
    )
    route = factory.routes.add(
        RouteSpec(
            name=name,
            targets=refs,
            variants=(
                VariantSpec("bf16", Role.BASELINE, "base", "bf16", Tier.SERVING),
                VariantSpec("int4", Role.CANDIDATE, "cand", "int4", Tier.QUANTIZED),
            ),
            policy=f"policy-{name}",
            mode=mode,
            waiver=waiver,
        ),
        "test",
    )
    variants = {variant.role: variant for variant in factory.routes.variants(route)}
    targets = {ref.label: WrappedTarget(build(ref), capabilities) for ref in route.targets}
    _reach(factory, {ref.settings["name"]: targets[ref.label] for ref in route.targets})
    first = next(iter(targets.values()))
    return World(factory, route, first, told, variants[Role.BASELINE], variants[Role.CANDIDATE], targets)


def _reach(factory: Factory, targets: Mapping[str, WrappedTarget]) -> None:
    wrapped = factory.__dict__.setdefault("wrapped_targets", {})
    wrapped.update(targets)

    def target_of(wanted: TargetRef) -> RouteTarget:
        return wrapped[wanted.settings["name"]]

    look = Look(factory.database, target_of, factory.clock)
    factory.__dict__["look"] = look
    factory.__dict__["reconciler"] = Reconciler(
        factory.database, factory.policies.get, factory.transitions, look, patience_s=60.0
    )
    factory.__dict__["operator"] = Operator(factory.policies.get, factory.transitions, look, factory.clock)


def record_alarm(
    database: Database, route: Route, candidate: Variant, at: datetime, headline: str, *, critical: bool = False
) -> int:
    """Open an incident, or attach to the open one, as evaluation does."""
    with database.transaction() as session:
        return IncidentStore(session).record(
            Alarm(
                route_id=route.id,
                candidate_id=candidate.id,
                stream_id=1,
                signal="schema_validity",
                slice="all",
                tick=1,
                at=at,
                onset_at=at - timedelta(minutes=1),
                headline=headline,
                critical=critical,
                evidence={"statistic": 1e6},
                effect={
                    "signal": "schema_validity",
                    "candidate": 0.08,
                    "baseline": 0.0,
                    "difference": 0.08,
                    "low": 0.05,
                    "high": 0.11,
                    "level": 0.95,
                    "pairs": 400,
                    "window": "since onset",
                },
            )
        )


def store_events(database: Database, records: list[Record]) -> None:
    """Store events through the writer's own statement."""

    async def store() -> None:
        async with await psycopg.AsyncConnection.connect(database.url) as connection:
            assert len(await add_events(connection, records)) == len(records)

    asyncio.run(store())


def race(*acts: Callable[[], Any]) -> list[Any]:
    """Run the acts at the same instant, each on its own thread, and return what they returned or raised."""
    barrier = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(index: int, act: Callable[[], Any]) -> None:
        barrier.wait(20)
        try:
            results[index] = act()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            results[index] = error

    threads = [threading.Thread(target=run, args=(index, act)) for index, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return results

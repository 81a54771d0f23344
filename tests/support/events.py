"""Builders of native events and access-log lines, and a small world that makes a route's traffic tick by tick."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from detectors.registry import SIGNALS
from monitor.clock import FakeClock
from monitor.factory import Factory
from monitor.models.key import Scope
from monitor.models.route import Mode, Route, TargetRef
from monitor.models.variant import Role, Tier
from monitor.services.routes import RouteSpec
from monitor.storage.routes import VariantSpec

ROUTE = "chat"
BASE = "chat-bf16"
CANDIDATE = "chat-int4"
SHADOW_SUFFIX = "-shadow"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "parcels": {"type": "integer"}},
    "required": ["city", "parcels"],
    "additionalProperties": False,
}
GOOD = '{"city": "Porto", "parcels": 3}'
BAD = '{"city": "Porto"}'
MOMENT = timedelta(milliseconds=1)
POLICY: Mapping[str, Any] = {
    "tick_s": 2,
    "warmup_s": 10,
    "horizon_floor_s": 2,
    "horizon_ceiling_s": 6,
    "slices": ["all"],
    "signals": {
        name: {"weight": 0} for name in SIGNALS if name not in {"schema_validity", "latency_e2e", "request_error"}
    },
    "verify": {"requests": 50, "skew_s": 0},
}


def stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def body(*, structured: bool = True, stream: bool = False) -> dict[str, Any]:
    """A chat request as a client sends it."""
    request: dict[str, Any] = {
        "model": ROUTE,
        "messages": [{"role": "user", "content": "How many parcels go to Porto?"}],
        "stream": stream,
    }
    if structured:
        json_schema = {"name": "parcels", "strict": True, "schema": SCHEMA}
        request["response_format"] = {"type": "json_schema", "json_schema": json_schema}
    return request


def reply(text: str = GOOD, response_id: str = "chatcmpl-1") -> dict[str, Any]:
    """A chat answer as a server sends it."""
    return {
        "id": response_id,
        "object": "chat.completion",
        "model": ROUTE,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 9},
    }


def event(request_id: str, at: datetime, **fields: Any) -> dict[str, Any]:
    """A native event of a structured request that went well; ``None`` takes a field away."""
    built: dict[str, Any] = {
        "request_id": request_id,
        "started_at": stamp(at),
        "event_id": f"chatcmpl-{request_id}",
        "backend": "cand",
        "route": ROUTE,
        "status": 200,
        "duration_ms": 210.0,
        "request": body(),
        "response": reply(),
    }
    return {name: value for name, value in {**built, **fields}.items() if value is not None}


def access_line(request_id: str, at: datetime, **fields: Any) -> dict[str, Any]:
    """A line of Envoy's access log."""
    built: dict[str, Any] = {
        "start_time": stamp(at),
        "request_id": request_id,
        "upstream_cluster": "cand",
        "response_code": 200,
        "duration": 215,
        "response_flags": "-",
        "route_name": ROUTE,
        "authority": "llm.example",
    }
    return {name: value for name, value in {**built, **fields}.items() if value is not None}


def add_route(
    factory: Factory,
    *,
    name: str = ROUTE,
    policy: Mapping[str, Any] | None = None,
    mode: Mode = Mode.OBSERVE,
    mirror_percent: float = 100.0,
    suffix: str | None = SHADOW_SUFFIX,
    target: str | None = None,
    backends: tuple[str, str] = ("base", "cand"),
) -> Route:
    """A route with a baseline and a candidate behind ``backends``."""
    chosen = "default"
    if policy is not None:
        chosen = factory.policies.add(f"{name}-policy", policy, "test").name
    base, cand = backends
    settings = {"name": target or name, "weights": {base: 5, cand: 95}, "mirror": base}
    return factory.routes.add(
        RouteSpec(
            name=name,
            targets=(TargetRef("memory", settings),),
            variants=[
                VariantSpec(BASE, Role.BASELINE, base, "bf16", Tier.SERVING, None, None),
                VariantSpec(CANDIDATE, Role.CANDIDATE, cand, "int4", Tier.QUANTIZED, None, None),
            ],
            policy=chosen,
            mode=mode,
            mirror_host_suffix=suffix,
            mirror_percent=mirror_percent,
            waiver="a test" if mode is Mode.AUTO else None,
        ),
        "test",
    )


def key(factory: Factory, *scopes: Scope, source: str = "shipper", routes: frozenset[str] | None = None) -> str:
    """The text of a fresh key."""
    return factory.keys.create(source, frozenset(scopes or {Scope.INGEST}), routes)[1]


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@dataclass(frozen=True)
class Behaviour:
    """How one variant answers."""

    bad: float = 0.01
    """Share of structured answers that break their schema."""
    failed: float = 0.0
    """Share of requests that end with a 503."""
    latency_ms: float = 200.0
    dead: bool = False
    """Nothing listens: the gateway records the failure, the server nothing."""


Keep = Callable[[dict[str, Any]], bool]


class World:
    """Traffic of one route: the candidate serves, a holdback goes to the baseline, everything is mirrored to it."""

    def __init__(
        self,
        client: TestClient,
        factory: Factory,
        clock: FakeClock,
        *,
        seed: int = 1,
        requests: int = 40,
        name: str = ROUTE,
        **route: Any,
    ) -> None:
        self.client, self.factory, self.clock = client, factory, clock
        self.random = random.Random(seed)  # noqa: S311 - traffic, not secrets
        self.requests = requests
        self.holdback = 0.05
        self.mirrored = 1.0
        self.baseline, self.candidate = Behaviour(), Behaviour()
        self.keep: Keep = lambda _: True
        self.lag = timedelta(milliseconds=300)
        route.setdefault("policy", POLICY)
        self.route = add_route(factory, name=name, **route)
        self.name = name
        self._headers = bearer(key(factory, source=f"shipper-{name}"))
        self._reading = bearer(key(factory, Scope.READ, source=f"reader-{name}"))
        self._n = 0

    def warm_up(self) -> None:
        """Watch healthy traffic until the first horizon is fixed."""
        for _ in range(20):
            self.tick()
            self.factory.evaluate.run()
            if self.shown()["warm"]:
                return
        raise AssertionError("the route did not warm up")

    def run(self, ticks: int, until: Callable[[], bool] = lambda: False) -> bool:
        """Let ticks pass, evaluating after each; True as soon as ``until`` holds."""
        for _ in range(ticks):
            self.tick()
            self.factory.evaluate.run()
            if until():
                return True
        return False

    def tick(self) -> None:
        """Make one tick's traffic and post it when the tick is over."""
        length = timedelta(seconds=2)
        start = self.clock.now()
        events: list[dict[str, Any]] = []
        lines: list[dict[str, Any]] = []
        for index in range(self.requests):
            at = start + length * (index / self.requests)
            self._request(at, events, lines)
        self.clock.advance(length)
        self.clock.advance(self.lag)
        self.post(events, lines)
        self.clock.advance(-self.lag)

    def post(self, events: Iterable[dict[str, Any]], lines: Iterable[dict[str, Any]] = ()) -> None:
        """Post what the log shippers found."""
        for path, records in (("/v1/events", list(events)), ("/v1/access-logs", list(lines))):
            if records:
                answer = self.client.post(path, json=records, headers=self._headers)
                assert answer.status_code == 200, answer.text
                assert answer.json()["rejected"] == 0, answer.text

    def shown(self) -> dict[str, Any]:
        """The route as the API shows it."""
        shown: dict[str, Any] = self.client.get(f"/v1/routes/{self.name}", headers=self._reading).json()
        return shown

    def stream(self, signal: str, slice_: str = "all", *, a_a: bool = False) -> dict[str, Any]:
        """One stream as the API shows it."""
        found = [s for s in self.shown()["streams"] if (s["signal"], s["slice"], s["a_a"]) == (signal, slice_, a_a)]
        assert len(found) == 1, [(s["signal"], s["slice"], s["a_a"]) for s in self.shown()["streams"]]
        return found[0]

    def incidents(self) -> list[dict[str, Any]]:
        """The incidents as the API shows them."""
        items: list[dict[str, Any]] = self.client.get("/v1/incidents", headers=self._reading).json()["items"]
        return items

    def _request(self, at: datetime, events: list[dict[str, Any]], lines: list[dict[str, Any]]) -> None:
        self._n += 1
        request_id = f"{self.name}-{self._n}"
        weights = self.factory_weights()
        backend = "base" if self.random.random() < weights["base"] / 100 else "cand"
        copied = self.random.random() < self.mirrored
        lines.extend(filter(self.keep, [self._line(request_id, at, backend)]))
        legs = [(backend, "llm.example")]
        if copied:
            legs.append((self.mirror(), f"llm.example{SHADOW_SUFFIX}"))
        for served_by, host in legs:
            found = self._served(request_id, at + MOMENT, served_by, host)
            if found is not None and self.keep(found):
                events.append(found)

    def factory_weights(self) -> Mapping[str, int]:
        """Where the primary traffic goes now."""
        return {"base": round(100 * self.holdback), "cand": round(100 - 100 * self.holdback)}

    def mirror(self) -> str:
        """The backend that gets the copies now."""
        return "base"

    def _behaviour(self, backend: str) -> Behaviour:
        return self.candidate if backend == "cand" else self.baseline

    def _line(self, request_id: str, at: datetime, backend: str) -> dict[str, Any]:
        if self._behaviour(backend).dead:
            return access_line(request_id, at, upstream_cluster=backend, response_code=503, response_flags="UF")
        return access_line(request_id, at, upstream_cluster=backend)

    def _served(self, request_id: str, at: datetime, backend: str, host: str) -> dict[str, Any] | None:
        behaviour = self._behaviour(backend)
        if behaviour.dead:
            return None
        fields: dict[str, Any] = {
            "backend": backend,
            "host": host,
            "duration_ms": behaviour.latency_ms * self.random.lognormvariate(0.0, 0.25),
        }
        if self.random.random() < behaviour.failed:
            return event(request_id, at, **fields, status=503, response={"error": {"message": "no slot"}})
        text = BAD if self.random.random() < behaviour.bad else GOOD
        return event(request_id, at, **fields, response=reply(text, f"chatcmpl-{request_id}"))

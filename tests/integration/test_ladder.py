"""The ladder of proof: every rung fails by itself, is told by name, and the ones above it do not hide it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from detectors.types import Exchange, Outcome, Timing
from monitor.controller.look import Look
from monitor.controller.reconcile import Reconciler
from monitor.errors import RoutingError
from monitor.models.event import Event, Record, Recorder
from monitor.models.route import Mode, Phase, RouteSnapshot, TargetRef
from monitor.models.variant import Role, Tier
from monitor.routing.registry import build
from monitor.services.attribution import attribute, event_key
from monitor.services.ingest import readings_of
from monitor.services.routes import RouteSpec
from monitor.storage.routes import VariantSpec
from tests.support.asked import asked
from tests.support.world import FLIPPED, POLICY, START_WEIGHTS, World, WrappedTarget, a_world, store_events

FIRST = {"verify": {**POLICY["verify"], "hard_cut": False}}


def begun(world: World) -> Phase:
    world.healthy_mix()
    world.alarm()
    return world.run()


def timed_out(world: World, seconds: float) -> Phase:
    world.wait(seconds)
    return world.run(2)


@pytest.fixture
def world(factory) -> World:
    return a_world(factory, policy={**POLICY, **FIRST})


def assert_paged(world: World, *words: str) -> None:
    assert world.phase is Phase.STUCK
    assert world.alerts[-1]["severity"] == "page"
    assert world.queued[-1] == "stuck"
    for one in words:
        assert one in world.audits[-1].reason
    world.wait(3600)
    world.run(3)
    assert world.queued.count("stuck") == 1, "told once"


# L0: the answer of the API


def test_l0_an_error_of_the_api_is_told(world):
    def refuses(_):
        raise RoutingError("the router answered 409")

    world.target.writes = refuses
    assert begun(world) is Phase.APPLYING
    timed_out(world, 31)
    stuck = next(one for one in world.audits if one.action == "stuck")
    assert stuck.reason == "after 30 s: memory: the router answered 409"
    assert "stuck" in world.queued


# L1: reading back


def test_l1_a_swallowed_write_is_told(world):
    world.target.writes = lambda _: None
    assert begun(world) is Phase.VERIFYING_CONTROL
    for _ in range(8):
        timed_out(world, 10)
    assert world.phase is Phase.STUCK
    assert f"shows weights {START_WEIGHTS}" in world.audits[-1].reason


def test_l1_a_replica_that_shows_otherwise_is_told(world):
    inner = world.target.inner
    world.target.reads = lambda: replace(inner.read(), pending=("replica 10.0.0.7 still sends 95 % to cand",))
    assert begun(world) is Phase.VERIFYING_CONTROL
    timed_out(world, 31)
    assert_paged(world, "after 30 s: memory: replica 10.0.0.7 still sends 95 % to cand")


# L2: the status


def test_l2_a_status_that_is_behind_is_waited_for_and_then_told(world):
    inner, pending = world.target.inner, ["Accepted is of generation 6, written is 7"]
    world.target.reads = lambda: replace(inner.read(), pending=tuple(pending))
    assert begun(world) is Phase.VERIFYING_CONTROL
    assert timed_out(world, 20) is Phase.VERIFYING_CONTROL
    pending.clear()
    assert world.run() is Phase.VERIFYING_TRAFFIC, "it caught up in time"


def test_l2_a_status_that_never_catches_up_is_told(world):
    inner = world.target.inner
    world.target.reads = lambda: replace(inner.read(), pending=("Accepted is of generation 6, written is 7",))
    begun(world)
    timed_out(world, 31)
    assert_paged(world, "Accepted is of generation 6, written is 7")


# L3: the router's counters


@pytest.fixture
def page():
    with asked() as server:
        server.count = 512
        server.answer = lambda _: (200, f'requests_total{{cluster="cand"}} {server.count}\n')
        yield server


def watching(page) -> dict:
    counter = {"url": f"{page.url}/stats", "metric": "requests_total", "labels": {"cluster": "cand"}}
    return {**POLICY, "verify": {**FIRST["verify"], "counters": [counter]}}


def test_l3_a_counter_that_rises_is_a_leak_whatever_events_say(factory, page):
    world = a_world(factory, policy=watching(page))
    assert begun(world) is Phase.VERIFYING_TRAFFIC
    world.wait(3)
    world.run()
    page.count += 3
    world.wait(10)
    world.serve(world.baseline, 500, since=1)
    assert world.run(3) is Phase.VERIFYING_TRAFFIC
    timed_out(world, 120)
    assert_paged(world, "the router still sends to a candidate: requests_total rose by 3")


def test_l3_what_reached_the_candidate_before_the_write_took_effect_is_no_leak(factory, page):
    world = a_world(factory, policy=watching(page))
    assert begun(world) is Phase.VERIFYING_TRAFFIC
    world.run()
    page.count += 40  # within the skew allowance
    world.wait(3)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    world.baseline_serves_all()
    assert world.run() is Phase.HOLD
    assert "not read" not in world.audits[-2].reason


def test_l3_a_router_that_was_restarted_after_the_flip_counts_from_nothing(factory, page):
    world = a_world(factory, policy=watching(page))
    begun(world)
    world.wait(3)
    world.run()
    page.count = 2
    world.baseline_serves_all(500)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    timed_out(world, 120)
    assert_paged(world, "requests_total rose by 2")


def test_l3_a_counter_that_cannot_be_read_is_said_and_holds_up_nothing(factory, page):
    world = a_world(factory, policy=watching(page))
    page.answer = lambda _: (500, "")
    begun(world)
    world.baseline_serves_all()
    assert world.run() is Phase.HOLD
    assert "not read: requests_total" in world.audits[-2].reason
    assert "answered 500" in world.audits[-2].reason


def test_l3_after_a_restart_the_first_reading_is_the_base_and_says_so(factory, page):
    world = a_world(factory, policy=watching(page))
    begun(world)
    world.wait(3)
    world.run()
    page.count += 3
    look = Look(factory.database, factory.look._target_of, factory.clock)
    again = Reconciler(factory.database, factory.policies.get, factory.transitions, look)
    world.baseline_serves_all()
    again.run()
    proven = next(one for one in world.audits if one.action == "verified_by_traffic")
    assert "requests_total: read for the first time since the flip" in proven.reason


# L4: the events


def test_l4_one_leaked_answer_is_told_with_its_count(world):
    begun(world)
    world.wait(10)
    world.serve(world.baseline, 500, since=1)
    world.serve(world.candidate, 2, since=1)
    timed_out(world, 120)
    assert_paged(world, "control plane only: a candidate still answered 2 of 502 requests")


def test_l4_a_leak_after_the_proof_is_told_too(world):
    """The router says what it should all the time: only the events tell."""
    world.to_hold()
    world.wait(10)
    world.serve(world.baseline, 50, since=1)
    assert world.run() is Phase.HOLD
    world.serve(world.candidate, 2, since=1)
    world.wait(6)
    assert world.run() is Phase.REVERTED
    assert world.actions[-1] == "leaked"
    assert "a candidate still answered 2 of 52 requests" in world.audits[-1].reason
    assert world.alerts[-1]["severity"] == "page"


def test_l4_a_leak_is_cut_off_once_where_the_policy_allows_it(factory):
    world = a_world(factory)
    begun(world)
    world.wait(10)
    world.serve(world.baseline, 500, since=1)
    world.serve(world.candidate, 2, since=1)
    world.wait(120)
    world.run()
    assert "hard_cut" in world.actions
    assert world.control.desired["memory"].cut
    world.baseline_serves_all()
    assert world.run() is Phase.HOLD


def test_l4_silence_is_an_outage_and_no_success(world):
    begun(world)
    timed_out(world, 123)
    assert_paged(world, "no request at all since the flip", "an outage, or events do not arrive")


def test_l4_a_baseline_that_does_not_answer_more_is_told(world):
    world.serve(world.baseline, 400, since=20)
    world.serve(world.candidate, 100, since=20)
    world.alarm()
    assert world.run() is Phase.VERIFYING_TRAFFIC
    world.wait(110)
    world.serve(world.baseline, 300, since=1)
    timed_out(world, 15)
    assert_paged(world, "the baseline answered 300", "400 before", "did not rise")


def test_l4_thin_traffic_is_paged_once_as_such_and_proven_when_it_comes(world):
    world.healthy_mix()
    world.wait(50)
    world.alarm()
    assert world.run() is Phase.VERIFYING_TRAFFIC
    world.wait(60)
    world.serve(world.baseline, 4, since=1)
    for _ in range(3):
        world.wait(3)
        world.run()
    assert world.queued == ["rollback_started"], "not before its time"
    world.wait(60)
    world.serve(world.baseline, 12, since=1)
    for _ in range(4):
        world.run()
        world.wait(5)
    assert world.phase is Phase.VERIFYING_TRAFFIC
    assert world.queued == ["rollback_started", "control_plane_only"]
    told = world.audits[-1]
    assert told.reason.startswith("verified at the control plane only: after 120 s 16 of 30 new requests seen")
    world.serve(world.baseline, 200, since=1)
    assert world.run() is Phase.HOLD
    assert world.queued == ["rollback_started", "control_plane_only", "rolled_back"]


# Draining streams


def stream(world: World, began: timedelta, length: timedelta, backend: str = "cand", source: str = "test") -> None:
    """A long answer whose event comes when it has ended."""
    started = world.clock.now() - began
    one = Event(
        recorder=Recorder.GATEWAY,
        request_id=f"stream-{started}-{backend}",
        started_at=started,
        exchange=Exchange(outcome=Outcome(200), timing=Timing(None, length.total_seconds() * 1000)),
        duration_ms=length.total_seconds() * 1000,
        backend=backend,
        route=world.route.name,
    )
    attribution = attribute(one, world.factory.catalog.get(), source)
    record = Record(
        event=one,
        attribution=attribution,
        source=source,
        key=event_key(source, one, attribution.leg),
        readings=readings_of(one.exchange),
        received_at=world.clock.now(),
    )
    store_events(world.factory.database, [record])


def test_a_stream_that_began_before_the_flip_and_ends_five_minutes_later_is_no_leak(world):
    begun(world)
    world.wait(299)
    world.serve(world.baseline, 400, since=1)
    stream(world, timedelta(seconds=300), timedelta(seconds=300))
    assert world.run() is Phase.HOLD
    proven = next(one for one in world.audits if one.action == "verified_by_traffic")
    assert "1 that began before it ended on a candidate" in proven.reason
    assert proven.evidence["draining"] == 1
    assert proven.evidence["primary_candidate"] == 0


def test_one_that_began_after_it_is_a_leak_however_long_it_takes(world):
    begun(world)
    world.wait(100)
    world.serve(world.baseline, 400, since=1)
    stream(world, timedelta(seconds=90), timedelta(seconds=90))
    assert world.run(2) is Phase.VERIFYING_TRAFFIC
    timed_out(world, 25)
    assert_paged(world, "a candidate still answered 1 of 401")


# Several targets, each proven by what comes from behind it


class Twins:
    """A route with two routers, each with a shipper of its own."""

    def __init__(self, factory):
        factory.__dict__.setdefault("notifiers", {"slack": None})
        factory.policies.add("twins", {**POLICY, **FIRST}, "test")
        refs = tuple(
            TargetRef("memory", {"name": f"twin-{name}", "weights": START_WEIGHTS, "mirror": "base"}, name, {}, (name,))
            for name in ("east", "west")
        )
        variants = (
            VariantSpec("bf16", Role.BASELINE, "base", "bf16", Tier.SERVING),
            VariantSpec("int4", Role.CANDIDATE, "cand", "int4", Tier.QUANTIZED),
        )
        spec = RouteSpec(name="twins", targets=refs, variants=variants, policy="twins", mode=Mode.AUTO, waiver="a test")
        route = factory.routes.add(spec, "test")
        self.targets = {ref.label: WrappedTarget(build(ref)) for ref in refs}
        look = Look(factory.database, lambda ref: self.targets[ref.label], factory.clock)
        factory.__dict__["look"] = look
        factory.__dict__["reconciler"] = Reconciler(factory.database, factory.policies.get, factory.transitions, look)
        base, cand = sorted(factory.routes.variants(route), key=lambda one: one.role is not Role.BASELINE)
        self.world = World(factory, route, self.targets["east"], None, base, cand)
        self._n = 0

    def serve(self, source, backend, n, since=1.0):
        world = self.world
        records = []
        for _ in range(n):
            self._n += 1
            one = Event(
                recorder=Recorder.GATEWAY,
                request_id=f"t{self._n}",
                started_at=world.clock.now() - timedelta(seconds=since),
                exchange=Exchange(outcome=Outcome(200)),
                backend=backend,
                route="twins",
            )
            found = attribute(one, world.factory.catalog.get(), source)
            key = event_key(source, one, found.leg)
            records.append(Record(one, found, source, key, readings_of(one.exchange), world.clock.now()))
        store_events(world.factory.database, records)

    def flipped(self):
        for source in self.targets:
            self.serve(source, "base", 25, since=60)
            self.serve(source, "cand", 100, since=60)
        self.world.alarm()
        assert self.world.run() is Phase.VERIFYING_TRAFFIC
        assert [dict(one.inner.read().weights) for one in self.targets.values()] == [FLIPPED, FLIPPED]
        self.world.wait(10)


@pytest.fixture
def twins(factory):
    found = Twins(factory)
    yield found
    for one in found.targets.values():
        type(one.inner)._instances.clear()


def test_one_target_that_leaks_is_named_however_much_the_other_proves(twins):
    twins.flipped()
    twins.serve("east", "base", 5000)
    twins.serve("west", "base", 60)
    twins.serve("west", "cand", 1)
    assert twins.world.run(2) is Phase.VERIFYING_TRAFFIC
    timed_out(twins.world, 120)
    assert twins.world.phase is Phase.STUCK
    reason = twins.world.audits[-1].reason
    assert "west: a candidate still answered 1 of 61" in reason
    assert "east" not in reason


def test_one_target_without_traffic_is_not_proven_by_the_other(twins):
    twins.flipped()
    twins.serve("east", "base", 5000)
    assert twins.world.run(2) is Phase.VERIFYING_TRAFFIC
    timed_out(twins.world, 120)
    assert "west: no request at all since the flip" in twins.world.audits[-1].reason


def test_both_targets_prove_it_each_by_its_own_requests(twins):
    twins.flipped()
    twins.serve("east", "base", 40)
    twins.serve("west", "base", 50)
    stream(twins.world, timedelta(seconds=20), timedelta(seconds=15), source="west")
    assert twins.world.run() is Phase.HOLD
    proven = next(one for one in twins.world.audits if one.action == "verified_by_traffic")
    assert "east: 0 of 40 new requests" in proven.reason
    assert "west: 0 of 50 new requests" in proven.reason
    assert proven.evidence["draining"] == 1, "of the one target whose shipper told of it"


def test_one_target_that_swallows_the_write_is_named(twins):
    twins.targets["west"].writes = lambda _: None
    twins.serve("east", "base", 25, since=60)
    twins.serve("east", "cand", 100, since=60)
    twins.world.alarm()
    for _ in range(8):
        timed_out(twins.world, 10)
    assert twins.world.phase is Phase.STUCK
    assert "west shows weights" in twins.world.audits[-1].reason


def test_a_lying_read_back_is_found_out_by_events_alone(world):
    claimed = RouteSnapshot(FLIPPED, "cand", 1)
    world.target.writes = lambda _: setattr(world.target, "reads", lambda: claimed)
    assert begun(world) is Phase.VERIFYING_TRAFFIC
    world.wait(10)
    world.serve(world.candidate, 95, since=1)
    world.serve(world.baseline, 5, since=1)
    timed_out(world, 120)
    assert_paged(world, "a candidate still answered 95 of 100")

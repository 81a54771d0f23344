"""A whole drain over real metrics pages: each step waits for room, and what is not known is never room."""

import pytest
from sqlalchemy import text

from monitor.models.route import Phase
from monitor.routing.scaler import HookScaler
from monitor.storage.incidents import IncidentStore
from tests.support.asked import asked
from tests.support.world import FLIPPED, POLICY, World, a_world

PAGE = 'vllm:num_requests_waiting{{engine="0"}} {0}\nvllm:kv_cache_usage_perc{{engine="0"}} {1}\n'


class Engine:
    """A replica's metrics page."""

    def __init__(self, server):
        self.server, self.waiting, self.cache, self.up = server, 0, 0.2, True
        server.answer = lambda _: (200, PAGE.format(self.waiting, self.cache)) if self.up else (503, "")

    @property
    def url(self):
        return f"{self.server.url}/metrics"


@pytest.fixture
def engine():
    with asked() as server:
        yield Engine(server)


def draining(factory, *engines, **preflight) -> World:
    drain = {"pause_s": 10, "meters": {"urls": [one.url for one in engines]}}
    more = {"capacity_rps": 0.5, "drain": {**drain, **preflight.pop("drain", {})}, **preflight}
    return a_world(factory, policy={**POLICY, "preflight": {**POLICY["preflight"], **more}})


def routing(world: World):
    found = world.target.inner.read()
    return dict(found.weights), found.mirror


def begun(world: World) -> Phase:
    """Half of the load is the candidate's: more than the baseline is declared to carry, and no mirror measured it."""
    world.healthy_mix()
    world.alarm()
    return world.run()


def test_a_whole_drain(factory, engine):
    world = draining(factory, engine)
    assert begun(world) is Phase.VERIFYING_CONTROL
    shown = [routing(world)]
    for _ in range(3):
        world.wait(9)
        assert world.run(2) is Phase.VERIFYING_CONTROL
        assert routing(world) == shown[-1], "the pause is not over"
        engine.waiting = 7
        world.wait(3)
        assert world.run(2) is Phase.VERIFYING_CONTROL
        assert routing(world) == shown[-1], "the queue is full"
        engine.waiting = 0
        world.run()
        shown.append(routing(world))
    assert shown == [
        ({"base": 29, "cand": 71}, None),
        ({"base": 53, "cand": 47}, None),
        ({"base": 77, "cand": 23}, None),
        (FLIPPED, "cand"),
    ], "copies stop first, and go to the candidate at the end"
    assert world.phase is Phase.VERIFYING_TRAFFIC
    assert world.actions == ["roll_back", "clear", "flip", "applied", *["next_step", "applied"] * 3, "read_back"]
    assert [audit.epoch for audit in world.audits if audit.action == "applied"] == [1, 2, 3, 4]
    assert "0 requests wait at 1 replica of the baseline" in world.audits[-3].reason
    assert world.queued == ["rollback_started"]
    world.baseline_serves_all(600)
    assert world.run() is Phase.HOLD


def test_a_full_cache_waits_too(factory, engine):
    world = draining(factory, engine)
    begun(world)
    engine.cache = 0.97
    world.wait(60)
    assert world.run(2) is Phase.VERIFYING_CONTROL
    assert world.actions[-1] == "applied"
    engine.cache = 0.5
    world.run()
    assert routing(world)[0] == {"base": 53, "cand": 47}


def test_a_queue_that_never_empties_pages_once_and_the_drain_goes_on_when_it_does(factory, engine):
    world = draining(factory, engine)
    begun(world)
    engine.waiting = 30
    for _ in range(6):
        world.wait(40)
        world.run(2)
    assert world.phase is Phase.VERIFYING_CONTROL
    assert world.queued == ["rollback_started", "blocked"]
    assert "the drain waits at 25 %: 30 requests wait at the baseline (limit 1)" in world.audits[-1].reason
    engine.waiting = 1
    for _ in range(3):
        world.run()
        world.wait(11)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert routing(world) == (FLIPPED, "cand")


def test_a_replica_that_cannot_be_read_is_never_taken_for_room(factory, engine):
    with asked() as second:
        other = Engine(second)
        world = draining(factory, engine, other, drain={"without_meters": "block"})
        begun(world)
        other.up = False
        world.wait(130)
        world.run(2)
        assert world.phase is Phase.VERIFYING_CONTROL
        assert "is not known" in world.audits[-1].reason
        other.up = True
        world.run()
        assert routing(world)[0] == {"base": 53, "cand": 47}


def test_without_a_reading_the_policy_says_whether_to_go_or_to_wait(factory, engine):
    engine.up = False
    world = draining(factory, engine)
    assert begun(world) is Phase.VERIFYING_TRAFFIC
    assert routing(world) == (FLIPPED, "cand")
    assert "at once all the same" in next(one.reason for one in world.audits if one.action == "flip")


def test_without_a_reading_a_policy_that_blocks_pages_and_looks_again(factory, engine):
    engine.up = False
    world = draining(factory, engine, drain={"without_meters": "block"})
    assert begun(world) is Phase.BLOCKED
    assert "no reading of its queue" in world.audits[-1].reason
    assert world.queued == ["blocked"]
    engine.up = True
    world.run()
    assert world.phase is Phase.VERIFYING_CONTROL
    assert routing(world) == ({"base": 29, "cand": 71}, None)


def test_a_broken_variant_goes_at_once_whatever_the_queue(factory, engine):
    engine.waiting = 500
    world = draining(factory, engine)
    world.healthy_mix()
    incident = world.alarm()
    with factory.database.transaction() as session:
        _make_critical(session, incident)
    assert world.run() is Phase.VERIFYING_TRAFFIC
    assert routing(world) == (FLIPPED, "cand")
    assert "at once: the variant is broken" in next(one.reason for one in world.audits if one.action == "flip")


def _make_critical(session, incident):
    assert IncidentStore(session).get(incident) is not None
    session.execute(text("UPDATE incidents SET critical = true WHERE id = :id"), {"id": incident})


# Replicas first


class Hook:
    """A receiver that scales: it says how many are wanted and ready."""

    def __init__(self, server):
        self.server, self.wanted, self.ready, self.orders = server, 2, 2, []
        server.answer = self._answer

    def _answer(self, one):
        if one.body:
            self.orders.append(one.body["data"])
            self.wanted = one.body["data"]["replicas"]
        return 200, {"wanted": self.wanted, "ready": self.ready}


@pytest.fixture
def hook(monkeypatch):
    monkeypatch.setenv("FULLBACK_TARGET_SCALER", "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0")
    with asked() as server:
        yield Hook(server)


def scale(hook) -> dict:
    url = f"{hook.server.url}/scale"
    HookScaler(url, url, "bf16", secret_env="FULLBACK_TARGET_SCALER")
    return {"replicas": 5, "url": url, "read_url": url, "name": "bf16", "secret_env": "FULLBACK_TARGET_SCALER"}


def test_replicas_come_before_traffic(factory, engine, hook):
    world = draining(factory, engine, scale=scale(hook))
    weights, _ = routing(world)
    assert begun(world) is Phase.VERIFYING_CONTROL
    assert hook.orders == [{"name": "bf16", "replicas": 5}]
    for hook.ready in (2, 3, 4):
        world.wait(30)
        assert world.run(2) is Phase.VERIFYING_CONTROL
        assert routing(world) == (weights, None), "copies are dropped; no traffic moves before they are there"
    hook.ready = 5
    world.run()
    assert routing(world) == ({"base": 29, "cand": 71}, None)
    assert any("5 of 5 replicas are ready" in one.reason for one in world.audits)
    assert len(hook.orders) == 1, "asked for once"


def test_replicas_that_never_come_page(factory, engine, hook):
    world = draining(factory, engine, scale={**scale(hook), "timeout_s": 120})
    begun(world)
    hook.wanted = 2  # something scales it down again
    world.wait(121)
    world.run()
    assert world.phase is Phase.BLOCKED
    blocked = next(one for one in world.audits if one.action == "block")
    assert "only 2 asked for: something scales it down again" in blocked.reason
    assert "blocked" in world.queued


def test_a_scaler_that_cannot_be_asked_is_told(factory, engine, hook):
    world = draining(factory, engine, scale=scale(hook))
    hook.server.answer = lambda _: (403, {"detail": "no"})
    begun(world)
    assert world.phase is Phase.APPLYING
    world.wait(31)
    world.run()
    stuck = next(one for one in world.audits if one.action == "stuck")
    assert "baseline's replicas" in stuck.reason
    assert "403" in stuck.reason
    assert "stuck" in world.queued


def test_more_replicas_than_wanted_are_left_alone(factory, engine, hook):
    hook.wanted = hook.ready = 9
    world = draining(factory, engine, scale=scale(hook))
    begun(world)
    assert hook.orders == []
    assert routing(world) == ({"base": 29, "cand": 71}, None)

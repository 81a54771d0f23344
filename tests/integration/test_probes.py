"""Synthetic requests over real connections: through a router to prove a flip, straight to a baseline to judge it."""

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import text

from monitor.controller.probing import AT_ONCE, Prober
from monitor.models.acting import ProbePolicy
from monitor.models.key import Scope
from monitor.models.probe import ProbeWay, new_probe_id
from monitor.models.route import Phase
from monitor.storage.leg_columns import read_legs
from monitor.storage.probes import ProbeStore
from monitor.storage.streams import StreamStore
from tests.support.asked import asked
from tests.support.events import POLICY as TESTED
from tests.support.events import World as Ticking
from tests.support.events import access_line, bearer, event, key, reply
from tests.support.world import POLICY, a_world, race

CHAT = "/v1/chat/completions"


@pytest.fixture
def server():
    with asked() as opened:
        yield opened


class Probed:
    """A world whose router forwards what it is asked, and ships its access log when it is told to."""

    def __init__(self, factory, client, server, **policy):
        self.server, self.factory, self.client = server, factory, client
        self.world = a_world(factory, policy={**POLICY, **policy})
        self.headers = bearer(key(factory, Scope.INGEST, source="gateway"))
        self._shipped = 0

    @property
    def prober(self) -> Prober:
        return self.factory.look._prober

    def step(self) -> Phase:
        phase = self.world.run()
        self.prober.settle()
        return phase

    def ship(self, backend=None, **fields) -> int:
        """Ship the log of what came since: to where the router sends now."""
        weights = self.world.target.inner.read().weights
        to = backend or max(weights, key=weights.get)
        new = self.server.seen[self._shipped :]
        self._shipped += len(new)
        self.post([access_line(one.request_id, self.world.clock.now(), upstream_cluster=to, **fields) for one in new])
        return len(new)

    def post(self, lines, route="chat") -> None:
        if lines:
            told = [{**line, "route_name": route} for line in lines]
            answer = self.client.post("/v1/access-logs", json=told, headers=self.headers)
            assert answer.status_code == 200, answer.text

    def legs(self):
        with self.factory.database.reading() as session:
            found = session.execute(text("SELECT leg, count(*) FROM events WHERE source = 'gateway' GROUP BY leg"))
            return dict(map(tuple, found))


def verify(server, **probe):
    asking = {"url": server.url + CHAT, "model": "chat", "after_s": 20, **probe}
    return {"verify": {**POLICY["verify"], "probe": asking}, "preflight": {**POLICY["preflight"], "window_s": 600}}


def flipped(probed) -> None:
    """Move by an alarm at a quiet time: the last users asked long before it, and nobody asks after it."""
    probed.world.healthy_mix()
    probed.world.wait(500)
    probed.world.alarm()
    assert probed.step() is Phase.VERIFYING_TRAFFIC
    probed.world.wait(60)


# Through the router


def test_probes_prove_a_flip_that_no_user_can(factory, client, server):
    probed = Probed(factory, client, server, **verify(server))
    world = probed.world
    flipped(probed)
    for _ in range(10):
        world.wait(1)
        if probed.step() is Phase.HOLD:
            break
        assert len(server.seen) - probed._shipped <= AT_ONCE
        probed.ship()
    assert world.phase is Phase.HOLD
    audit = next(one for one in world.audits if one.action == "verified_by_traffic")
    assert "0 of 30 new requests (30 of them probes, 30 were sent) were answered by a candidate" in audit.reason
    assert (audit.evidence["probes"], audit.evidence["primary_baseline"]) == (30, 0)
    assert probed.legs() == {"probe": 30}
    assert "control_plane_only" not in world.queued


def test_users_are_waited_for_first_and_enough_of_them_need_no_probe(factory, client, server):
    probed = Probed(factory, client, server, **verify(server))
    world = probed.world
    world.healthy_mix()
    world.alarm()
    probed.step()
    world.wait(21)  # the skew allowance is 2 s: it is 19 s since requests must follow
    probed.step()
    assert server.seen == []
    world.wait(2)
    world.serve(world.baseline, 40, since=1)
    assert probed.step() is Phase.HOLD
    assert server.seen == []


def test_no_more_are_sent_than_the_policy_allows_and_the_rest_is_said(factory, client, server):
    probed = Probed(factory, client, server, **verify(server, requests=10))
    world = probed.world
    flipped(probed)
    for _ in range(8):
        world.wait(12)
        probed.step()
        probed.ship()
    assert len(server.seen) == 10
    assert world.phase is Phase.VERIFYING_TRAFFIC
    told = [one for one in world.audits if one.action == "control_plane_only"]
    assert len(told) == 1
    assert "of 30 new requests seen (10 of them probes, 10 were sent)" in told[0].reason
    world.serve(world.baseline, 20, since=1)
    assert probed.step() is Phase.HOLD
    assert "0 of 30 new requests (10 of them probes" in world.audits[-2].reason


def test_a_probe_that_a_candidate_answers_is_a_leak(factory, client, server):
    probed = Probed(factory, client, server, **verify(server))
    world = probed.world
    flipped(probed)
    probed.step()
    assert probed.ship(backend="cand") == AT_ONCE
    world.wait(63)
    probed.step()
    assert len(server.seen) == AT_ONCE, "a leak needs no more of them"
    cut = next(one for one in world.audits if one.action == "hard_cut")
    assert "a candidate still answered 8 of 8" in cut.reason


def test_probes_are_no_users_who_came_back(factory, client, server):
    """Users were many before and are none now: probes that arrive do not make that a success."""
    probed = Probed(factory, client, server, **verify(server))
    world = probed.world
    world.healthy_mix()
    world.alarm()
    probed.step()
    world.wait(62)
    for _ in range(8):
        probed.step()
        probed.ship()
        world.wait(1)
    assert len(server.seen) == 30
    assert world.phase is Phase.VERIFYING_TRAFFIC
    world.wait(60)
    probed.step()
    assert "no user at all since the flip" in world.audits[-1].reason
    assert "(30 of them probes, 30 were sent)" in world.audits[-1].reason


def test_what_a_probe_says_and_carries(factory, client, server, monkeypatch):
    monkeypatch.setenv("FULLBACK_TARGET_PROBE", "s3cret-of-ours")
    probed = Probed(factory, client, server, **verify(server, key_env="FULLBACK_TARGET_PROBE"))
    flipped(probed)
    probed.step()
    assert len({one.request_id for one in server.seen}) == AT_ONCE
    for one in server.seen:
        assert one.path == CHAT
        assert one.headers["authorization"] == "Bearer s3cret-of-ours"
        assert one.body["model"] == "chat"
        assert one.body["max_tokens"] == 4
    stored = str([(audit.reason, audit.evidence) for audit in probed.world.audits])
    assert "s3cret" not in stored


def test_a_server_that_hangs_holds_up_no_step_and_gets_no_more(factory, client, server):
    let_go = threading.Event()
    server.answer = lambda _: (let_go.wait(20), (200, reply("ok")))[1]
    probed = Probed(factory, client, server, **verify(server))
    flipped(probed)
    began = time.monotonic()
    for _ in range(3):
        probed.world.wait(1)
        probed.world.run()
    assert time.monotonic() - began < 2
    let_go.set()
    probed.prober.settle()
    assert len(server.seen) == AT_ONCE


def test_two_leaders_share_one_budget(factory, client, server):
    probed = Probed(factory, client, server, **verify(server))
    flipped(probed)
    seen = factory.transitions.situation(probed.world.route, factory.policies.get(probed.world.route.policy))
    probe, since = ProbePolicy(server.url + CHAT, "chat", requests=10), probed.world.clock.now()
    probers = [Prober(factory.database, factory.clock) for _ in range(2)]
    sent = race(*(lambda one=one: one.send(seen, probe, ProbeWay.ROUTER, 30, since=since, epoch=1) for one in probers))
    for one in probers:
        one.settle()
    assert sorted(sent) == [2, AT_ONCE]
    assert len(server.seen) == 10


def test_a_leader_that_slept_sends_nothing(factory, client, server):
    probed = Probed(factory, client, server, **verify(server))
    flipped(probed)
    seen = factory.transitions.situation(probed.world.route, factory.policies.get(probed.world.route.policy))
    probed.world.baseline_serves_all()
    assert probed.step() is Phase.HOLD
    before = len(server.seen)
    probe, since = ProbePolicy(server.url + CHAT, "chat"), probed.world.clock.now()
    assert probed.prober.send(seen, probe, ProbeWay.ROUTER, 30, since=since) == 0
    assert len(server.seen) == before


# Whose events are a probe's


def test_an_id_that_only_looks_like_one_stays_a_users(factory, client, server):
    """Nobody hides what they ask from the tests by how they call it."""
    probed = Probed(factory, client, server, **verify(server))
    now = probed.world.clock.now()
    probed.post([access_line(new_probe_id(), now) for _ in range(3)])
    assert probed.legs() == {"primary": 3}


def test_a_known_id_hides_nothing_later_nor_on_another_route(factory, client, server):
    probed = Probed(factory, client, server, **verify(server))
    world = probed.world
    flipped(probed)
    probed.step()
    known = server.seen[0].request_id
    a_world(factory, name="other", policy=POLICY)
    factory.catalog.forget()
    probed.post([access_line(known, world.clock.now())], route="other")
    assert probed.legs() == {"primary": 1}
    world.wait(400)
    probed.post([access_line(known, world.clock.now())])
    assert probed.legs() == {"primary": 2}


def test_a_marked_id_is_known_again_and_sent_twice_counts_once(factory, client, server):
    probed = Probed(factory, client, server, **verify(server))
    flipped(probed)
    probed.step()
    one = server.seen[0].request_id
    line = access_line(one[:14] + "9" + one[15:], probed.world.clock.now(), upstream_cluster="base")
    probed.post([line])
    probed.post([line])
    assert probed.legs() == {"probe": 1}


def test_no_shipper_may_call_a_request_a_probe(factory, client, server):
    probed = Probed(factory, client, server, **verify(server))
    now = probed.world.clock.now()
    for body in ({}, {"tags": ["a", 1]}):  # read in one step, and with care
        posted = {**event("r1", now, route="chat"), "leg": "probe", **body}
        answer = client.post("/v1/events", json=posted, headers=probed.headers).json()
        assert (answer["stored"], answer["rejected"]) == (0, 1)
    rule = {"name": "hidden", "match": {"backend": "cand"}, "outcome": {"route": "chat", "leg": "probe"}}
    headers = bearer(key(factory, Scope.ADMIN))
    answer = client.put("/v1/attribution/rules", json={"rules": [rule]}, headers=headers)
    assert answer.status_code == 422, answer.text
    rule["outcome"]["leg"] = "shadow"
    assert client.put("/v1/attribution/rules", json={"rules": [rule]}, headers=headers).status_code == 200


@pytest.mark.parametrize("sent", [True, False], ids=["sent", "only alike"])
def test_a_pair_of_a_probe_adds_nothing_to_any_stream(factory, client, clock, sent):
    """Both legs of 40 requests, as bad as can be: as probes they are in no stream, as anything else they are."""
    world = Ticking(client, factory, clock, policy=TESTED)
    world.warm_up()
    world.run(3)
    before = _settled(world)
    ids = [new_probe_id() for _ in range(40)]
    if sent:
        with factory.database.transaction() as session:
            ProbeStore(session).add(world.route.id, 1, ProbeWay.ROUTER, ids, clock.now())
    at, bad = clock.now() + timedelta(milliseconds=5), {"response": reply("no JSON at all")}
    clock.advance(timedelta(seconds=1))
    world.post([event(one, at, backend="cand", host="llm.example", **bad) for one in ids])
    world.post([event(one, at, backend="base", host="llm.example-shadow", **bad) for one in ids])
    after = _settled(world)
    with factory.database.reading() as session:
        legs = session.execute(text("SELECT leg, count(*) FROM events WHERE request_id LIKE 'fb0be000%' GROUP BY leg"))
        assert dict(map(tuple, legs)) == ({"probe": 40, "unknown": 40} if sent else {"primary": 40, "shadow": 40})
        around = {"since": at - timedelta(seconds=1), "until": at + timedelta(seconds=1), "closes": clock.now()}
        read = read_legs(session, world.route.id, at, at + timedelta(milliseconds=1), **around)
        assert len(read.request) == (0 if sent else 80), "what a tick is made of"
    assert (after == before) is sent
    if not sent:
        assert after["schema_validity"][0] == before["schema_validity"][0] + 40


def _settled(world):
    """Close every tick that has events; return the pairs, and the legs without another, of the candidate's streams."""
    for _ in range(6):
        world.clock.advance(timedelta(seconds=2))
        world.factory.evaluate.run()
    candidate = next(one.id for one in world.factory.routes.variants(world.route) if one.backend == "cand")
    return {one.signal: _counted(world, one) for one in _streams(world) if one.candidate_id == candidate}


def _counted(world, stream):
    with world.factory.database.reading() as session:
        ticks = StreamStore(session).ticks(stream, 0, 2**60)
    return stream.evidence.pairs, sum(sum(one["missing"]) for one in ticks)


def _streams(world):
    with world.factory.database.reading() as session:
        return StreamStore(session).of_route(world.route.id)


# Straight to the baseline


def preflight(server, **probe):
    return {"preflight": {**POLICY["preflight"], "probe": {"url": server.url + CHAT, "model": "bf16", **probe}}}


def test_a_baseline_without_traffic_is_judged_by_probes(factory, client, server):
    probed = Probed(factory, client, server, **preflight(server))
    world = probed.world
    world.serve(world.candidate, 100, since=60)
    world.alarm()
    for _ in range(6):
        if probed.step() is Phase.VERIFYING_TRAFFIC:
            break
        assert world.phase is Phase.PREFLIGHT
        world.wait(0.5)
    assert world.phase is Phase.VERIFYING_TRAFFIC
    assert len(server.seen) == 20
    flip = next(one for one in world.audits if one.action == "flip")
    assert "the baseline is healthy: 0 of 20 answers (20 of them probes) failed" in flip.reason
    assert world.queued == ["rollback_started"], "nothing was blocked on the way"
    probed.ship(backend="base")
    assert probed.legs() == {"unknown": 20}, "what went straight there says nothing of the routing"


def test_a_baseline_that_fails_its_probes_is_not_flipped_onto_until_it_answers(factory, client, server):
    server.answer = lambda _: (503, {"error": "loading"})
    probed = Probed(factory, client, server, **preflight(server))
    world = probed.world
    world.serve(world.candidate, 100, since=60)
    world.alarm()
    for _ in range(8):
        probed.step()
        world.wait(0.5)
    assert world.phase is Phase.BLOCKED
    assert "the baseline itself fails 100.0 % of 20 requests (20 of them probes)" in world.audits[-1].reason
    assert world.queued == ["blocked"]
    server.answer = lambda _: (200, reply("ok"))
    world.wait(125)  # the failures are out of the window
    for _ in range(8):
        probed.step()
        world.wait(0.5)
    assert world.phase is Phase.VERIFYING_TRAFFIC
    assert world.queued == ["blocked", "rollback_started"]


def test_a_baseline_that_hangs_blocks_after_a_while_and_is_asked_little(factory, client, server):
    let_go = threading.Event()
    server.answer = lambda _: (let_go.wait(20), (200, reply("ok")))[1]
    probed = Probed(factory, client, server, **preflight(server, requests=12))
    world = probed.world
    world.serve(world.candidate, 100, since=60)
    world.alarm()
    assert world.run() is Phase.PREFLIGHT
    world.wait(31)
    assert world.run() is Phase.BLOCKED
    assert "the baseline answered 0 requests in 120 s, 20 are needed" in world.audits[-1].reason
    let_go.set()
    probed.prober.settle()
    assert len(server.seen) <= 12


def test_a_baseline_with_enough_traffic_of_its_own_is_not_probed(factory, client, server):
    probed = Probed(factory, client, server, **preflight(server))
    probed.world.healthy_mix()
    probed.world.alarm()
    assert probed.step() is Phase.VERIFYING_TRAFFIC
    assert server.seen == []


def test_old_probes_are_forgotten_with_the_events_of_their_time(factory, client, server):
    probed = Probed(factory, client, server, **verify(server))
    flipped(probed)
    probed.step()
    probed.world.wait(86_400 * (factory.settings.retention_days + 1))
    factory.retention.run()
    with factory.database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM probes")).scalar_one() == 0

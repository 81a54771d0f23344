"""The commands that move routes and tell of it, against the real service."""

import json
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest
from click.testing import CliRunner
from prometheus_client import REGISTRY

from monitor.cli import main
from monitor.models.key import Scope
from monitor.models.route import Mode, Phase
from monitor.routing.base import Rehearsal
from monitor.routing.memory import MemoryTarget
from monitor.routing.registry import TARGETS
from monitor.services.routes import RouteChange
from tests.support.events import key
from tests.support.world import POLICY, a_world, unreachable


@pytest.fixture
def fullback(factory, client, monkeypatch):
    """Run a command; its requests reach the service of the test."""

    def request(method, url, *, timeout=None, **arguments):
        parts = urlsplit(url)
        return client.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, **arguments)

    monkeypatch.setattr(httpx, "request", request)
    monkeypatch.setenv("FULLBACK_API_KEY", key(factory, Scope.READ, Scope.OPERATE, source="ana"))

    def run(*arguments, code=0):
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == code, result.output
        return result.output

    return run


def test_a_dry_run_tells_and_exits_by_what_would_happen(factory, fullback):
    world = a_world(factory, mode=Mode.ADVISE)
    world.healthy_mix()
    told = fullback("flip", "chat", "--to", "baseline", "--dry-run")
    assert "chat: a flip to the baseline, epoch 1; nothing is written" in told
    assert "ok    target memory (the router judged it)" in told
    assert "          weight of cand: 95 -> 0" in told
    assert "held  mode: mode advise" in told
    assert "by hand: 100 % at once; by itself: 100 %" in told
    world.target.inner.rehearse = lambda _: Rehearsal(problems=("409: the resource has moved on",))
    failing = fullback("flip", "chat", "--to", "baseline", "--dry-run", code=1)
    assert "FAIL  target memory" in failing
    assert "problem: 409: the resource has moved on" in failing
    document = json.loads(fullback("flip", "chat", "--to", "baseline", "--dry-run", "--json", code=1))
    assert (document["ok"], document["targets"][0]["ok"]) == (False, False)
    assert world.phase is Phase.ARMED


def test_a_flip_needs_a_reason_and_a_dry_run_none(factory, fullback):
    world = a_world(factory)
    assert "--reason is missing" in fullback("flip", "chat", "--to", "baseline", code=2)
    assert "chat: applying, epoch 1" in fullback("flip", "chat", "--to", "baseline", "--reason", "bad")
    assert world.phase is Phase.APPLYING


def test_freezes_are_begun_listed_and_lifted(factory, fullback):
    a_world(factory)
    assert "nothing is frozen" in fullback("freeze", "list")
    assert "the route is frozen by ana until 2026-03-02 14:00 UTC" in fullback(
        "freeze", "chat", "--hours", "2", "--reason", "release"
    )
    assert "all routes are frozen by ana until it is lifted" in fullback(
        "freeze", "--all", "--until-lifted", "--reason", "holidays"
    )
    listed = fullback("freeze", "list")
    assert "1  chat  STANDS" in listed
    assert "2  all routes  STANDS" in listed
    assert "lifted by ana" in fullback("unfreeze", "2", "--reason", "back")
    assert "2  all routes" not in fullback("freeze", "list")
    assert "2  all routes  lifted by ana" in fullback("freeze", "list", "--ended")
    assert "there is no freeze 9" in fullback("unfreeze", "9", "--reason", "x", code=1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "a ROUTE, or --all"),
        (["chat", "--all", "--hours", "1", "--reason", "x"], "a ROUTE, or --all"),
        (["chat", "--reason", "x"], "--hours N, or --until-lifted"),
        (["chat", "--hours", "1", "--until-lifted", "--reason", "x"], "--hours N, or --until-lifted"),
        (["chat", "--hours", "1"], "--reason is missing"),
    ],
)
def test_a_freeze_that_says_too_little_is_refused_before_it_is_sent(factory, fullback, arguments, told):
    a_world(factory)
    assert told in fullback("freeze", *arguments, code=2)


def test_a_route_is_pinned_and_unpinned(factory, fullback):
    world = a_world(factory)
    assert "chat: pinned until 2026-03-02T13:00:00Z" in fullback("pin", "chat", "--hours", "1", "--reason", "mine")
    assert world.control.pinned_by == "ana"
    assert "chat: not pinned" in fullback("unpin", "chat", "--reason", "yours")
    assert world.control.pinned_by is None


def test_show_tells_what_holds_a_route_and_how_its_routers_stand(factory, fullback):
    world = a_world(factory, waiver=None)
    told = fullback("routes", "show", "chat")
    assert "target     memory  untouched  read-back proof  base 5, cand 95" in told
    assert "not armed  observed for 0 of 7 days" in told
    assert "rehearsal  none yet" in told
    world.healthy_mix()
    factory.rehearsals.run()
    fullback("freeze", "chat", "--hours", "1", "--reason", "release")
    fullback("pin", "chat", "--hours", "1", "--reason", "mine")
    told = fullback("routes", "show", "chat")
    assert "pin        by ana until 2026-03-02T13:00:00Z" in told
    assert "freeze     1: the route is frozen by ana" in told
    assert "rehearsal  2026-03-02T12:00:00Z  ok" in told
    world.target.reads = unreachable
    assert "connection refused" in fullback("routes", "show", "chat")


def test_show_tells_the_step_and_what_the_proof_says_so_far(factory, fullback):
    world = a_world(factory)
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.VERIFYING_TRAFFIC
    world.baseline_serves_all(7)
    told = fullback("routes", "show", "chat")
    assert "phase verifying-traffic" in told
    assert "move       baseline by controller, step 1 of 1: 100 % of the way" in told
    assert "target     memory  in_force  read-back proof  base 100, cand 0" in told
    assert "proof      7 of 30 new requests seen, none by a candidate" in told
    assert world.phase is Phase.VERIFYING_TRAFFIC, "looking changes nothing"


def test_show_tells_a_router_that_somebody_changed(factory, fullback):
    world = a_world(factory)
    before = world.target.inner.read()
    world.to_hold()
    assert "target     memory  in_force" in fullback("routes", "show", "chat")
    world.target.reads = lambda: before
    told = fullback("routes", "show", "chat")
    assert "target     memory  foreign" in told
    assert "wanted {'base': 100, 'cand': 0}" in told


def test_a_rolled_back_candidate_is_asked_for_and_brought_back_at_once(factory, fullback):
    world = a_world(factory)
    assert "chat is armed; only a route in hold" in fullback("recover", "chat", "--reason", "new build", code=1)
    world.to_hold()
    assert "chat: recovering" in fullback("recover", "chat", "--reason", "new build")
    assert "it waits for the evidence" in fullback("recover", "chat", "--reason", "now", code=1)
    assert "chat: applying, epoch 2" in fullback("recover", "chat", "--reason", "I checked it", "--at-once")
    assert world.run() is Phase.RAMPING
    assert "move       ramp by ana, step 1 of 5: 1 % of the way" in fullback("routes", "show", "chat")


def test_the_time_line_of_an_incident_tells_how_fast_it_was(factory, client, fullback):
    world = a_world(factory)
    world.healthy_mix()
    incident = world.alarm()
    world.wait(0.5)
    world.run()
    world.baseline_serves_all()
    assert world.run() is Phase.HOLD
    told = fullback("incidents", "timeline", str(incident))
    assert f"incident {incident} on chat: int4 breaks its schema" in told
    assert "+0.5 s  flip" in told
    assert "from the alarm: decided 0.5 s, committed 0.5 s, written 0.5 s, read back 0.5 s, proven 10.5 s" in told
    document = json.loads(fullback("incidents", "timeline", str(incident), "--json"))
    assert [one["milestone"] for one in document["items"] if one["milestone"]] == list(document["effective_s"])
    assert "there is no incident 99" in fullback("incidents", "timeline", "99", code=1)
    factory.gauges.run()
    labels = {"route": "chat", "step": "proven"}
    assert REGISTRY.get_sample_value("fullback_time_to_effective_seconds", labels) == 10.5
    page = client.get("/routes/chat").text
    assert "committed +0.5 s" in page
    assert "proven by traffic +10.5 s" in page


def test_the_time_line_of_a_quiet_route_and_of_anothers_incident_is_not_found(factory, client, fullback):
    world, other = a_world(factory), a_world(factory, name="code")
    headers = {"Authorization": f"Bearer {key(factory, Scope.READ, source='r')}"}
    incident = other.alarm()
    assert client.get("/v1/routes/chat/timeline", headers=headers).status_code == 404
    assert client.get(f"/v1/routes/chat/timeline?incident={incident}", headers=headers).status_code == 404
    assert client.get("/v1/routes/code/timeline", headers=headers).json()["incident"] == incident
    assert world.actions == []


def test_targets_are_listed_with_what_they_can_do(fullback):
    document = json.loads(fullback("list", "targets", "--json"))
    assert {one["name"] for one in document} == set(TARGETS)
    memory = next(one for one in document if one["name"] == "memory")
    assert (memory["read_back"], memory["hard_cut"], memory["propagation_s"]) == ("proof", True, 0.0)
    assert "memory  proof  propagation_s=0  weights" in fullback("list", "targets")


def test_check_tells_what_reading_each_target_back_is_worth(factory, monkeypatch):
    monkeypatch.setenv("FULLBACK_DATABASE_URL", factory.database.url)
    world = a_world(factory)
    targets = (world.route.targets[0], replace(world.route.targets[0], name="west"))
    factory.routes.change("chat", RouteChange(targets=targets), "ana")
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 0, result.output
    assert "ok   target memory of chat: read-back proof" in result.output
    assert "ok   target west of chat: read-back proof" in result.output
    owned = replace(world.target.inner.read(), owners=("flux",))
    monkeypatch.setattr(MemoryTarget, "read", lambda _: owned)
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 1
    assert "FAIL target west of chat: flux would write over a flip: add ignore rules" in result.output


def test_flips_are_counted_by_what_they_were_for(factory):
    def count(action):
        return REGISTRY.get_sample_value("fullback_flip_total", {"route": "counted", "action": action}) or 0.0

    world = a_world(factory, name="counted")
    before = count("flip")
    world.healthy_mix()
    world.alarm()
    world.run()
    assert count("flip") == before + 1
    assert count("roll_back") == 0


def test_what_holds_is_a_gauge(factory, fullback):
    a_world(factory)
    factory.gauges.run()
    assert REGISTRY.get_sample_value("fullback_frozen", {"route": "chat"}) == 0
    fullback("freeze", "chat", "--hours", "1", "--reason", "x")
    a_world(factory, name="windowed", policy={**POLICY, "freeze": [{"reason": "every day"}]})
    factory.gauges.run()
    assert REGISTRY.get_sample_value("fullback_frozen", {"route": "chat"}) == 1
    assert REGISTRY.get_sample_value("fullback_frozen", {"route": "windowed"}) == 1
    assert REGISTRY.get_sample_value("fullback_breaker_open") == 0

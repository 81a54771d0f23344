"""Rehearsals: the way of a rollback in dry run, by hand and by the leader; nothing is written."""

from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from monitor.models.finding import FindingKind
from monitor.models.key import Scope
from monitor.models.route import Mode, Phase
from monitor.routing.base import Rehearsal
from monitor.services.routes import RouteChange
from monitor.storage.findings import FindingStore
from monitor.storage.rehearsals import RehearsalStore
from tests.support.events import bearer, key
from tests.support.world import START_WEIGHTS, a_world, unreachable


@pytest.fixture
def ops(factory):
    return bearer(key(factory, Scope.READ, Scope.OPERATE, source="ana"))


def rehearse(client, who, to="baseline"):
    return client.post("/v1/routes/chat/flips/rehearse", json={"to": to}, headers=who)


def checks(answer):
    return {one["name"]: one for one in answer.json()["checks"]}


def stored(world):
    with world.factory.database.reading() as session:
        return {one.target: one for one in RehearsalStore(session).of_route(world.route.id)}


def open_findings(world):
    with world.factory.database.reading() as session:
        return FindingStore(session).open_of(FindingKind.REHEARSAL_FAILED)


def ok_gauge(world, target):
    world.factory.gauges.run()
    return REGISTRY.get_sample_value("fullback_rehearsal_ok", {"route": "chat", "target": target})


def test_a_flip_is_rehearsed_and_nothing_is_written(factory, client, ops):
    world = a_world(factory)
    world.healthy_mix()
    before = world.control
    answer = rehearse(client, ops)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["ok"], found["problems"], found["epoch"]) == (True, [], 1)
    (target,) = found["targets"]
    assert "weight of cand: 95 -> 0" in target["changes"]
    assert target["judged_by_router"]
    assert [stage["share"] for stage in found["stages"]] == [100]
    assert all(one["ok"] for one in found["checks"])
    assert "0 of 25 answers failed" in checks(answer)["preflight"]["said"]
    assert (world.control, world.audits, world.alerts) == (before, [], [])
    assert world.target.calls.count("apply") == 0
    assert dict(world.target.inner.read().weights) == START_WEIGHTS


def test_what_it_says_is_what_the_flip_then_does(factory, client, ops):
    world = a_world(factory)
    world.healthy_mix()
    said = rehearse(client, ops).json()
    client.post("/v1/routes/chat/flips", json={"to": "baseline", "reason": "for real"}, headers=ops)
    assert world.control.epoch == said["epoch"]
    assert world.run() is Phase.VERIFYING_TRAFFIC
    after = rehearse(client, ops).json()
    assert after["targets"][0]["changes"] == [f"epoch: {said['epoch']} -> {said['epoch'] + 1}"]


def test_it_says_what_would_hold_an_automatic_rollback(factory, client, ops):
    a_world(factory, mode=Mode.ADVISE, waiver=None)
    client.put("/v1/routes/chat/pin", json={"hours": 1, "reason": "hands off"}, headers=ops)
    client.post("/v1/freezes", json={"route": "chat", "hours": 1, "reason": "release"}, headers=ops)
    found = checks(rehearse(client, ops))
    assert {name for name, one in found.items() if not one["ok"]} == {"mode", "armed", "pin", "freeze", "preflight"}
    assert "observed for 0 of 7 days" in found["armed"]["said"]
    assert "ana pinned the route" in found["pin"]["said"]
    assert "release" in found["freeze"]["said"]
    assert "the baseline answered 0 requests in 120 s, 20 are needed" in found["preflight"]["said"]


def test_what_a_person_decided_is_no_problem_and_an_unhealthy_baseline_is(factory, client, ops):
    world = a_world(factory, mode=Mode.OBSERVE, waiver=None)
    world.healthy_mix()
    assert rehearse(client, ops).json()["ok"]
    world.serve(world.baseline, 20, since=10, failed=20)
    found = rehearse(client, ops).json()
    assert (found["ok"], found["stages"]) == (False, [])
    assert "the baseline itself fails" in found["problems"][0]


def test_a_router_that_cannot_be_read_or_is_owned_is_a_problem(factory, client, ops):
    world = a_world(factory)
    world.healthy_mix()
    world.target.reads = lambda: replace(world.target.inner.read(), owners=("argocd",))
    owned = rehearse(client, ops).json()
    assert owned["problems"] == ["memory: argocd would write over it: add ignore rules first (docs/routers.md)"]
    assert owned["targets"][0]["owners"] == ["argocd"]
    world.target.reads = unreachable
    away = rehearse(client, ops).json()
    assert not away["ok"]
    assert away["targets"][0]["problems"] == ["connection refused"]


def test_an_undo_is_rehearsed_where_there_is_one(factory, client, ops):
    world = a_world(factory)
    assert rehearse(client, ops, "before").status_code == 409
    world.to_hold()
    found = rehearse(client, ops, "before").json()
    assert (found["ok"], found["goal"], found["checks"]) == (True, "restore", [])
    assert "weight of cand: 0 -> 95" in found["targets"][0]["changes"]
    assert world.phase is Phase.HOLD


def test_rehearsing_by_hand_needs_the_scope(factory, client):
    a_world(factory)
    assert rehearse(client, bearer(key(factory, Scope.READ, source="reader"))).status_code == 403


def test_the_leader_rehearses_once_a_day_and_after_a_change(factory, clock):
    world = a_world(factory)
    world.healthy_mix()
    factory.rehearsals.run()
    first = stored(world)
    assert set(first) == {"", "memory"}
    assert all(not one.problems for one in first.values())
    clock.advance(timedelta(minutes=1))
    factory.rehearsals.run()
    assert stored(world) == first
    factory.routes.change("chat", RouteChange(policy="policy-chat", mirror_percent=50), "ana")
    clock.advance(timedelta(seconds=1))
    world.healthy_mix()
    factory.rehearsals.run()
    second = stored(world)
    assert second["memory"].at > first["memory"].at
    clock.advance(timedelta(days=1))
    world.healthy_mix()
    factory.rehearsals.run()
    assert stored(world)["memory"].at > second["memory"].at
    assert [one for one in world.actions if one != "change"] == ["rehearsed"]
    assert world.target.calls.count("apply") == 0


def test_a_rollback_that_would_not_work_is_a_finding_until_it_would(factory, client, clock):
    world = a_world(factory)
    world.healthy_mix()
    world.target.inner.rehearse = lambda _: Rehearsal(problems=("403: may not patch httproutes",))
    factory.rehearsals.run()
    assert stored(world)["memory"].problems == ("403: may not patch httproutes",)
    assert world.actions == ["rehearsal_failed"]
    assert "may not patch" in open_findings(world)["chat"].detail
    (alert,) = world.alerts
    assert (alert["kind"], alert["severity"]) == ("rehearsal_failed", "warn")
    assert alert["next_step"] == "fullback flip chat --to baseline --dry-run"
    assert ok_gauge(world, "memory") == 0
    assert "A rollback would not work" in client.get("/routes/chat").text

    clock.advance(timedelta(days=1))
    world.healthy_mix()
    factory.rehearsals.run()
    assert (world.actions, len(world.alerts)) == (["rehearsal_failed"], 1)

    del world.target.inner.rehearse
    clock.advance(timedelta(days=1))
    world.healthy_mix()
    factory.rehearsals.run()
    assert world.actions == ["rehearsal_failed", "rehearsed"]
    assert open_findings(world) == {}
    assert ok_gauge(world, "memory") == 1


def test_a_finding_that_a_person_closed_stays_closed_while_nothing_changes(factory, clock):
    world = a_world(factory)
    world.healthy_mix()
    world.target.inner.rehearse = lambda _: Rehearsal(problems=("no",))
    factory.rehearsals.run()
    factory.findings.close(open_findings(world)["chat"].id, "ana", "known")
    clock.advance(timedelta(days=1))
    factory.rehearsals.run()  # the baseline is thin now, too: another outcome is told again
    assert "the baseline answered 0 requests" in open_findings(world)["chat"].detail
    factory.findings.close(open_findings(world)["chat"].id, "ana", "known")
    clock.advance(timedelta(days=1))
    factory.rehearsals.run()
    assert open_findings(world) == {}
    assert stored(world)["memory"].problems == ("no",)


def test_a_thin_baseline_counts_where_the_controller_would_act(factory, clock):
    world = a_world(factory, mode=Mode.OBSERVE)
    factory.rehearsals.run()
    assert stored(world)[""].problems == ()
    clock.advance(timedelta(seconds=1))
    factory.routes.change("chat", RouteChange(mode=Mode.AUTO), "ana")
    clock.advance(timedelta(seconds=1))
    factory.rehearsals.run()
    assert "0 requests in 120 s" in stored(world)[""].problems[0]


def test_what_a_rehearsal_found_of_gitops_keeps_auto_from_being_armed(factory):
    world = a_world(factory)
    world.healthy_mix()
    world.target.reads = lambda: replace(world.target.inner.read(), owners=("argocd",))
    factory.rehearsals.run()
    assert stored(world)["memory"].owners == ("argocd",)
    world.alarm()
    assert world.run() is Phase.ARMED
    assert "argocd would write over a flip at target memory" in world.audits[-1].reason


def test_a_flip_that_is_being_applied_is_not_disturbed(factory, clock):
    world = a_world(factory)
    world.healthy_mix()
    world.target.writes = unreachable
    world.alarm()
    assert world.run() is Phase.APPLYING
    factory.rehearsals.run()
    assert stored(world) == {}
    assert world.target.calls.count("rehearse") == 0


def test_a_route_whose_rehearsal_breaks_does_not_hold_up_the_others(factory):
    broken, other = a_world(factory, name="a"), a_world(factory)
    other.healthy_mix()

    def fails(_):
        raise RuntimeError

    broken.target.inner.rehearse = fails
    factory.rehearsals.run()
    assert set(stored(other)) == {"", "memory"}
    assert stored(broken) == {}

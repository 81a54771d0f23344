"""Freezes: begun, shown and lifted over HTTP; audited on every route; what they hold and what they do not."""

from datetime import timedelta

import pytest

from monitor.models.key import Scope
from monitor.models.route import Goal, Phase
from monitor.storage.freezes import FreezeStore
from tests.support.events import bearer, key
from tests.support.world import a_world


@pytest.fixture
def ops(factory):
    return bearer(key(factory, Scope.READ, Scope.OPERATE, source="ana"))


@pytest.fixture
def bound(factory):
    return bearer(key(factory, Scope.READ, Scope.OPERATE, source="bo", routes=frozenset({"chat"})))


def begin(client, who, route="chat", hours=2, reason="release week"):
    return client.post("/v1/freezes", json={"route": route, "hours": hours, "reason": reason}, headers=who)


def standing(client, who, state="standing"):
    return client.get(f"/v1/freezes?state={state}", headers=who).json()["items"]


def test_a_frozen_route_is_blocked_pages_and_goes_on_once_it_is_lifted(factory, client, ops):
    world = a_world(factory)
    made = begin(client, ops)
    assert made.status_code == 201
    assert (made.json()["route"], made.json()["stands"], made.json()["breaker"]) == ("chat", True, False)
    world.healthy_mix()
    world.alarm()
    assert world.run() is Phase.BLOCKED
    assert "frozen by ana" in world.audits[-1].reason
    assert world.target.calls.count("apply") == 0
    assert "blocked" in world.queued
    lifted = client.post(f"/v1/freezes/{made.json()['id']}/lift", json={"reason": "it is out"}, headers=ops)
    assert (lifted.status_code, lifted.json()["stands"], lifted.json()["lifted_by"]) == (200, False, "ana")
    assert world.run() is Phase.VERIFYING_TRAFFIC
    acts = [(audit.action, audit.actor) for audit in world.audits if audit.action in {"freeze", "unfreeze"}]
    assert acts == [("freeze", "ana"), ("unfreeze", "ana")]


def test_a_person_flips_a_frozen_route(factory, client, ops):
    world = a_world(factory)
    begin(client, ops, hours=None)
    factory.operator.flip(world.route, Goal.BASELINE, "ana", "I know that it is bad")
    assert world.run() is Phase.VERIFYING_TRAFFIC


def test_a_freeze_of_all_routes_is_in_the_audit_of_each(factory, client, ops, bound):
    one, other = a_world(factory), a_world(factory, name="code")
    refused = begin(client, bound, route=None)
    assert refused.status_code == 403
    assert "key of all routes" in refused.json()["detail"]
    made = begin(client, ops, route=None, hours=None)
    assert (made.json()["route"], made.json()["ends_at"]) == (None, None)
    assert one.actions == other.actions == ["freeze"]
    assert client.post(f"/v1/freezes/{made.json()['id']}/lift", json={"reason": "x"}, headers=bound).status_code == 403
    client.post(f"/v1/freezes/{made.json()['id']}/lift", json={"reason": "over"}, headers=ops)
    assert one.actions == other.actions == ["freeze", "unfreeze"]


def test_the_breakers_freeze_is_shown_as_the_breaker_and_lifted_like_any(factory, client, ops):
    world = a_world(factory)
    with factory.database.transaction() as session:
        FreezeStore(session).add(None, "breaker", "4 of 5 routes alarmed within 600 s", factory.clock.now(), None)
    (shown,) = standing(client, ops)
    assert shown["breaker"]
    assert shown["said"].startswith("the breaker holds all routes until it is lifted (fullback unfreeze")
    assert [one["breaker"] for one in client.get("/v1/routes/chat", headers=ops).json()["freezes"]] == [True]
    console = client.get("/").text
    assert "The breaker holds all routes" in console
    assert f"fullback unfreeze {shown['id']}" in console
    assert client.post(f"/v1/freezes/{shown['id']}/lift", json={"reason": "seen"}, headers=ops).status_code == 200
    assert standing(client, ops) == []
    assert world.actions == ["unfreeze"]


def test_a_freeze_ends_by_itself_and_is_lifted_once(factory, client, ops, clock):
    a_world(factory)
    made = begin(client, ops, hours=1).json()
    clock.advance(timedelta(hours=1))
    assert standing(client, ops) == []
    late = client.post(f"/v1/freezes/{made['id']}/lift", json={"reason": "late"}, headers=ops)
    assert (late.status_code, "is over already" in late.json()["detail"]) == (409, True)
    other = begin(client, ops, hours=None).json()
    assert client.post(f"/v1/freezes/{other['id']}/lift", json={"reason": "a"}, headers=ops).status_code == 200
    again = client.post(f"/v1/freezes/{other['id']}/lift", json={"reason": "b"}, headers=ops)
    assert (again.status_code, "lifted by ana" in again.json()["detail"]) == (409, True)
    assert client.post("/v1/freezes/999/lift", json={"reason": "c"}, headers=ops).status_code == 404
    assert [one["stands"] for one in standing(client, ops, "all")] == [False, False]


def test_a_bound_key_sees_its_own_and_those_of_all(factory, client, ops, bound):
    a_world(factory)
    a_world(factory, name="code")
    hidden = begin(client, ops, route="code").json()
    begin(client, ops, route=None)
    begin(client, bound, route="chat")
    assert [one["route"] for one in standing(client, bound)] == [None, "chat"]
    assert begin(client, bound, route="code").status_code == 403
    assert client.post(f"/v1/freezes/{hidden['id']}/lift", json={"reason": "x"}, headers=bound).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"route": "chat", "reason": "for how long?"},
        {"hours": 1, "reason": "what?"},
        {"route": "chat", "hours": 0, "reason": "none"},
        {"route": "chat", "hours": 1, "reason": ""},
        {"route": "chat", "hours": 1e9, "reason": "for ever"},
    ],
)
def test_a_freeze_says_what_for_how_long_and_why(factory, client, ops, body):
    a_world(factory)
    assert client.post("/v1/freezes", json=body, headers=ops).status_code == 422
    assert standing(client, ops) == []


def test_freezing_needs_the_scope(factory, client):
    a_world(factory)
    reader = bearer(key(factory, Scope.READ, source="reader"))
    assert begin(client, reader).status_code == 403
    assert client.get("/v1/freezes").status_code == 401


def test_a_breaker_that_two_routes_tripped_at_once_is_lifted_once(factory, client, ops):
    a_world(factory)
    with factory.database.transaction() as session:
        for _ in range(2):
            FreezeStore(session).add(None, "breaker", "4 of 5 routes alarmed", factory.clock.now(), None)
    begin(client, ops, route=None)
    first = standing(client, ops)[0]
    assert client.post(f"/v1/freezes/{first['id']}/lift", json={"reason": "seen"}, headers=ops).status_code == 200
    assert [(one["breaker"], one["actor"]) for one in standing(client, ops)] == [(False, "ana")]

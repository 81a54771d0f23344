"""Routes and variants over HTTP."""

import pytest

from monitor.models.key import Scope
from tests.support.events import bearer, key

BASELINE = {"name": "bf16", "role": "baseline", "backend": "base", "format": "bf16", "tier": "serving"}
CANDIDATE = {"name": "int4", "role": "candidate", "backend": "cand", "format": "int4", "tier": "quantized"}
TARGET = {"kind": "memory", "settings": {"name": "routes-api", "weights": {"base": 5, "cand": 95}, "mirror": "base"}}
SHOWN = {"name": "memory", **TARGET, "backends": {}, "sources": []}
BODY = {"name": "chat", "target": TARGET, "variants": [BASELINE, CANDIDATE]}


@pytest.fixture
def admin(factory):
    return bearer(key(factory, Scope.ADMIN, source="admin"))


@pytest.fixture
def call(client, admin):
    def call(method, path="", body=None, headers=None):
        return client.request(method, f"/v1/routes{path}", json=body, headers=headers or admin)

    return call


@pytest.fixture
def chat(call):
    assert call("POST", body=BODY).status_code == 201


def test_a_route_is_created_with_its_variants(call):
    made = call("POST", body=BODY)
    assert made.status_code == 201
    assert (made.json()["mode"], made.json()["policy"]) == ("observe", "default")
    assert [v["name"] for v in made.json()["variants"]] == ["bf16", "int4"]
    shown = call("GET", "/chat").json()
    assert (shown["phase"], shown["epoch"], shown["warm"], shown["streams"]) == ("armed", 0, False, [])
    assert [r["name"] for r in call("GET").json()["items"]] == ["chat"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "a route"}, "/body/name"),
        ({"name": "chat\0"}, "/body/name"),
        ({"mode": "yolo"}, "/body/mode"),
        ({"mirror_percent": 101}, "/body/mirror_percent"),
        ({"colour": "red"}, "/body/colour"),
        ({"policy": "nobody"}, "there is no policy 'nobody'"),
        ({"target": {"kind": "teleport", "settings": {}}}, "known: envoy, httproute, litellm, memory"),
        ({"target": {"kind": "memory", "settings": {"nam": "x"}}}, "missing 'name'"),
        ({"variants": [CANDIDATE]}, "exactly one must have the role baseline"),
        ({"variants": [BASELINE, {**BASELINE, "name": "b2", "backend": "b2"}]}, "exactly one"),
        ({"variants": [BASELINE, {**CANDIDATE, "tier": "magic"}]}, "/body/variants/1/tier"),
        ({"waiver": "no\0thing"}, ""),
        ({"target": {"kind": "memory", "settings": {"name": "a\0b"}}}, ""),
    ],
)
def test_a_bad_route_is_answered_with_the_reason(call, change, told):
    answer = call("POST", body={**BODY, **change})
    assert answer.status_code in {404, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert told in answer.json()["detail"]
    assert call("GET").json()["items"] == []


@pytest.mark.parametrize(
    "change",
    [{}, {"name": "other", "variants": [BASELINE, {**CANDIDATE, "backend": "base"}]}],
    ids=["name", "backend"],
)
def test_what_is_taken_is_a_conflict(call, chat, change):
    answer = call("POST", body={**BODY, **change})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert [r["name"] for r in call("GET").json()["items"]] == ["chat"]


def test_a_change_leaves_what_it_does_not_name(call, chat, client, admin):
    answer = call("PATCH", "/chat", {"mode": "auto", "waiver": "tested elsewhere"})
    assert (answer.status_code, answer.json()["mode"]) == (200, "auto")
    shown = call("GET", "/chat").json()
    assert (shown["waiver"], shown["targets"]) == ("tested elsewhere", [SHOWN])
    audit = client.get("/v1/decisions?route=chat", headers=admin).json()["items"]
    assert [(a["action"], a["actor"]) for a in audit] == [("change", "admin"), ("create", "admin")]
    assert "mode = auto" in audit[0]["reason"]


@pytest.mark.parametrize("body", [{"mode": "yolo"}, {"policy": "nobody"}, {"target": {"kind": "teleport"}}, {"nam": 1}])
def test_a_bad_change_changes_nothing(call, chat, body):
    before = call("GET", "/chat").json()
    assert call("PATCH", "/chat", body).status_code in {404, 422}
    assert call("GET", "/chat").json() == before


def test_variants_are_added_by_rule(call, chat):
    other = {**CANDIDATE, "name": "int8", "backend": "cand8"}
    assert call("POST", "/chat/variants", other).status_code == 201
    for bad in (other, {**other, "name": "x"}, {**BASELINE, "name": "b2", "backend": "b2"}):
        assert call("POST", "/chat/variants", bad).status_code == 409
    assert [v["name"] for v in call("GET", "/chat/variants").json()["items"]] == ["bf16", "int4", "int8"]


def test_an_unknown_route_is_not_found(call, chat):
    for method, path in (
        ("GET", "/nobody"),
        ("PATCH", "/nobody"),
        ("GET", "/nobody/variants"),
        ("GET", "/(unattributed)"),
    ):
        answer = call(method, path, {} if method == "PATCH" else None)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "known: chat" in call("GET", "/nobody").json()["detail"]


def test_strange_paths_and_cursors_are_no_server_error(client, admin, call, chat):
    for path in ("/v1/routes/a%00b", "/v1/incidents?cursor=99999999999999999999", "/v1/decisions?limit=0"):
        answer = client.get(path, headers=admin)
        assert answer.status_code < 500, (path, answer.text)
    closed = call("POST", f"/chat/incidents/{10**30}/close", {"reason": "gone"})
    assert closed.status_code in {404, 422}
    pinned = call("PUT", "/chat/pin", {"reason": "a\0b"})
    assert pinned.status_code == 422


def test_scopes_and_bindings_hold(client, factory, call, chat):
    assert call("POST", body={**BODY, "name": "other"}).status_code == 201
    reader = bearer(key(factory, Scope.READ, source="reader"))
    bound = bearer(key(factory, Scope.READ, Scope.OPERATE, source="bound", routes=frozenset({"other"})))
    assert call("POST", body=BODY, headers=reader).status_code == 403
    assert call("PUT", "/chat/pin", {"reason": "a test"}, headers=reader).status_code == 403
    assert [r["name"] for r in call("GET", headers=bound).json()["items"]] == ["other"]
    assert call("GET", "/chat", headers=bound).status_code == 403
    assert call("PUT", "/chat/pin", {"reason": "a test"}, headers=bound).status_code == 403
    assert call("PUT", "/other/pin", {"reason": "a test"}, headers=bound).status_code == 200
    seen = client.get("/v1/decisions", headers=bound).json()["items"]
    assert {a["route"] for a in seen} == {"other"}
    assert client.get("/v1/routes").status_code == 401

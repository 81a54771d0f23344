"""Attribution rules over HTTP: replaced as a whole, checked, used at ingest, and tried out without storing."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from monitor import cli_attribution
from monitor.cli import main
from monitor.models.key import Scope
from tests.conftest import START
from tests.support.events import BASE, CANDIDATE, ROUTE, access_line, add_route, bearer, event, key, reply

RULES, EXPLAIN = "/v1/attribution/rules", "/v1/attribution/explain"
AT = START - timedelta(seconds=5)
RULE = {
    "name": "int4-pods",
    "match": {"service": {"glob": "vllm-*-int4"}, "namespace": "llm"},
    "outcome": {"route": ROUTE, "variant": CANDIDATE, "leg": "shadow"},
}
BARE = {"route": None, "backend": None, "request": None}
SECRET = "the-user-wrote-this"


@pytest.fixture
def admin(factory):
    add_route(factory)
    return bearer(key(factory, Scope.ADMIN, source="admin"))


@pytest.fixture
def put(client, admin):
    def put(*rules):
        return client.put(RULES, json={"rules": list(rules)}, headers=admin)

    return put


@pytest.fixture
def stored(database):
    def stored():
        with database.reading() as session:
            rows = session.execute(
                text("SELECT request_id, v.name, leg, rule FROM events e LEFT JOIN variants v ON v.id = e.variant_id")
            )
            return {row[0]: tuple(row[1:]) for row in rows}

    return stored


def test_rules_are_used_by_the_next_request(client, factory, admin, put, stored):
    headers = bearer(key(factory))
    sent = event("before", AT, service="vllm-a-int4", namespace="llm", **BARE)
    assert client.post("/v1/events", json=[sent], headers=headers).json()["stored"] == 1
    assert put(RULE).status_code == 200
    after = {**sent, "request_id": "after", "event_id": "after"}
    assert client.post("/v1/events", json=[after], headers=headers).json()["unknown_fields"] == []
    line = access_line("line", AT, upstream_cluster="-", route_name="-", service="vllm-b-int4", namespace="llm")
    assert client.post("/v1/access-logs", json=[line], headers=headers).json()["stored"] == 1
    assert stored() == {
        "before": (None, "unknown", "route:none"),
        "after": (CANDIDATE, "shadow", "route:rule:int4-pods,variant:rule:int4-pods,leg:rule:int4-pods"),
        "line": (CANDIDATE, "primary", "route:rule:int4-pods,variant:rule:int4-pods,leg:access_log"),
    }


def test_a_key_bound_elsewhere_cannot_post_through_a_rule(client, factory, put):
    add_route(factory, name="other", backends=("b2", "c2"))
    assert put(RULE).status_code == 200
    headers = bearer(key(factory, routes=frozenset({"other"})))
    sent = event("r", AT, service="vllm-a-int4", namespace="llm", **BARE)
    assert client.post("/v1/events", json=[sent], headers=headers).json()["rejected_by_code"] == {
        "route_not_allowed": 1
    }


def test_the_list_is_replaced_in_order_and_remembers_who_wrote_what(client, factory, admin, put, clock):
    other = {"name": "all-of-it", "match": {"source": "x"}, "outcome": {"route": ROUTE}}
    first = put(RULE, other).json()["rules"]
    assert [(r["name"], r["position"], r["actor"]) for r in first] == [
        ("int4-pods", 1, "admin"),
        ("all-of-it", 2, "admin"),
    ]
    clock.advance(timedelta(hours=1))
    second_admin = bearer(key(factory, Scope.ADMIN, source="second"))
    given = client.get(RULES, headers=admin).json()
    assert given["rules"] == first
    given["rules"].reverse()
    given["rules"][0]["match"] = {"source": "y"}
    answer = client.put(RULES, json=given, headers=second_admin)
    assert answer.status_code == 200, answer.text
    assert [(r["name"], r["position"], r["actor"]) for r in answer.json()["rules"]] == [
        ("all-of-it", 1, "second"),
        ("int4-pods", 2, "admin"),
    ]
    assert answer.json()["rules"][1]["created_at"] == first[0]["created_at"]
    assert put().json() == {"rules": []}
    assert client.get(RULES, headers=admin).json() == {"rules": []}


@pytest.mark.parametrize(
    ("change", "pointer", "allowed"),
    [
        ({"match": {"colour": "red"}}, "/rules/0/match", "fingerprint"),
        ({"match": {}}, "/rules/0/match", "service"),
        ({"match": {"service": {"regex": "a.*"}}}, "/rules/0/match/service", "glob"),
        ({"match": {"service": {"glob": "a", "prefix": "b"}}}, "/rules/0/match/service", "prefix"),
        ({"match": {"service": 7}}, "/rules/0/match/service", "prefix"),
        ({"match": {"service": ""}}, "/rules/0/match/service", None),
        ({"match": {"service": "a\0"}}, "/rules/0/match/service", None),
        ({"match": {"service": "\ud83d"}}, "/rules/0/match/service", None),
        ({"match": {"service": {"prefix": "x" * 257}}}, "/rules/0/match/service/prefix", None),
        ({"match": {"service": {"glob": "*a" * 9}}}, "/rules/0/match/service", None),
        ({"outcome": {"route": "nobody"}}, "/rules/0/outcome/route", ROUTE),
        ({"outcome": {"route": "\ud83d"}}, "/rules/0/outcome/route", ROUTE),
        ({"outcome": {}}, "/rules/0/outcome/route", ROUTE),
        ({"outcome": {"route": ROUTE, "variant": "nobody"}}, "/rules/0/outcome/variant", BASE),
        ({"outcome": {"route": ROUTE, "leg": "left"}}, "/rules/0/outcome/leg", "shadow"),
        ({"outcome": {"route": ROUTE, "weight": 1}}, "/rules/0/outcome", "variant"),
    ],
)
def test_a_bad_rule_is_refused_with_what_is_allowed(client, admin, put, change, pointer, allowed):
    assert put(RULE).status_code == 200
    body = json.dumps({"rules": [{**RULE, **change}]}).encode()
    answer = client.put(RULES, content=body, headers={**admin, "Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text
    assert answer.json()["pointer"] == pointer
    assert allowed is None or allowed in answer.json()["allowed"]
    assert [r["name"] for r in client.get(RULES, headers=admin).json()["rules"]] == ["int4-pods"], "nothing changed"


@pytest.mark.parametrize(
    "body",
    [
        {"rules": [RULE, RULE]},
        {"rules": [{**RULE, "name": "a,b"}]},
        {"rules": [{**RULE, "colour": "red"}]},
        {"rules": "all"},
        {"rules": [{**RULE, "name": f"r{n}"} for n in range(501)]},
        [],
    ],
    ids=["twice", "name", "field", "no list", "many", "bare"],
)
def test_a_bad_list_is_refused(client, admin, body):
    answer = client.put(RULES, json=body, headers=admin)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_rules_need_their_scope(client, factory, admin):
    reader = bearer(key(factory, Scope.READ, source="reader"))
    assert client.put(RULES, json={"rules": []}, headers=reader).status_code == 403
    assert client.get(RULES, headers=reader).status_code == 200
    assert client.post(EXPLAIN, json={}, headers=bearer(key(factory))).status_code == 403
    assert client.get(RULES).status_code == 401


def test_a_bound_key_sees_the_rules_of_its_routes(client, factory, put):
    add_route(factory, name="other", backends=("b2", "c2"))
    hidden = {"name": "hidden", "match": {"source": "x"}, "outcome": {"route": "other"}}
    assert put(hidden, RULE).status_code == 200
    bound = bearer(key(factory, Scope.READ, source="bound", routes=frozenset({ROUTE})))
    rules = client.get(RULES, headers=bound).json()["rules"]
    assert [(r["name"], r["position"]) for r in rules] == [("int4-pods", 2)]
    asked = client.post(EXPLAIN, json=event("r", AT, route="other"), headers=bound)
    assert (asked.status_code, asked.json()["code"]) == (403, "forbidden")


def test_explain_says_what_ingest_would_do(client, factory, admin, put, stored):
    assert put(RULE, {"name": "by-source", "match": {"source": "shipper"}, "outcome": {"route": ROUTE}}).is_success
    headers = bearer(key(factory, Scope.INGEST, Scope.READ))
    native = [
        event("r1", AT, service="vllm-a-int4", namespace="llm", **BARE),
        event("r2", AT),
        event("r3", AT, route="nobody"),
        event("r4", AT, host="llm-shadow", **BARE),
    ]
    lines = [access_line("l1", AT), access_line("l2", AT, upstream_cluster="elsewhere", route_name="-")]
    explained = {}
    for record in native:
        explained[record["request_id"]] = client.post(EXPLAIN, json=record, headers=headers)
    for record in lines:
        body = {"door": "access-logs", "record": record}
        explained[record["request_id"]] = client.post(EXPLAIN, json=body, headers=headers)
    assert all(answer.status_code == 200 for answer in explained.values())
    assert stored() == {}, "nothing is stored"
    assert client.get("/v1/ingest/accounts", headers=headers).json()["received"] == 0
    client.post("/v1/events", json=native, headers=headers)
    client.post("/v1/access-logs", json=lines, headers=headers)
    told = {name: answer.json() for name, answer in explained.items()}
    assert stored() == {name: (one["variant"], one["leg"], one["rule"]) for name, one in told.items()}
    assert told["r3"]["route"] is None
    assert told["r1"]["route"] == told["l2"]["route"] == ROUTE
    assert told["r2"]["readings"]["schema_validity"] == 0.0


def test_explain_stands_in_for_another_source(client, admin, put):
    assert put({"name": "by-source", "match": {"source": "fluent"}, "outcome": {"route": ROUTE}}).is_success
    record = event("r", AT, **BARE)
    asked = client.post(EXPLAIN, json={"record": record, "source": "fluent"}, headers=admin).json()
    assert (asked["route"], asked["rule"]) == (ROUTE, "route:rule:by-source,variant:none,leg:none")
    assert client.post(EXPLAIN, json={"record": record}, headers=admin).json()["rule"] == "route:none"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"request_id": SECRET},
        {"request_id": "r", "started_at": SECRET},
        {"door": "back", "record": {"request_id": SECRET}},
        {"record": {}, "source": 7},
        {"request_id": "r", "started_at": "2026-03-02T12:00:00Z", "status": SECRET},
    ],
)
def test_explain_refuses_what_ingest_would_reject_and_shows_no_text(client, admin, body):
    answer = client.post(EXPLAIN, json=body, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert SECRET not in answer.text


def test_the_command_line(client, admin, put, tmp_path, monkeypatch):
    def call(method, path, **arguments):
        answer = client.request(method, path, headers=admin, **arguments)
        assert answer.is_success, answer.text
        return answer.json()

    monkeypatch.setattr(cli_attribution, "call_api", call)
    run = CliRunner().invoke
    assert "no rules" in run(main, ["attribution", "rules"]).output
    rules = tmp_path / "rules.yaml"
    rules.write_text(json.dumps([RULE]))
    applied = run(main, ["attribution", "apply", str(rules)])
    assert applied.exit_code == 0
    assert "int4-pods: service=glob:vllm-*-int4 and namespace=llm -> route chat" in applied.output
    dump = json.loads(run(main, ["attribution", "rules", "--json"]).output)
    rules.write_text(json.dumps(dump))
    assert run(main, ["attribution", "apply", str(rules), "--json"]).exit_code == 0, "a dump can be applied"
    sent = tmp_path / "event.json"
    sent.write_text(json.dumps(event("r", AT, service="vllm-a-int4", namespace="llm", **BARE)))
    told = run(main, ["attribution", "explain", str(sent)]).output
    assert f"route {ROUTE}  variant {CANDIDATE}  leg shadow" in told
    assert json.loads(run(main, ["attribution", "explain", str(sent), "--json"]).output)["route"] == ROUTE


def test_explain_reads_signals_by_the_routes_own_answer_schema(client, factory, admin):
    asked = {"messages": [{"role": "user", "content": "How many parcels?"}]}
    record = event("r", AT, request=asked, response=reply('{"parcels": 3}'))
    assert "schema_validity" not in client.post(EXPLAIN, json=record, headers=admin).json()["readings"]
    schema = {"type": "object", "required": ["town"]}
    changed = client.patch(f"/v1/routes/{ROUTE}", json={"answer_schema": schema}, headers=admin)
    assert changed.status_code == 200, changed.text
    assert client.post(EXPLAIN, json=record, headers=admin).json()["readings"]["schema_validity"] == 1

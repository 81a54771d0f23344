"""Texts over the whole way: kept by the route's policy, redacted, expired, erased with their subject."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from monitor import client as api_client
from monitor.cli import main
from monitor.config import Settings
from monitor.factory import Factory
from monitor.models.key import Scope
from monitor.storage.texts import TextStore, decode
from tests.conftest import START
from tests.support.events import ROUTE, access_line, add_route, bearer, event, key, reply

AT = START - timedelta(seconds=5)
RULE = {"name": "order", "pattern": r"ORD-\d+", "replace": "<order>"}


@pytest.fixture
def admin(factory):
    return bearer(key(factory, Scope.ADMIN, source="admin"))


@pytest.fixture
def route(factory):
    return add_route(factory)


@pytest.fixture
def keep(client, admin, route):
    def keep(name=ROUTE, **policy):
        answer = client.patch(f"/v1/routes/{name}", json={"text_storage": policy}, headers=admin)
        assert answer.status_code == 200, answer.text
        return answer.json()["text_storage"]

    return keep


@pytest.fixture
def post(client, factory, route):
    headers = bearer(key(factory))

    def post(*records, path="/v1/events"):
        answer = client.post(path, json=list(records), headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return post


@pytest.fixture
def rows(database):
    def rows(statement, **parameters):
        with database.reading() as session:
            return [tuple(row) for row in session.execute(text(statement), parameters)]

    return rows


@pytest.fixture
def texts(database, rows):
    """The kept texts by request id."""

    def texts():
        found = {}
        with database.reading() as session:
            for route_id, day, event_key, request_id in rows(
                "SELECT route_id, start_day, event_key, request_id FROM events"
            ):
                body = TextStore(session).text_of(route_id, day, event_key)
                if body is not None:
                    found.setdefault(request_id, []).append(json.loads(body))
        return found

    return texts


@pytest.fixture
def erase(client, admin):
    def erase(subject, reason="asked to", headers=None):
        body = {"subject": subject, "reason": reason}
        return client.request("DELETE", "/v1/subjects", json=body, headers=headers or admin)

    return erase


def test_no_text_is_kept_by_default(post, texts, rows):
    post(event("r1", AT), event("r2", AT, status=503))
    assert texts() == {}
    assert rows("SELECT count(*) FROM event_texts") == [(0,)]


def test_all_keeps_what_was_sent_without_what_is_redacted(keep, post, texts):
    shown = keep(mode="all", redact=["email", RULE])
    assert shown == {"mode": "all", "sample_percent": 1.0, "retention_days": 7, "redact": ["email", RULE]}
    said = "mail bob@example.com about ORD-17"
    post(event("r1", AT, response=reply(said)), event("r2", AT, response=reply("fine\0")))
    kept = texts()
    assert kept["r1"][0]["response"]["choices"][0]["message"]["content"] == "mail [email] about <order>"
    assert kept["r1"][0]["request"]["messages"] == event("r1", AT)["request"]["messages"]
    assert kept["r2"][0]["response"]["choices"][0]["message"]["content"] == "fine"


def test_failures_keeps_what_went_wrong(keep, post, texts):
    keep(mode="failures")
    post(event("good", AT), event("bad", AT, response=reply("no json")), event("down", AT, status=503, response={}))
    assert set(texts()) == {"bad", "down"}


def test_a_sample_keeps_both_legs_or_neither(keep, post, texts):
    keep(mode="sample", sample_percent=30)
    legs = [
        event(f"r{n}", AT, backend=backend, host=host, event_id=f"{backend}-{n}")
        for n in range(60)
        for backend, host in (("cand", "llm"), ("base", "llm-shadow"))
    ]
    assert post(*legs)["stored"] == 120
    kept = texts()
    assert 5 < len(kept) < 35
    assert {len(found) for found in kept.values()} == {2}


def test_a_gateway_record_has_no_text(keep, post, texts):
    keep(mode="all")
    post(access_line("r1", AT), path="/v1/access-logs")
    assert texts() == {}


def test_a_redaction_that_fails_costs_the_text_and_not_the_event(keep, post, texts, monkeypatch):
    keep(mode="all")

    def broken(*_):
        raise ValueError("bob@example.com")

    monkeypatch.setattr("monitor.services.ingest.kept_text", broken)
    assert post(event("r1", AT))["stored"] == 1
    assert texts() == {}


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"mode": "all", "redact": [{"name": "mine", "pattern": "(?=x)"}]}, "'mine'"),
        ({"mode": "all", "redact": [{"name": "mine", "pattern": "a*"}]}, "'mine'"),
        ({"mode": "all", "redact": ["fax"]}, "'fax'"),
        ({"mode": "all", "retention_days": 31}, "30 days"),
        ({"mode": "all", "sample_percent": -1}, "/sample_percent"),
        ({"mode": "always"}, "/mode"),
        ({"mode": "all", "redact": ["ip", "ip"]}, "once"),
        ({"mode": "all", "redact": [{"name": "mine", "pattern": "a", "replace": "b\0"}]}, "'mine'"),
        ({"mode": "all", "redact": [{"name": "email", "pattern": "a"}]}, "built in"),
        ({}, "/mode"),
    ],
)
@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_a_bad_policy_is_a_problem(client, admin, route, method, policy, told):
    target = {"kind": "memory", "settings": {"name": "other", "weights": {"base": 1}, "mirror": None}}
    body = {"text_storage": policy} if method == "PATCH" else {"name": "n", "target": target, "text_storage": policy}
    path = f"/v1/routes/{ROUTE}" if method == "PATCH" else "/v1/routes"
    answer = client.request(method, path, json=body, headers=admin)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]
    assert client.get(f"/v1/routes/{ROUTE}", headers=admin).json()["text_storage"]["mode"] == "none"


def test_a_route_is_created_with_its_policy(client, admin):
    target = {"kind": "memory", "settings": {"name": "other", "weights": {"base": 1}, "mirror": None}}
    body = {"name": "new", "target": target, "text_storage": {"mode": "failures", "retention_days": 2}}
    assert client.post("/v1/routes", json=body, headers=admin).status_code == 201
    shown = client.get("/v1/routes/new", headers=admin).json()["text_storage"]
    assert (shown["mode"], shown["retention_days"]) == ("failures", 2)
    assert shown["redact"] == ["email", "key", "card", "ip", "phone"]


def test_a_change_of_policy_is_audited(keep, client, admin):
    keep(mode="all", redact=["ip"])
    told = client.get("/v1/decisions", headers=admin).json()["items"][0]
    assert told["reason"] == "set text_storage = all, 7 days, redacting ip"


def test_texts_expire_before_their_events(factory, clock, keep, post, rows):
    add_route(factory, name="brief", backends=("b2", "c2"))
    add_route(factory, name="silent", backends=("b3", "c3"))
    keep(mode="all", retention_days=5)
    keep("brief", mode="all", retention_days=2)
    for _ in range(7):
        now = clock.now()
        post(event(f"a{now.day}", now), event(f"b{now.day}", now, route="brief", backend="c2"))
        clock.advance(timedelta(days=1))
    keep("silent", mode="none", retention_days=1)
    assert len(rows("SELECT 1 FROM event_texts")) == 14
    factory.retention.run()
    names = {row[0]: row[1] for row in rows("SELECT name, id FROM routes")}
    kept = dict(rows("SELECT route_id, count(*) FROM event_texts GROUP BY route_id"))
    today = clock.now().date()
    days = dict(rows("SELECT route_id, min(start_day) FROM event_texts GROUP BY route_id"))
    assert days == {names[ROUTE]: today - timedelta(days=5), names["brief"]: today - timedelta(days=2)}
    assert kept[names["brief"]] == 2
    assert rows("SELECT count(*) FROM events") == [(14,)]


def test_texts_never_outlive_their_events(database, clock, keep, post, rows):
    keep(mode="all", retention_days=20)
    post(event("r1", clock.now()))
    clock.advance(timedelta(days=4))
    Factory(Settings(retention_days=3), clock=clock, database=database).retention.run()
    assert rows("SELECT count(*) FROM event_texts") == [(0,)]
    assert rows("SELECT count(*) FROM events") == [(0,)]


def test_a_subject_is_stored_as_a_hash_only(post, rows):
    post(event("r1", AT, subject="bob@example.com"), event("r2", AT, subject="bob@example.com"), event("r3", AT))
    found = rows("SELECT subject FROM events ORDER BY request_id")
    assert found[0] == found[1] != found[2] == (None,)
    assert "bob" not in found[0][0]


def test_erasing_a_subject_leaves_numbers_only(keep, post, erase, rows, texts, client, admin):
    keep(mode="all")
    mine = [
        event("r1", AT, subject="bob", session_id="s1", event_id="e1"),
        event("r1", AT, backend="base", host="llm-shadow", session_id="s1", event_id="e2"),
        event("r2", AT - timedelta(days=2), subject="bob", event_id="e3"),
    ]
    others = [event("r3", AT, subject="eve", session_id="s3"), event("r4", AT, session_id="s4")]
    post(*mine, *others)
    post(access_line("r1", AT), path="/v1/access-logs")
    assert erase("bob").json() == {"events": 4, "texts": 3, "routes": 1}
    assert set(texts()) == {"r3", "r4"}
    blobs = [decode(codec, body) for codec, body in rows("SELECT codec, body FROM event_texts")]
    assert sum(bool(body) for blob in blobs for body in blob) == 2, (
        "the texts themselves are gone, not only their places"
    )
    left = rows("SELECT request_id, session_id, subject, text_blob, status FROM events ORDER BY started_at")
    erased = [row for row in left if row[0].startswith("erased-")]
    assert len(left) == 6
    assert len(erased) == 4
    assert all(row[1:4] == (None, None, None) for row in erased)
    assert len({row[0] for row in erased}) == 2, "the records of one request stay together"
    assert {row[4] for row in left} == {200}
    told = client.get("/v1/decisions", headers=admin).json()["items"]
    reasons = [one["reason"] for one in told if one["action"] == "erase"]
    assert all(reason.endswith("erased: asked to") for reason in reasons)
    assert len(reasons) == 2
    assert "bob" not in json.dumps(told)
    assert erase("bob").json() == {"events": 0, "texts": 0, "routes": 0}
    assert post(*mine)["duplicates"] == 3, "a resend does not bring it back"


def test_the_last_text_of_a_blob_takes_the_blob_along(keep, post, erase, rows):
    keep(mode="all")
    post(event("r1", AT, subject="bob"))
    assert rows("SELECT count(*) FROM event_texts") == [(1,)]
    erase("bob")
    assert rows("SELECT count(*) FROM event_texts") == [(0,)]


def test_an_erasure_works_in_bounded_steps(monkeypatch, keep, post, erase, texts):
    monkeypatch.setattr("monitor.services.erasure._REQUESTS_AT_A_TIME", 7)
    keep(mode="all")
    post(*(event(f"r{n}", AT, subject="bob" if n % 2 else "eve") for n in range(60)))
    assert erase("bob").json() == {"events": 30, "texts": 30, "routes": 1}
    assert len(texts()) == 30


def test_the_text_of_an_expired_blob_is_no_obstacle(keep, post, erase, database):
    keep(mode="all")
    post(event("r1", AT, subject="bob"))
    with database.transaction() as session:
        session.execute(text("DELETE FROM event_texts"))
    assert erase("bob").json() == {"events": 1, "texts": 0, "routes": 1}


def test_unattributed_events_are_erased_too(post, erase, rows):
    post(event("r1", AT, route=None, backend="nowhere", request=None, subject="bob"))
    assert erase("bob").json() == {"events": 1, "texts": 0, "routes": 1}
    assert rows("SELECT subject FROM events") == [(None,)]


def test_a_key_can_be_replaced_without_losing_anybody(database, clock, post, rows):
    post(event("r1", AT, subject="bob"))
    rotated = Factory(Settings(subject_key="new, old"), clock=clock, database=database)
    assert rotated.subject_keys == (b"new", b"old")
    assert rotated.erasure.erase("bob", "asked to", "test").events == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"subject": "", "reason": "x"}, "/body/subject"),
        ({"subject": "b" * 257, "reason": "x"}, "/body/subject"),
        ({"subject": "bob"}, "/body/reason"),
        ({"subject": "bob", "reason": "Bob asked to"}, "names the subject"),
    ],
)
def test_a_bad_erasure_is_a_problem(client, admin, body, told):
    answer = client.request("DELETE", "/v1/subjects", json=body, headers=admin)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]
    assert "bbb" not in answer.text


@pytest.mark.parametrize(
    ("scopes", "routes"), [((Scope.OPERATE, Scope.READ), None), ((Scope.INGEST,), None), ((Scope.ADMIN,), {ROUTE})]
)
def test_only_an_unbound_admin_erases(factory, erase, scopes, routes):
    bound = None if routes is None else frozenset(routes)
    headers = bearer(key(factory, *scopes, source="other", routes=bound))
    assert erase("bob", headers=headers).status_code == 403


@pytest.mark.parametrize("subject", ["a\nb", "b" * 257, 7, ["bob"]])
def test_a_bad_subject_rejects_the_event(post, subject):
    told = post(event("r1", AT, subject=subject))
    assert told["rejected"] == 1
    assert told["errors"][0]["pointer"] == "/subject"


def test_from_the_command_line(client, admin, keep, post, texts, monkeypatch, tmp_path):
    def request(method, url, timeout, headers, **arguments):
        return client.request(method, url.removeprefix("http://here"), headers=admin, **arguments)

    monkeypatch.setenv("FULLBACK_URL", "http://here")
    monkeypatch.setenv("FULLBACK_API_KEY", "any")
    monkeypatch.setattr("httpx.request", request)
    assert api_client.call_api("GET", f"/v1/routes/{ROUTE}")["name"] == ROUTE
    policy = tmp_path / "texts.yaml"
    policy.write_text("mode: all\nredact: [ip]\n")
    run = CliRunner().invoke
    assert "texts all" in run(main, ["routes", "set", ROUTE, "--text-storage", str(policy)]).output
    post(event("r1", AT, subject="bob"), event("r2", AT, subject="eve"))
    told = run(main, ["erase", "--subject", "-", "--reason", "asked to", "--json"], input="bob\n")
    assert json.loads(told.output.splitlines()[-1]) == {"events": 1, "texts": 1, "routes": 1}
    assert set(texts()) == {"r2"}
    assert "1 events lost their ids, 1 texts" in run(main, ["erase", "--subject", "eve", "--reason", "x"]).output

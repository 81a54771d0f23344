"""Every door over HTTP against a real PostgreSQL: what comes in is stored or accounted for with a reason."""

import gzip
import json
import zlib
from datetime import timedelta

import pytest
import zstandard
from fastapi.testclient import TestClient
from sqlalchemy import text

from monitor.config import Settings
from monitor.factory import Factory
from monitor.intake.doors import DOORS
from monitor.main import ServiceRole, create_app
from monitor.models.key import Scope
from monitor.storage.session import Database
from tests.conftest import START
from tests.support.events import ROUTE, access_line, add_route, bearer, event, key

EVENTS, LOGS = "/v1/events", "/v1/access-logs"
AT = START - timedelta(seconds=5)
SECRET = "the-user-wrote-this"


@pytest.fixture
def settings():
    return Settings(ui_auth="off", commit_timeout_s=5, max_body_mib=1, max_decoded_mib=4, max_record_kib=64)


@pytest.fixture
def route(factory):
    return add_route(factory)


@pytest.fixture
def post(client, factory, route):
    headers = bearer(key(factory, Scope.INGEST, Scope.READ))

    def post(content, path=EVENTS, **more):
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
        return client.post(path, content=content, headers={**headers, **more})

    return post


@pytest.fixture
def rows(database):
    def rows(statement, **parameters):
        with database.reading() as session:
            return [tuple(row) for row in session.execute(text(statement), parameters)]

    return rows


@pytest.fixture
def ledger(client, factory, rows):
    """The accounts, which must always equal the tables."""
    headers = bearer(key(factory, Scope.READ, source="auditor"))

    def ledger():
        told = client.get("/v1/ingest/accounts", headers=headers).json()
        rejected = sum(told["rejected"].values())
        assert told["received"] == told["stored"] + told["duplicates"] + rejected
        assert told["stored"] == rows("SELECT count(*) FROM events")[0][0]
        assert rejected == rows("SELECT count(*) FROM dead_letters")[0][0]
        return told

    return ledger


def summed(answer):
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["received"] == told["stored"] + told["duplicates"] + told["rejected"]
    assert told["rejected"] == sum(told["rejected_by_code"].values())
    return told["stored"], told["duplicates"], told["rejected"]


BATCH = [event(f"r{n}", AT) for n in range(3)]
ARRAY = json.dumps(BATCH).encode()
LINES = "\n".join(map(json.dumps, BATCH)).encode()


@pytest.mark.parametrize(
    ("content", "headers", "stored"),
    [
        (ARRAY, {}, 3),
        (json.dumps(BATCH[0]).encode(), {}, 1),
        (LINES, {"Content-Type": "application/x-ndjson"}, 3),
        (LINES + b"\n", {"Content-Type": "text/plain"}, 3),
        (gzip.compress(ARRAY), {"Content-Encoding": "gzip"}, 3),
        (gzip.compress(LINES), {}, 3),
        (zstandard.compress(ARRAY), {"Content-Encoding": "zstd"}, 3),
        (zlib.compress(ARRAY), {"Content-Encoding": "deflate"}, 3),
        (ARRAY, {"Content-Encoding": "gzip"}, 3),
        (json.dumps({"events": BATCH}).encode(), {}, 3),
    ],
    ids=["array", "object", "lines", "text", "gzip", "unlabelled", "zstd", "deflate", "mislabelled", "wrapped"],
)
def test_every_form_of_body_is_taken(post, ledger, content, headers, stored):
    assert summed(post(content, **headers)) == (stored, 0, 0)
    assert ledger()["stored"] == stored


def test_an_access_log_is_taken(post, ledger, rows):
    lines = [access_line("r1", AT), access_line("r2", AT, response_code=503, response_flags="UF")]
    assert summed(post("\n".join(map(json.dumps, lines)).encode(), LOGS)) == (2, 0, 0)
    assert rows("SELECT recorder, leg, failure FROM events ORDER BY request_id") == [
        ("gateway", "primary", None),
        ("gateway", "primary", "connect"),
    ]
    assert ledger()["received"] == 2


@pytest.mark.parametrize("door", DOORS.values(), ids=lambda door: door.name)
def test_a_door_opens_with_a_trailing_slash(post, door):
    record = event("r1", AT) if door.path == EVENTS else access_line("r1", AT)
    assert summed(post([record], f"{door.path}/")) == (1, 0, 0)


def test_an_event_is_stored_with_its_signals(post, rows):
    assert summed(post([event("r1", AT), event("r2", AT, response=None, status=503)])) == (2, 0, 0)
    stored = rows("SELECT names, readings FROM events JOIN reading_layouts ON id = layout_id ORDER BY request_id")
    told = [dict(zip(names, readings, strict=True)) for names, readings in stored]
    assert [(each["schema_validity"], each["request_error"]) for each in told] == [(0.0, 0.0), (1.0, 1.0)]


def test_dedup_makes_the_same_batch_all_duplicates(post, ledger):
    assert summed(post(BATCH)) == (3, 0, 0)
    assert summed(post(BATCH)) == (0, 3, 0)
    told = ledger()
    assert (told["stored"], told["duplicates"]) == (3, 3)


def test_dedup_works_inside_a_batch(post, ledger):
    assert summed(post([BATCH[0], BATCH[1], BATCH[0]])) == (2, 1, 0)
    assert ledger()["received"] == 3


def test_dedup_needs_no_event_id(post, ledger):
    bare = event("r1", AT, event_id=None)
    later = event("r1", AT + timedelta(milliseconds=1), event_id=None)
    assert summed(post([bare, later])) == (2, 0, 0)
    assert summed(post([bare, later])) == (0, 2, 0)
    assert ledger()["stored"] == 2


def test_dedup_holds_across_midnight(post, ledger, clock):
    clock.advance(timedelta(hours=12))
    late = event("r1", clock.now() - timedelta(seconds=1))
    assert summed(post([late])) == (1, 0, 0)
    clock.advance(timedelta(minutes=5))
    assert summed(post([late])) == (0, 1, 0)
    assert ledger()["stored"] == 1


def test_one_id_on_both_sides_of_midnight_is_accounted_as_it_is_stored(post, ledger, clock):
    """The table is unique within the start day: one id with two starts is two events, and counted as two."""
    clock.advance(timedelta(hours=12))
    before = event("r1", clock.now() - timedelta(seconds=1))
    after = event("r1", clock.now() + timedelta(seconds=1))
    assert summed(post([before, after])) == (2, 0, 0)
    assert summed(post([before, after])) == (0, 2, 0)
    assert ledger()["stored"] == 2


def test_dedup_keeps_two_legs_with_one_response_id_apart(post, rows):
    primary = event("r1", AT, backend="base", host="llm")
    shadow = {**primary, "host": "llm-shadow"}
    assert summed(post([primary, shadow])) == (2, 0, 0)
    assert rows("SELECT leg FROM events ORDER BY leg") == [("primary",), ("shadow",)]


def test_dedup_keeps_attempts_backends_recorders_and_sources_apart(client, factory, post, rows):
    one = event("r1", AT)
    assert summed(post([one, {**one, "attempt": 2}, {**one, "backend": "base"}])) == (3, 0, 0)
    assert summed(post([access_line("r1", AT)], LOGS)) == (1, 0, 0)
    other = bearer(key(factory, source="another"))
    assert summed(client.post(EVENTS, json=[one], headers=other)) == (1, 0, 0)
    assert rows("SELECT count(*) FROM events") == [(5,)]


DEEP = b'{"request_id": "r", "started_at": ' + json.dumps(BATCH[0]["started_at"]).encode() + b', "request": '


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b'{"request_id": "r1", "started_at"', "malformed_json"),
        (b"17", "not_an_object"),
        (b'["an array"]', "not_an_object"),
        (json.dumps(event("r1", AT) | {"request_id": 7}).encode(), "wrong_type"),
        (json.dumps(event("r1", AT, started_at="yesterday")).encode(), "timestamp_unparseable"),
        (json.dumps(event("r1", AT, started_at="2019-01-01T00:00:00Z")).encode(), "started_too_long_ago"),
        (json.dumps(event("r1", AT, started_at="2031-01-01T00:00:00Z")).encode(), "started_in_future"),
        (json.dumps(event("r1\0", AT)).encode(), "control_character"),
        (json.dumps(event("r1", AT, duration_ms=float("nan"))).encode(), "malformed_json"),
        (json.dumps(event("r1", AT, duration_ms=float("inf"))).encode(), "malformed_json"),
        (json.dumps(event("r1", AT, duration_ms=-1)).encode(), "out_of_range"),
        (json.dumps(event("r1", AT, attempt=10**30)).encode(), "out_of_range"),
        (json.dumps(event("r1" * 200, AT)).encode(), "too_long"),
        (json.dumps(event("r1", AT, request={"messages": "x" * 70_000})).encode(), "record_too_large"),
        (DEEP + b'{"a":' * 600 + b"1" + b"}" * 600 + b"}", "too_deep"),
        (DEEP + b"[" * 20_000 + b"]" * 20_000 + b"}", "too_deep"),
        (b'{"started_at": 1}', "missing_field"),
    ],
)
def test_bad_input_gets_a_reason_and_costs_its_neighbours_nothing(post, ledger, rows, bad, code):
    content = json.dumps(BATCH[0]).encode() + b"\n" + bad + b"\n" + json.dumps(BATCH[1]).encode() + b"\n"
    answer = post(content)
    assert summed(answer) == (2, 0, 1), answer.text
    told = answer.json()
    assert told["rejected_by_code"] == {code: 1}
    assert told["errors"][0]["index"] == 1
    assert len(told["errors"][0]["detail"]) > 10
    assert ledger()["rejected"] == {code: 1}
    assert rows("SELECT code, source, door FROM dead_letters") == [(code, "shipper", "native")]


@pytest.mark.parametrize("path", [EVENTS, LOGS])
@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "undecodable"),
        (b"not json at all", 400, "undecodable"),
        (b"\xff\xfe\x00", 400, "undecodable"),
        (gzip.compress(ARRAY)[:-12], 400, "undecodable"),
        (b"[" + b" " * (1024 * 1024) + b"]", 413, "too_large"),
        (gzip.compress(b"[" + b" " * (5 * 1024 * 1024) + b"]"), 413, "too_large"),
    ],
    ids=["empty", "text", "bytes", "cut", "huge", "bomb"],
)
def test_a_body_that_cannot_be_taken_is_refused_whole(post, ledger, path, content, status, code):
    answer = post(content, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert ledger()["received"] == 0


def test_an_unknown_encoding_is_refused(post):
    answer = post(b"\x00\x01", **{"Content-Encoding": "br"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_encoding")


def test_unknown_fields_are_passed_over_and_named(post):
    answer = post([event("r1", AT, colour="red", weather="wet")])
    assert summed(answer) == (1, 0, 0)
    assert answer.json()["unknown_fields"] == ["colour", "weather"]


def test_hostile_keys_and_halves_of_emoji_are_survived(post, ledger):
    raw = json.dumps(event("r1", AT, request={"model": "m", "a\0b": ["\ud83d"], "messages": [{"content": "\ud83d\0"}]}))
    assert summed(post(raw.encode())) == (1, 0, 0)
    bad = json.dumps({"a\0\ud83d": 1, "request_id": ["\ud83d\0"]})
    assert summed(post(bad.encode())) == (0, 0, 1)
    assert ledger()["received"] == 2


def test_no_user_text_reaches_the_dead_letters_or_the_answer(post, rows, caplog, capsys):
    secret = {SECRET: SECRET, "messages": [{"role": "user", "content": SECRET}]}
    bad = [
        event("r1", AT, status=SECRET, request=secret),
        event(f"{SECRET}\0", AT),
        event("r1", AT, leg=SECRET, session_id=SECRET * 100),
        {SECRET: SECRET},
        SECRET,
    ]
    answer = post(json.dumps(bad).encode() + b"\n{" + SECRET.encode())
    assert summed(answer)[0] == 0
    assert SECRET not in answer.text
    assert SECRET not in str(rows("SELECT * FROM dead_letters"))
    assert SECRET not in caplog.text + "".join(capsys.readouterr())


def test_attribution_goes_by_the_rules(post, rows):
    sent = {
        "host": event("host", AT, host="llm.example-shadow"),
        "port": event("port", AT, host="llm.example-shadow:8080"),
        "plain": event("plain", AT, host="llm.example:8080"),
        "none": event("none", AT),
        "marker": event("marker", AT, mirrored=True, host="llm.example"),
        "unmarked": event("unmarked", AT, mirrored=False, host="llm.example-shadow"),
        "stated": event("stated", AT, leg="shadow", mirrored=False),
    }
    assert summed(post(list(sent.values()))) == (7, 0, 0)
    assert summed(post([access_line("log", AT, authority="llm.example-shadow")], LOGS)) == (1, 0, 0)
    found = {
        request: (leg, rule.rsplit(",", 1)[1])
        for request, leg, rule in rows("SELECT request_id, leg, rule FROM events")
    }
    assert found == {
        "host": ("shadow", "leg:host"),
        "port": ("shadow", "leg:host"),
        "plain": ("primary", "leg:host"),
        "none": ("unknown", "leg:none"),
        "marker": ("shadow", "leg:marker"),
        "unmarked": ("primary", "leg:marker"),
        "stated": ("shadow", "leg:stated"),
        "log": ("primary", "leg:access_log"),
    }


def test_what_no_rule_covers_goes_to_the_reserved_route(post, ledger, rows):
    lost = [event("r1", AT, route="nobody"), event("r2", AT, route=None, backend="elsewhere", request=None)]
    assert summed(post(lost)) == (2, 0, 0)
    assert rows("SELECT DISTINCT route_id, leg, variant_id FROM events") == [(0, "unknown", None)]
    assert ledger()["stored"] == 2


def test_a_route_made_a_moment_ago_is_known(client, factory, post, rows):
    assert summed(post([BATCH[0]])) == (1, 0, 0)
    new = add_route(factory, name="summaries", backends=("sum-base", "sum-cand"))
    assert summed(post([event("r9", AT, route="summaries", backend="sum-cand")])) == (1, 0, 0)
    assert rows("SELECT route_id FROM events WHERE request_id = 'r9'") == [(new.id,)]


@pytest.mark.parametrize("path", [EVENTS, LOGS])
def test_no_key_or_a_bad_one_is_refused(client, factory, route, path):
    good = key(factory)
    for headers in ({}, bearer("fbk_nonsense"), bearer(good[:-1] + "!"), {"Authorization": "Basic abc"}):
        answer = client.post(path, json=[], headers=headers)
        assert answer.status_code == 401, headers
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "unauthenticated"


def test_a_key_works_in_either_header(client, factory, route):
    assert summed(client.post(EVENTS, json=BATCH, headers={"X-Api-Key": key(factory)})) == (3, 0, 0)


def test_a_revoked_key_is_refused(client, factory, route):
    made, text_ = factory.keys.create("old", frozenset({Scope.INGEST}), None)
    assert summed(client.post(EVENTS, json=BATCH, headers=bearer(text_)))[0] == 3
    assert factory.keys.revoke(made.id)
    assert client.post(EVENTS, json=BATCH, headers=bearer(text_)).status_code == 401


def test_a_key_without_the_scope_is_refused(client, factory, route):
    answer = client.post(EVENTS, json=BATCH, headers=bearer(key(factory, Scope.READ)))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    answer = client.get("/v1/ingest/accounts", headers=bearer(key(factory, Scope.INGEST, source="another")))
    assert answer.status_code == 403


def test_a_bound_key_stores_nothing_on_another_route(client, factory, route, ledger):
    add_route(factory, name="summaries", backends=("sum-base", "sum-cand"))
    headers = bearer(key(factory, source="bound", routes=frozenset({"summaries"})))
    answer = client.post(EVENTS, json=[*BATCH, event("r9", AT, route="summaries")], headers=headers)
    assert summed(answer) == (1, 0, 3)
    assert answer.json()["rejected_by_code"] == {"route_not_allowed": 3}
    assert ledger()["rejected"] == {"route_not_allowed": 3}


def test_postgres_away_is_503_for_a_key_nobody_looked_up(factory, clock, settings):
    away = Factory(settings, clock=clock, database=Database("postgresql://nobody@127.0.0.1:1/none"))
    text_ = key(factory)
    app = create_app(away, ServiceRole.API)
    app.state.factory = away
    client = TestClient(app, raise_server_exceptions=False)  # no start-up: it would refuse
    for answer in (
        client.post(EVENTS, json=BATCH, headers=bearer(text_)),
        client.get("/readyz"),
        client.head("/readyz"),
    ):
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
    assert client.get("/healthz").status_code == 200


def test_a_pool_that_gives_no_connection_is_503(client, factory, route, monkeypatch):
    from sqlalchemy.exc import TimeoutError as PoolTimeoutError

    def refuse(*_):
        raise PoolTimeoutError("no connection within 5 s")

    monkeypatch.setattr(factory.keys, "check", refuse)
    answer = client.post(EVENTS, json=BATCH, headers=bearer(key(factory)))
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert int(answer.headers["retry-after"]) >= 1


def test_the_catalogue_is_kept_while_postgres_is_away(factory, clock, route, monkeypatch):
    known = factory.catalog.get()
    clock.advance(timedelta(minutes=1))
    monkeypatch.setattr(factory.catalog, "_database", Database("postgresql://nobody@127.0.0.1:1/none"))
    assert not factory.catalog.fresh()
    assert factory.catalog.get() is known


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("path", ["/readyz", "/healthz"])
def test_health_answers(client, method, path):
    assert getattr(client, method)(path).status_code == 200


def test_problems_are_problems(client, factory, route):
    admin = bearer(key(factory, Scope.ADMIN, source="admin"))
    answers = {
        404: client.get("/nowhere"),
        405: client.put(EVENTS),
        422: client.post("/v1/routes", content=b'{"nam\\ud83de": 1}', headers=admin),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"type", "title", "status", "detail", "code"} <= answer.json().keys()
    missing = client.get("/v1/routes/nobody", headers=admin)
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert ROUTE in missing.json()["detail"]


def test_the_openapi_document_lists_every_door(client):
    document = client.get("/openapi.json").json()
    for door in DOORS.values():
        assert "post" in document["paths"][door.path]
        assert f"{door.path}/" not in document["paths"]
    operations = [o["operationId"] for path in document["paths"].values() for o in path.values()]
    assert len(operations) == len(set(operations))


def test_the_events_schema_is_served(client):
    schema = client.get("/v1/schemas/event").json()
    assert set(schema["required"]) == {"request_id", "started_at"}

"""Where answers fail: counted once for each stored event, told apart within a bound, shown to who may read it."""

from datetime import date, timedelta

import psycopg
import pytest
from msgspec.structs import replace

from monitor.models.event import Attribution, Event, Leg, Record, Recorder
from monitor.models.fault import OTHER, Fault
from monitor.models.key import Scope
from monitor.services.fault_counts import MOST_PLACES, FaultTally
from tests.conftest import START
from tests.support.events import BAD, bearer, body, event, key, reply

AT = START - timedelta(seconds=5)
SCHEMA = {"type": "object", "required": ["town"]}
ROUTE = {
    "name": "chat",
    "target": {"kind": "memory", "settings": {"name": "faults", "weights": {"base": 100}, "mirror": None}},
    "variants": [
        {"name": "bf16", "role": "baseline", "backend": "base", "format": "bf16", "tier": "serving"},
        {"name": "int4", "role": "candidate", "backend": "cand", "format": "int4", "tier": "quantized"},
    ],
}


@pytest.fixture
def admin(client, factory):
    headers = bearer(key(factory, Scope.ADMIN, source="admin"))
    assert client.post("/v1/routes", json=ROUTE, headers=headers).status_code == 201
    return headers


@pytest.fixture
def post(client, factory):
    headers = bearer(key(factory))

    def post(*events):
        answer = client.post("/v1/events", json=list(events), headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return post


@pytest.fixture
def told(client, admin):
    def told(query=""):
        answer = client.get(f"/v1/routes/chat/faults{query}", headers=admin)
        assert answer.status_code == 200, answer.text
        return {(one["variant"], one["signal"], one["reason"]): one["n"] for one in answer.json()["items"]}

    return told


def bad(n, **fields):
    return event(f"r{n}", AT, response=reply(BAD), **fields)


def test_each_stored_fault_counts_once(post, told):
    post(bad(1), bad(2), event("r3", AT), bad(4, backend="base"))
    post(bad(1), bad(5), bad(5))
    found = {(variant, signal): n for (variant, signal, _), n in told().items()}
    assert found == {("int4", "schema_validity"): 3, ("bf16", "schema_validity"): 1}


def test_the_query_narrows(post, told):
    post(bad(1), event("r2", AT, response=None, status=503))
    assert {signal for _, signal, _ in told()} >= {"schema_validity", "request_error"}
    assert {signal for _, signal, _ in told("?signal=request_error")} == {"request_error"}
    assert len(told("?limit=1")) == 1


def test_only_who_may_read_the_route_sees_them(client, factory, admin):
    other = bearer(key(factory, Scope.READ, source="other", routes=["elsewhere"]))
    assert client.get("/v1/routes/chat/faults", headers=other).status_code == 403


def test_they_go_with_the_events(post, told, factory, database_url):
    post(bad(1))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE fault_counts SET start_day = start_day - 400")
        factory.retention.run()
        assert connection.execute("SELECT count(*) FROM fault_counts").fetchall() == [(0,)]


def record(detail):
    shape = Event(Recorder.SERVER, "r", START, None)
    where = Attribution(1, 2, Leg.PRIMARY, "test")
    return Record(shape, where, "s", b"", {}, START, faults=(Fault("schema_validity", "enum", detail),))


def test_places_beyond_the_most_are_counted_together():
    tally, day = FaultTally(), date(2026, 3, 2)
    counts = tally.count((day, record(f"/properties/p{n:03}")) for n in range(MOST_PLACES + 50))
    assert sum(one.n for one in counts) == MOST_PLACES + 50
    assert {one.fault.detail: one.n for one in counts}[OTHER] == 50
    [again] = tally.count([(day, record("/properties/p001"))])
    assert again.fault.detail == "/properties/p001", "what was told apart stays so"
    [next_day] = tally.count([(day + timedelta(days=1), record("/properties/new"))])
    assert next_day.fault.detail == "/properties/new"


def test_what_no_variant_served_is_not_counted():
    given = record("x")
    loose = replace(given, attribution=replace(given.attribution, variant_id=None))
    assert FaultTally().count([(date(2026, 3, 2), loose)]) == []


def test_a_route_has_a_schema_for_requests_without_one(client, post, told, admin):
    set_to = client.patch("/v1/routes/chat", json={"answer_schema": SCHEMA}, headers=admin)
    assert set_to.json()["answer_schema"] == SCHEMA
    plain = body(structured=False)
    post(
        event("r1", AT, request=plain, response=reply('{"town": "Ulm"}')),
        event("r2", AT, request=plain, response=reply("Ulm")),
        event("r3", AT, response=reply('{"city": "Porto", "parcels": 3}')),
    )
    assert sum(n for (_, signal, _), n in told().items() if signal == "schema_validity") == 1
    cleared = client.patch("/v1/routes/chat", json={"answer_schema": None}, headers=admin)
    assert cleared.json()["answer_schema"] is None
    post(event("r4", AT, request=plain, response=reply("Ulm")))
    assert sum(n for (_, signal, _), n in told().items() if signal == "schema_validity") == 1


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "nonsense"}, "type"),
        ({"$ref": "https://example.com/schema.json"}, "answer_schema"),
        ({"pattern": "^(?=a)b"}, "answer_schema"),
        ({"enum": list(range(100_000))}, "answer_schema"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(client, admin, schema, says):
    answer = client.patch("/v1/routes/chat", json={"answer_schema": schema}, headers=admin)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_what_may_have_no_value_is_cleared_by_null(client, admin):
    given = client.patch("/v1/routes/chat", json={"waiver": "trial", "mirror_host_suffix": "-shadow"}, headers=admin)
    assert (given.json()["waiver"], given.json()["mirror_host_suffix"]) == ("trial", "-shadow")
    kept = client.patch("/v1/routes/chat", json={"mirror_percent": 50, "mode": None}, headers=admin)
    assert (kept.json()["waiver"], kept.json()["mode"]) == ("trial", "observe")
    cleared = client.patch("/v1/routes/chat", json={"waiver": None, "mirror_host_suffix": None}, headers=admin)
    assert (cleared.json()["waiver"], cleared.json()["mirror_host_suffix"]) == (None, None)

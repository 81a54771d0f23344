"""Policies over HTTP: a bad document is answered with the path and what is allowed there."""

import threading

import psycopg
import pytest

from monitor.errors import ConflictError
from monitor.models.key import Scope
from tests.support.events import bearer, key


@pytest.fixture
def admin(factory):
    return bearer(key(factory, Scope.ADMIN, source="admin"))


@pytest.fixture
def post(client, admin):
    def post(document, name="strict"):
        return client.post("/v1/policies", json={"name": name, "document": document}, headers=admin)

    return post


@pytest.mark.parametrize(
    ("document", "pointer", "allowed"),
    [
        ({"tick_s": 0.2}, "/tick_s", "minimum is 1"),
        ({"tick_s": "ten"}, "/tick_s", "type is 'number'"),
        ({"ticks": 10}, "/", "allowed: a_a_pairs, breaker, evidence_ttl_s"),
        ({"signals": {"vibes": {}}}, "/signals", "schema_validity"),
        ({"signals": {"refusal": {"margin": 1}}}, "/signals/refusal", "margin_absolute, margin_relative, weight"),
        ({"signals": {"refusal": {"margin_absolute": 0.9}}}, "/signals/refusal/margin_absolute", "maximum is 0.5"),
        ({"slices": ["all", "vibes"]}, "/slices/1", "pattern"),
        ({"slices": []}, "/slices", ""),
        ({"slices": ["all", "tag:*x"]}, "/slices/1", "pattern"),
        ({"slices": ["all", "tag:other"]}, "/slices/1", "name tag:* instead"),
        ({"slices": ["all", 5]}, "/slices/1", "type is 'object'"),
        ({"slices": ["all", {"name": "mine"}]}, "/slices/1", "'when' is a required property"),
        ({"slices": ["all", {"name": "all", "when": "all"}]}, "/slices/1/name", "pattern"),
        ({"slices": ["all", {"name": "mine", "when": "all", "x": 1}]}, "/slices/1", "allowed: name, when"),
        (
            {"slices": ["all", {"name": "mine", "when": "lang:de nd all"}]},
            "/slices/1/when",
            "character 9: expected 'and'",
        ),
        ({"slices": ["all", {"name": "mine", "when": "vibes"}]}, "/slices/1/when", "there is no slice 'vibes'"),
        (
            {"slices": ["all", {"name": "mine", "when": "lang:de"}, {"name": "mine", "when": "lang:fr"}]},
            "/slices/2/name",
            "'mine' is defined twice",
        ),
        ({"verify": {"requests": 1}}, "/verify/requests", "minimum is 10"),
        (
            {"verify": {"probe": {"url": "http://x", "model": "m", "key_env": "FULLBACK_DATABASE_URL"}}},
            "/verify/probe/key_env",
            "FULLBACK_TARGET_",
        ),
        ({"horizon_floor_s": 60, "horizon_ceiling_s": 10}, "/horizon_floor_s", "above horizon_ceiling_s"),
        ({"evidence_ttl_s": None}, "/evidence_ttl_s", "type is 'number'"),
    ],
)
def test_a_bad_document_is_answered_with_the_path_and_what_is_allowed(client, admin, post, document, pointer, allowed):
    answer = post(document)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert f" {pointer}: " in answer.json()["detail"]
    assert allowed in answer.json()["detail"]
    assert client.get("/v1/policies", headers=admin).json()["items"] == []


def test_families_and_conditions_are_taken(factory, post):
    slices = [
        "all",
        "lang:*",
        "tag:two words",
        {"name": "long_de", "when": "prompt:32k and lang:de and not kind:tools"},
    ]
    assert post({"slices": slices}).status_code == 201
    found = factory.policies.get("strict")
    assert found.slices == ("all", "lang:*", "tag:two words", "long_de")
    assert str(found.conditions["long_de"]) == '("prompt:32k" and "lang:de" and not "kind:tools")'


def test_every_weight_zero_is_refused(post, client):
    signals = client.get("/v1/schemas/policy").json()["properties"]["signals"]["propertyNames"]["enum"]
    answer = post({"signals": {name: {"weight": 0} for name in signals}})
    assert (answer.status_code, "weight above 0" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize("content", ['{"tick_s": NaN}', '{"horizon_ceiling_s": Infinity}', '{"tick_s": 1e999}'])
def test_a_number_that_is_none_is_no_policy(client, admin, content):
    body = f'{{"name": "strict", "document": {content}}}'
    answer = client.post("/v1/policies", content=body, headers=admin)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert client.get("/v1/policies", headers=admin).json()["items"] == []


def test_the_body_itself_is_checked(client, admin):
    for body in (
        {},
        {"name": "a b", "document": {}},
        {"name": "a", "document": []},
        {"name": "a", "document": {}, "x": 1},
    ):
        answer = client.post("/v1/policies", json=body, headers=admin)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"].startswith("/body")


def test_versions_are_kept_and_the_newest_counts(client, factory, admin, post):
    assert [post({"tick_s": n}).json()["version"] for n in (5, 6)] == [1, 2]
    assert factory.policies.get("strict").tick_s == 6
    items = client.get("/v1/policies", headers=admin).json()["items"]
    assert [(p["version"], p["document"], p["actor"]) for p in items] == [
        (2, {"tick_s": 6}, "admin"),
        (1, {"tick_s": 5}, "admin"),
    ]


def test_the_default_policy_exists_unstored_and_can_be_stored(factory, post):
    assert (factory.policies.get("default").version, factory.policies.get("default").tick_s) == (0, 10)
    assert post({"tick_s": 5}, "default").json()["version"] == 1
    assert (factory.policies.get("default").version, factory.policies.get("default").tick_s) == (1, 5)


def test_only_an_admin_stores_policies(client, factory):
    reader = bearer(key(factory, Scope.READ, Scope.OPERATE, source="reader"))
    assert client.post("/v1/policies", json={"name": "a", "document": {}}, headers=reader).status_code == 403
    assert client.get("/v1/policies", headers=reader).status_code == 200
    assert client.get("/v1/policies").status_code == 401


def test_two_people_who_store_at_once_get_a_conflict_or_two_versions(factory, database_url):
    """The other's version 1 is not committed yet when ours is written."""
    outcomes = []

    def add():
        try:
            outcomes.append(factory.policies.add("strict", {"tick_s": 5}, "us"))
        except ConflictError as error:
            outcomes.append(error)

    with psycopg.connect(database_url) as other:
        other.execute("INSERT INTO policies VALUES ('strict', 1, '{}', 'them', now())")
        thread = threading.Thread(target=add)
        thread.start()
        thread.join(0.5)
        other.commit()
        thread.join(10)
    assert isinstance(outcomes[0], ConflictError)
    assert factory.policies.add("strict", {"tick_s": 5}, "us").version == 2

"""Variants over HTTP, on the command line and in the console: suggested, changed, confirmed."""

import json
import re
import threading
from html import unescape

import psycopg
import pytest
from click.testing import CliRunner

from monitor import cli_variants
from monitor.cli import main
from monitor.models.key import Scope
from monitor.models.variant import Role
from monitor.services.watch import watch
from tests.support.events import bearer, key

BASELINE = {"name": "bf16", "role": "baseline", "backend": "base", "format": "bf16", "tier": "serving"}
CANDIDATE = {"name": "int4", "role": "candidate", "backend": "cand", "format": "awq-int4", "tier": "quantized"}
TUNED = {"name": "tuned", "role": "candidate", "backend": "tuned", "format": "int4", "tier": "derived"}
TARGET = {"kind": "memory", "settings": {"name": "variants-api", "weights": {"base": 5, "cand": 95}, "mirror": "base"}}
INT4 = "/v1/routes/chat/variants/int4"


@pytest.fixture
def admin(factory):
    return bearer(key(factory, Scope.ADMIN, source="ana"))


@pytest.fixture
def call(client, admin):
    def call(method, path, body=None, headers=None, **params):
        return client.request(method, path, json=body, headers=headers or admin, params=params)

    return call


@pytest.fixture
def chat(call):
    body = {"name": "chat", "target": TARGET, "variants": [BASELINE, CANDIDATE, TUNED]}
    assert call("POST", "/v1/routes", body).status_code == 201


@pytest.fixture
def shown(call, chat):
    def shown(name="int4"):
        found = call("GET", "/v1/routes/chat/variants").json()["items"]
        return next(one for one in found if one["name"] == name)

    return shown


@pytest.fixture
def audit(call):
    def audit():
        return [(one["actor"], one["reason"]) for one in call("GET", "/v1/decisions", route="chat").json()["items"]]

    return audit


@pytest.fixture
def margin(factory):
    """The margin that a variant's refusals are tested at."""

    def margin(name="int4"):
        variants = factory.routes.variants(factory.routes.get("chat"))
        wanted = next(one.id for one in variants if one.name == name)
        found = watch(factory.policies.get("default"), variants, [], epoch=0, fleet=1)
        signal = next(
            one
            for one in found
            if (one.stream.candidate_id, one.stream.signal, one.stream.slice) == (wanted, "refusal", "all")
        )
        return signal.config.margin.absolute, next(v.name for v in variants if v.id == signal.baseline_id)

    return margin


def test_a_suggestion_tells_piece_and_certainty(call):
    found = call("GET", "/v1/variants/suggest", name="acme/Qwen3-30B-A3B-AWQ").json()
    assert found["readings"]["bits"] == {"value": 4.0, "from": "AWQ", "certainty": "likely"}
    assert found["readings"]["tier"]["value"] == "quantized"
    assert found["artifact"]["mixture_of_experts"] is True
    assert "tier" not in found["artifact"]
    config = json.dumps({"quantization_config": {"bits": 8}})
    assert call("GET", "/v1/variants/suggest", name="x", metadata=config).json()["artifact"] == {"bits": 8.0}


def test_a_hostile_name_is_answered(call):
    for name in ("\0", "\u202efp8", "a" * 5000, "../../etc/passwd", "'; --", "<script>"):
        assert call("GET", "/v1/variants/suggest", name=name).status_code == 200


@pytest.mark.parametrize("metadata", ["[]", "{", "1", "[" * 3000])
def test_metadata_that_are_no_object_are_refused(call, metadata):
    answer = call("GET", "/v1/variants/suggest", name="x", metadata=metadata)
    assert (answer.status_code, "must be a JSON object" in answer.json()["detail"]) == (422, True)
    assert call("GET", "/v1/variants/suggest").status_code == 422
    assert call("GET", "/v1/variants/suggest", name="x", metadata="{}" + " " * 20_000).status_code == 422


def test_a_new_variant_is_suggested_and_sets_nothing(shown, margin):
    found = shown()
    assert found["artifact"] == {"method": "awq", "bits": 4.0}
    assert (found["confirmed_by"], found["confirmed_at"], found["defaults"]["in_force"]) == (None, None, False)
    assert margin() == (0.005, "bf16")


def test_facts_are_taken_when_a_variant_is_made(call, shown):
    facts = {"bits": 3, "engine": "vllm", "lineage": ["acme/base"]}
    made = call("POST", "/v1/routes/chat/variants", {**CANDIDATE, "name": "b", "backend": "b", "artifact": facts})
    assert made.status_code == 201
    assert shown("b")["artifact"] == {"method": "awq", **facts}
    bad = {**CANDIDATE, "name": "c", "backend": "c", "artifact": {"bits": 0}}
    answer = call("POST", "/v1/routes/chat/variants", bad)
    assert (answer.status_code, "/bits" in answer.json()["detail"]) == (422, True)
    route = {"name": "other", "target": TARGET, "variants": [BASELINE, {**bad, "artifact": {"reference": "nobody"}}]}
    answer = call("POST", "/v1/routes", route)
    assert (answer.status_code, "another variant of the route: bf16" in answer.json()["detail"]) == (422, True)


def test_a_confirmation_counts_and_is_audited(call, shown, margin, audit):
    body = {"artifact": {"bits": 8, "mixture_of_experts": True}, "tier": "quantized"}
    done = call("POST", f"{INT4}/confirm", body)
    assert done.status_code == 200, done.text
    assert done.json() == shown()
    assert (done.json()["artifact"], done.json()["confirmed_by"]) == (body["artifact"], "ana")
    assert done.json()["confirmed_at"] == "2026-03-02T12:00:00Z"
    assert done.json()["defaults"]["in_force"] is True
    assert margin()[0] == pytest.approx(0.0015)
    assert audit()[0] == ("ana", "int4: tier and facts confirmed")


def test_without_facts_those_that_are_shown_are_confirmed(call, shown):
    before = shown()["artifact"]
    assert call("POST", f"{INT4}/confirm", {}).json()["artifact"] == before == shown()["artifact"]


def test_a_change_of_what_was_confirmed_takes_the_confirmation_away(call, shown, margin, audit):
    for change in ({"tier": "serving"}, {"format": "fp8"}, {"base_model": "acme/x"}, {"artifact": {"bits": 8}}):
        call("POST", f"{INT4}/confirm", {"artifact": {"bits": 8}})
        same = {"digest": "fp_1", "tier": shown()["tier"], "format": shown()["format"]}
        assert call("PATCH", INT4, same).json()["confirmed_by"] == "ana"
        changed = call("PATCH", INT4, change)
        expected = "ana" if change == {"artifact": {"bits": 8}} else None
        assert (changed.status_code, changed.json()["confirmed_by"]) == (200, expected), change
    assert call("PATCH", INT4, {"artifact": {"bits": 5}}).json()["confirmed_by"] is None
    assert margin()[0] == 0.005
    assert audit()[0] == ("ana", "int4: set artifact")
    assert shown()["digest"] == "fp_1"


def test_a_derived_variant_compares_with_its_reference(call, chat, margin):
    assert margin("tuned") == (0.005, "bf16")
    done = call("POST", "/v1/routes/chat/variants/tuned/confirm", {"artifact": {"bits": 4, "reference": "int4"}})
    assert done.status_code == 200
    assert margin("tuned") == (0.005, "int4")


@pytest.mark.parametrize("reference", ["nobody", "tuned"])
def test_a_reference_is_another_variant_of_the_route(call, chat, shown, reference):
    for method, path in (("PATCH", ""), ("POST", "/confirm")):
        body = {"artifact": {"reference": reference}}
        answer = call(method, f"/v1/routes/chat/variants/tuned{path}", body)
        assert (answer.status_code, "another variant of the route: bf16, int4" in answer.json()["detail"]) == (
            422,
            True,
        )
    assert shown("tuned")["confirmed_by"] is None


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "nothing to change; name one of format, tier"),
        ({"tier": "magic"}, "/body/tier"),
        ({"name": "x"}, "/body/name"),
        ({"format": ""}, "/body/format"),
        ({"format": "a\0b"}, ""),
        ({"artifact": {"bits": 0}}, "/bits: got 0; minimum is 1"),
        ({"artifact": []}, "/body/artifact"),
    ],
)
def test_a_bad_change_changes_nothing(call, shown, body, told):
    before = shown()
    answer = call("PATCH", INT4, body)
    assert (answer.status_code, told in answer.json()["detail"]) == (422, True), answer.text
    assert shown() == before


def test_a_number_that_is_none_is_no_fact(client, admin, chat):
    for number in ("NaN", "Infinity", "1e999"):
        content = f'{{"artifact": {{"parameters_b": {number}}}}}'
        assert client.patch(INT4, content=content, headers=admin).status_code == 422


def test_another_tier_than_was_seen_is_a_conflict(call, shown):
    answer = call("POST", f"{INT4}/confirm", {"tier": "serving"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "the tier is quantized now" in answer.json()["detail"]
    assert shown()["confirmed_by"] is None


def test_unknown_variants_scopes_and_bindings(call, factory, chat):
    answer = call("POST", "/v1/routes/chat/variants/nobody/confirm", {})
    assert (answer.status_code, "it has: bf16, int4, tuned" in answer.json()["detail"]) == (404, True)
    assert call("PATCH", "/v1/routes/nobody/variants/int4", {"format": "x"}).status_code == 404
    reader = bearer(key(factory, Scope.READ, Scope.OPERATE, source="reader"))
    other = bearer(key(factory, Scope.ADMIN, source="other", routes=frozenset({"other"})))
    for headers in (reader, other):
        assert call("POST", f"{INT4}/confirm", {}, headers).status_code == 403
        assert call("PATCH", INT4, {"format": "x"}, headers).status_code == 403
    assert call("GET", "/v1/variants/suggest", headers=reader, name="x").status_code == 200
    assert call("GET", "/v1/variants/suggest", headers={"x-api-key": "no"}, name="x").status_code == 401


def test_a_confirmation_waits_for_a_change_under_way_and_confirms_its_outcome(factory, database_url, chat):
    route = factory.routes.get("chat")
    outcome = []
    with psycopg.connect(database_url) as other:
        other.execute("UPDATE variants SET format = 'fp8' WHERE name = 'int4'")
        thread = threading.Thread(
            target=lambda: outcome.append(factory.variants.confirm(route, "int4", None, None, "us"))
        )
        thread.start()
        thread.join(0.5)
        assert not outcome
        other.commit()
        thread.join(10)
    assert (outcome[0].format, outcome[0].artifact.bits) == ("fp8", 8.0)


def test_ingest_hears_of_a_new_digest_at_once(call, factory, chat):
    route = factory.routes.get("chat")
    assert {v.digest for v in factory.catalog.get().variants[route.id]} == {None}
    call("PATCH", INT4, {"digest": "fp_9"})
    assert "fp_9" in {v.digest for v in factory.catalog.get().variants[route.id]}


def test_the_previous_release_adds_variants_to_the_new_schema(database_url, chat, shown):
    with psycopg.connect(database_url) as other:
        other.execute(
            "INSERT INTO variants (route_id, name, role, backend, format, tier, created_at) "
            "SELECT route_id, 'old', 'candidate', 'old', 'fp8', 'quantized', now() FROM variants LIMIT 1"
        )
    assert (shown("old")["artifact"]["bits"], shown("old")["confirmed_by"]) == (8.0, None)


# The command line


@pytest.fixture
def run(client, admin, monkeypatch):
    def call(method, path, **arguments):
        answer = client.request(method, path, headers=admin, **arguments)
        assert answer.status_code < 300, answer.text
        return answer.json()

    monkeypatch.setattr(cli_variants, "call_api", call)

    def run(*arguments):
        done = CliRunner().invoke(main, ["variants", *map(str, arguments)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.output

    return run


def test_the_command_line_suggests(run, tmp_path):
    said = run("suggest", "acme/chat-turbo-8b-fp8")
    assert re.search(r"^bits +8  \(clear\)  from 'fp8'$", said, re.MULTILINE)
    assert "! branding: confirm precision" in said
    assert json.loads(run("suggest", "x-awq", "--json"))["artifact"]["method"] == "awq"
    (tmp_path / "config.json").write_text('{"quantization_config": {"bits": 3}}')
    assert "3  (stated)  from 'metadata: quantization_config.bits'" in run(
        "suggest", "x", "--metadata", tmp_path / "config.json"
    )


def test_the_command_line_adds_sets_lists_and_confirms(run, chat, shown, tmp_path):
    assert "int4  candidate  quantized  awq-int4  behind cand  suggested, not confirmed" in run("list", "chat")
    (tmp_path / "facts.yaml").write_text("bits: 8\nmixture_of_experts: true\nlineage: [acme/a, acme/b]\n")
    said = run("set", "chat", "int4", "--format", "int8", "--artifact", tmp_path / "facts.yaml")
    assert "bits 8, mixture_of_experts yes, lineage acme/a < acme/b" in said
    assert "confirmed by ana: quantized: 8 bits; halved: mixture of experts" in run("confirm", "chat", "int4")
    assert shown()["confirmed_by"] == "ana"
    assert "behind cand  confirmed by ana" in run("list", "chat")
    assert json.loads(run("list", "chat", "--json"))["items"][0]["name"] == "bf16"
    assert json.loads(run("confirm", "chat", "bf16", "--json"))["confirmed_by"] == "ana"
    assert "route chat has no variant 'x'; it has: bf16, int4, tuned" in run("confirm", "chat", "x")
    (tmp_path / "new.yaml").write_text("{name: n, role: candidate, backend: n, format: fp8, tier: quantized}")
    assert "candidate n added to chat" in run("add", "chat", tmp_path / "new.yaml")


# The console


def words(text):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)))


def test_the_page_says_what_is_suggested_and_what_is_confirmed(client, call, chat):
    before = words(client.get("/routes/chat").text)
    assert "Facts, suggested, not confirmed: method awq, bits 4" in before
    assert "Sets no margin until it is confirmed." in before
    assert "fullback variants confirm chat int4" in before
    call("POST", f"{INT4}/confirm", {})
    after = words(client.get("/routes/chat").text)
    assert "Facts, confirmed by ana, 2026-03-02 12:00" in after
    assert "Sets margins and slices that policy default does not name (quantized: 4 bits)." in after
    assert "fullback variants confirm chat int4" not in after


def test_the_page_says_that_the_benchmark_of_the_base_does_not_apply_to_a_derived_variant(client, call, chat):
    sentence = "A different model: the benchmark of its base model does not apply."
    page = words(client.get("/routes/chat").text)
    assert page.count(sentence) == 1
    assert "Its quality signals compare with the route's baseline, for want of a reference of its own." in page
    call("POST", "/v1/routes/chat/variants/tuned/confirm", {"artifact": {"reference": "int4"}})
    assert "Its quality signals compare with its reference int4." in words(client.get("/routes/chat").text)


def test_the_page_shows_doubts_and_runs_nothing(client, call, chat):
    call("PATCH", "/v1/routes/chat/variants/bf16", {"format": "fp8", "base_model": "<script>alert(1)</script>"})
    page = client.get("/routes/chat").text
    assert "declared serving, but 8 bits are fewer than full precision has" in words(page)
    assert "<script" not in page
    assert "base model &lt;script&gt;" in page


def test_the_baseline_can_be_confirmed_too(call, chat, factory):
    done = call("POST", "/v1/routes/chat/variants/bf16/confirm", {}).json()
    assert (done["role"], done["artifact"]) == (Role.BASELINE, {"bits": 16})

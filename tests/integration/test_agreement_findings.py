"""Findings about what variants are: greedy answers outside the declared band, and names that doubt a baseline."""

from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner
from prometheus_client import REGISTRY
from sqlalchemy import text

from alerts.codec import from_json
from alerts.types import AlertKind, Severity
from monitor import cli_findings
from monitor.cli import main
from monitor.config import Settings
from monitor.factory import Factory
from monitor.models.artifact import Artifact
from monitor.models.key import Scope
from monitor.models.variant import Tier
from monitor.scheduler import Worker
from monitor.services.variants import VariantChange
from monitor.storage.routes import RouteStore
from tests.support.events import BASE, CANDIDATE, ROUTE, SHADOW_SUFFIX, add_route, bearer, body, event, key, reply

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SUBJECT, BASELINE = f"{ROUTE}/{CANDIDATE}", f"{ROUTE}/{BASE}"


@pytest.fixture
def settings():
    return Settings(ui_auth="off", commit_timeout_s=5, slack_webhook_url="https://hooks.slack.example/services/T/B/X")


@pytest.fixture
def route(factory):
    return add_route(factory)


@pytest.fixture
def headers(factory, route):
    return bearer(key(factory))


@pytest.fixture
def pairs(client, clock, headers):
    """Send pairs of greedy answers of so many tokens, of which some differ."""
    sent = iter(range(1_000_000))

    def answer(said, tokens, **changes):
        found = {**reply(said), **changes}
        return {**found, "usage": {"prompt_tokens": 12, "completion_tokens": tokens}}

    def send(
        n,
        differing=0,
        *,
        primary="cand",
        shadow="base",
        tokens=2,
        temperature=0,
        said=("41", "42"),
        status=200,
        **changes,
    ):
        clock.advance(5 * MINUTE)
        asked = {**body(structured=False), "temperature": temperature}
        events = []
        for place in range(n):
            at = clock.now() - 2 * MINUTE + timedelta(milliseconds=place)
            request_id = f"r{next(sent)}"
            for backend, host, text_ in (
                (primary, "llm.example", said[0] if place < differing else said[1]),
                (shadow, f"llm.example{SHADOW_SUFFIX}", said[1]),
            ):
                response = answer(text_, tokens, **(changes if backend == "base" else {}))
                code = status if backend == "cand" else 200
                made = event(request_id, at, backend=backend, host=host, request=asked, response=response, status=code)
                events.append(made)
        for first in range(0, len(events), 500):
            posted = client.post("/v1/events", json=events[first : first + 500], headers=headers).json()
            assert posted["stored"] == len(events[first : first + 500]), posted

    return send


@pytest.fixture
def listed(client, factory):
    reader = bearer(key(factory, Scope.READ, Scope.OPERATE, source="reader"))

    def listed(state="open"):
        return client.get("/v1/findings", params={"state": state}, headers=reader).json()["items"]

    listed.headers = reader
    return listed


@pytest.fixture
def alerts(database):
    def alerts():
        with database.reading() as session:
            return [from_json(row[0]) for row in session.execute(text("SELECT alert FROM outbox ORDER BY id"))]

    return alerts


@pytest.fixture
def declare(factory, route):
    def declare(name=CANDIDATE, **fields):
        factory.variants.change(route, name, VariantChange(**fields), "test")

    return declare


def kinds(items):
    return [(one["kind"], one["subject"]) for one in items]


def test_what_a_declaration_allows_is_no_finding(factory, declare, pairs, listed):
    declare(artifact=Artifact(bits=4))
    pairs(300, 40)
    pairs(300, 10, primary="base", shadow="cand")
    pairs(300, primary="base")
    factory.agreement.run()
    assert listed("all") == []


def test_a_candidate_coarser_than_declared_is_one_finding_with_one_alert(
    factory, clock, declare, pairs, listed, alerts
):
    declare(artifact=Artifact(bits=4))
    pairs(300, 120)
    for _ in range(3):
        factory.agreement.run()
        clock.advance(MINUTE)
    (found,) = listed()
    assert kinds([found]) == [("agreement_below", SUBJECT)]
    assert found["detail"].startswith(
        f"{CANDIDATE} and {BASE} gave the same greedy answer in 60.0% of 300 pairs (99.9% interval 50.4% to 69.1%); "
        "the declared tier quantized (4 bits) allows at least 77.4%: coarser than declared, another model"
    )
    (alert,) = alerts()
    assert (alert.kind, alert.severity) == (AlertKind.AGREEMENT_BELOW, Severity.WARN)
    assert (alert.route, alert.candidate, alert.baseline, alert.headline) == (ROUTE, CANDIDATE, BASE, found["detail"])
    factory.gauges.run()
    assert REGISTRY.get_sample_value("fullback_finding_open", {"kind": "agreement_below", "subject": SUBJECT}) == 1


@pytest.mark.parametrize(("n", "differing"), [(199, 199), (200, 60)])
def test_few_pairs_and_an_interval_across_the_end_say_nothing(factory, declare, pairs, listed, n, differing):
    declare(artifact=Artifact(bits=4))
    pairs(n, differing)
    factory.agreement.run()
    assert listed("all") == []


def test_it_stays_open_until_the_share_is_inside_again(factory, clock, declare, pairs, listed):
    declare(artifact=Artifact(bits=4))
    pairs(300, 120)
    factory.agreement.run()
    clock.advance(HOUR)
    pairs(300, 40)
    factory.agreement.run()
    assert len(listed()) == 1, "73 % of 600: the interval reaches the band, the share does not"
    clock.advance(HOUR)
    pairs(600)
    factory.agreement.run()
    assert listed() == []
    (ended,) = listed("all")
    assert ended["closed_by"] == "fullback"
    assert ended["closed_reason"].endswith("inside the band")


def test_too_few_pairs_are_no_all_clear(factory, clock, declare, pairs, listed):
    declare(artifact=Artifact(bits=4))
    pairs(300, 120)
    factory.agreement.run()
    clock.advance(DAY + 2 * HOUR)
    pairs(150)
    factory.agreement.run()
    assert len(listed()) == 1


def test_what_is_older_than_a_day_no_longer_counts(factory, clock, declare, pairs, listed):
    declare(artifact=Artifact(bits=4))
    pairs(400, 200)
    factory.agreement.run()
    clock.advance(DAY + 2 * HOUR)
    pairs(300, 20)
    factory.agreement.run()
    assert "280 of" not in str(listed())
    assert kinds(listed()) == []


def test_answers_finer_than_declared_are_above(factory, declare, pairs, listed, alerts):
    declare(artifact=Artifact(bits=2))
    pairs(500)
    factory.agreement.run()
    assert listed() == [], "one in a hundred may differ: 500 equal pairs may be chance"
    pairs(300)
    factory.agreement.run()
    (found,) = listed()
    assert kinds([found]) == [("agreement_above", SUBJECT)]
    assert "allows at most 99.0%: finer than declared; perhaps chat-bf16 itself answers" in found["detail"]
    assert [alert.kind for alert in alerts()] == [AlertKind.AGREEMENT_ABOVE]


def test_a_derived_variant_that_answers_like_the_baseline_is_above(factory, declare, pairs, listed):
    declare(tier=Tier.DERIVED)
    pairs(600)
    factory.agreement.run()
    (found,) = listed()
    assert kinds([found]) == [("agreement_above", SUBJECT)]
    assert "a derived model allows at most 98.5%: perhaps chat-bf16's own weights answer" in found["detail"]


def test_unequal_copies_indict_one_of_the_two(factory, declare, pairs, listed):
    declare(tier=Tier.SERVING, format="bf16")
    pairs(400, 60)
    factory.agreement.run()
    (found,) = listed()
    assert kinds([found]) == [("agreement_below", SUBJECT)]
    assert f"traffic cannot tell whether {CANDIDATE} or {BASE}" in found["detail"]


def test_a_baseline_unlike_its_own_mirror_is_the_finding_and_no_candidate_is(factory, declare, pairs, listed):
    declare(artifact=Artifact(bits=4))
    pairs(400, 100, primary="base")
    pairs(300, 120)
    factory.agreement.run()
    (found,) = listed()
    assert kinds([found]) == [("agreement_below", BASELINE)]
    assert found["detail"].startswith(f"{BASE} and its own mirror gave the same greedy answer in 75.0% of 400 pairs")


def test_longer_answers_may_differ_more_often(factory, declare, pairs, listed):
    declare(artifact=Artifact(bits=4))
    pairs(300, 200, tokens=10)
    factory.agreement.run()
    assert listed("all") == []


def test_only_greedy_answers_that_can_be_compared_count(factory, declare, pairs, listed):
    declare(artifact=Artifact(bits=4))
    pairs(300, 300, temperature=0.7)
    pairs(300, 300, status=503)
    factory.agreement.run()
    assert listed("all") == []


@pytest.mark.parametrize("differing", [0, 900])
def test_answers_of_open_prose_neither_agree_nor_differ(factory, declare, pairs, listed, differing):
    declare(artifact=Artifact(bits=2))
    prose = ("The tram leaves the fair at nine. " * 9, "By ten the tram is back from the fair. " * 8)
    pairs(900, differing, said=prose)
    factory.agreement.run()
    assert listed("all") == []


def test_a_new_digest_begins_to_count_anew(factory, clock, declare, pairs, listed):
    declare(artifact=Artifact(bits=4))
    pairs(300, 120)
    factory.agreement.run()
    declare(digest="sha256:b")
    pairs(250, 10)
    clock.advance(MINUTE)
    factory.agreement.run()
    assert listed() == []
    assert "of 250 pairs" in listed("all")[0]["closed_reason"]


def test_each_pair_counts_once_and_a_restart_keeps_what_was_found(
    factory, settings, database, clock, declare, pairs, listed
):
    declare(artifact=Artifact(bits=4))
    pairs(150, 150)
    for _ in range(5):
        clock.advance(MINUTE)
        factory.agreement.run()
    assert listed("all") == []
    pairs(60, 60)
    clock.advance(MINUTE)
    factory.agreement.run()
    assert "of 210 pairs" in listed()[0]["detail"]
    clock.advance(5 * HOUR)
    Factory(settings, clock=clock, database=database).agreement.run()
    assert len(listed()) == 1


def test_a_persons_closing_holds_for_a_week_or_until_it_is_confirmed_anew(
    client, factory, route, clock, declare, pairs, listed, alerts
):
    declare(artifact=Artifact(bits=4))
    pairs(300, 120)
    factory.agreement.run()
    path = f"/v1/findings/{listed()[0]['id']}/close"
    assert client.post(path, json={"reason": "known"}, headers=listed.headers).status_code == 200
    clock.advance(MINUTE)
    factory.agreement.run()
    assert listed() == []
    factory.variants.confirm(route, CANDIDATE, None, None, "ana")
    clock.advance(MINUTE)
    factory.agreement.run()
    assert len(listed()) == 1
    assert len(alerts()) == 2
    client.post(f"/v1/findings/{listed()[0]['id']}/close", json={"reason": "known"}, headers=listed.headers)
    clock.advance(6 * DAY)
    pairs(300, 120)
    factory.agreement.run()
    assert listed() == []
    clock.advance(DAY + HOUR)
    pairs(300, 120)
    factory.agreement.run()
    assert len(listed()) == 1


@pytest.mark.parametrize("name", ["acme/Llama-3.1-70B-FP8", "llama-70b-q4_K_M.gguf"])
def test_a_baseline_whose_answers_name_fewer_bits_is_doubted(factory, clock, pairs, listed, alerts, name):
    pairs(5, model="acme/Llama-3.1-70B")
    factory.agreement.run()
    assert listed("all") == []
    pairs(5, model=name)
    clock.advance(MINUTE)
    factory.agreement.run()
    (found,) = listed()
    assert kinds([found]) == [("baseline_doubted", BASELINE)]
    assert found["detail"].startswith(f"{BASE} is declared full precision, but its answers name a model of ")
    assert "acme" not in found["detail"]
    assert [alert.kind for alert in alerts()] == [AlertKind.BASELINE_DOUBTED]
    clock.advance(2 * HOUR)
    factory.agreement.run()
    assert len(listed()) == 1, "no traffic is no all-clear"
    pairs(5, model="acme/Llama-3.1-70B")
    clock.advance(MINUTE)
    factory.agreement.run()
    assert listed() == []


@pytest.mark.parametrize("failed", [{"status": 404}, {"error": "timeout"}])
def test_a_name_in_a_failed_answer_tells_nothing(client, factory, clock, headers, listed, failed):
    """It may be a gateway's own, of another server."""
    at = clock.now() - 2 * MINUTE
    sent = event("r", at, backend="base", response={**reply(), "model": "acme/Llama-3.1-70B-FP8"}, **failed)
    assert client.post("/v1/events", json=[sent], headers=headers).json()["stored"] == 1
    factory.agreement.run()
    assert listed("all") == []


def test_a_name_that_only_repeats_the_requests_tells_nothing(client, factory, clock, headers, listed):
    at = clock.now() - 2 * MINUTE
    asked = {**body(), "model": "llama-int4"}
    sent = event("r", at, backend="base", request=asked, response={**reply(), "model": "llama-int4"})
    assert client.post("/v1/events", json=[sent], headers=headers).json()["stored"] == 1
    factory.agreement.run()
    assert listed("all") == []


def test_a_fingerprint_that_names_fewer_bits_doubts_too(factory, clock, pairs, listed):
    pairs(5, system_fingerprint="vllm-fp8-h100")
    factory.fingerprints.run()
    factory.agreement.run()
    assert kinds(listed()) == [("baseline_doubted", BASELINE)]
    clock.advance(2 * HOUR)
    pairs(5, model="acme/Llama-3.1-70B", system_fingerprint="b1")
    factory.fingerprints.run()
    factory.agreement.run()
    assert kinds(listed()) == [("fingerprint_changed", BASELINE)], "it names fewer bits no more"


def test_a_candidates_fingerprint_does_not_doubt_the_baseline(client, factory, clock, headers, listed):
    sent = event("r", clock.now() - 2 * MINUTE, response={**reply(), "system_fingerprint": "vllm-fp8-h100"})
    assert client.post("/v1/events", json=[sent], headers=headers).json()["stored"] == 1
    factory.fingerprints.run()
    factory.agreement.run()
    assert listed("all") == []


def test_a_baseline_declared_by_a_name_of_fewer_bits_is_doubted_until_confirmed(factory, route, declare, pairs, listed):
    declare(BASE, format="fp8")
    factory.agreement.run()
    (found,) = listed()
    assert found["detail"].endswith("its name, format or facts say 8 bits, which nobody confirmed")
    factory.variants.confirm(route, BASE, None, None, "ana")
    pairs(1)
    factory.agreement.run()
    assert listed() == []


def test_findings_of_variants_that_are_gone_end(factory, database, declare, pairs, listed):
    declare(artifact=Artifact(bits=4))
    pairs(300, 120)
    factory.agreement.run()
    with database.transaction() as session:
        store = RouteStore(session)
        mine = next(one for one in store.variants() if one.name == CANDIDATE)
        store.save_variant(replace(mine, name="other"))
        session.execute(text("UPDATE variants SET name = 'other' WHERE id = :id"), {"id": mine.id})
    factory.agreement.run()
    assert kinds(listed()) == [("agreement_below", f"{ROUTE}/other")]
    assert [one["closed_reason"] for one in listed("all") if one["subject"] == SUBJECT] == [
        "there is no such variant to compare any more"
    ]


def test_they_are_shown_on_the_console_and_the_command_line(client, factory, declare, pairs, listed, monkeypatch):
    declare(artifact=Artifact(bits=4))
    pairs(300, 120)
    factory.agreement.run()
    page = client.get("/findings").text
    assert "agreement below its band" in page
    assert "60.0% of 300 pairs" in client.get(f"/routes/{ROUTE}").text
    items = listed()
    monkeypatch.setattr(cli_findings, "call_api", lambda *_, **__: {"items": items, "next_cursor": None})
    done = CliRunner().invoke(main, ["findings"])
    assert "agreement_below" in done.output


def test_the_worker_looks_by_itself(factory):
    worker = Worker(factory)
    worker.start()
    try:
        assert worker._scheduler.get_job("agreement") is not None
    finally:
        worker.stop()

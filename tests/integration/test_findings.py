"""Findings: a fingerprint that changes unannounced, a shipper that falls silent; one alert each, and their end."""

import json
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
from monitor.models.key import Scope
from monitor.models.variant import Role, Tier
from monitor.scheduler import Worker
from monitor.storage.fingerprints import FingerprintStore
from monitor.storage.routes import VariantSpec
from tests.support.events import CANDIDATE, ROUTE, World, add_route, bearer, event, key, reply

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
HOOK = "https://hooks.slack.example/services/T/B/X"


@pytest.fixture
def settings():
    return Settings(ui_auth="off", commit_timeout_s=5, slack_webhook_url=HOOK)


@pytest.fixture
def shipper(factory):
    add_route(factory)
    return bearer(key(factory))


@pytest.fixture
def reader(factory):
    return bearer(key(factory, Scope.READ, Scope.OPERATE, source="reader"))


@pytest.fixture
def send(client, shipper, clock):
    sent = iter(range(1_000_000))

    def send(fingerprint=None, backend="cand", headers=shipper, ago=SECOND):
        answer = {**reply(), "system_fingerprint": fingerprint}
        one = event(f"r{next(sent)}", clock.now() - ago, backend=backend, response=answer)
        assert client.post("/v1/events", json=[one], headers=headers).json()["stored"] == 1

    return send


@pytest.fixture
def listed(client, reader):
    def listed(state="open", headers=reader):
        return client.get("/v1/findings", params={"state": state}, headers=headers).json()["items"]

    return listed


@pytest.fixture
def alerts(database):
    def alerts():
        with database.reading() as session:
            return [from_json(row[0]) for row in session.execute(text("SELECT alert FROM outbox ORDER BY id"))]

    return alerts


def gauge(name, **labels):
    return REGISTRY.get_sample_value(name, labels)


def test_the_first_fingerprint_is_remembered_and_no_finding(factory, send, listed, alerts):
    send("fp-1")
    send(None)
    factory.fingerprints.run()
    factory.fingerprints.run()
    assert listed("all") == alerts() == []


def test_a_changed_fingerprint_is_one_finding_with_one_alert(factory, clock, send, listed, alerts):
    send("fp-1")
    factory.fingerprints.run()
    clock.advance(10 * SECOND)
    send("fp-2")
    for _ in range(3):
        factory.fingerprints.run()
        clock.advance(10 * SECOND)
    (found,) = listed()
    assert (found["kind"], found["subject"], found["closed_at"]) == (
        "fingerprint_changed",
        f"{ROUTE}/{CANDIDATE}",
        None,
    )
    assert "'fp-2' instead of 'fp-1'" in found["detail"]
    (alert,) = alerts()
    assert (alert.kind, alert.severity) == (AlertKind.FINGERPRINT_CHANGED, Severity.WARN)
    assert (alert.route, alert.candidate, alert.headline) == (ROUTE, CANDIDATE, found["detail"])
    factory.gauges.run()
    labels = {"kind": "fingerprint_changed", "subject": f"{ROUTE}/{CANDIDATE}"}
    assert gauge("fullback_finding_open", **labels) == 1
    send("fp-3")
    factory.fingerprints.run()
    assert len(alerts()) == len(listed("all")) == 1, "a third one changes the open finding"
    assert "'fp-3'" in listed()[0]["detail"]


def test_a_crash_between_two_looks_loses_no_change(factory, clock, settings, database, send, listed):
    send("fp-1")
    factory.fingerprints.run()
    clock.advance(MINUTE)
    send("fp-2")
    Factory(settings, clock=clock, database=database).fingerprints.run()
    assert len(listed()) == 1


def test_a_change_seen_at_the_first_look_is_found_too(factory, clock, send, listed):
    send("fp-1")
    clock.advance(MINUTE)
    send("fp-2")
    factory.fingerprints.run()
    assert "'fp-2' instead of 'fp-1'" in listed()[0]["detail"]


def look(factory, clock, times=3):
    """Looks that follow each other as the worker's do."""
    for _ in range(times):
        factory.fingerprints.run()
        clock.advance(10 * SECOND)


@pytest.mark.parametrize("late", [5 * MINUTE, 3 * HOUR, timedelta(days=6, hours=23)])
def test_a_change_that_is_shipped_late_is_found_once(factory, clock, send, listed, alerts, late):
    send("fp-1", ago=late + MINUTE)
    look(factory, clock)
    clock.advance(MINUTE)
    send("fp-2", ago=late)
    look(factory, clock)
    assert "'fp-2' instead of 'fp-1'" in listed()[0]["detail"]
    send("fp-2", ago=late - MINUTE)
    send("fp-1", ago=late + SECOND)
    look(factory, clock, 12)
    assert len(alerts()) == len(listed("all")) == 1


def test_a_late_one_between_two_that_are_known_is_a_change(client, factory, clock, send, listed, alerts, reader):
    send("fp-1", ago=HOUR)
    send("fp-3", ago=MINUTE)
    look(factory, clock)
    client.post(f"/v1/findings/{listed()[0]['id']}/close", json={"reason": "was us"}, headers=reader)
    look(factory, clock)
    send("fp-2", ago=30 * MINUTE)
    look(factory, clock, 12)
    assert "'fp-3' instead of 'fp-2'" in listed()[0]["detail"]
    assert len(alerts()) == len(listed("all")) == 2


def test_a_worker_that_was_away_catches_up_in_steps(settings, database, factory, clock, send, listed, alerts):
    send("fp-1")
    look(factory, clock)
    send("fp-2", ago=2 * HOUR)
    clock.advance(5 * HOUR)
    Factory(settings, clock=clock, database=database).fingerprints.run()
    assert len(alerts()) == len(listed()) == 1
    send("fp-3", ago=2 * HOUR)
    clock.advance(timedelta(days=6))
    spans = []
    received = FingerprintStore.received

    def watched(store, since, until, oldest):
        spans.append(until - since)
        return received(store, since, until, oldest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FingerprintStore, "received", watched)
        factory.fingerprints.run()
    assert len(spans) == 36, "a long pause takes several looks"
    assert max(spans) <= timedelta(minutes=10, seconds=30)


def test_what_is_committed_long_after_it_was_received_is_seen(factory, database, clock, send, listed):
    """An event waits for its commit while a look passes: it shows itself with a receive time before the mark."""
    send("fp-1")
    look(factory, clock)
    send("fp-2")
    with database.transaction() as session:
        session.execute(text("UPDATE events SET variant_id = -variant_id WHERE system_fingerprint = 'fp-2'"))
    look(factory, clock, 2)
    assert listed() == []
    with database.transaction() as session:
        session.execute(text("UPDATE events SET variant_id = -variant_id WHERE system_fingerprint = 'fp-2'"))
    look(factory, clock, 1)
    assert len(listed()) == 1


def test_a_look_that_fails_is_taken_again(factory, database, clock, send, listed, monkeypatch):
    send("fp-1")
    look(factory, clock)
    send("fp-2")
    with monkeypatch.context() as patch:
        patch.setattr(factory.findings, "open", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            factory.fingerprints.run()
    clock.advance(HOUR)
    factory.fingerprints.run()
    assert len(listed()) == 1


def test_a_clock_that_went_back_hides_nothing(factory, clock, send, listed):
    send("fp-1")
    look(factory, clock)
    clock.advance(-5 * MINUTE)
    send("fp-2", ago=-5 * MINUTE)
    look(factory, clock, 1)
    assert len(listed()) == 1


def test_it_closes_when_the_newer_one_has_been_alone_for_an_hour(factory, clock, send, listed):
    for fingerprint in ("fp-1", "fp-2"):
        send(fingerprint)
        factory.fingerprints.run()
        clock.advance(10 * SECOND)
    for step in range(13):
        send("fp-1" if step == 3 else "fp-2")
        factory.fingerprints.run()
        assert len(listed()) == 1, step
        clock.advance(5 * MINUTE)
    clock.advance(20 * MINUTE)
    send("fp-2")
    factory.fingerprints.run()
    assert listed() == []
    (ended,) = listed("all")
    assert ended["closed_at"] is not None
    assert (ended["closed_by"], ended["closed_reason"]) == (
        "fullback",
        "the newer fingerprint has been alone for an hour",
    )


def test_going_back_to_an_old_fingerprint_is_a_change_too(factory, clock, send, listed):
    for fingerprint, pause in (("fp-1", 10 * SECOND), ("fp-2", 2 * HOUR), ("fp-2", SECOND)):
        send(fingerprint)
        factory.fingerprints.run()
        clock.advance(pause)
    assert listed() == []
    send("fp-1")
    factory.fingerprints.run()
    assert "'fp-1' instead of 'fp-2'" in listed()[0]["detail"]


def test_the_digest_of_the_variant_is_an_announced_fingerprint(client, factory, clock, send, listed):
    spec = VariantSpec("new", Role.CANDIDATE, "cand2", "int4", Tier.QUANTIZED, None, "fp-2")
    factory.routes.add_variant(ROUTE, spec, "test")
    for fingerprint in ("fp-1", "fp-2"):
        send(fingerprint, backend="cand2")
        factory.fingerprints.run()
        clock.advance(10 * SECOND)
    assert listed() == []


def test_a_person_closes_it_and_it_stays_closed(client, factory, clock, send, listed, reader):
    for fingerprint in ("fp-1", "fp-2"):
        send(fingerprint)
        factory.fingerprints.run()
        clock.advance(10 * SECOND)
    path = f"/v1/findings/{listed()[0]['id']}/close"
    assert client.post(path, json={}, headers=reader).status_code == 422
    closed = client.post(path, json={"reason": "was us"}, headers=reader).json()
    assert closed["closed_at"] is not None
    assert (closed["closed_by"], closed["closed_reason"]) == ("reader", "was us")
    assert listed("all") == [closed]
    assert client.post(path, json={"reason": "was us"}, headers=reader).status_code == 409
    assert client.post("/v1/findings/99/close", json={"reason": "x"}, headers=reader).status_code == 404
    send("fp-2")
    factory.fingerprints.run()
    assert listed() == []


def test_many_fingerprints_take_bounded_room(factory, clock, database, send):
    for n in range(30):
        send(f"fp-{n}")
        clock.advance(SECOND)
    factory.fingerprints.run()
    with database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM fingerprints")).scalar() == 20


def test_a_new_build_starts_the_streams_anew(client, factory, clock):
    world = World(client, factory, clock)
    world.warm_up()
    factory.fingerprints.run()
    world.run(15)
    before = world.stream("schema_validity")["pairs"]
    assert before > 200
    served = world._served

    def other(request_id, at, backend, host):
        found = served(request_id, at, backend, host)
        if backend == "cand":
            found["response"]["system_fingerprint"] = other.fingerprint
        return found

    world._served = other
    other.fingerprint = "fp-1"
    world.run(3)
    factory.fingerprints.run()
    world.run(3)
    assert world.stream("schema_validity")["pairs"] > before, "learning a fingerprint is no change"
    other.fingerprint = "fp-2"
    world.run(1)
    factory.fingerprints.run()
    world.run(2)
    assert world.stream("schema_validity")["pairs"] < before / 2


def deliver(factory, clock, send, gap, times):
    for _ in range(times):
        send()
        clock.advance(gap)
        factory.silence.run()


def test_a_silent_shipper_is_one_finding_until_it_sends_again(factory, clock, send, listed, alerts):
    deliver(factory, clock, send, 20 * SECOND, 8)
    clock.advance(75 * SECOND)
    factory.silence.run()
    assert listed() == []
    last = clock.now() - 95 * SECOND
    clock.advance(10 * SECOND)
    for _ in range(3):
        factory.silence.run()
    (found,) = listed()
    assert (found["kind"], found["subject"]) == ("shipper_silent", "shipper")
    assert f"{last:%H:%M:%S} UTC" in found["detail"]
    (alert,) = alerts()
    assert (alert.kind, alert.severity, alert.candidate) == (AlertKind.SHIPPER_SILENT, Severity.WARN, "shipper")
    factory.gauges.run()
    assert gauge("fullback_finding_open", kind="shipper_silent", subject="shipper") == 1
    assert gauge("fullback_source_last_seen_timestamp_seconds", source="shipper") == last.timestamp()
    send()
    clock.advance(SECOND)
    factory.silence.run()
    assert listed() == []
    (ended,) = listed("all")
    assert (ended["closed_by"], ended["closed_reason"]) == ("fullback", "the source sends again")
    factory.gauges.run()
    assert gauge("fullback_finding_open", kind="shipper_silent", subject="shipper") is None
    clock.advance(2 * HOUR)
    factory.silence.run()
    assert len(alerts()) == 2, "another silence is another finding"


def test_a_slow_shipper_may_be_quiet_for_longer(factory, clock, send, listed):
    deliver(factory, clock, send, 5 * MINUTE, 8)
    clock.advance(19 * MINUTE)
    factory.silence.run()
    assert listed() == []
    clock.advance(2 * MINUTE)
    factory.silence.run()
    assert len(listed()) == 1


def test_a_worker_that_just_started_goes_by_hours(factory, clock, settings, database, send, listed):
    for _ in range(4):
        send()
        clock.advance(HOUR)
    fresh = Factory(settings, clock=clock, database=database)
    fresh.silence.run()
    assert listed() == []
    clock.advance(SECOND)
    fresh.silence.run()
    assert len(listed()) == 1


def test_a_closed_finding_of_a_silence_does_not_come_back(client, factory, clock, send, listed, reader):
    deliver(factory, clock, send, 10 * SECOND, 8)
    clock.advance(5 * MINUTE)
    factory.silence.run()
    client.post(f"/v1/findings/{listed()[0]['id']}/close", json={"reason": "maintenance"}, headers=reader)
    clock.advance(5 * MINUTE)
    factory.silence.run()
    assert listed() == []


def test_a_source_whose_keys_are_revoked_is_not_silent(factory, clock, send, listed):
    deliver(factory, clock, send, 10 * SECOND, 8)
    clock.advance(5 * MINUTE)
    factory.silence.run()
    assert len(listed()) == 1
    for one in factory.keys.all():
        if one.source == "shipper":
            factory.keys.revoke(one.id)
    factory.silence.run()
    assert listed() == []


def test_long_ago_is_not_silent(factory, clock, send, listed):
    send()
    clock.advance(timedelta(days=1, minutes=1))
    factory.silence.run()
    assert listed("all") == []


def test_a_bound_key_sees_its_own(client, factory, clock, send, listed):
    for fingerprint in ("fp-1", "fp-2"):
        send(fingerprint)
        factory.fingerprints.run()
        clock.advance(10 * SECOND)
    clock.advance(2 * HOUR)
    factory.silence.run()
    scopes = (Scope.READ, Scope.OPERATE)
    stranger = bearer(key(factory, *scopes, source="a", routes=frozenset({"another"})))
    mine = bearer(key(factory, *scopes, source="b", routes=frozenset({ROUTE})))
    both = {"fingerprint_changed", "shipper_silent"}
    assert {one["kind"] for one in listed()} == both
    assert listed(headers=stranger) == []
    assert {one["kind"] for one in listed(headers=mine)} == {"fingerprint_changed"}
    path = f"/v1/findings/{listed()[0]['id']}/close"
    assert client.post(path, json={"reason": "x"}, headers=stranger).status_code == 403


def test_the_list_goes_on_by_cursor(client, factory, clock, send, reader):
    for backend in ("cand", "base"):
        for fingerprint in ("fp-1", "fp-2"):
            send(fingerprint, backend=backend)
            factory.fingerprints.run()
            clock.advance(10 * SECOND)
    first = client.get("/v1/findings", params={"limit": 1}, headers=reader).json()
    second = client.get("/v1/findings", params={"limit": 1, "cursor": first["next_cursor"]}, headers=reader).json()
    assert first["items"][0]["id"] > second["items"][0]["id"]


def test_the_worker_looks_for_findings(factory):
    worker = Worker(factory)
    worker.start()
    try:
        assert {"fingerprints", "silence"} <= {job.id for job in worker._scheduler.get_jobs()}
    finally:
        worker.stop()


def test_the_command_line(client, factory, clock, send, listed, reader, monkeypatch):
    def call(method, path, **arguments):
        answer = client.request(method, path, headers=reader, **arguments)
        assert answer.is_success, answer.text
        return answer.json()

    monkeypatch.setattr(cli_findings, "call_api", call)

    def run(*arguments):
        done = CliRunner().invoke(main, ["findings", *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    assert run() == run("list") == "no open findings\n"
    assert run("--all") == "no findings\n"
    for fingerprint in ("fp-1", "fp-2"):
        send(fingerprint)
        look(factory, clock, 1)
    (found,) = listed()
    line = f"{found['id']}  fingerprint_changed  {ROUTE}/{CANDIDATE}"
    assert run() == run("list") == f"{line}  OPEN  {found['detail']}\n"
    assert json.loads(run("--json")) == json.loads(run("list", "--json")) == {"items": [found], "next_cursor": None}
    assert CliRunner().invoke(main, ["findings", "close", str(found["id"])]).exit_code == 2, "a reason is asked for"
    assert f"finding {found['id']} closed by reader\n" in run("close", str(found["id"]), "--reason", "was us")
    assert run() == "no open findings\n"
    assert f"{line}  closed by reader  " in run("list", "--all")

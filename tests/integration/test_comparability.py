"""Arms that cannot be compared: other traffic, another share than declared, other temperatures. It is told."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from alerts.codec import from_json
from alerts.types import AlertKind, Severity
from detectors.registry import SIGNALS
from monitor.config import Settings
from monitor.models.key import Scope
from monitor.models.route import Mode
from monitor.routing.registry import build as build_target
from monitor.services import comparability_watch
from monitor.services.comparability_watch import ComparabilityWatch
from monitor.services.evaluate import EvaluateService
from monitor.storage.comparability import ComparabilityStore
from tests.integration.test_reactions import REACTIONS, Sessions
from tests.support.events import BASE, CANDIDATE, POLICY, ROUTE, World, bearer, key

SUBJECT = f"{ROUTE}/{CANDIDATE}"
ENGLISH = "Which of the trains to Porto tomorrow morning takes bicycles?"
GERMAN = "Welcher der Züge nach Porto nimmt morgen früh auch Fahrräder mit?"


@pytest.fixture
def settings():
    return Settings(ui_auth="off", commit_timeout_s=5, slack_webhook_url="https://hooks.slack.example/services/T/B/X")


class Split(Sessions):
    """Sessions whose requests may depend on the arm; ``asked`` changes them by backend."""

    def __init__(self, *args, holdback=None, **route):
        super().__init__(*args, **route)
        self.asked = {}
        if holdback is not None:
            document = {**REACTIONS, "reactions": {**REACTIONS["reactions"], "holdback": holdback}}
            self.factory.policies.add(self.route.policy, document, "test")

    def _session(self, at):
        said = len(self._said)
        events = super()._session(at)
        for one in [*events, *(later for _, later in self._said[said:])]:
            one["request"] = {**one["request"], **self.asked.get(one["backend"], {})}
        return events


@pytest.fixture
def findings(client, factory):
    reader = bearer(key(factory, Scope.READ, Scope.OPERATE, source="reader"))

    def findings(state="open"):
        return client.get("/v1/findings", params={"state": state}, headers=reader).json()["items"]

    def close(finding_id):
        body = {"reason": "known"}
        return client.post(f"/v1/findings/{finding_id}/close", json=body, headers=reader)

    findings.close = close
    return findings


@pytest.fixture
def alerts(database):
    def alerts():
        with database.reading() as session:
            return [from_json(row[0]) for row in session.execute(text("SELECT alert FROM outbox ORDER BY id"))]

    return alerts


def german(backend="base"):
    return {backend: {"messages": [{"role": "user", "content": GERMAN}]}}


def test_a_holdback_with_other_traffic_is_one_finding_with_one_alert(client, factory, clock, findings, alerts):
    world = Split(client, factory, clock)
    world.warm_up()
    world.asked = german()
    assert world.run(25, until=lambda: bool(findings()))
    world.run(3)
    (found,) = findings()
    assert (found["kind"], found["subject"]) == ("traffic_unlike", SUBJECT)
    assert found["detail"].startswith(f"{BASE} sees other traffic than {CANDIDATE}: language ")
    (alert,) = alerts()
    assert (alert.kind, alert.severity) == (AlertKind.TRAFFIC_UNLIKE, Severity.WARN)
    assert (alert.route, alert.candidate, alert.baseline) == (ROUTE, CANDIDATE, BASE)
    assert GERMAN not in alert.headline


def test_while_it_stands_reactions_only_advise_in_mode_auto_too(client, factory, clock, findings):
    world = Split(client, factory, clock, mode=Mode.AUTO, target="split-advises")
    world.warm_up()
    world.asked = german()
    assert world.run(25, until=lambda: bool(findings()))
    routed = build_target(world.route.targets[0]).read()
    world.bad["cand"] = 0.5
    assert world.run(60, until=lambda: bool(world.incidents()))
    (incident,) = world.incidents()
    assert incident["signal"] == "correction"
    assert incident["advice"].startswith("The arms' traffic is not alike: ")
    for _ in range(5):
        factory.reconciler.run()
    assert build_target(world.route.targets[0]).read() == routed
    shown = world.stream("correction")
    assert shown["verdict"] == "inconclusive"
    assert "traffic is not alike" in shown["reason"]


def test_arms_with_the_same_traffic_are_no_finding_and_harm_acts(client, factory, clock, findings):
    world = Split(client, factory, clock, holdback=0.25)
    world.asked = {name: {"temperature": 0.7} for name in ("base", "cand")}
    world.warm_up()
    world.run(40)
    assert findings("all") == []
    world.bad["cand"] = 0.4
    assert world.run(60, until=lambda: bool(world.incidents()))
    assert world.incidents()[0]["advice"] is None


def test_arms_sampled_at_other_temperatures_are_told_apart(client, factory, clock, findings):
    world = Split(client, factory, clock)
    world.warm_up()
    world.asked = {"base": {"temperature": 0}, "cand": {"temperature": 1}}
    assert world.run(25, until=lambda: bool(findings()))
    (found,) = findings()
    assert "temperature" in found["detail"]


def test_later_turns_are_not_compared(client, factory, clock, findings):
    """A worse variant may keep its users longer: what they ask then may be its own doing."""
    world = Split(client, factory, clock)
    world.warm_up()
    history = [{"role": "user", "content": GERMAN}, {"role": "assistant", "content": "Der um 7:40."}]
    world.asked = {"base": {"messages": [*history, {"role": "user", "content": "Und welcher fährt danach?"}]}}
    world.run(25)
    assert findings("all") == []


@pytest.mark.parametrize("split", [0.0, 0.6])
def test_another_share_than_declared_makes_reactions_inconclusive(client, factory, clock, findings, alerts, split):
    world = Split(client, factory, clock, holdback=0.25)
    world.warm_up()
    world.run(15)
    assert findings("all") == []
    world.split = split
    assert world.run(60, until=lambda: bool(findings()))
    (found,) = findings()
    assert (found["kind"], found["subject"]) == ("holdback_share", f"{ROUTE}/{BASE}")
    assert "25.0% of the sessions are declared" in found["detail"]
    assert [alert.kind for alert in alerts()] == [AlertKind.HOLDBACK_SHARE]
    world.bad["cand"] = 0.6
    world.run(30)
    shown = world.stream("correction")
    assert shown["verdict"] == "inconclusive"
    assert shown["reason"].startswith("the holdback is not as declared: ")
    assert world.incidents() == []


def test_a_share_that_nobody_declared_is_held_against_nothing(client, factory, clock, findings):
    world = Split(client, factory, clock)
    world.warm_up()
    world.split = 0.9
    world.run(20)
    assert findings("all") == []


def test_it_ends_after_a_day_without_evidence(client, factory, clock, findings, monkeypatch):
    monkeypatch.setattr(comparability_watch, "_DAY", timedelta(seconds=30))
    world = Split(client, factory, clock)
    world.warm_up()
    world.asked = german()
    assert world.run(25, until=lambda: bool(findings()))
    world.asked = {}
    assert not world.run(10, until=lambda: not findings())
    assert world.run(120, until=lambda: not findings())
    (ended,) = findings("all")
    assert ended["closed_by"] == "fullback"
    assert "showed no more of it" in ended["closed_reason"]


def test_what_a_person_closed_stays_closed_and_moves_traffic_again(client, factory, clock, findings):
    world = Split(client, factory, clock)
    world.warm_up()
    world.asked = german()
    assert world.run(25, until=lambda: bool(findings()))
    assert findings.close(findings()[0]["id"]).status_code == 200
    world.bad["cand"] = 0.5
    assert world.run(60, until=lambda: bool(world.incidents()))
    assert world.incidents()[0]["advice"] is None
    assert findings() == []


def test_evidence_outlives_the_service_and_counts_once(client, factory, clock, findings):
    def states():
        with factory.database.reading() as session:
            return ComparabilityStore(session).of_route(world.route.id)

    world = Split(client, factory, clock)
    world.warm_up()
    world.asked = german()
    for _ in range(25):
        world.tick()
        watch = ComparabilityWatch(factory.findings)
        fresh = EvaluateService(factory.database, factory.policies, clock, watch)
        fresh.run()
        before = states()
        assert fresh.run() == 0
        assert states() == before
        if findings():
            return
    raise AssertionError("nothing was found")


class Sampled(World):
    """Mirrored requests; the shadow may be asked at another temperature."""

    temperatures = (0.7, 0.7)

    def post(self, events, lines=()):
        events = list(events)
        for one in events:
            shadow = one["backend"] == "base"
            one["request"] = {**one["request"], "temperature": self.temperatures[shadow]}
        super().post(events, lines)


WATCHED = {"output_length", "request_error", "schema_validity"}


@pytest.fixture
def sampled(client, factory, clock):
    document = {**POLICY, "signals": {name: {"weight": 0} for name in SIGNALS if name not in WATCHED}}
    world = Sampled(client, factory, clock, policy=document)
    world.warm_up()
    return world


def test_legs_asked_at_unlike_temperatures_are_told_and_noted(sampled, findings, alerts):
    sampled.run(5)
    assert findings("all") == []
    sampled.temperatures = (0.7, 0.0)
    assert sampled.run(10, until=lambda: bool(findings()))
    found = next(one for one in findings() if one["subject"] == SUBJECT)
    assert found["kind"] == "sampling_unlike"
    assert found["detail"].endswith("lately 0.7 and greedy")
    assert {alert.kind for alert in alerts()} == {AlertKind.SAMPLING_UNLIKE}
    sampled.run(1)
    assert "not asked alike" in sampled.stream("output_length")["reason"]
    assert "not asked alike" not in sampled.stream("schema_validity")["reason"]
    sampled.temperatures = (0.0, 0.0)
    assert sampled.run(250, until=lambda: not findings())


def test_a_leg_that_states_no_temperature_is_not_compared(sampled, findings):
    sampled.temperatures = (0.7, None)
    sampled.run(8)
    assert findings("all") == []

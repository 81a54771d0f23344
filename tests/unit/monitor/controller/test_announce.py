"""What on-call is told, and under which key."""

import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.codec import from_json
from alerts.types import Alert, AlertKind, Severity
from monitor.cli import main
from monitor.controller import announce
from monitor.controller.announce import Announcer, effect_in
from monitor.models.incident import Incident
from monitor.models.route import DesiredRoute, Goal, Mode, Phase, Route, RouteControl, TargetRef
from monitor.models.variant import Role, Tier, Variant
from tests.support.situations import an_incident

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ROUTE = Route(1, "chat", Mode.AUTO, "default", (TargetRef("memory"),), None, 100.0, None, NOW)
CONTROL = RouteControl(
    1,
    Phase.APPLYING,
    NOW,
    Goal.BASELINE,
    "controller",
    4,
    {"memory": DesiredRoute(4, {"base": 100, "cand": 0}, "cand")},
    incident_id=7,
)
VARIANTS = [
    Variant(1, 1, "bf16", Role.BASELINE, "base", "bf16", Tier.SERVING, None, None, NOW),
    Variant(2, 1, "int8", Role.CANDIDATE, "other", "int8", Tier.QUANTIZED, None, None, NOW),
    Variant(3, 1, "int4", Role.CANDIDATE, "cand", "int4", Tier.QUANTIZED, None, None, NOW),
]
EFFECT = {
    "signal": "schema_validity",
    "candidate": 0.08,
    "baseline": 0.0,
    "difference": 0.08,
    "low": 0.05,
    "high": 0.11,
    "level": 0.95,
    "pairs": 400,
    "window": "since onset",
}
INCIDENT = an_incident(7, NOW, candidate_id=3, onset_at=NOW - timedelta(seconds=90), alarms=3, effect=EFFECT)


@pytest.fixture
def say(monkeypatch):
    """Announce, and return what was queued as (key, notifier, alert)."""
    queued: list[tuple[str, str, Alert]] = []

    class Outbox:
        def __init__(self, session: Any) -> None:
            pass

        def add(self, key: str, notifier: str, document: dict[str, Any], _now: datetime) -> None:
            queued.append((key, notifier, from_json(document)))

    monkeypatch.setattr(announce, "OutboxStore", Outbox)

    def announced(
        kind: AlertKind,
        control: RouteControl = CONTROL,
        incident: Incident | None = INCIDENT,
        notifiers: tuple[str, ...] = ("slack",),
    ) -> list[tuple[str, str, Alert]]:
        queued.clear()
        announcer = Announcer("https://fullback.example/", notifiers)
        announcer.announce(None, kind, ROUTE, control, VARIANTS, incident, "because", NOW)
        return list(queued)

    return announced


TOLD_ONCE = {AlertKind.ADVISE, AlertKind.WOULD_ROLL_BACK, AlertKind.WORTH_A_LOOK}


def key(say, kind, **changes) -> str:
    incident = changes.pop("incident", INCIDENT)
    return say(kind, replace(CONTROL, **changes), incident)[0][0]


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        (AlertKind.WOULD_ROLL_BACK, Severity.WARN),
        (AlertKind.ADVISE, Severity.PAGE),
        (AlertKind.WORTH_A_LOOK, Severity.WARN),
        (AlertKind.ROLLBACK_STARTED, Severity.PAGE),
        (AlertKind.ROLLED_BACK, Severity.WARN),
        (AlertKind.STUCK, Severity.PAGE),
        (AlertKind.BLOCKED, Severity.PAGE),
        (AlertKind.REVERTED, Severity.PAGE),
        (AlertKind.INCONCLUSIVE, Severity.WARN),
        (AlertKind.MANUAL_FLIP, Severity.INFO),
        (AlertKind.RESTORED, Severity.INFO),
        (AlertKind.FINGERPRINT_CHANGED, Severity.WARN),
        (AlertKind.SHIPPER_SILENT, Severity.WARN),
    ],
)
def test_every_kind_has_its_severity(say, kind, severity):
    assert say(kind)[0][2].severity is severity


def test_a_broken_variant_pages_in_any_mode_and_is_told_of_again(say):
    critical = replace(INCIDENT, critical=True)
    for kind, severity in ((AlertKind.WOULD_ROLL_BACK, Severity.PAGE), (AlertKind.ROLLED_BACK, Severity.WARN)):
        assert say(kind, CONTROL, critical)[0][2].severity is severity
    assert key(say, AlertKind.WOULD_ROLL_BACK, incident=critical) != key(say, AlertKind.WOULD_ROLL_BACK)


def test_the_headline_says_how_bad_the_harm_is_at_least(say):
    known = replace(INCIDENT, at_least={"factor": 2.0, "text": "at least 0.5 points worse than the margin allows"})
    headline = say(AlertKind.ADVISE, CONTROL, known)[0][2].headline
    assert headline == "because. schema_validity is at least 0.5 points worse than the margin allows"
    assert say(AlertKind.ADVISE)[0][2].headline == "because"


def test_each_thing_a_drain_waits_for_is_told(say):
    waits = {told: key(say, AlertKind.BLOCKED, told=told) for told in (None, "pinned", "drain")}
    assert len(set(waits.values())) == len(waits)


def test_no_kind_is_without_severity():
    assert set(announce._SEVERITY) == set(AlertKind)


@pytest.mark.parametrize("kind", AlertKind)
def test_the_same_state_change_has_the_same_key(say, kind):
    later = replace(INCIDENT, alarms=9, last_alarm_at=NOW + timedelta(hours=1))
    assert key(say, kind) == key(say, kind, incident=later)


@pytest.mark.parametrize("kind", AlertKind)
@pytest.mark.parametrize("phase", Phase)
def test_another_incident_has_another_key(say, kind, phase):
    other = replace(INCIDENT, id=8)
    assert key(say, kind, phase=phase) != key(say, kind, phase=phase, incident=other)


@pytest.mark.parametrize("kind", sorted(set(AlertKind) - TOLD_ONCE))
@pytest.mark.parametrize("incident", [None, INCIDENT])
@pytest.mark.parametrize("phase", [Phase.ARMED, Phase.STUCK])
def test_another_flip_has_another_key(say, kind, incident, phase):
    keys = {key(say, kind, phase=phase, epoch=epoch, incident=incident) for epoch in (4, 5)}
    assert len(keys) == 2


@pytest.mark.parametrize("kind", sorted(TOLD_ONCE))
def test_advice_is_told_once_an_incident_whatever_the_epoch(say, kind):
    assert len({key(say, kind, phase=Phase.ARMED, epoch=epoch) for epoch in (0, 4)}) == 1


def test_every_kind_has_its_own_key(say):
    assert len({key(say, kind) for kind in AlertKind}) == len(AlertKind)


def test_every_notifier_gets_it(say):
    assert [notifier for _, notifier, _ in say(AlertKind.STUCK, notifiers=("slack", "pager"))] == ["slack", "pager"]
    assert say(AlertKind.STUCK, notifiers=()) == []


@pytest.mark.parametrize(
    ("kinds", "step"),
    [
        (
            (AlertKind.WOULD_ROLL_BACK, AlertKind.ADVISE, AlertKind.BLOCKED),
            'fullback flip chat --to baseline --reason "why"',
        ),
        (
            (AlertKind.ROLLBACK_STARTED, AlertKind.ROLLED_BACK, AlertKind.MANUAL_FLIP),
            'fullback flip chat --to before --reason "why"',
        ),
        (
            (AlertKind.STUCK, AlertKind.REVERTED),
            'check the router by hand, then: fullback flip chat --to baseline --reason "why"',
        ),
        (
            (
                AlertKind.INCONCLUSIVE,
                AlertKind.RESTORED,
                AlertKind.FINGERPRINT_CHANGED,
                AlertKind.SHIPPER_SILENT,
                AlertKind.WORTH_A_LOOK,
            ),
            None,
        ),
    ],
)
def test_the_next_step_is_a_command(say, kinds, step):
    assert {say(kind)[0][2].next_step for kind in kinds} == {step}


def test_the_alert_says_what_the_audit_says(say):
    ((_, _, alert),) = say(AlertKind.ROLLED_BACK)
    assert (alert.headline, alert.route, alert.baseline, alert.candidate) == ("because", "chat", "bf16", "int4")
    assert alert.evidence_url == "https://fullback.example/routes/chat"
    assert alert.occurred_at == NOW
    assert alert.effect == effect_in(INCIDENT)
    assert {fact.label: fact.value for fact in alert.facts} == {
        "Phase": "applying",
        "Epoch": "4",
        "Signal": "schema_validity (all)",
        "Alarms": "3",
        "Since onset": "90 s",
        "Weights": "base 100, cand 0",
        "Mirror": "cand",
    }


def test_without_an_incident_the_first_candidate_is_named(say):
    ((_, _, alert),) = say(AlertKind.MANUAL_FLIP, incident=None)
    assert (alert.candidate, alert.effect, alert.incident_id) == ("int8", None, None)


@pytest.mark.parametrize("kind", AlertKind)
def test_the_command_line_takes_every_next_step(say, kind):
    step = say(kind)[0][2].next_step
    if step is not None:
        name, *arguments = shlex.split(step.partition("fullback ")[2])
        assert main.commands[name].make_context(name, arguments)


def test_what_only_advises_pages_nobody_and_is_told_again_once_it_may_act(say):
    advising = replace(INCIDENT, advice="Compare them under equal load")
    ((first, _, alert),) = say(AlertKind.ADVISE, CONTROL, advising)
    assert (alert.kind, alert.severity) == (AlertKind.WORTH_A_LOOK, Severity.WARN)
    assert alert.next_step is None, "nothing waits for approval"
    ((second, _, alert),) = say(AlertKind.ADVISE, CONTROL, INCIDENT)
    assert alert.severity is Severity.PAGE
    assert first != second

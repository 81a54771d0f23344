"""What is read from the outbox equals what was written."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.codec import from_json, to_json
from alerts.types import Alert, AlertKind, Effect, EffectScale, Fact, Severity

numbers = st.floats(allow_nan=False)
effects = st.builds(
    Effect,
    signal=st.text(),
    candidate=numbers,
    baseline=numbers,
    difference=numbers,
    low=numbers,
    high=numbers,
    level=numbers,
    pairs=st.integers(0, 2**62),
    window=st.text(),
    scale=st.sampled_from(EffectScale),
)
ALERT = Alert(
    dedup_key="42:stuck",
    incident_id=42,
    kind=AlertKind.STUCK,
    severity=Severity.PAGE,
    route="chat-70b",
    candidate="awq-int4",
    baseline="bf16",
    headline="The router refused the change.",
    occurred_at=datetime(2026, 11, 21, 7, 10, 0, 123456, tzinfo=UTC),
    effect=Effect("refusal", 0.1, 0.02, 0.08, 0.05, 0.11, 0.95, 900, "confirmation"),
    facts=(Fact("Target", "litellm"), Fact("Target", "envoy")),
)
alerts = st.builds(
    Alert,
    dedup_key=st.text(),
    incident_id=st.none() | st.integers(0, 2**62),
    kind=st.sampled_from(AlertKind),
    severity=st.sampled_from(Severity),
    route=st.text(),
    candidate=st.text(),
    baseline=st.text(),
    headline=st.text(),
    occurred_at=st.datetimes(
        min_value=datetime(1970, 1, 2),  # noqa: DTZ001
        timezones=st.just(UTC) | st.integers(-23, 23).map(lambda h: timezone(timedelta(hours=h))),
        max_value=datetime(9999, 1, 1),  # noqa: DTZ001
    ),
    effect=st.none() | effects,
    facts=st.lists(st.builds(Fact, st.text(), st.text())).map(tuple),
    evidence_url=st.none() | st.text(),
    next_step=st.none() | st.text(),
)


@given(alerts)
def test_round_trip_is_exact_through_real_json(alert):
    text = json.dumps(to_json(alert), allow_nan=False)

    back = from_json(json.loads(text))

    assert back == alert
    assert back.occurred_at.tzinfo is UTC
    assert to_json(back) == to_json(alert)


def test_the_document_is_stable():
    assert to_json(ALERT) == {
        "version": 1,
        "dedup_key": "42:stuck",
        "incident_id": 42,
        "kind": "stuck",
        "severity": "page",
        "route": "chat-70b",
        "candidate": "awq-int4",
        "baseline": "bf16",
        "headline": "The router refused the change.",
        "occurred_at": "2026-11-21T07:10:00.123456+00:00",
        "effect": {
            "signal": "refusal",
            "candidate": 0.1,
            "baseline": 0.02,
            "difference": 0.08,
            "low": 0.05,
            "high": 0.11,
            "level": 0.95,
            "pairs": 900,
            "window": "confirmation",
            "scale": "share",
            "unit": "pairs",
        },
        "facts": [{"label": "Target", "value": "litellm"}, {"label": "Target", "value": "envoy"}],
        "evidence_url": None,
        "next_step": None,
    }


def test_every_field_is_written():
    assert set(to_json(ALERT)) - {"version"} == set(Alert.__slots__)
    assert set(to_json(ALERT)["effect"]) == set(Effect.__slots__)


def test_nan_survives_as_a_string():
    alert = replace(ALERT, effect=replace(ALERT.effect, low=math.nan, high=math.inf))
    back = from_json(json.loads(json.dumps(to_json(alert), allow_nan=False)))

    assert math.isnan(back.effect.low)
    assert back.effect.high == math.inf


def test_numbers_that_a_database_turned_into_integers_are_floats_again():
    document = to_json(ALERT)
    document["effect"]["candidate"] = 1

    assert isinstance(from_json(document).effect.candidate, float)


def test_unknown_keys_are_ignored():
    assert from_json({**to_json(ALERT), "later": 1}) == ALERT


@pytest.mark.parametrize("name", sorted(set(to_json(ALERT)) - {"version"}))
def test_a_missing_field_is_named(name):
    document = to_json(ALERT)
    del document[name]
    with pytest.raises(ValueError, match=f"'{name}' is missing"):
        from_json(document)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "version must be 1, got 2"),
        ({"kind": "party"}, "party"),
        ({"severity": "loud"}, "loud"),
        ({"occurred_at": "2026-11-21T07:10:00"}, "has no time zone"),
        ({"occurred_at": 5}, "wrong type"),
        ({"facts": None}, "wrong type"),
        ({"effect": {}}, "'signal' is missing"),
    ],
)
def test_a_wrong_document_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        from_json({**to_json(ALERT), **changes})


def test_a_naive_time_is_refused_when_it_is_written():
    with pytest.raises(ValueError, match=r"^occurred_at must be an aware datetime"):
        to_json(replace(ALERT, occurred_at=datetime(2026, 11, 21)))  # noqa: DTZ001

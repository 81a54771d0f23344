"""Whatever the fields hold, the message fits Slack's limits and cannot ping, link or break out."""

import json
import re
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from alerts.render import render
from alerts.types import Alert, AlertKind, Effect, EffectScale, Fact, Severity

HOSTILE = [
    "<!channel>",
    "<@U1>",
    "<http://evil.example|x>",
    "<https://evil.example>",
    "&lt;!here&gt;",
    "*b*",
    "_i_",
    "`c`",
    "```",
    "\n> q",
    ":a:",
    "|",
    "{candidate}",
    "\ud800",
]
pieces = st.sampled_from(HOSTILE) | st.text(max_size=30) | st.characters().map(lambda sign: sign * 3500)
anything = st.lists(pieces, max_size=4).map("".join)
urls = st.none() | anything | anything.map("https://fullback.example.net/".__add__)
effects = st.builds(
    Effect,
    signal=anything,
    candidate=st.floats(),
    baseline=st.floats(),
    difference=st.floats(),
    low=st.floats(),
    high=st.floats(),
    level=st.floats(),
    pairs=st.integers(0, 2**62),
    window=anything,
    scale=st.sampled_from(EffectScale),
)
alerts = st.builds(
    Alert,
    dedup_key=anything,
    incident_id=st.none() | st.integers(0, 2**62),
    kind=st.sampled_from(AlertKind),
    severity=st.sampled_from(Severity),
    route=anything,
    candidate=anything,
    baseline=anything,
    headline=anything,
    occurred_at=st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC)),  # noqa: DTZ001
    effect=st.none() | effects,
    facts=st.lists(st.builds(Fact, anything, anything), max_size=14).map(tuple),
    evidence_url=urls,
    next_step=st.none() | anything,
)

OWN_DATE = re.compile(r"<!date\^\d+\^\{date_num\} \{time_secs\}\|[0-9TZ:-]{20}>")
OWN_LINK = re.compile(r"<https?://[^<>|\s]+\|Evidence>")
ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")


def texts(rendered):
    yield rendered.text
    for block in rendered.blocks:
        if "text" in block:
            yield block["text"]["text"]
        for field in block.get("fields", []):
            yield field["text"]
        for element in block.get("elements", []):
            yield element["text"] if element["type"] == "mrkdwn" else element["text"]["text"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(alerts)
def test_within_slacks_limits(alert):
    rendered = render(alert)

    for block in Block.parse_all(list(rendered.blocks)):
        block.to_dict()
    for block in rendered.blocks:
        assert block["type"] != "header" or len(block["text"]["text"]) <= 150
        assert all(0 < len(field["text"]) <= 2000 for field in block.get("fields", []))
    assert len(rendered.blocks) <= 50
    assert 0 < len(rendered.text) < 4000
    assert all(text.strip() for text in texts(rendered))
    assert sum(map(len, texts(rendered))) < 13_000
    json.dumps([rendered.text, *rendered.blocks], ensure_ascii=False).encode()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(alerts)
def test_nothing_in_a_field_can_ping_or_link(alert):
    rendered = render(alert)

    for text in texts(rendered):
        rest = OWN_LINK.sub("", OWN_DATE.sub("", text))
        assert "<" not in rest
        assert ">" not in rest
        assert not ENTITY.search(rest)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(alerts)
def test_nothing_in_a_field_can_format(alert):
    rendered = render(alert)

    assert not re.search(r"[*~`\n]|:[a-z]+:", rendered.text)
    for block in rendered.blocks:
        for field in block.get("fields", []):
            assert re.fullmatch(r"\*[^*~`\n]+\*\n[^*~`\n]+", field["text"])
            assert not field["text"].split("\n")[1].startswith("&gt;")
        if block["type"] == "section" and "```" in block.get("text", {}).get("text", ""):
            assert re.fullmatch(r"\*Next step\*\n```[^`\n]+```", block["text"]["text"])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(alerts)
def test_rendering_is_deterministic(alert):
    assert render(alert) == render(alert)

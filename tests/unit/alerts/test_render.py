"""What people on call read."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from alerts.markup import clean, code, escape, link_url, utc_iso
from alerts.render import render
from alerts.types import Alert, AlertKind, Effect, EffectScale, Fact, Severity
from alerts.wording import KINDS, SEVERITIES

EFFECT = Effect(
    signal="schema_validity",
    candidate=0.884,
    baseline=0.979,
    difference=-0.095,
    low=-0.11,
    high=-0.081,
    level=0.95,
    pairs=2140,
    window="confirmation",
)
ALERT = Alert(
    dedup_key="42:rolled_back",
    incident_id=42,
    kind=AlertKind.ROLLED_BACK,
    severity=Severity.PAGE,
    route="chat-70b",
    candidate="awq-int4",
    baseline="bf16",
    headline="Schema validity of awq-int4 fell below the margin of 2 points.",
    occurred_at=datetime(2026, 11, 21, 7, 10, tzinfo=UTC),
    effect=EFFECT,
    facts=(Fact("Proof", "0 of 3,000 requests"),),
    evidence_url="https://fullback.example.net/incidents/42?tab=a&b=c",
    next_step="fullback incident undo 42",
)


def block(rendered, type_, key):
    return next(b for b in rendered.blocks if b["type"] == type_ and key in b)


def fields(rendered):
    return [f["text"] for f in block(rendered, "section", "fields")["fields"]]


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)


def test_the_text_stands_alone():
    assert render(ALERT).text == (
        "Page: on route chat-70b, candidate awq-int4 was rolled back to bf16, verified by traffic, at "
        "2026-11-21T07:10:00Z. Schema validity of awq-int4 fell below the margin of 2 points. "
        "schema_validity: 88.4% against 97.9% on the baseline, difference −9.5 points "
        "(95% interval −11.0 to −8.1 points; 2,140 pairs, window: confirmation). "
        "Next step: fullback incident undo 42"
    )


def test_the_blocks_show_state_headline_step_evidence_and_details_in_this_order():
    rendered = render(ALERT)

    assert [b["type"] for b in rendered.blocks] == [
        "header",
        "section",
        "section",
        "actions",
        "section",
        "context",
    ]
    assert rendered.lead == 4
    assert rendered.blocks[0]["text"]["text"] == "↩️ Rolled back · 🔴 Page · chat-70b / awq-int4"
    assert rendered.blocks[1]["text"]["text"] == ALERT.headline
    assert rendered.blocks[2]["text"]["text"] == "*Next step*\n```fullback incident undo 42```"
    assert rendered.blocks[3]["elements"][0]["url"] == ALERT.evidence_url
    assert fields(rendered) == [
        "*schema_validity*\n88.4% against 97.9% on the baseline",
        "*Difference*\n−9.5 points (95% interval −11.0 to −8.1 points)",
        "*Sample*\n2,140 pairs, window: confirmation",
        "*Proof*\n0 of 3,000 requests",
    ]
    assert rendered.blocks[5]["elements"][0]["text"] == (
        "<!date^1795245000^{date_num} {time_secs}|2026-11-21T07:10:00Z> · incident 42 · baseline bf16 · "
        "<https://fullback.example.net/incidents/42?tab=a&amp;b=c|Evidence>"
    )


def test_optional_parts_leave_no_empty_blocks():
    rendered = render(replace(ALERT, effect=None, facts=(), evidence_url=None, next_step=" ", incident_id=None))

    assert [b["type"] for b in rendered.blocks] == ["header", "section", "context"]
    assert "Next step" not in rendered.text


@pytest.mark.parametrize("kind", AlertKind)
@pytest.mark.parametrize("severity", Severity)
def test_every_kind_and_severity_is_told_in_words(kind, severity):
    rendered = render(replace(ALERT, kind=kind, severity=severity))

    header = rendered.blocks[0]["text"]["text"]
    assert KINDS[kind].label in header
    assert SEVERITIES[severity].label in header
    of_a_route = kind is not AlertKind.SHIPPER_SILENT
    where = "on route chat-70b, " if of_a_route else "source awq-int4 "
    assert rendered.text.startswith(f"{SEVERITIES[severity].label}: {where}")
    assert "awq-int4" in rendered.text
    assert ("bf16" in rendered.text) or not of_a_route
    assert re.fullmatch("#[0-9a-f]{6}", rendered.color)


def test_kinds_differ_in_emoji_and_label():
    assert len({k.label for k in KINDS.values()}) == len(AlertKind)
    assert len({k.emoji for k in KINDS.values()}) == len(AlertKind)


@pytest.mark.parametrize(
    "hostile",
    [
        "<!channel>",
        "<@U012345>",
        "<!subteam^S0123|all>",
        "<http://evil.example|click>",
        "*bold*",
        "_italic_",
        "~gone~",
        "`code`",
        "```fence```",
        "> quote",
        "a\n*b*",
        ":skull:",
        "\u202egnol",
    ],
)
def test_hostile_names_neither_ping_nor_format(hostile):
    effect = replace(EFFECT, signal=hostile, window=hostile)
    rendered = render(
        replace(
            ALERT,
            route=hostile,
            candidate=hostile,
            baseline=hostile,
            headline=hostile,
            next_step=hostile,
            effect=effect,
            facts=(Fact(hostile, hostile),),
            evidence_url=None,
        )
    )

    for text in (t["text"] for t in texts(rendered)):
        assert not re.search(r"<(?!!date\^\d+\^)", text)
    assert "\u202e" not in "".join(strings(list(rendered.blocks)))
    step = rendered.blocks[2]["text"]["text"].removeprefix("*Next step*\n```").removesuffix("```")
    assert "`" not in step
    context = rendered.blocks[-1]["elements"][0]["text"]
    for sign in "*~`":
        assert sign not in rendered.text + rendered.blocks[1]["text"]["text"] + context
    assert not re.search(r"(^|\W)_|_(\W|$)", rendered.text)
    assert ":skull:" not in rendered.text
    assert "\n" not in rendered.text
    assert not rendered.blocks[1]["text"]["text"].startswith("&gt;")
    assert all(f.count("*") == 2 and f.count("\n") == 1 for f in fields(rendered))


def texts(rendered):
    for b in rendered.blocks:
        if "text" in b:
            yield b["text"]
        yield from b.get("fields", [])
        yield from (e for e in b.get("elements", []) if e["type"] == "mrkdwn")
    yield {"text": rendered.text}


def test_mrkdwn_is_verbatim_so_that_slack_links_nothing_by_itself():
    rendered = render(replace(ALERT, route="#general", headline="see example.com @here"))

    assert all(t["verbatim"] for t in texts(rendered) if t.get("type") == "mrkdwn")
    assert rendered.blocks[0]["text"]["emoji"] is False


def test_everything_too_long_is_cut_to_the_limits():
    long = "word & <more> " * 1000
    facts = tuple(Fact(long, long) for _ in range(30))
    effect = replace(EFFECT, signal=long, window=long)
    rendered = render(
        replace(
            ALERT,
            route=long,
            candidate=long,
            baseline=long,
            headline=long,
            next_step=long,
            effect=effect,
            facts=facts,
        )
    )

    header = rendered.blocks[0]["text"]["text"]
    assert len(header) <= 150
    assert header.count("…") == 2
    assert len(rendered.text) < 4000
    assert "95% interval −11.0 to −8.1 points" in rendered.text
    assert len(fields(rendered)) == 10
    assert fields(rendered)[-1] == "*And*\n24 more facts, shown with the evidence"
    assert sum(len(t["text"]) for t in texts(rendered)) < 13_000
    assert len(json.dumps(rendered.blocks, ensure_ascii=False)) < 13_000


def test_exactly_ten_facts_all_fit():
    rendered = render(replace(ALERT, effect=None, facts=tuple(Fact(str(i), "v") for i in range(10))))

    assert fields(rendered) == [f"*{i}*\nv" for i in range(10)]


@pytest.mark.parametrize(
    ("line", "limit", "expected"),
    [
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two…"),
        ("one two three", 8, "one two…"),
        ("one two three", 7, "one…"),
        ("unbroken-name", 8, "unbroke…"),
        ("a&b", 7, "a&amp;b"),
        ("a&b", 6, "a…"),
        ("🔴🔴", 4, "🔴🔴"),
        ("🔴🔴", 3, "🔴…"),
    ],
)
def test_cutting_keeps_words_and_entities_whole(line, limit, expected):
    assert escape(line, limit) == expected


@pytest.mark.parametrize("name", ["qwen3_32b_awq", "sha256:ab12", "at 07:10:00 UTC", "org/model-7b:q4_k_m"])
def test_ordinary_names_stay_as_they_are(name):
    assert clean(name, 100) == name


def test_a_command_stays_copyable():
    assert code("fullback undo --note='a_ *b*'", 100) == "fullback undo --note='a_ *b*'"


def test_broken_code_points_do_not_break_the_message():
    json.dumps(render(replace(ALERT, headline="a\ud800b\x00c")).text).encode()
    assert clean("a\ud800b\x00c", 100) == "a\ufffdb c"


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "ftp://h/x",
        "https://",
        "https://h/a b",
        "https://h/\n",
        "https://[h",
        "https://h/" + "x" * 1000,
    ],
)
def test_an_address_that_is_no_link_is_left_out(url):
    rendered = render(replace(ALERT, evidence_url=url))

    assert link_url(url, 1000) is None
    assert "actions" not in [b["type"] for b in rendered.blocks]
    assert "Evidence" not in rendered.blocks[-1]["elements"][0]["text"]


def test_an_address_cannot_leave_its_link():
    assert link_url("https://h/x|y><!channel>", 1000) == "https://h/x%7Cy%3E%3C!channel%3E"


def test_latency_ratios_read_as_ratios():
    effect = replace(
        EFFECT,
        signal="latency_ttft",
        candidate=412,
        baseline=312,
        difference=1.32,
        low=1.2,
        high=1.45,
        scale=EffectScale.RATIO,
    )
    assert (
        "latency_ttft: 412 against 312 on the baseline, difference 1.32× (95% interval 1.2 to 1.45×;"
        in render(replace(ALERT, effect=effect)).text
    )


def test_a_selected_window_says_that_it_is_biased():
    rendered = render(replace(ALERT, effect=replace(EFFECT, window="since onset")))

    assert "window: since onset, selected and so biased up" in rendered.text


def test_small_zero_and_missing_numbers():
    effect = replace(EFFECT, candidate=float("nan"), baseline=0.0, difference=0.0, low=-0.0004, high=float("inf"))
    text = render(replace(ALERT, effect=effect)).text

    assert "n/a against 0% on the baseline, difference +0.0 points (95% interval −0.04 to n/a points" in text


def test_times_are_utc_whatever_the_zone():
    east = timezone(timedelta(hours=5, minutes=30))
    assert utc_iso(datetime(2026, 11, 21, 12, 40, tzinfo=east)) == "2026-11-21T07:10:00Z"
    assert utc_iso(datetime(2026, 11, 21, 7, 10)) == "2026-11-21T07:10:00Z"  # noqa: DTZ001

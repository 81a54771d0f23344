"""The timeline and the counts of a run, from records."""

from datetime import timedelta

import pytest

from monitor.demo.expectation import find
from monitor.demo.faults import fault
from monitor.demo.outcome import Outcome
from monitor.demo.report import (
    effect_line,
    first_failure,
    first_injected,
    flip_timeline,
    primary_counts,
    read_lines,
    stamp,
    verdict_lines,
)

FAULT = stamp("2026-01-01T00:00:10Z")
EFFECT = {
    "signal": "schema_validity",
    "candidate": 0.08,
    "baseline": 0.003,
    "difference": 0.077,
    "low": 0.05,
    "high": 0.11,
    "level": 0.95,
    "pairs": 812,
    "window": "confirmation",
}


def at(second):
    return (FAULT + timedelta(seconds=second)).isoformat()


def row(second, before, after):
    return {"id": second, "at": at(second), "from_phase": before, "to_phase": after, "reason": "because"}


ROWS = [
    row(-5, "armed", "armed"),
    row(6, "armed", "preflight"),
    row(7, "preflight", "applying"),
    row(8, "applying", "verifying-control"),
    row(9, "verifying-control", "verifying-traffic"),
    row(20, "verifying-traffic", "rolled-back"),
    row(21, "rolled-back", "hold"),
]
INCIDENTS = [
    {"opened_at": at(-3), "headline": "old", "signal": "schema_validity", "slice": "all"},
    {"opened_at": at(5), "headline": "drift", "signal": "refusal", "slice": "all"},
]


def timeline(rows=ROWS):
    return flip_timeline(FAULT, FAULT + timedelta(seconds=1), INCIDENTS, rows)


def access(second, cluster, code=200, duration=500):
    return {
        "start_time": at(second),
        "upstream_cluster": cluster,
        "response_code": code,
        "duration": duration,
    }


def test_the_steps_are_read_off_incidents_and_audit():
    assert timeline().seconds() == {
        "fault_to_first_bad_event": 1.0,
        "fault_to_alarm": 5.0,
        "fault_to_flip_applied": 8.0,
        "fault_to_verified": 20.0,
    }
    assert len(timeline().rows) == 6


def test_a_flip_that_was_not_verified_stays_so():
    seconds = timeline(ROWS[:5]).seconds()
    assert seconds["fault_to_flip_applied"] == 8.0
    assert seconds["fault_to_verified"] is None


def test_the_first_bad_event_is_the_first_after_the_fault():
    assert first_injected([{"at": at(-1)}, {"at": at(3)}, {"at": at(2)}], FAULT) == stamp(at(2))
    assert first_injected([], FAULT) is None
    lines = [access(-9, "int4", 503), access(1, "bf16", 503), access(1, "int4"), access(2, "int4", 0, 1000)]
    assert first_failure(lines, "int4", FAULT) == stamp(at(3))


def test_counts_are_of_requests_started_since():
    lines = [access(1, "int4"), access(5, "bf16"), access(6, "bf16"), access(7, "int4")]
    assert primary_counts(lines, stamp(at(5))) == {"bf16": 2, "int4": 1}


def test_half_written_lines_are_left_out(tmp_path):
    path = tmp_path / "log.jsonl"
    assert list(read_lines(path)) == []
    path.write_text('{"a":1}\n{"a"')
    assert list(read_lines(path)) == [{"a": 1}]


def test_an_effect_reads_as_shares():
    assert effect_line(EFFECT) == (
        "schema_validity: candidate 8.00 %, baseline 0.30 %, difference 7.70 % [5.00 %, 11.00 %] "
        "at 95 % over 812 pairs (confirmation window)"
    )


def test_the_candidates_verdicts_come_first_and_have_their_reasons():
    verdict = {"signal": "refusal", "slice": "all", "verdict": "undecided", "pairs": 7, "reason": "thin"}
    lines = verdict_lines([{"candidate": "bf16", **verdict}, {"candidate": "int4", **verdict}])
    assert lines == [
        "int4  refusal/all: undecided, 7 pairs: thin",
        "bf16  refusal/all: undecided, 7 pairs: thin",
    ]


def outcome(name="schema", flipped=True, rows=ROWS, counts=None, incidents=INCIDENTS, **rest):
    return Outcome(
        finding=find(fault(name), incidents, [("truncation", "all")] if incidents else []),
        seed=1,
        flipped=flipped,
        phase="hold",
        total_s=90.0,
        sent={"sent": 5000, "failed": 3},
        accounts={"stored": 12000, "duplicates": 4, "rejected": {}},
        pairs=4000,
        counts={"bf16": 300} if counts is None else counts,
        streams=(),
        incidents=incidents,
        slack=({"text": "rolled back"},),
        console="http://127.0.0.1:1/",
        timeline=timeline(rows) if name != "none" else None,
        effect=EFFECT,
        **rest,
    )


@pytest.mark.parametrize(
    ("seen", "verified", "good"),
    [
        ({}, True, True),
        ({"rows": ROWS[:5]}, False, False),
        ({"counts": {"bf16": 300, "int4": 1}}, False, False),
        ({"counts": {}}, False, False),
        ({"rows": (), "flipped": False}, False, False),
        ({"incidents": INCIDENTS[1:]}, True, False),
        ({"incidents": ()}, True, False),
        ({"name": "none", "flipped": False}, False, True),
        ({"name": "none", "flipped": True}, False, False),
    ],
)
def test_only_proof_by_the_gateways_own_log_and_the_right_alarm_are_good(seen, verified, good):
    result = outcome(**seen)
    assert (result.verified_by_traffic, result.good) == (verified, good)
    assert result.to_json()["verified_by_traffic"] is verified


def test_the_result_as_json_and_as_lines():
    document = outcome().to_json()
    assert document["seconds"] == {**timeline().seconds(), "total": 90.0}
    assert document["counts"]["post_flip_primary_baseline"] == 300
    assert document["counts"]["post_flip_primary_candidate"] == 0
    assert document["slack_messages"] == 1
    text = "\n".join(outcome().lines())
    for part in ("8.0 s  flip applied", "drift", "| rolled back", "http://127.0.0.1:1/", "proven by traffic"):
        assert part in text
    assert "NOT verified" in "\n".join(outcome(rows=ROWS[:5]).lines())
    assert "never" in "\n".join(outcome(rows=()).lines())


def test_the_alarms_are_told_beside_what_they_had_to_name():
    document, lines = outcome().to_json(), "\n".join(outcome().lines())
    assert document["alarm"] == {"signal": "schema_validity", "slice": "all"}
    assert document["alarms"] == [document["alarm"], {"signal": "truncation", "slice": "all"}]
    assert document["expected"] == {"signals": ["schema_validity"], "slices": ["all", "first_turn"]}
    assert document["named_as_expected"]
    assert "Alarms    schema_validity (all), as expected; also truncation (all)" in lines


def test_a_wrong_alarm_and_a_missed_fault_are_said():
    wrong, missed = outcome(incidents=INCIDENTS[1:]), outcome(incidents=(), rows=(), flipped=False)
    assert not wrong.to_json()["named_as_expected"]
    assert "refusal (all), NOT schema_validity in all or first_turn as expected" in "\n".join(wrong.lines())
    assert "but NOT for what is wrong" in "\n".join(wrong.lines())
    assert missed.to_json()["alarm"] is None
    assert "MISSED: none; expected schema_validity in all or first_turn" in "\n".join(missed.lines())

"""Recorded events through the whole pipeline under a virtual clock."""

import asyncio
import gzip
import json
import random
import tempfile
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner
from sqlalchemy import text

from monitor.cli import main
from monitor.clock import FakeClock
from monitor.config import Settings
from monitor.factory import Factory
from monitor.models.route import Mode
from monitor.models.tick import tick_start
from monitor.replay.run import open_source, run_replay
from monitor.replay.source import ReplayError
from monitor.replay.stage import StageOptions
from monitor.storage.incidents import IncidentStore
from monitor.storage.schema import check_schema
from monitor.storage.throwaway import throwaway_database
from tests.conftest import START
from tests.support.events import BAD, GOOD, POLICY, SCHEMA, access_line, event, reply

HEALTHY_S, FAULTY_S, RPS = 8, 24, 15
FIRST = START.timestamp()


def recorded(seed=3, *, healthy_s=HEALTHY_S, faulty_s=FAULTY_S, bad=0.5, pause=timedelta(0), lines=False):
    """The candidate serves, everything is mirrored to the baseline; the candidate breaks answers after a while."""
    chance = random.Random(seed)  # noqa: S311 - traffic, not secrets
    found = []
    for n in range((healthy_s + faulty_s) * RPS):
        at = START + timedelta(seconds=n / RPS)
        faulty = n >= healthy_s * RPS
        at += pause if faulty else timedelta(0)
        for backend, host, rate in (
            ("cand", "llm.example", bad if faulty else 0.01),
            ("base", "llm.example-shadow", 0.01),
        ):
            answer = BAD if chance.random() < rate else GOOD
            fields = {"backend": backend, "host": host, "duration_ms": 200 * chance.lognormvariate(0, 0.2)}
            found.append(event(f"r{n}", at, **fields, response=reply(answer, f"c{n}")))
        if lines:
            found.append(access_line(f"r{n}", at))
    return found


def written(path, records):
    body = "".join(f"{record if isinstance(record, str) else json.dumps(record)}\n" for record in records).encode()
    path.write_bytes(gzip.compress(body) if path.suffix == ".gz" else body)
    return str(path)


@pytest.fixture
def replay(database, tmp_path):
    def run(records, *, name="events.jsonl", mode=Mode.OBSERVE, baseline=None, policy=POLICY, **options):
        path = str(tmp_path) if records is None else written(tmp_path / name, records)
        source = open_source(path, baseline, rate=RPS, start=FIRST, lag_s=1.0)
        try:
            chosen = StageOptions(policy=policy, mode=mode, baseline=baseline, **options)
            return asyncio.run(run_replay(database, source, chosen, "mine", lambda _: None))
        finally:
            source.close()

    return run


def verdict(told, signal, route=0):
    [row] = [row for row in told["routes"][route]["verdicts"] if (row["signal"], row["a_a"]) == (signal, False)]
    return row


def actions(told, route=0):
    return [entry["what"] for entry in told["routes"][route]["timeline"] if entry["what"] != "verdict"]


def test_a_fault_in_the_recording_is_found_and_would_have_been_rolled_back(replay):
    told, lines = replay(recorded(lines=True))
    assert verdict(told, "schema_validity")["verdict"] == "harm"
    assert verdict(told, "request_error")["verdict"] == "undecided"
    assert actions(told) == ["would_roll_back"]
    [incident] = told["routes"][0]["incidents"]
    fault = (START + timedelta(seconds=HEALTHY_S)).isoformat()
    assert fault <= incident["alarm"] <= (START + timedelta(seconds=HEALTHY_S + FAULTY_S)).isoformat()
    records = told["records"]
    assert records["stored"] == records["read"] == 3 * (HEALTHY_S + FAULTY_S) * RPS
    assert told["notes"] == ["chat: baseline base (it serves the mirror), candidates: cand"]
    assert any("would_roll_back" in line for line in lines)
    assert lines[-1] == f"Result    {told['alarms']} alarm{'s' * (told['alarms'] > 1)}, 1 decision to roll back"


def test_a_trial_of_the_same_policy_alarms_at_the_ticks_at_which_the_pipeline_did(replay, database):
    replay(recorded())
    end = FakeClock(START + timedelta(seconds=HEALTHY_S + FAULTY_S + 10))
    told = Factory(Settings(), clock=end, database=database).trials.run("replayed", POLICY, days=1)
    [route] = told["routes"]
    with database.reading() as session:
        [incident] = IncidentStore(session).newest(None, 10)
    assert (told["rollbacks"], route["happened"]) == (1, 1)
    assert route["trial"]["alarms"] == incident.alarms
    decided = route["trial"]["rollback_decisions"][0]
    assert decided["at"] == tick_start(incident.alarm_tick + 1, POLICY["tick_s"]).isoformat()
    assert decided["onset"] == incident.onset_at.isoformat()


def test_records_without_a_leg_are_told(replay):
    told, _ = replay([event(f"r{n}", START, host=None) for n in range(3)], baseline="cand")
    assert "chat: 3 records tell no leg (by leg, mirrored or host): they are counted and not compared" in told["notes"]


def test_a_healthy_recording_moves_nothing(replay):
    told, lines = replay(recorded(faulty_s=0, healthy_s=10), mode=Mode.AUTO)
    assert (told["alarms"], told["rollbacks"], actions(told)) == (0, 0, [])
    assert verdict(told, "schema_validity")["pairs"] == 10 * RPS
    assert lines[-1] == "Result    no alarm: nothing would have been moved"


@pytest.fixture(scope="module")
def tellings():
    return []


@pytest.mark.parametrize("name", ["events.jsonl", "shuffled.jsonl.gz"])
def test_the_same_events_tell_the_same_story(replay, tellings, name):
    records = recorded()
    if name.startswith("shuffled"):
        random.Random(1).shuffle(records)  # noqa: S311 - an order
    told, _ = replay(records, name=name)
    told.pop("problems")
    tellings.append(told)
    assert tellings[0] == told
    assert told["rollbacks"] == 1


def test_an_empty_stretch_is_passed_over(replay):
    told, _ = replay(recorded(pause=timedelta(days=40)))
    assert told["ticks"]["passed_over"] > 40 * 86_400 / 2 - 200
    assert told["ticks"]["closed"] < 80
    assert verdict(told, "schema_validity")["verdict"] == "harm"
    assert actions(told) == ["would_roll_back"]


def test_an_incident_grows_old_in_an_empty_stretch(replay):
    records = recorded()
    late = START + timedelta(days=3)
    records += [event(f"late{n}", late + timedelta(seconds=n / RPS)) for n in range(3)]
    told, _ = replay(records)
    assert actions(told) == ["would_roll_back", "expire"]
    [expired] = [entry for entry in told["routes"][0]["timeline"] if entry["what"] == "expire"]
    assert expired["at"] < (START + timedelta(days=1)).isoformat()


def test_lines_that_are_no_events_are_told_by_their_number(replay):
    records = recorded(faulty_s=0, healthy_s=4)
    records[3:3] = [
        "{broken",
        "[1, 2",
        "",
        '"text"',
        json.dumps(event("x", START + timedelta(seconds=1.5), duration_ms="long")),
    ]
    records.append(json.dumps([event("y", START), event("z", START, started_at=None)]))
    told, lines = replay(records)
    shown = {(problem["line"], problem["code"]) for problem in told["problems"]["shown"]}
    assert {4, 5, 7, 8, len(records)} == {line for line, _ in shown}
    assert (8, "wrong_type") in shown
    assert (len(records), "missing_field") in shown
    found = told["records"]
    assert found["received"] == found["stored"] + found["duplicates"] + found["rejected"]
    assert found["stored"] == 4 * RPS * 2 + 1
    assert found["passed_over"] == 1
    assert any(line.startswith("  events.jsonl, line 8: wrong_type: duration_ms") for line in lines)
    assert "broken" not in "\n".join(lines)


def test_a_recording_cannot_follow_a_flip_and_says_so(replay):
    policy = {**POLICY, "verify": {**POLICY["verify"], "traffic_timeout_s": 10}}
    told, _ = replay(recorded(faulty_s=36), mode=Mode.AUTO, policy=policy)
    assert actions(told) == [
        *("roll_back", "clear", "flip", "applied", "read_back"),
        *("hard_cut", "applied", "read_back", "stuck"),
    ]
    assert "control plane only" in told["routes"][0]["timeline"][-1]["text"]


def test_a_warm_up_is_lived_through_when_asked(replay):
    told, _ = replay(recorded(), warm_up=True)
    assert told["ticks"]["closed"] > 0
    assert verdict(told, "schema_validity")["pairs"] <= (HEALTHY_S + FAULTY_S - 2) * RPS  # the first were only watched


def test_a_route_can_be_named_by_its_file(replay):
    route = {
        "name": "chat",
        "target": {"kind": "envoy", "settings": {}},
        "mirror_host_suffix": "-shadow",
        "variants": [
            {"name": "full", "role": "baseline", "backend": "base", "format": "bf16", "tier": "serving"},
            {"name": "small", "role": "candidate", "backend": "cand", "format": "int4", "tier": "quantized"},
        ],
    }
    told, _ = replay(recorded(faulty_s=0, healthy_s=6), routes=(route,))
    assert verdict(told, "schema_validity")["candidate"] == "small"
    with pytest.raises(ReplayError, match="/variants/0/role"):
        replay(recorded(faulty_s=0, healthy_s=1), routes=({**route, "variants": [{"name": "a"}]},))


@pytest.fixture
def fullback(database, monkeypatch):
    """The command over the test's database instead of a PostgreSQL of its own."""
    monkeypatch.setattr("monitor.storage.throwaway.throwaway_database", lambda: nullcontext(database))
    monkeypatch.setattr("monitor.telemetry.configure_logging", structlog_quietly)

    def run(*options):
        done = CliRunner().invoke(main, ["replay", *options])
        return done.exit_code, done.stdout, done.stderr

    return run


def structlog_quietly(_level):
    """Logs go nowhere: standard output is the story's."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())


@pytest.fixture(autouse=True)
def logging_as_it_was():
    yield
    structlog.reset_defaults()


def test_the_command_prints_one_document_and_its_exit_code_tells_an_alarm(fullback, tmp_path):
    path, policy = written(tmp_path / "events.jsonl", recorded()), tmp_path / "policy.json"
    policy.write_text(json.dumps(POLICY))
    code, told, said = fullback(path, "--policy", str(policy), "--json", "--exit-code")
    document = json.loads(told)
    assert (code, document["policy"], document["rollbacks"]) == (1, "policy.json", 1)
    assert "baseline base" in said


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--start", "soon"], "write a time like 2026"),
        (["--baseline", "missing"], "there is no variant 'missing'"),
        (["--policy", "BAD"], "/tick_s: got 0; minimum is 1"),
        (["--route", "BAD"], "the route's file: /name"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(fullback, tmp_path, options, told):
    path, bad = written(tmp_path / "events.jsonl", [event("a", START)]), tmp_path / "bad.yaml"
    bad.write_text("tick_s: 0\n")
    code, _, said = fullback(path, *[str(bad) if option == "BAD" else option for option in options])
    assert code != 0
    assert told in said


@pytest.mark.parametrize("name", ["empty.jsonl", "missing.jsonl", "broken.jsonl.gz"])
def test_a_file_without_events_says_so(fullback, tmp_path, name):
    if name.startswith("empty"):
        (tmp_path / name).write_text("\n")
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(gzip.compress(b"{}")[:-6])
    code, _, said = fullback(str(tmp_path / name))
    assert code == 1
    assert f"Nothing can be replayed: {name}" in said


def test_a_throwaway_database_leaves_nothing_behind(monkeypatch):
    folders = []
    make = tempfile.mkdtemp

    def made(prefix):
        folders.append(make(prefix=prefix))
        return folders[-1]

    monkeypatch.setattr("monitor.storage.throwaway.tempfile.mkdtemp", made)
    with throwaway_database() as database:
        check_schema(database)
        with database.reading() as session:
            assert session.execute(text("SHOW fsync")).scalar() == "off"
    assert not Path(folders[0]).exists()


def outputs(folder, rates, n=500, seed=5):
    chance = random.Random(seed)  # noqa: S311 - traffic, not secrets
    asked = {"type": "json_schema", "json_schema": {"name": "parcels", "schema": SCHEMA}}
    for name, rate in rates.items():
        rows = [
            {
                "id": i,
                "prompt": f"Parcel {i}?",
                "response_format": asked,
                "response": BAD if chance.random() < rate else GOOD,
            }
            for i in range(n)
        ]
        chance.shuffle(rows)  # paired by id, whatever the order
        written(folder / f"{name}.jsonl", rows)


def test_a_directory_of_answers_is_compared_and_follows_its_flip(replay, tmp_path):
    outputs(tmp_path, {"bf16": 0.01, "int4": 0.5, "fp8": 0.01})
    told, _ = replay(None, mode=Mode.AUTO)
    assert [route["route"] for route in told["routes"]] == ["fp8", "int4"]
    assert actions(told, 0) == []
    assert actions(told, 1) == ["roll_back", "clear", "flip", "applied", "read_back", "verified_by_traffic", "hold"]
    assert verdict(told, "schema_validity", 0)["pairs"] == 500
    assert told["records"]["stored"] == 4 * 500


def test_answers_that_cannot_be_used_are_told(replay, tmp_path):
    written(
        tmp_path / "bf16.jsonl",
        [{"id": 1, "text": "Nine."}, "{", {"id": 1, "text": "Ten."}, {"id": 2}, {"text": "No prompt."}],
    )
    written(tmp_path / "int4.jsonl", [{"id": 1, "text": "Nine."}, {"prompt": "When?", "text": "At nine."}])
    told, _ = replay(None)
    assert {(p["file"], p["line"], p["code"]) for p in told["problems"]["shown"]} == {
        ("bf16.jsonl", 2, "malformed_json"),
        ("bf16.jsonl", 3, "duplicate_id"),
        ("bf16.jsonl", 4, "missing_field"),
        ("bf16.jsonl", 5, "missing_field"),
    }
    assert told["records"] | {"read": 3} == told["records"]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"bf16.jsonl": [{"id": 1, "text": "a"}]}, "answers of 1 variants"),
        ({"a.jsonl": [{"id": 1, "text": "a"}], "b.jsonl": [{"id": 1, "text": "a"}]}, "--baseline NAME; seen: a, b"),
        ({"bf16.jsonl": ["{"], "int4.jsonl": []}, "bf16.jsonl, line 1"),
    ],
)
def test_a_directory_that_cannot_be_compared_says_why(replay, tmp_path, files, told):
    for name, rows in files.items():
        written(tmp_path / name, rows)
    with pytest.raises(ReplayError, match=told):
        replay(None)

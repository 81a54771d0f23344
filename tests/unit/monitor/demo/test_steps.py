"""The steps of a flip, from records."""

from datetime import timedelta

from monitor.demo.report import primary_rate, stamp
from monitor.demo.steps import FlipSteps, flip_steps

ALARM = stamp("2026-01-01T00:00:10Z")


def at(second):
    return (ALARM + timedelta(seconds=second)).isoformat()


def row(second, action, to="armed", incident=7):
    return {"at": at(second), "action": action, "to_phase": to, "incident_id": incident}


ROWS = [
    row(-50, "flip", incident=None),
    row(0.4, "roll_back", "triggered"),
    row(0.5, "clear", "preflight"),
    row(0.6, "flip", "applying"),
    row(0.8, "applied", "verifying-control"),
    row(0.9, "read_back", "verifying-traffic"),
    row(10.8, "verified_by_traffic", "rolled-back"),
    row(10.9, "hold", "hold"),
]
INCIDENT = {"id": 7, "opened_at": at(-3), "last_alarm_at": at(0)}


def steps(rows=ROWS, incident=INCIDENT):
    return flip_steps(incident, rows, 300, lambda since, until: 500 / (until - since).total_seconds())


def test_each_step_is_read_off_the_incidents_own_rows():
    assert steps().to_json() == {
        "alarm_to_decided": 0.4,
        "decided_to_committed": 0.2,
        "committed_to_written": 0.2,
        "alarm_to_written": 0.8,
        "written_to_read_back": 0.1,
        "alarm_to_read_back": 0.9,
        "read_back_to_verified": 9.9,
        "requests": 300,
        "requests_per_s": 50.0,
        "requests_take": 6.0,
    }
    assert steps().line() == (
        "alarm → written 0.80 s → read back 0.10 s → verified by traffic 9.90 s "
        "(300 new requests asked for, which take 6.0 s at 50.0/s)"
    )


def test_an_alarm_that_attaches_after_the_decision_is_not_its_cause():
    assert steps(incident={**INCIDENT, "last_alarm_at": at(0.7)}).alarm == stamp(at(-3))


def test_what_did_not_happen_is_never():
    told = steps(ROWS[:4])
    assert told.to_json()["alarm_to_written"] is None
    assert told.rate == 0.0
    assert told.line().startswith("alarm → written never → read back never → verified by traffic never")
    assert FlipSteps(ALARM).requests_s is None


def test_the_rate_counts_requests_by_their_start():
    lines = [{"start_time": at(second)} for second in (0, 1, 2, 3, 4)]
    assert primary_rate(lines, stamp(at(1)), stamp(at(3))) == 1.0

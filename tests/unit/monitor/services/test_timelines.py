"""The time line of an incident."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.models.decision import Audit
from monitor.models.incident import Incident
from monitor.models.route import Phase
from monitor.services.timelines import Milestone, timeline_of

ALARM = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
INCIDENT = Incident(
    id=1,
    route_id=1,
    candidate_id=2,
    stream_id=3,
    signal="refusal",
    slice="all",
    headline="worse",
    opened_at=ALARM,
    onset_at=ALARM,
    alarm_tick=1,
    last_alarm_at=ALARM,
    alarms=1,
    evidence={},
    effect=None,
    decided=None,
    closed_at=None,
    closed_by=None,
)
ACTIONS = ("roll_back", "clear", "flip", "applied", "next_step", "read_back", "verified_by_traffic", "hold", "ramp")


def row(action, seconds):
    return Audit(1, ALARM + timedelta(seconds=seconds), "controller", action, Phase.ARMED, Phase.ARMED, "why", 1)


def effective(*rows):
    return timeline_of(INCIDENT, [row(*one) for one in rows]).effective_s


def test_each_step_is_timed_from_the_alarm():
    found = effective(
        ("roll_back", 0.4),
        ("clear", 0.5),
        ("flip", 0.7),
        ("applied", 1.2),
        ("read_back", 1.8),
        ("verified_by_traffic", 14),
    )
    assert found == {
        Milestone.DECIDED: 0.4,
        Milestone.COMMITTED: 0.7,
        Milestone.WRITTEN: 1.2,
        Milestone.READ_BACK: 1.8,
        Milestone.PROVEN: 14.0,
    }


def test_of_a_drain_the_first_write_and_the_last_read_back_count():
    found = effective(
        ("roll_back", 0), ("flip", 1), ("applied", 2), ("next_step", 12), ("applied", 13), ("read_back", 14)
    )
    assert (found[Milestone.WRITTEN], found[Milestone.READ_BACK]) == (2.0, 14.0)
    assert Milestone.PROVEN not in found


def test_the_last_flip_counts():
    found = effective(
        ("roll_back", 0), ("flip", 1), ("applied", 2), ("verified_by_traffic", 9), ("roll_back", 100), ("flip", 101)
    )
    assert found == {Milestone.DECIDED: 100.0, Milestone.COMMITTED: 101.0}


def test_a_decision_that_moved_nothing_is_a_decision():
    assert effective(("roll_back", 3), ("block", 4)) == {Milestone.DECIDED: 3.0}
    assert effective(("advise", 3)) == {}
    assert timeline_of(INCIDENT, []).entries == ()


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.floats(0, 1e5)), max_size=20))
def test_steps_come_in_order_once_each_and_gaps_add_up(rows):
    ordered = [row(action, seconds) for (action, _), seconds in zip(rows, sorted(s for _, s in rows), strict=True)]
    timeline = timeline_of(INCIDENT, ordered)
    reached = [one.milestone for one in timeline.entries if one.milestone is not None]
    assert len(reached) == len(set(reached))
    assert list(timeline.effective_s.values()) == sorted(timeline.effective_s.values())
    if ordered:
        total = sum(one.since_previous_s for one in timeline.entries)
        assert abs(total - timeline.entries[-1].since_alarm_s) < 1e-3

"""Harm on the way back: it is seen, it is told, and nothing goes up meanwhile."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerts.types import AlertKind
from monitor.controller.next_move import next_move
from monitor.controller.readings import Readings, Write
from monitor.models.route import MEASURED, Goal, Mode, Phase, RouteSnapshot, Stage, Writer
from tests.support.controller_model import BASE, CAND
from tests.support.situations import (
    SECOND,
    a_situation,
    after,
    an_armed,
    an_incident,
    carried,
    on_the_way_back,
    page_of,
    ramped_to,
    served,
    shows,
)

HALF = {"a": shows(ramped_to(1))}
SERVED = {"": served(500, 500)}
LOST = {"a": shows(RouteSnapshot({BASE: 100, CAND: 0}, CAND, 6), writer=Writer.FULLBACK)}
LONG_AGO = after(-4_000)
"""When the way back began: no alarm of these tests is older."""


def on(**changes) -> Readings:
    return Readings(**{"now": after(0), "routers": HALF, "traffic": SERVED, "answered_at": LONG_AGO, **changes})


def test_harm_on_the_way_back_pages_though_the_incident_was_told_before_the_flip():
    armed = a_situation(an_armed(), an_incident(), mode=Mode.ADVISE)
    before = next_move(armed, Readings(after(0)))
    ramping = a_situation(on_the_way_back(1), an_incident(), mode=Mode.ADVISE)
    move = next_move(ramping, on())
    assert (before.alert, move.action, move.alert) == (AlertKind.ADVISE, "harm", AlertKind.ADVISE)
    assert page_of(armed, before) != page_of(ramping, move)
    assert next_move(carried(ramping, move), on()) is None, "it is told once"


def test_an_incident_that_is_told_of_while_armed_keeps_its_key():
    keys = set()
    for epoch, since in ((3, -60), (9, 0)):
        armed = a_situation(an_armed(epoch=epoch, phase_since=after(since)), an_incident(), mode=Mode.ADVISE)
        keys.add(page_of(armed, next_move(armed, Readings(after(0)))))
    assert len(keys) == 1


@pytest.mark.parametrize(("critical", "action"), [(True, "roll_back"), (False, "back_off")])
def test_a_lost_step_is_not_written_again_toward_a_candidate_that_harms(critical, action):
    seen = a_situation(on_the_way_back(1), an_incident(at=after(-1), critical=critical))
    move = next_move(seen, on(routers=LOST))
    assert move.action == action
    assert "desired" not in move.changes or move.changes["desired"]["a"].weights[CAND] < ramped_to(1).weights[CAND]


def test_a_lost_step_in_a_freeze_is_told_and_not_written_while_the_candidate_harms():
    seen = a_situation(on_the_way_back(1, pinned_by="bo"), an_incident(critical=True))
    move = next_move(seen, on(routers=LOST, held="frozen by bo"))
    assert (move.action, move.to, move.alert) == ("harm", None, AlertKind.ADVISE)
    assert next_move(carried(seen, move), on(routers=LOST, held="frozen by bo")) is None


def test_an_alarm_that_comes_while_a_step_is_committed_is_not_forgotten():
    first = {"a": shows(ramped_to(0))}
    seen = a_situation(on_the_way_back(0, applied_at=after(-700)))
    move = next_move(seen, on(routers=first, traffic={"": served(5_000, 50)}))
    assert move.action == "next_step"
    seen = carried(seen, move, after(1), an_incident(at=after(0.5), critical=True))
    seen = carried(seen, next_move(seen, on(now=after(2), writes={"a": Write()})), after(2))
    assert seen.control.applied_at > seen.incidents[0].last_alarm_at
    written = {"a": shows(seen.control.desired["a"])}
    seen = carried(seen, next_move(seen, on(now=after(3), routers=written)), after(3))
    assert seen.control.phase is Phase.RAMPING
    assert next_move(seen, on(now=after(5), routers=written)).action == "roll_back"


def test_an_alarm_that_a_step_back_answered_is_no_reason_for_another():
    seen = a_situation(on_the_way_back(0, backed_off=1), an_incident(at=after(-30)))
    shown = {"a": shows(ramped_to(0))}
    assert next_move(seen, on(routers=shown, answered_at=after(-20))) is None
    assert next_move(seen, on(routers=shown, answered_at=after(-40))).action == "roll_back"


def test_without_an_answer_on_record_harm_is_what_came_since_the_write():
    seen = a_situation(on_the_way_back(1, applied_at=after(-10)), an_incident(at=after(-30)))
    assert next_move(seen, on(answered_at=None)) is None
    newer = replace(seen, incidents=[an_incident(at=after(-5))])
    assert next_move(newer, on(answered_at=None)).action == "back_off"


def test_an_armed_route_does_not_act_on_an_alarm_from_before_the_way_back_that_ended():
    last = on_the_way_back(0, stages=(Stage(100),), desired={"a": ramped_to(2)}, applied_at=after(-700))
    seen = a_situation(last, an_incident(at=after(-900)))
    answered = {"answered_at": after(-800)}
    move = next_move(seen, on(routers={"a": shows(ramped_to(2))}, traffic={"": served(50, 950)}, **answered))
    assert (move.action, move.to) == ("ramped", Phase.ARMED)
    seen = carried(seen, move)
    assert next_move(seen, Readings(after(1), **answered)) is None
    again = replace(seen, incidents=[an_incident(at=after(0))])
    assert next_move(again, Readings(after(1), **answered)).to is Phase.TRIGGERED


def test_a_graver_incident_is_acted_on_though_an_older_one_has_grown_too_old():
    old, fresh = an_incident(7, after(-3_000)), an_incident(8, candidate_id=3, critical=True)
    seen = a_situation(on_the_way_back(1, applied_at=LONG_AGO), old, fresh, variants=(SECOND,))
    move = next_move(seen, on())
    assert (move.action, move.to, move.incident) == ("roll_back", Phase.TRIGGERED, fresh)
    assert carried(seen, move).incident == fresh


def test_a_second_incident_and_one_that_turns_critical_are_told_of():
    first, other = an_incident(7), an_incident(8, after(1), candidate_id=3)
    seen = a_situation(on_the_way_back(1), first, mode=Mode.ADVISE, variants=(SECOND,))
    keys = []
    for incidents in ([first], [first, other], [first, replace(other, critical=True)]):
        seen = replace(seen, incidents=incidents)
        move = next_move(seen, on())
        assert move.action == "harm"
        keys.append(page_of(seen, move))
        seen = carried(seen, move)
        assert next_move(seen, on()) is None
    assert len(set(keys)) == 3


@pytest.mark.parametrize("goal", [Goal.RAMP, Goal.RESTORE])
def test_harm_while_a_way_back_is_stuck_begins_a_rollback(goal):
    stuck = on_the_way_back(1, Phase.STUCK, goal=goal, told="stuck")
    seen = a_situation(stuck, an_incident(critical=True))
    move = next_move(seen, on())
    assert (move.action, move.to) == ("roll_back", Phase.TRIGGERED)
    decided = carried(seen, move)
    assert decided.between, "what was before the first flip is what an undo restores"


def test_harm_while_a_way_back_is_stuck_is_told_where_nothing_may_act():
    seen = a_situation(on_the_way_back(1, Phase.STUCK, told="stuck"), an_incident(), mode=Mode.ADVISE)
    move = next_move(seen, on())
    assert (move.action, move.to, move.alert) == ("harm", None, AlertKind.ADVISE)
    assert next_move(carried(seen, move), on()) is None


def test_an_alarm_from_before_a_way_back_was_stuck_begins_nothing():
    seen = a_situation(on_the_way_back(1, Phase.STUCK, told="stuck"), an_incident(at=after(-61)))
    assert next_move(seen, on()) is None


@pytest.mark.parametrize("phase", [Phase.BLOCKED, Phase.STUCK, Phase.REVERTED])
def test_a_candidate_is_tested_wherever_it_may_serve_for_long(phase):
    assert phase in MEASURED


GITOPS = {"a": shows(RouteSnapshot({BASE: 100, CAND: 0}, CAND, 6), writer=Writer.GITOPS, writer_name="flux")}


@pytest.mark.parametrize("routers", [LOST, GITOPS])
def test_a_step_that_is_not_there_is_not_written_again_while_it_harms(routers):
    for control in (on_the_way_back(1), on_the_way_back(1, Phase.VERIFYING_CONTROL)):
        seen = a_situation(control, an_incident(critical=True))
        move = next_move(seen, on(routers=routers, held="frozen by bo"))
        assert move.to is not Phase.APPLYING
        if move.to is Phase.RAMPING:
            move = next_move(carried(seen, move), on(routers=routers))
            assert move.to is Phase.TRIGGERED


def test_harm_after_a_person_changed_a_way_back_is_told_once_and_not_fought():
    seen = a_situation(on_the_way_back(1, Phase.REVERTED), an_incident(at=after(-1)))
    move = next_move(seen, on(routers=GITOPS))
    assert (move.to, move.alert) == (None, AlertKind.ADVISE)
    assert next_move(carried(seen, move), on(routers=GITOPS)) is None


def test_an_old_broken_incident_hides_no_young_one():
    old = an_incident(at=after(-3_000), critical=True)
    young = an_incident(8, candidate_id=SECOND.id)
    move = next_move(a_situation(on_the_way_back(1), old, young, variants=(SECOND,)), on())
    assert (move.action, move.incident.id) == ("back_off", 8)


def test_a_step_back_answers_the_alarm_it_saw_and_no_later_one():
    seen = a_situation(on_the_way_back(1), an_incident(at=after(-30)))
    move = next_move(seen, on())
    assert datetime.fromisoformat(move.evidence["answered_at"]) == after(-30) + timedelta(microseconds=1)


def test_a_way_back_that_stands_is_told_once_and_wakes_nobody():
    behind = {"a": shows(ramped_to(1), pending=("replica 2 shows epoch 6",))}
    seen = a_situation(on_the_way_back(1))
    assert next_move(seen, on(now=after(600), routers=behind)) is None
    move = next_move(seen, on(now=after(3_600), routers=behind))
    assert (move.action, move.alert) == ("wait", AlertKind.INCONCLUSIVE)
    assert "replica 2 shows epoch 6" in move.reason
    assert next_move(carried(seen, move), on(now=after(3_700), routers=behind)) is None

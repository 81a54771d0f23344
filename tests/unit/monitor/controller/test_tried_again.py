"""A rollback that did not get through is tried again, whoever asked for it, and what is told is told each time."""

from dataclasses import replace
from itertools import pairwise

import pytest

from alerts.types import AlertKind
from detectors.stats.multiplicity import Gates
from monitor.controller.next_move import next_move
from monitor.controller.readings import CandidateEvidence, Readings, RouterReading, Write
from monitor.controller.situation import CONTROLLER
from monitor.models.route import DesiredRoute, Phase, RouteSnapshot, Stage, Writer
from tests.support.controller_model import BASE, SPLIT
from tests.support.situations import (
    ABLE,
    BEFORE,
    FLIPPED,
    UNREADABLE,
    a_control,
    a_situation,
    after,
    an_incident,
    carried,
    lived,
    page_of,
    served,
    shows,
)

AS_BEFORE = {"a": RouterReading(ABLE, BEFORE)}
IN_FORCE = {"a": shows(FLIPPED)}
OPEN = replace(ABLE, fencing=False)
PROVEN = {"": served(900, 0)}
TWO = {"desired": {"a": FLIPPED, "b": FLIPPED}, "before": {"a": BEFORE, "b": BEFORE}}


def written_over(writer: Writer | None) -> dict[str, RouterReading]:
    """A router that somebody's older write reached after ours."""
    return {"a": shows(RouteSnapshot(SPLIT, BASE, 6, writer=writer), OPEN)}


def test_a_write_that_fails_for_long_is_tried_until_the_router_is_well_again():
    well = 2_400
    seen = a_situation(a_control(Phase.APPLYING, applied_at=None, phase_since=after(0)), an_incident())

    def look(state, now):
        failing = now < after(well)
        if state.control.phase is Phase.APPLYING:
            return Readings(now, writes={"a": Write("503" if failing else None)})
        stuck = state.control.phase is Phase.STUCK
        return Readings(now, routers=AS_BEFORE if stuck else {"a": shows(state.control.desired["a"])})

    seen, done = lived(seen, well + 400, look)
    tries = [at for at, action in done if action == "retry"]
    assert max(later - earlier for earlier, later in pairwise(tries)) <= 400
    assert tries[1] - tries[0] <= 90, "soon at first"
    assert tries[-1] >= well
    assert seen.control.phase is Phase.VERIFYING_TRAFFIC


def test_a_swallowed_write_is_tried_until_it_is_taken():
    taken = 900
    seen = a_situation(a_control(Phase.VERIFYING_CONTROL, applied_at=after(0), phase_since=after(0)), an_incident())

    def look(state, now):
        if state.control.phase is Phase.APPLYING:
            return Readings(now, writes={"a": Write()})
        shown = AS_BEFORE if now < after(taken) else {"a": shows(state.control.desired["a"])}
        return Readings(now, routers=shown)

    seen, done = lived(seen, taken + 400, look)
    assert "stuck" in [action for _, action in done]
    assert seen.control.phase is Phase.VERIFYING_TRAFFIC


@pytest.mark.parametrize("writer", [Writer.FULLBACK, Writer.GITOPS, None])
def test_what_is_written_over_while_a_rollback_is_stuck_is_written_again(writer):
    seen = a_situation(a_control(Phase.STUCK, told="stuck"), an_incident())
    move = next_move(seen, Readings(after(0), routers=written_over(writer)))
    assert (move.action, move.to) == ("retry", Phase.APPLYING)
    assert move.changes["desired"]["a"].weights == FLIPPED.weights


def test_a_repository_that_writes_over_a_stuck_rollback_again_is_given_way_and_pages():
    seen = a_situation(a_control(Phase.STUCK, told="stuck", reasserted=1), an_incident())
    move = next_move(seen, Readings(after(0), routers=written_over(Writer.GITOPS)))
    assert (move.to, move.alert) == (Phase.REVERTED, AlertKind.REVERTED)


def test_a_person_who_changed_the_router_of_a_stuck_rollback_is_not_written_over():
    seen = a_situation(a_control(Phase.STUCK, told="stuck", applied_at=None), an_incident())
    assert next_move(seen, Readings(after(600), routers=written_over(Writer.OTHER))) is None


def test_what_was_in_force_and_is_changed_before_it_was_proven_is_told_once():
    seen = a_situation(a_control(Phase.STUCK, told="stuck"), an_incident())
    readings = Readings(after(600), routers=written_over(Writer.OTHER))
    move = next_move(seen, readings)
    assert (move.to, move.alert) == (None, AlertKind.STUCK)
    assert next_move(carried(seen, move), readings) is None


def test_a_drain_goes_on_where_it_can_while_another_router_cannot_be_read():
    quarter = DesiredRoute(7, {"base": 29, "cand": 71}, None)
    row = {**TWO, "desired": {"a": quarter, "b": quarter}, "stages": (Stage(25), Stage(100)), "told": "stuck"}
    seen = a_situation(a_control(Phase.STUCK, **row), an_incident())
    move = next_move(seen, Readings(after(0), routers={"a": shows(quarter), "b": UNREADABLE}))
    assert (move.action, move.changes["stage"]) == ("retry", 1)


def test_a_write_that_nobody_could_read_back_is_tried_again_once_it_is_seen_not_to_be_there():
    seen = a_situation(a_control(Phase.VERIFYING_CONTROL), an_incident())
    stuck = next_move(seen, Readings(after(0), routers={"a": UNREADABLE}))
    assert stuck.to is Phase.STUCK
    later = carried(seen, stuck, after(0))
    assert next_move(later, Readings(after(60), routers=AS_BEFORE)).action == "retry"


def test_a_leak_leaves_a_persons_flip_the_persons():
    seen = a_situation(a_control(Phase.HOLD, actor="ana", incident_id=None))
    move = next_move(seen, Readings(after(0), routers={"a": shows(FLIPPED)}, traffic={"": served(90, 10)}))
    assert (move.action, move.actor) == ("leaked", "ana")


def test_a_router_that_can_be_reached_is_written_while_another_cannot():
    seen = a_situation(a_control(Phase.STUCK, **TWO, applied_at=None, told="stuck"), an_incident())
    readings = Readings(after(0), routers={**AS_BEFORE, "b": UNREADABLE})
    assert next_move(seen, readings).action == "retry"
    both = Readings(after(0), routers={"a": UNREADABLE, "b": UNREADABLE})
    assert next_move(seen, both) is None


def test_evidence_that_is_renewed_keeps_a_stuck_rollback_going_and_old_evidence_does_not():
    later = after(4_000)
    for alarmed, action in ((later, "retry"), (after(0), None)):
        seen = a_situation(a_control(Phase.STUCK, applied_at=None, told="stuck"), an_incident(at=alarmed))
        move = next_move(seen, Readings(later, routers=AS_BEFORE))
        assert (None if move is None else move.action) == action


@pytest.mark.parametrize("writer", [Writer.OTHER, Writer.GITOPS])
def test_a_router_that_names_who_made_it_is_tried_again_like_any_other(writer):
    made = replace(BEFORE, epoch=None, writer=writer, writer_name="helm")
    control = a_control(Phase.STUCK, before={"a": made}, applied_at=None, told="stuck")
    seen = a_situation(control, an_incident())
    assert next_move(seen, Readings(after(0), routers={"a": RouterReading(ABLE, made)})).action == "retry"
    edited = replace(made, weights={BASE: 90, "cand": 10})
    changed = next_move(seen, Readings(after(0), routers={"a": RouterReading(ABLE, edited)}))
    assert (changed is None) == (writer is Writer.OTHER)


def test_a_swallowed_first_write_is_not_taken_for_the_change_of_who_made_the_router():
    made = replace(BEFORE, epoch=None, writer=Writer.OTHER, writer_name="helm")
    seen = a_situation(a_control(Phase.VERIFYING_CONTROL, before={"a": made}), an_incident())
    assert next_move(seen, Readings(after(0), routers={"a": RouterReading(ABLE, made)})).action == "reassert"


def test_neither_a_freeze_nor_a_persons_own_pin_holds_the_retry_of_the_persons_flip():
    applying = a_control(Phase.APPLYING, applied_at=None, actor="ana", incident_id=None, pinned_by="ana")
    seen = a_situation(applying)
    stuck = carried(seen, next_move(seen, Readings(after(0), writes={"a": Write("503")})))
    assert (stuck.control.phase, stuck.control.actor) == (Phase.STUCK, "ana")
    readings = Readings(after(60), routers=AS_BEFORE, held="frozen by bo")
    assert next_move(stuck, readings).action == "retry"
    own = replace(stuck, control=replace(stuck.control, actor=CONTROLLER), incidents=[an_incident()])
    assert next_move(own, readings) is None, "the controller's own is held"


def test_a_persons_flip_is_defended_under_the_persons_pin():
    seen = a_situation(a_control(Phase.ROLLED_BACK, actor="ana", pinned_by="ana", incident_id=None))
    hold = carried(seen, next_move(seen, Readings(after(0))))
    assert (hold.control.phase, hold.control.actor) == (Phase.HOLD, "ana")
    assert next_move(hold, Readings(after(0), routers=written_over(Writer.FULLBACK))).action == "reassert"


def test_a_persons_flip_that_is_changed_and_put_back_stays_the_persons():
    seen = a_situation(a_control(Phase.HOLD, actor="ana", pinned_by="ana", incident_id=None))
    seen = carried(seen, next_move(seen, Readings(after(0), routers=written_over(Writer.OTHER))))
    assert (seen.control.phase, seen.control.actor) == (Phase.REVERTED, "ana")
    seen = carried(seen, next_move(seen, Readings(after(60), routers=IN_FORCE)))
    assert (seen.control.phase, seen.control.actor) == (Phase.VERIFYING_TRAFFIC, "ana")


@pytest.mark.parametrize("back_s", [60, 3_600])
def test_a_clock_that_is_set_back_does_not_hide_a_write_that_fails(back_s):
    seen = a_situation(a_control(Phase.APPLYING, applied_at=None, phase_since=after(0)), an_incident())
    move = next_move(seen, Readings(after(-back_s), writes={"a": Write("503")}))
    assert (move.to, move.alert) == (Phase.STUCK, AlertKind.STUCK)


def test_a_rollback_that_is_stuck_twice_under_one_epoch_pages_twice():
    seen, start = a_situation(a_control(Phase.VERIFYING_TRAFFIC, phase_since=after(0)), an_incident()), 600
    first = next_move(seen, Readings(after(start), routers=IN_FORCE, traffic={"": served(0, 0)}))
    assert first.to is Phase.STUCK
    keys = [page_of(seen, first, after(start))]
    seen = carried(seen, first, after(start))
    steps = (
        (660, Phase.ROLLED_BACK, {"routers": IN_FORCE, "traffic": PROVEN}),
        (661, Phase.HOLD, {}),
        (690, Phase.REVERTED, {"routers": IN_FORCE, "traffic": {"": served(9, 9)}}),
        (700, Phase.VERIFYING_TRAFFIC, {"routers": IN_FORCE}),
    )
    for second, to, read in steps:
        move = next_move(seen, Readings(after(second), **read))
        assert move.to is to
        seen = carried(seen, move, after(second))
    leaking = {"": served(900, 100, after(700))}
    second = next_move(seen, Readings(after(1_000), routers=IN_FORCE, traffic=leaking))
    assert (second.to, second.alert) == (Phase.STUCK, AlertKind.STUCK)
    keys.append(page_of(seen, second, after(1_000)))
    assert len(set(keys)) == 2


@pytest.mark.parametrize(
    "answer",
    [
        {"evidence": CandidateEvidence(harmful="int4 breaks its schema")},
        {"evidence": CandidateEvidence(safe=("schema_validity",)), "gates": Gates(50, 0)},
    ],
)
def test_a_person_who_asks_for_the_candidate_twice_is_answered_twice(answer):
    keys = set()
    for second in (0, 3_600):
        seen = a_situation(a_control(Phase.RECOVERING, actor="ana", told="limited"), an_incident())
        move = next_move(seen, Readings(after(second), routers=IN_FORCE, **answer))
        assert (move.to, move.alert) == (Phase.HOLD, AlertKind.STILL_HARMFUL)
        keys.add(page_of(seen, move, after(second)))
        assert carried(seen, move).control.told is None
    assert len(keys) == 2


def test_two_processes_that_tell_of_the_same_thing_tell_once():
    seen = a_situation(a_control(Phase.VERIFYING_TRAFFIC), an_incident())
    move = next_move(seen, Readings(after(600), routers=IN_FORCE, traffic={"": served(100, 0, after(0))}))
    assert move.alert is AlertKind.CONTROL_PLANE_ONLY
    assert page_of(seen, move, after(600)) == page_of(seen, move, after(601))
    again = replace(seen, control=replace(seen.control, phase_since=after(300)))
    assert page_of(again, move) != page_of(seen, move)


@pytest.mark.parametrize("phase", [Phase.VERIFYING_TRAFFIC, Phase.STUCK])
@pytest.mark.parametrize("told", ["thin", "stuck"])
def test_what_was_told_on_the_way_does_not_silence_that_the_candidate_is_safe_again(phase, told):
    seen = a_situation(a_control(phase, told=told), an_incident())
    seen = carried(seen, next_move(seen, Readings(after(0), routers=IN_FORCE, traffic=PROVEN)))
    seen = carried(seen, next_move(seen, Readings(after(1))))
    assert seen.control.phase is Phase.HOLD
    safe = Readings(after(2), routers=IN_FORCE, evidence=CandidateEvidence(safe=("schema_validity",)))
    move = next_move(seen, safe)
    assert (move.action, move.alert) == ("safe_again", AlertKind.MAY_RECOVER)

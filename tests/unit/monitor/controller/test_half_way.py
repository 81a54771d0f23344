"""Routers that show a step of ours: no routing to come back to, no armed route, and nothing a person must lose by."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from alerts.types import AlertKind
from detectors.stats.multiplicity import Gates
from monitor.controller.next_move import next_move
from monitor.controller.operate import Operator
from monitor.controller.plan import toward_snapshot
from monitor.controller.readings import (
    BaselineHealth,
    CandidateEvidence,
    Readings,
    RouterReading,
    Scaling,
    Traffic,
)
from monitor.errors import ConflictError
from monitor.models.route import DesiredRoute, Goal, Phase, RouteControl, RouteSnapshot, Stage
from monitor.models.tick import PrimaryCounts
from tests.support.controller_model import BASE, CAND, SPLIT
from tests.support.situations import (
    ABLE,
    BEFORE,
    FLIPPED,
    POLICY,
    SECOND,
    UNREADABLE,
    a_control,
    a_situation,
    after,
    an_incident,
    by_hand,
    carried,
    on_the_way_back,
    ramped_to,
    shows,
)

SCALED = (Stage(0), Stage(0, replicas=4), Stage(25), Stage(100))
HALF = {"a": shows(ramped_to(1))}
NO_COPIES = RouteSnapshot(SPLIT, None, 8)
"""The copies are dropped, before the baseline is scaled."""
DROPPED = {"a": shows(NO_COPIES)}
HEALTHY = BaselineHealth(200, 0)
NEVER = RouteSnapshot({BASE: 100, CAND: 0}, None, None)
"""A cluster that has no candidate."""


def scaling(phase: Phase, **changes) -> RouteControl:
    """A row of a drain whose copies are dropped and whose replicas were asked for ten minutes ago."""
    step = {"epoch": 9, "stages": SCALED, "stage": 1, "applied_at": after(-700)}
    desired = {"a": DesiredRoute(9, SPLIT, None)}
    return a_control(phase, **{**step, "desired": desired, **changes})


class Desk:
    """What a person's operations ask: what the routers do, and the time."""

    def __init__(self, routers: dict[str, RouterReading]) -> None:
        self.person = Operator(lambda _: POLICY, None, SimpleNamespace(routers=lambda _: routers), self)

    def now(self):
        return after(0)


def planned(seen, routers, goal=Goal.BASELINE):
    return Desk(routers).person._planned(seen, goal, "ana", "the page says so")


def test_a_drain_that_is_blocked_after_its_copies_were_dropped_gives_them_back_when_it_is_withdrawn():
    seen = a_situation(scaling(Phase.VERIFYING_CONTROL), an_incident(at=after(-1_700)))
    blocked = carried(seen, next_move(seen, Readings(after(0), scaling=Scaling(4, 1), routers=DROPPED)))
    assert blocked.control.phase is Phase.BLOCKED
    move = next_move(blocked, Readings(after(200), health=BaselineHealth(0, 0), routers=DROPPED))
    assert (move.action, move.to) == ("unblock", Phase.APPLYING)
    assert move.changes["goal"] is Goal.RESTORE
    restored = move.changes["desired"]["a"]
    assert (restored.weights, restored.mirror, restored.epoch) == (SPLIT, BASE, 10)


@pytest.mark.parametrize("why", ["frozen", "pinned"])
def test_it_stays_blocked_while_somebody_holds_the_route(why):
    pinned = {"pinned_by": "bo"} if why == "pinned" else {}
    seen = a_situation(scaling(Phase.BLOCKED, **pinned), an_incident(at=after(-1_900)))
    held = "frozen by bo" if why == "frozen" else None
    assert next_move(seen, Readings(after(0), held=held, routers=DROPPED)) is None


def test_a_drain_that_goes_on_after_a_block_keeps_what_was_before_its_first_step():
    seen = a_situation(scaling(Phase.BLOCKED), an_incident())
    move = next_move(seen, Readings(after(0), health=HEALTHY, routers=DROPPED))
    assert (move.action, move.changes["before"]) == ("flip", {"a": BEFORE})


def test_a_persons_flip_out_of_a_blocked_drain_keeps_what_was_before_its_first_step():
    seen = a_situation(scaling(Phase.BLOCKED), an_incident())
    assert planned(seen, DROPPED).changes["before"] == {"a": BEFORE}
    undone = planned(seen, DROPPED, Goal.RESTORE).changes["desired"]["a"]
    assert (undone.weights, undone.mirror) == (SPLIT, BASE)


@pytest.mark.parametrize("ready", [1, 4])
@pytest.mark.parametrize("weights", [{BASE: 100, CAND: 0}, {BASE: 40, CAND: 60}])
def test_a_person_who_moves_traffic_while_replicas_are_waited_for_is_not_written_over(ready, weights):
    seen = a_situation(scaling(Phase.VERIFYING_CONTROL), an_incident())
    move = next_move(seen, Readings(after(0), scaling=Scaling(4, ready), routers={"a": by_hand(weights)}))
    assert (move.action, move.to, move.alert) == ("reverted", Phase.REVERTED, AlertKind.REVERTED)


@pytest.mark.parametrize("shown", [DROPPED, {"a": UNREADABLE}])
def test_nobodys_change_is_no_reason_to_stop_waiting_for_replicas(shown):
    seen = a_situation(scaling(Phase.VERIFYING_CONTROL), an_incident())
    assert next_move(seen, Readings(after(0), scaling=Scaling(4, 4), routers=shown)).action == "next_step"


@pytest.mark.parametrize("phase", [Phase.TRIGGERED, Phase.PREFLIGHT, Phase.BLOCKED])
def test_a_persons_flip_out_of_a_way_back_keeps_what_was_before_the_first_flip(phase):
    seen = a_situation(on_the_way_back(1, phase), an_incident())
    assert planned(seen, HALF).changes["before"] == {"a": BEFORE}
    assert planned(seen, HALF, Goal.RESTORE).changes["desired"]["a"].weights == SPLIT


def test_a_pin_before_the_first_write_of_a_rollback_out_of_a_way_back_is_no_armed_route():
    seen = a_situation(on_the_way_back(1, Phase.PREFLIGHT), an_incident())
    seen = carried(seen, next_move(seen, Readings(after(0), health=HEALTHY, routers=HALF)))
    assert seen.control.phase is Phase.APPLYING
    pinned = replace(seen, control=replace(seen.control, pinned_by="bo"))
    move = next_move(pinned, Readings(after(1), routers=HALF))
    assert (move.action, move.to, move.alert) == ("stuck", Phase.STUCK, AlertKind.STUCK)


def test_a_pin_before_the_first_write_of_a_rollback_arms_the_route_again():
    seen = a_situation(a_control(Phase.APPLYING, applied_at=None, pinned_by="bo"), an_incident())
    move = next_move(seen, Readings(after(0), routers={"a": RouterReading(ABLE, BEFORE)}))
    assert (move.action, move.to) == ("withdraw", Phase.ARMED)


def test_a_closed_incident_leaves_the_candidate_that_was_rolled_back_the_harmful_one():
    hold = a_control(Phase.HOLD, condemned={"int8": "sha256:eight"}, incident_id=8)
    open_one = a_situation(hold, an_incident(8, candidate_id=3), variants=(SECOND,))
    assert open_one.harmful == SECOND
    assert replace(open_one, incidents=[]).harmful == SECOND
    assert replace(open_one, incidents=[an_incident(9, candidate_id=2)]).harmful == SECOND


def test_the_promotion_is_booked_to_the_candidate_that_was_rolled_back():
    three = {BASE: 10, CAND: 45, SECOND.backend: 45}
    flipped = DesiredRoute(7, {BASE: 100, CAND: 0, SECOND.backend: 0}, SECOND.backend)
    recovering = a_control(
        Phase.RECOVERING,
        actor="ana",
        desired={"a": flipped},
        before={"a": RouteSnapshot(three, BASE, 3)},
        condemned={"int8": "sha256:eight"},
        incident_id=8,
    )
    seen = a_situation(recovering, variants=(SECOND,))
    safe = CandidateEvidence(safe=("schema_validity",))
    move = next_move(seen, Readings(after(0), routers={"a": shows(flipped)}, evidence=safe, gates=Gates(0, 0)))
    assert (move.action, move.promotion.candidate_id) == ("ramp", SECOND.id)


@pytest.mark.parametrize("phase", [Phase.PREFLIGHT, Phase.BLOCKED])
def test_a_rollback_whose_incident_is_closed_is_withdrawn_though_another_is_open(phase):
    decided = a_control(phase, desired={}, before={}, applied_at=None, condemned={})
    seen = a_situation(decided, an_incident(8, candidate_id=3), variants=(SECOND,))
    move = next_move(seen, Readings(after(0), health=HEALTHY, routers={"a": RouterReading(ABLE, BEFORE)}))
    assert (move.to, move.changes["incident_id"]) == (Phase.ARMED, None)


@pytest.mark.parametrize("shown", [shows(FLIPPED, epoch=12), by_hand({BASE: 90, CAND: 10})])
def test_no_way_back_at_once_goes_over_what_someone_else_wrote(shown):
    seen = a_situation(a_control(Phase.HOLD))
    desk = Desk({"a": shown})
    desk.person._transitions = SimpleNamespace(situation=lambda *_: seen)
    with pytest.raises(ConflictError, match="someone changed the routing"):
        desk.person.recover(seen.route, "ana", "mended", at_once=True)


def test_a_pin_after_copies_were_dropped_leaves_no_armed_route_without_them():
    blocked = a_situation(scaling(Phase.BLOCKED), an_incident())
    committed = carried(blocked, next_move(blocked, Readings(after(0), health=HEALTHY, routers=DROPPED)))
    pinned = replace(committed, control=replace(committed.control, pinned_by="ana"))
    shown = {"a": shows(replace(NO_COPIES, epoch=committed.control.epoch - 1))}
    assert next_move(pinned, Readings(after(1), routers=shown)).to is Phase.STUCK


def clusters(goal: Goal, phase: Phase, **changes):
    """A route whose second cluster never had the candidate, on the way back to where it was."""
    desired = {"a": toward_snapshot(BEFORE, 9), "b": toward_snapshot(NEVER, 9)}
    before = {"a": BEFORE, "b": NEVER}
    control = a_control(phase, goal=goal, epoch=9, desired=desired, before=before, actor="ana", **changes)
    return a_situation(control), {label: shows(one) for label, one in desired.items()}


def counted(base: int, cand: int) -> Traffic:
    counts = PrimaryCounts({1: base, 2: cand})
    return Traffic(after(-60), counts, counts)


@pytest.mark.parametrize("elsewhere", [counted(10_000, 0), counted(0, 0)])
def test_an_undo_is_proven_where_one_cluster_never_had_a_candidate(elsewhere):
    seen, routers = clusters(Goal.RESTORE, Phase.VERIFYING_TRAFFIC, incident_id=None)
    traffic = {"a": counted(500, 9_500), "b": elsewhere}
    assert next_move(seen, Readings(after(0), routers=routers, traffic=traffic)).to is Phase.ARMED
    quiet = {"a": counted(10_000, 0), "b": elsewhere}
    assert next_move(seen, Readings(after(0), routers=routers, traffic=quiet)) is None, "it serves nobody yet"


def test_an_undo_is_not_proven_while_the_candidate_serves_where_it_never_did():
    seen, routers = clusters(Goal.RESTORE, Phase.VERIFYING_TRAFFIC, incident_id=None)
    traffic = {"a": counted(500, 9_500), "b": counted(900, 100)}
    assert next_move(seen, Readings(after(600), routers=routers, traffic=traffic)).to is Phase.STUCK


def test_a_way_back_goes_on_where_one_cluster_never_had_a_candidate():
    stages = {"stages": (Stage(50), Stage(100)), "applied_at": after(-700)}
    seen, routers = clusters(Goal.RAMP, Phase.RAMPING, **stages)
    traffic = {"a": counted(500, 9_500), "b": counted(10_000, 0)}
    assert next_move(seen, Readings(after(0), routers=routers, traffic=traffic)).action == "next_step"

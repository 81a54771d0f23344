"""Whose doing it is that a router does something else, as a table."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.controller.foreign import Found, Standing, standing_of, worst_of
from monitor.controller.readings import RouterReading
from monitor.models.route import DesiredRoute, RouteSnapshot, Writer
from monitor.routing.base import Capabilities

FENCED = Capabilities(weights=True, atomic_mirror=True, fencing=True, propagation_s=0.0)
OPEN = replace(FENCED, fencing=False)
WANTED = DesiredRoute(7, {"base": 100, "cand": 0}, "cand")
BEFORE = RouteSnapshot({"base": 5, "cand": 95}, "base", 3)
THERE = RouteSnapshot({"base": 100}, "cand", 7)
LATE = RouteSnapshot({"base": 60, "cand": 40}, None, 6)
HAND = RouteSnapshot({"base": 60, "cand": 40}, None, None)


def found(snapshot, capabilities=FENCED, *, settled=False, before=BEFORE) -> Found:
    problem = None if snapshot is not None else "connection refused"
    return standing_of("east", RouterReading(capabilities, snapshot, problem), WANTED, before, settled=settled)


@pytest.mark.parametrize(
    ("snapshot", "fencing", "settled", "standing"),
    [
        (None, True, False, Standing.UNREADABLE),
        (THERE, True, False, Standing.IN_FORCE),
        (replace(THERE, writer=Writer.OTHER), True, True, Standing.IN_FORCE),
        (replace(THERE, pending=("replica 2",)), True, True, Standing.BEHIND),
        (replace(THERE, epoch=8), True, False, Standing.FOREIGN),
        (replace(THERE, epoch=8, writer=Writer.FULLBACK), False, False, Standing.FOREIGN),
        (replace(BEFORE, writer=Writer.FULLBACK), True, True, Standing.LOST),
        (replace(BEFORE, writer=Writer.GITOPS), True, True, Standing.GITOPS),
        (replace(BEFORE, writer=Writer.OTHER), False, False, Standing.FOREIGN),
        # nobody says who wrote
        (BEFORE, True, False, Standing.LOST),
        (BEFORE, True, True, Standing.FOREIGN),
        (BEFORE, False, True, Standing.FOREIGN),
        (LATE, True, False, Standing.LOST),
        (LATE, True, True, Standing.FOREIGN),
        (LATE, False, True, Standing.LOST),
        (HAND, True, False, Standing.FOREIGN),
        (HAND, False, True, Standing.FOREIGN),
        (replace(LATE, epoch=0), False, True, Standing.FOREIGN),
        (replace(THERE, mirror="base", epoch=None), False, False, Standing.FOREIGN),
    ],
)
def test_the_table(snapshot, fencing, settled, standing):
    assert found(snapshot, FENCED if fencing else OPEN, settled=settled).standing is standing


@pytest.mark.parametrize("writer", [Writer.OTHER, Writer.GITOPS])
def test_what_others_had_written_before_our_write_and_nobody_touched_since_is_a_lost_write(writer):
    theirs = replace(BEFORE, writer=writer, writer_name="kubectl")
    assert found(theirs, before=theirs).standing is Standing.LOST
    assert (
        found(theirs, before=theirs, settled=True).standing
        is Standing["GITOPS" if writer is Writer.GITOPS else "FOREIGN"]
    )
    assert found(replace(theirs, writer_name="flux"), before=theirs).standing is not Standing.LOST
    assert found(replace(theirs, epoch=6), before=theirs).standing is not Standing.LOST


def test_the_reason_names_target_what_is_shown_what_is_wanted_and_who():
    told = found(replace(BEFORE, writer=Writer.GITOPS, writer_name="argocd-controller")).reason
    for part in ("east", "'cand': 95", "epoch 3", "wanted", "7", "argocd-controller"):
        assert part in told
    assert found(None).reason == "east cannot be read: connection refused"


def test_what_was_there_before_is_unknown_where_nobody_had_read_it():
    assert found(replace(BEFORE, epoch=None), before=None).standing is Standing.FOREIGN


@pytest.mark.parametrize(
    ("changed", "standing"),
    [
        ({}, Standing.LOST),
        ({"weights": {"base": 6, "cand": 94}}, Standing.FOREIGN),
        ({"mirror": None}, Standing.FOREIGN),
        ({"epoch": 0}, Standing.FOREIGN),
    ],
)
def test_as_before_is_weights_mirror_and_epoch(changed, standing):
    """Nobody says who wrote, and no stamp of ours tells: what is not as before is somebody's."""
    before = replace(BEFORE, epoch=None)
    assert found(replace(before, **changed), before=before).standing is standing


@given(st.lists(st.sampled_from(Standing), min_size=1, max_size=5))
def test_the_gravest_counts_and_all_that_differ_are_named(standings):
    told = worst_of([Found(one, f"at {number}") for number, one in enumerate(standings)])
    assert told.standing is max(standings)
    if told.standing is not Standing.IN_FORCE:
        named = told.reason.split("; ")
        assert named == [f"at {n}" for n, one in enumerate(standings) if one is not Standing.IN_FORCE]


def test_no_target_is_nothing_that_was_read():
    assert worst_of([]).standing is Standing.UNREADABLE

"""When ``auto`` is armed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.controller.arming import Record, why_not_armed
from monitor.models.policy import Policy
from monitor.models.route import Mode, Route, TargetRef
from monitor.routing.base import Capabilities, ReadBack

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
POLICY = Policy("default", 1, observe_days=7.0, a_a_pairs=1000)
ROUTE = Route(1, "chat", Mode.AUTO, "default", (TargetRef("memory"),), None, 100.0, None, NOW - timedelta(days=7))
ABLE = Capabilities(weights=True, atomic_mirror=True, fencing=True, propagation_s=0.0)
RECORD = Record(a_a_pairs=1000)


def why(route=ROUTE, record=RECORD, **capabilities):
    return why_not_armed(route, POLICY, record, {"east": replace(ABLE, **capabilities)}, NOW)


def test_observed_silent_with_itself_readable_and_let_go_of():
    assert why() is None


@pytest.mark.parametrize(
    ("record", "route", "told"),
    [
        (RECORD, replace(ROUTE, created_at=NOW - timedelta(days=6, hours=23)), "observed for 6 of 7 days"),
        (replace(RECORD, a_a_pairs=999), ROUTE, "999 of 1000 pairs"),
        (replace(RECORD, a_a_alarmed="refusal"), ROUTE, "the baseline differs from its own mirror in refusal"),
    ],
)
def test_a_waiver_stands_in_for_time_and_silence(record, route, told):
    assert told in why(route, record)
    assert why(replace(route, waiver="a canary of an hour"), record) is None


@pytest.mark.parametrize("waiver", [None, "a canary of an hour"])
def test_no_waiver_makes_a_router_readable_or_a_manager_let_go(waiver):
    route = replace(ROUTE, waiver=waiver)
    assert "east cannot be read back" in why(route, read_back=ReadBack.NONE)
    owned = why(route, replace(RECORD, owners={"east": ("argocd-controller",), "west": ()}))
    assert "argocd-controller would write over a flip at target east" in owned


def test_every_target_has_to_be_readable_and_let_go_of():
    both = {"east": ABLE, "west": ABLE}
    assert why_not_armed(ROUTE, POLICY, RECORD, both, NOW) is None
    blind = {**both, "west": replace(ABLE, read_back=ReadBack.NONE)}
    assert "target west cannot be read back" in why_not_armed(ROUTE, POLICY, RECORD, blind, NOW)
    owned = replace(RECORD, owners={"east": (), "west": ("flux",)})
    assert "flux would write over a flip at target west" in why_not_armed(ROUTE, POLICY, owned, both, NOW)


@pytest.mark.parametrize("read_back", sorted(set(ReadBack) - {ReadBack.NONE}))
def test_any_way_to_read_back_will_do(read_back):
    assert why(read_back=read_back) is None

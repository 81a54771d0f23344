"""What the demo's gateway controller makes of an HTTPRoute."""

import json
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime

import httpx
import pytest

from monitor.clock import FakeClock
from monitor.demo.envoy import generation_in
from monitor.demo.gateway import Gateway, Split, split_of, status_of

ROUTE = {
    "metadata": {"name": "chat-70b", "generation": 4},
    "spec": {
        "parentRefs": [{"name": "demo-gateway"}, {"name": "other"}],
        "rules": [
            {
                "filters": [{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "bf16"}}}],
                "backendRefs": [{"name": "int4", "weight": 90}, {"name": "bf16", "weight": 10}],
            }
        ],
    },
}


def changed(**fields):
    route = deepcopy(ROUTE)
    route["spec"]["rules"][0].update(fields)
    return route


def test_weights_and_mirror_are_those_of_the_rule():
    assert split_of(ROUTE) == Split({"int4": 90, "bf16": 10}, "bf16")
    assert split_of(changed(filters=[])).mirror is None
    assert split_of(changed(backendRefs=[{"name": "bf16"}])).weights == {"bf16": 1}


@pytest.mark.parametrize(
    ("route", "why"),
    [
        (changed(backendRefs=[{"name": "int4", "weight": 0}]), "no backend has a weight"),
        (changed(backendRefs=[]), "no backend has a weight"),
        (changed(filters=ROUTE["spec"]["rules"][0]["filters"] * 2), "one mirror, got 2"),
        ({**ROUTE, "spec": {**ROUTE["spec"], "rules": ROUTE["spec"]["rules"] * 2}}, "one rule, got 2"),
        ({**ROUTE, "spec": {"parentRefs": []}}, "one rule, got 0"),
    ],
)
def test_what_cannot_be_served_is_said(route, why):
    with pytest.raises(ValueError, match=why):
        split_of(route)


def test_the_status_tells_every_parent_of_the_present_generation():
    parents = status_of(ROUTE, "2026-01-01T00:00:00Z")["status"]["parents"]
    assert [each["parentRef"]["name"] for each in parents] == ["demo-gateway", "other"]
    for each in parents:
        told = {one["type"]: (one["status"], one["observedGeneration"]) for one in each["conditions"]}
        assert told == {"Accepted": ("True", 4), "ResolvedRefs": ("True", 4)}
    accepted = status_of(ROUTE, "2026-01-01T00:00:00Z", "why")["status"]["parents"][0]["conditions"][0]
    assert (accepted["status"], accepted["message"], accepted["observedGeneration"]) == ("False", "why", 4)


@contextmanager
def gateway(tmp_path, envoy):
    """A controller whose API server keeps what it is told, and whose Envoy has what ``envoy`` returns."""
    told = []

    def api(request):
        told.append(json.loads(request.content))
        return httpx.Response(200, json={})

    there, here = httpx.MockTransport(api), httpx.MockTransport(envoy)
    with (
        httpx.Client(transport=there, base_url="http://api") as client,
        httpx.Client(transport=here, base_url="http://envoy") as admin,
    ):
        clock = FakeClock(datetime(2026, 1, 1, tzinfo=UTC))
        yield Gateway(client, "chat-70b", tmp_path / "rds.json", admin, clock), told


def dump_of(file):
    """Envoy's configuration dump when it has a route file."""
    (configuration,) = json.loads(file.read_text())["resources"]
    return {"configs": [{}, {"dynamic_route_configs": [{"route_config": configuration}]}]}


def test_a_generation_is_told_of_once_and_only_when_envoy_has_it(tmp_path):
    asked = []

    def envoy(request):
        asked.append(request)
        if len(asked) < 4:
            raise httpx.ConnectError("not up yet")
        return httpx.Response(200, json=dump_of(tmp_path / "rds.json"))

    with gateway(tmp_path, envoy) as (this, told):
        this.follow(ROUTE)
        this.follow(ROUTE)
        assert len(asked) == 4
        assert len(told) == 1
        assert generation_in(dump_of(tmp_path / "rds.json")) == 4


def test_what_envoy_does_not_take_is_not_told_of_and_tried_again(tmp_path):
    with gateway(tmp_path, lambda _: httpx.Response(200, json={"configs": []})) as (this, told):
        for _ in range(2):
            with pytest.raises(TimeoutError, match="generation 4"):
                this.follow(ROUTE)
        assert told == []


def test_what_is_refused_leaves_envoy_as_it_was(tmp_path):
    with gateway(tmp_path, lambda _: httpx.Response(500)) as (this, told):
        this.follow(changed(backendRefs=[]))
        assert told[0]["status"]["parents"][0]["conditions"][0]["reason"] == "UnsupportedValue"
        assert not (tmp_path / "rds.json").exists()


def test_routes_without_a_stamp_have_no_generation():
    assert generation_in({"configs": []}) is None
    host = {"routes": [{"name": "chat"}]}
    bare = {"dynamic_route_configs": [{"route_config": {"virtual_hosts": [host]}}]}
    assert generation_in({"configs": [bare]}) is None

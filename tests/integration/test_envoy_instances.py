"""Two real Envoys that read the same files: both move, and one that does not is told by name."""

import threading
from collections.abc import Iterator
from copy import deepcopy

import pytest

from monitor.clock import SystemClock
from monitor.errors import RoutingError
from monitor.models.route import DesiredRoute, TargetRef
from monitor.routing.base import RouteTarget
from monitor.routing.registry import build
from tests.support.envoy import PREFIX, Envoy, running_envoy, running_envoys, two_mirrors, wait_until

ON_BASELINE = {"base": 100, "cand": 0}
ON_CANDIDATE = {"base": 0, "cand": 100}


@pytest.fixture(scope="module")
def shared_envoys(tmp_path_factory) -> Iterator[list[Envoy]]:
    with running_envoys(tmp_path_factory.mktemp("envoys"), 2) as running:
        yield running


@pytest.fixture
def envoys(shared_envoys) -> list[Envoy]:
    for envoy in shared_envoys:
        envoy.reset(two_mirrors())
    return shared_envoys


def several(envoys: list[Envoy], ref: TargetRef | None = None, **settings) -> RouteTarget:
    found = envoys[0].ref() if ref is None else ref
    urls = [envoy.admin_url for envoy in envoys]
    return build(TargetRef("envoy", {**found.settings, "admin_url": None, "admin_urls": urls, **settings}))


@pytest.fixture(params=["route file", "runtime file"])
def target(request, envoys) -> RouteTarget:
    return several(envoys, envoys[0].ref() if request.param == "route file" else envoys[0].runtime_ref(), timeout_s=1)


def settled(target: RouteTarget, desired: DesiredRoute) -> None:
    wait_until(lambda: target.read().shows(desired), f"{desired} to be in force")


def test_one_write_moves_both(envoys, target):
    for desired, name in (
        (DesiredRoute(1, ON_BASELINE, "cand"), "base"),
        (DesiredRoute(2, ON_CANDIDATE, "base"), "cand"),
    ):
        target.apply(desired)
        settled(target, desired)
        for envoy in envoys:
            wait_until(lambda at=envoy, to=name: at.send(1)[to] == 1, "the data plane to follow")
            assert envoy.send(20)[name] == 20


def test_a_stopped_instance_is_pending_and_holds_no_write_back(envoys, target):
    first, second = envoys
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    with second.paused():
        start = SystemClock().now()
        target.apply(desired)
        assert (SystemClock().now() - start).total_seconds() < 3
        wait_until(lambda: target.read().says(desired), "the first Envoy to follow")
        snapshot = target.read()
        assert not snapshot.shows(desired)
        assert [second.admin_url in line for line in snapshot.pending] == [True]
        assert "ReadTimeout" in snapshot.pending[0]
        wait_until(lambda: first.send(1)["base"] == 1, "the data plane to follow")
        rehearsal = target.rehearse(DesiredRoute(2, ON_CANDIDATE, "base"))
        assert [second.admin_url in line for line in rehearsal.problems] == [True]
    settled(target, desired)
    wait_until(lambda: second.send(1)["base"] == 1, "the second Envoy's data plane to follow")


def test_the_file_is_written_long_before_a_stopped_instance_is_given_up(envoys):
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    writing = threading.Thread(target=several(envoys, timeout_s=9).apply, args=(desired,))
    with envoys[1].paused():
        start = SystemClock().now()
        writing.start()
        wait_until(lambda: envoys[0].send(1)["base"] == 1, "the first Envoy to follow")
        assert (SystemClock().now() - start).total_seconds() < 5
    writing.join(20)
    settled(several(envoys), desired)


def test_an_instance_that_is_gone_is_pending_and_the_rest_follows(envoys):
    target = several([envoys[0]], admin_urls=[envoys[0].admin_url, "http://127.0.0.1:1"])
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    target.apply(desired)
    wait_until(lambda: target.read().says(desired), "the first Envoy to follow")
    (line,) = target.read().pending
    assert line.startswith("Envoy admin http://127.0.0.1:1/config_dump cannot be reached (ConnectError)")


def test_an_override_at_one_instance_is_seen_and_cleared(envoys, target):
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    target.apply(desired)
    settled(target, desired)
    second = envoys[1]
    second.override(f"{PREFIX}.base", "0")
    second.override(f"{PREFIX}.cand", "1")
    wait_until(lambda: second.send(1)["cand"] == 1, "the override to reach the data plane")
    masked = target.read()
    assert not masked.says(desired)
    assert dict(masked.weights) == {"base": 0, "cand": 1}
    assert dict(masked.overrides) == {
        f"{PREFIX}.base at {second.admin_url}": "0",
        f"{PREFIX}.cand at {second.admin_url}": "1",
    }
    assert f"Envoy {envoys[0].admin_url} shows weights base 100, cand 0" in masked.pending[0]
    target.apply(desired)
    settled(target, desired)
    wait_until(lambda: second.send(1)["base"] == 1, "the data plane to follow")


def test_a_stale_instance_is_named(envoys, tmp_path):
    """It reads other files than those that are written: its watch is lost, or its volume is."""
    with running_envoy(tmp_path) as elsewhere:
        target = several([envoys[0], elsewhere])
        desired = DesiredRoute(1, ON_BASELINE, "cand")
        target.apply(desired)
        wait_until(lambda: target.read().says(desired), "the first Envoy to follow")
        (line,) = target.read().pending
        assert line.startswith(f"Envoy {elsewhere.admin_url} has not taken route file {envoys[0].file}: it has weights")
        assert "cand 100, mirror base, epoch none, the file says weights base 100" in line
        assert elsewhere.send(5) == {"base": 0, "cand": 5}
        assert target.rehearse(DesiredRoute(2, ON_CANDIDATE, "base")).problems == (line,)


def test_a_backend_that_one_instance_lacks_is_refused(envoys, tmp_path):
    only_base = {"base": envoys[0].backends["base"]}
    lacking = Envoy(tmp_path / "lacking", only_base, envoys[0])
    try:
        target = several([envoys[0], lacking])
        before = envoys[0].file.read_bytes()
        with pytest.raises(RoutingError, match=r"no cluster cand; known: base\. .*nothing was written"):
            target.apply(DesiredRoute(1, {"base": 50, "cand": 50}, None))
        assert envoys[0].file.read_bytes() == before
    finally:
        lacking.stop()


def test_when_none_answers_that_is_an_error(envoys):
    with envoys[0].paused(), envoys[1].paused():
        target = several(envoys, timeout_s=0.3)
        with pytest.raises(RoutingError, match=r"cannot be reached \(ReadTimeout\)"):
            target.read()
        with pytest.raises(RoutingError, match=r"epoch 3 is in .*, yet admin overrides may still win"):
            target.apply(DesiredRoute(3, ON_BASELINE, "cand"))
    settled(several(envoys), DesiredRoute(3, ON_BASELINE, "cand"))


def test_instances_whose_routes_differ_are_told(envoys, tmp_path):
    """By runtime file, each Envoy may have a route configuration of its own."""
    document = deepcopy(two_mirrors())
    routes = document["resources"][0]["virtual_hosts"][0]["routes"]
    routes[1]["route"]["weighted_clusters"]["runtime_key_prefix"] = "other.chat"
    with running_envoys(tmp_path, 1) as (other,):
        other.reset(document)
        alone = Envoy(tmp_path / "beside", other.backends, other)
        try:
            target = several([other, alone], other.runtime_ref())
            desired = DesiredRoute(1, ON_BASELINE, "cand")
            target.apply(desired)
            settled(target, desired)
        finally:
            alone.stop()

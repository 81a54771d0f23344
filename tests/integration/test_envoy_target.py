"""What only a real Envoy can show: overrides, refused files, outages, and a file others write to as well."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from copy import deepcopy

import pytest
import yaml

from monitor.clock import SystemClock
from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute
from monitor.routing.envoy import EnvoyTarget
from monitor.routing.registry import build
from tests.support.envoy import PREFIX, ROUTE, Envoy, route_document, running_envoy, wait_until

ON_BASELINE = {"base": 100, "cand": 0}
ON_CANDIDATE = {"base": 0, "cand": 100}


@pytest.fixture(scope="module")
def shared_envoy(tmp_path_factory) -> Iterator[Envoy]:
    with running_envoy(tmp_path_factory.mktemp("envoy")) as running:
        yield running


@pytest.fixture
def envoy(shared_envoy) -> Envoy:
    shared_envoy.reset()
    return shared_envoy


@pytest.fixture
def target(envoy) -> EnvoyTarget:
    return build(envoy.ref())


def settled(target: EnvoyTarget, desired: DesiredRoute) -> None:
    wait_until(lambda: target.read().shows(desired), f"{desired} to be in force")


def parts(document: dict) -> tuple[dict, dict]:
    """The virtual host and the route called chat."""
    host = document["resources"][0]["virtual_hosts"][0]
    return host, next(route for route in host["routes"] if route["name"] == ROUTE)


def test_a_stale_admin_override_is_seen_and_cleared(envoy, target):
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    target.apply(desired)
    settled(target, desired)
    envoy.override(f"{PREFIX}.base", "0")
    envoy.override(f"{PREFIX}.cand", "1")
    wait_until(lambda: envoy.send(1)["cand"] == 1, "the override to reach the data plane")
    assert envoy.send(20) == {"base": 0, "cand": 20}

    masked = target.read()
    assert not masked.shows(desired)
    assert dict(masked.weights) == {"base": 0, "cand": 1}
    assert masked.epoch == 1
    assert dict(masked.overrides) == {f"{PREFIX}.base": "0", f"{PREFIX}.cand": "1"}

    target.apply(desired)
    assert target.read().shows(desired)
    assert not target.read().overrides
    wait_until(lambda: envoy.send(1)["base"] == 1, "the data plane to follow")
    assert envoy.send(20) == {"base": 20, "cand": 0}


def test_weights_count_by_their_sum(envoy, target):
    desired = DesiredRoute(1, {"base": 100, "cand": 100}, None)
    target.apply(desired)
    settled(target, desired)
    wait_until(lambda: all(envoy.send(10).values()), "the data plane to follow")
    assert 60 < envoy.send(200)["base"] < 140


def test_an_outage_by_overrides_of_zero_is_seen_and_ended(envoy, target):
    """Fullback cannot write all zero; somebody else can, and Envoy answers 404 to everything then."""
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    target.apply(desired)
    settled(target, desired)
    envoy.override(f"{PREFIX}.base", "0")
    wait_until(lambda: envoy.status() == 404, "the outage")
    assert dict(target.read().weights) == {"base": 0, "cand": 0}
    target.apply(desired)
    settled(target, desired)
    wait_until(lambda: envoy.status() == 200, "the data plane to follow")


@pytest.mark.parametrize("value", ["0", "0.4"])
def test_an_override_can_switch_the_mirror_off(envoy, target, value):
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    target.apply(desired)
    settled(target, desired)
    envoy.override(f"{PREFIX}.mirrored", value)
    assert target.read().mirror is None
    assert dict(target.read().overrides) == {f"{PREFIX}.mirrored": value}
    target.apply(desired)
    assert target.read().shows(desired)


def test_overrides_of_other_routes_stay(envoy, target):
    envoy.override("routing.other.base", "3")
    envoy.override(f"{PREFIX}.base", "3")
    target.apply(DesiredRoute(1, ON_BASELINE, "cand"))
    assert "routing.other.base" in envoy.runtime()
    assert f"{PREFIX}.base" not in envoy.runtime()


def test_an_override_below_the_admin_layer_is_reported(envoy):
    document = route_document()
    parts(document)[1]["route"]["weighted_clusters"]["runtime_key_prefix"] = "pinned.by"
    envoy.reset(document)
    target = build(envoy.ref())
    assert dict(target.read().weights) == {"base": 5, "cand": 100}
    with pytest.raises(RoutingError, match=r"pinned\.by\.base win over .* remove them"):
        target.apply(DesiredRoute(1, ON_BASELINE, "cand"))


def test_only_weights_mirror_and_stamp_change(envoy, target):
    before = yaml.safe_load(envoy.file.read_text())
    envoy.file.chmod(0o640)
    target.apply(DesiredRoute(4, ON_BASELINE, "cand"))
    after = yaml.safe_load(envoy.file.read_text())

    expected = deepcopy(before)
    _, route = parts(expected)
    route["metadata"]["filter_metadata"]["fullback"] = {"epoch": 4}
    for entry in route["route"]["weighted_clusters"]["clusters"]:
        entry["weight"] = ON_BASELINE[entry["name"]]
    route["route"]["request_mirror_policies"][0]["cluster"] = "cand"
    assert after == expected
    assert envoy.file.stat().st_mode & 0o7777 == 0o640
    assert sorted(path.name for path in envoy.file.parent.iterdir()) == ["rds.yaml", "rds.yaml.lock"]


def test_sticky_sessions_are_kept(envoy, target):
    hash_policy = parts(route_document())[1]["route"]["hash_policy"]
    for desired in (DesiredRoute(1, ON_BASELINE, "cand"), DesiredRoute(2, ON_CANDIDATE, None)):
        target.apply(desired)
        settled(target, desired)
        assert parts(yaml.safe_load(envoy.file.read_text()))[1]["route"]["hash_policy"] == hash_policy


def test_the_mirrored_fraction_survives_a_time_without_mirror(envoy, target):
    before = parts(yaml.safe_load(envoy.file.read_text()))[1]["route"]["request_mirror_policies"]
    off = DesiredRoute(1, ON_CANDIDATE, None)
    target.apply(off)
    settled(target, off)
    back = DesiredRoute(2, ON_CANDIDATE, "base")
    target.apply(back)
    settled(target, back)
    _, route = parts(yaml.safe_load(envoy.file.read_text()))
    assert route["route"]["request_mirror_policies"] == before
    assert route["metadata"]["filter_metadata"]["fullback"] == {"epoch": 2}


def test_a_mirror_of_the_virtual_host_can_be_moved_and_switched_off(envoy):
    document = route_document()
    host, route = parts(document)
    host["request_mirror_policies"] = [{"cluster": "base"}]
    del route["route"]["request_mirror_policies"]
    envoy.reset(document)
    target = build(envoy.ref())
    assert target.read().mirror == "base"
    for epoch, mirror in enumerate((None, None, "cand", None, "base"), start=1):
        desired = DesiredRoute(epoch, ON_CANDIDATE, mirror)
        target.apply(desired)
        settled(target, desired)
    assert (
        "runtime_fraction"
        not in parts(yaml.safe_load(envoy.file.read_text()))[1]["route"]["request_mirror_policies"][0]
    )


def test_a_plain_cluster_route_becomes_weighted(envoy):
    target = build(envoy.ref(route_name="other"))
    assert dict(target.read().weights) == {"base": 100}
    desired = DesiredRoute(1, {"base": 75, "cand": 25}, None)
    target.apply(desired)
    settled(target, desired)
    action = next(
        route["route"]
        for route in parts(yaml.safe_load(envoy.file.read_text()))[0]["routes"]
        if route["name"] == "other"
    )
    assert action["timeout"] == "7s"
    assert "cluster" not in action


def test_routes_of_one_name_move_together(envoy):
    document = route_document()
    host, route = parts(document)
    host["routes"].insert(0, {**deepcopy(route), "match": {"prefix": "/v2"}})
    envoy.reset(document)
    target = build(envoy.ref())
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    target.apply(desired)
    settled(target, desired)

    halved = yaml.safe_load(envoy.file.read_text())
    parts(halved)[1]["route"]["weighted_clusters"]["clusters"][0]["weight"] = 1
    envoy.write(halved)
    wait_until(lambda: not target.read().shows(desired), "the difference to show")
    assert target.read().epoch is None


def test_another_tools_write_shows(envoy, target):
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    target.apply(desired)
    settled(target, desired)
    envoy.write(route_document())
    wait_until(lambda: not target.read().shows(desired), "the other tool's write to show")
    target.apply(desired)
    settled(target, desired)


def test_a_broken_file_is_refused_by_both(envoy, target):
    before = target.read()
    rejections = envoy.rejections()
    envoy.write_text("resources: [\n  broken")
    with pytest.raises(RoutingError, match=r"rds\.yaml is broken at line \d+: repair it; until then nothing"):
        target.apply(DesiredRoute(1, ON_BASELINE, "cand"))
    wait_until(lambda: envoy.rejections() > rejections, "Envoy to refuse the file")
    broken = target.read()
    assert (broken.weights, broken.mirror, broken.epoch) == (before.weights, before.mirror, before.epoch)
    assert len(broken.pending) == 1
    assert "rds.yaml is broken at line" in broken.pending[0]
    assert envoy.send(10) == {"base": 0, "cand": 10}


def test_a_file_that_envoy_refuses_never_shows(envoy, target):
    document = route_document()
    parts(document)[0]["routes"][0]["route"]["timeout"] = "soon"
    rejections = envoy.rejections()
    envoy.write(document)
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    target.apply(desired)
    wait_until(lambda: envoy.rejections() > rejections, "Envoy to refuse the file")
    snapshot = target.read()
    assert not snapshot.shows(desired)
    assert re.search(
        r"has not taken route file .*: it has weights base 0, cand 100, mirror base, epoch none, the file says "
        r"weights base 100, cand 0, mirror cand, epoch 1; it refused \d+ files since it started, see its log",
        snapshot.pending[0],
    )


def test_json_files_work_too(envoy, tmp_path):
    path = tmp_path / "rds.json"
    path.write_text(json.dumps(route_document()))
    build(envoy.ref(route_file=str(path))).apply(DesiredRoute(2, ON_BASELINE, None))
    _, route = parts(json.loads(path.read_text()))
    assert route["metadata"]["filter_metadata"]["fullback"]["epoch"] == 2
    assert "request_mirror_policies" not in route["route"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"route_config": "nope"}, r"no route configuration 'nope'; found: llm\. Correct route_config"),
        ({"route_name": "nope"}, r"no route 'nope' in route configuration 'llm'; found: chat, other\."),
    ],
)
def test_a_wrong_name_is_told_with_what_was_found(envoy, settings, message):
    target = build(envoy.ref(**settings))
    with pytest.raises(RoutingError, match=message):
        target.read()
    with pytest.raises(RoutingError, match=message):
        target.apply(DesiredRoute(1, ON_BASELINE, None))


@pytest.fixture
def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_envoy_down_is_told_quickly_and_the_file_is_written_all_the_same(envoy, free_port):
    down = build(envoy.ref(admin_url=f"http://127.0.0.1:{free_port}"))
    start = SystemClock().now()
    with pytest.raises(RoutingError, match=r"cannot be reached \(ConnectError\): check that Envoy runs"):
        down.read()
    desired = DesiredRoute(5, ON_BASELINE, "cand")
    with pytest.raises(RoutingError, match=r"epoch 5 is in .*rds\.yaml, yet admin overrides may still win"):
        down.apply(desired)
    assert (SystemClock().now() - start).total_seconds() < 2
    settled(build(envoy.ref()), desired)
    with pytest.raises(StaleEpochError):
        down.apply(DesiredRoute(4, ON_CANDIDATE, "base"))
    with pytest.raises(RoutingError, match=r"no cluster nowhere; known: base, cand"):
        down.apply(DesiredRoute(6, {"nowhere": 1}, None))


def test_an_envoy_that_hangs_is_given_up_after_the_timeout(envoy):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hanging = build(envoy.ref(admin_url=f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.2))
        start = SystemClock().now()
        with pytest.raises(RoutingError, match=r"cannot be reached \(ReadTimeout\)"):
            hanging.read()
        assert (SystemClock().now() - start).total_seconds() < 2


def test_no_reader_ever_sees_half_a_file(envoy, target):
    stop = threading.Event()
    broken: list[str] = []

    def watch() -> None:
        while not stop.is_set():
            text = envoy.file.read_text()
            weights = parts(yaml.safe_load(text))[1]["route"]["weighted_clusters"]["clusters"]
            if sum(entry["weight"] for entry in weights) != 100:
                broken.append(text)

    rejections = envoy.rejections()
    reader = threading.Thread(target=watch)
    reader.start()
    try:
        for epoch in range(1, 51):
            target.apply(DesiredRoute(epoch, ON_BASELINE if epoch % 2 else ON_CANDIDATE, None))
    finally:
        stop.set()
        reader.join(10)
    assert not broken
    settled(target, DesiredRoute(50, ON_CANDIDATE, None))
    assert envoy.rejections() == rejections

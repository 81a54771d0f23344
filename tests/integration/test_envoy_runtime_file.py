"""Routing by runtime values (RTDS), against a real Envoy with real traffic."""

import socket
import threading
from collections.abc import Iterator

import pytest
import yaml

from monitor.clock import SystemClock
from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute
from monitor.routing.base import RouteTarget
from monitor.routing.registry import build
from tests.support.envoy import (
    EPOCH_KEY,
    LAYER,
    PREFIX,
    ROUTE,
    ROUTE_CONFIG,
    Envoy,
    route_document,
    running_envoy,
    two_mirrors,
    wait_until,
)

ON_BASELINE = {"base": 100, "cand": 0}
ON_CANDIDATE = {"base": 0, "cand": 100}
TO_BASE, TO_CAND = f"{PREFIX}.mirrored", f"{PREFIX}.mirrored_to_cand"


@pytest.fixture(scope="module")
def shared_envoy(tmp_path_factory) -> Iterator[Envoy]:
    with running_envoy(tmp_path_factory.mktemp("envoy")) as running:
        yield running


@pytest.fixture
def envoy(shared_envoy) -> Envoy:
    shared_envoy.reset(two_mirrors())
    return shared_envoy


@pytest.fixture
def target(envoy) -> RouteTarget:
    return build(envoy.runtime_ref())


def settled(target: RouteTarget, desired: DesiredRoute) -> None:
    wait_until(lambda: target.read().shows(desired), f"{desired} to be in force")


def layer(envoy: Envoy) -> dict:
    return yaml.safe_load(envoy.runtime_file.read_text())["resources"][0]["layer"]


def test_only_the_runtime_file_changes(envoy, target):
    routes = envoy.file.read_bytes()
    envoy.write_runtime({"team": {"flag": True}, "routing": {"chat": {"base": 1}}})
    desired = DesiredRoute(12_345_678, ON_BASELINE, "cand")
    target.apply(desired)
    settled(target, desired)
    assert envoy.file.read_bytes() == routes
    assert layer(envoy) == {
        "team": {"flag": True},
        "routing": {"chat": {"base": "100"}},
        f"{PREFIX}.cand": "0",
        TO_BASE: "0",
        TO_CAND: {"numerator": 100, "denominator": "HUNDRED"},
        f"fullback.mirrored.{ROUTE_CONFIG}.{ROUTE}": {"numerator": 100, "denominator": "HUNDRED"},
        EPOCH_KEY: "12345678",
    }


def test_a_stale_admin_override_is_seen_and_cleared(envoy, target):
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    target.apply(desired)
    settled(target, desired)
    assert not target.read().overrides
    envoy.override(f"{PREFIX}.base", "0")
    envoy.override(f"{PREFIX}.cand", "1")
    envoy.override(TO_CAND, "0")
    wait_until(lambda: envoy.send(1)["cand"] == 1, "the override to reach the data plane")
    assert envoy.send(20) == {"base": 0, "cand": 20}
    masked = target.read()
    assert (dict(masked.weights), masked.mirror, masked.epoch) == ({"base": 0, "cand": 1}, None, 1)
    assert dict(masked.overrides) == {f"{PREFIX}.base": "0", f"{PREFIX}.cand": "1", TO_CAND: "0"}
    assert masked.pending == (), "it has taken the file, which the overrides win over"
    target.apply(desired)
    assert target.read().shows(desired)
    assert not target.read().overrides
    wait_until(lambda: envoy.send(1)["base"] == 1, "the data plane to follow")
    assert envoy.send(20) == {"base": 20, "cand": 0}


def test_overrides_from_before_the_first_write_are_cleared(envoy, target):
    envoy.override(f"{PREFIX}.cand", "50")
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    target.apply(desired)
    settled(target, desired)
    assert not target.read().overrides


def test_an_override_of_the_epoch_is_cleared(envoy, target):
    desired = DesiredRoute(3, ON_BASELINE, "cand")
    target.apply(desired)
    settled(target, desired)
    envoy.override(EPOCH_KEY, "99")
    assert dict(target.read().overrides) == {EPOCH_KEY: "99"}
    assert not target.read().says(desired)
    target.apply(desired)
    settled(target, desired)


def test_values_from_before_the_first_write_are_what_is_shown(envoy, target):
    envoy.write_runtime({"routing": {"chat": {"base": 20, "cand": 60}}, TO_BASE: 0, TO_CAND: 7})
    wait_until(lambda: dict(target.read().weights) == {"base": 20, "cand": 60}, "the values to be taken")
    snapshot = target.read()
    assert (snapshot.mirror, snapshot.epoch, dict(snapshot.overrides), snapshot.pending) == ("cand", None, {}, ())


def test_the_share_survives_turns_and_a_time_without_mirror(envoy, target):
    share = {"numerator": 5, "denominator": "TEN_THOUSAND"}
    envoy.write_runtime({TO_BASE: share})
    shares = []
    for epoch, mirror in enumerate(("cand", None, None, "base", "cand"), start=1):
        desired = DesiredRoute(epoch, ON_CANDIDATE, mirror)
        target.apply(desired)
        settled(target, desired)
        shares.append((layer(envoy)[TO_BASE], layer(envoy)[TO_CAND]))
    assert shares == [("0", share), ("0", "0"), ("0", "0"), (share, "0"), ("0", share)]


def test_a_mirror_that_runtime_values_cannot_turn_is_told_and_nothing_is_written(envoy, target):
    envoy.reset(route_document())
    before = envoy.runtime_file.read_bytes()
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    message = r"cannot point the mirror of route 'chat' to cand: give cand a request_mirror_policies entry of its own"
    with pytest.raises(RoutingError, match=message):
        target.apply(desired)
    assert not target.rehearse(desired).ok
    assert envoy.runtime_file.read_bytes() == before
    off = DesiredRoute(1, ON_BASELINE, None)
    target.apply(off)
    settled(target, off)


def test_a_mirror_without_a_key_is_told(envoy, target):
    document = two_mirrors()
    del document["resources"][0]["virtual_hosts"][0]["routes"][1]["route"]["request_mirror_policies"][0][
        "runtime_fraction"
    ]
    envoy.reset(document)
    assert target.read().mirror == "base"
    with pytest.raises(RoutingError, match="to cand: give base a request_mirror_policies entry"):
        target.apply(DesiredRoute(1, ON_BASELINE, "cand"))
    keeps = DesiredRoute(1, ON_CANDIDATE, "base")
    target.apply(keeps)
    settled(target, keeps)


def test_a_route_without_a_prefix_is_told(envoy):
    other = build(envoy.runtime_ref(route_name="other"))
    assert dict(other.read().weights) == {"base": 100}
    with pytest.raises(RoutingError, match=r"'other' has no weighted_clusters\.runtime_key_prefix"):
        other.apply(DesiredRoute(1, {"base": 1}, None))


def test_a_file_that_envoy_refuses_is_pending_with_the_count(envoy, target):
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    target.apply(desired)
    settled(target, desired)
    refused = envoy.rejections()
    envoy.runtime_file.write_text(envoy.runtime_file.read_text().replace(LAYER, "other"))
    newer = DesiredRoute(2, ON_CANDIDATE, "base")
    target.apply(newer)
    wait_until(lambda: envoy.rejections() > refused, "Envoy to refuse the file")
    snapshot = target.read()
    assert not snapshot.shows(newer)
    assert "has not taken runtime file" in snapshot.pending[0]
    assert "weights base 100, cand 0, mirror cand, epoch 1" in snapshot.pending[0]
    assert "files since it started, see its log" in snapshot.pending[0]
    assert envoy.send(10) == {"base": 10, "cand": 0}


def test_a_file_that_lost_its_epoch_and_is_refused_is_pending(envoy, target):
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    target.apply(desired)
    settled(target, desired)
    refused = envoy.rejections()
    document = yaml.safe_load(envoy.runtime_file.read_text())
    document["resources"][0]["name"] = "other"
    del document["resources"][0]["layer"][EPOCH_KEY]
    new = envoy.runtime_file.with_suffix(".new")
    new.write_text(yaml.safe_dump(document))
    new.replace(envoy.runtime_file)
    wait_until(lambda: envoy.rejections() > refused, "Envoy to refuse the file")
    assert "epoch 1, the file says weights base 100, cand 0, mirror cand, epoch none" in target.read().pending[0]


def test_the_epoch_of_one_route_does_not_fence_another(envoy, target):
    document = two_mirrors()
    routes = document["resources"][0]["virtual_hosts"][0]["routes"]
    routes[0]["route"] = {
        "weighted_clusters": {"runtime_key_prefix": "routing.other", "clusters": [{"name": "base", "weight": 1}]}
    }
    envoy.reset(document)
    chat, other = DesiredRoute(9, ON_BASELINE, "cand"), DesiredRoute(2, {"base": 5}, None)
    target.apply(chat)
    second = build(envoy.runtime_ref(route_name="other"))
    second.apply(other)
    settled(target, chat)
    settled(second, other)
    with pytest.raises(StaleEpochError, match="holds epoch 9, newer than 8"):
        target.apply(DesiredRoute(8, ON_CANDIDATE, "base"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resources: []\n", "holds no runtime resource with a 'layer'"),
        ("resources: [{name: x, layer: 5}]\n", "holds no runtime resource with a 'layer'"),
        (f"resources: [{{name: x, layer: {{{EPOCH_KEY}: soon}}}}]\n", "is no integer: remove it"),
        ("resources: [\n", "is broken at line"),
    ],
)
def test_a_file_that_cannot_be_changed_is_told_and_left(envoy, target, text, message):
    envoy.runtime_file.write_text(text)
    with pytest.raises(RoutingError, match=message):
        target.apply(DesiredRoute(1, ON_BASELINE, "cand"))
    assert envoy.runtime_file.read_text() == text


def test_an_envoy_that_is_slow_for_a_moment_is_waited_for(envoy, target):
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    writing = threading.Thread(target=target.apply, args=(desired,))
    with envoy.paused():
        writing.start()
        SystemClock().wait(0.9)
        assert EPOCH_KEY not in layer(envoy)
    writing.join(10)
    settled(target, desired)


def test_without_an_envoy_that_answers_nothing_is_written(envoy):
    before = envoy.runtime_file.read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(RoutingError, match=r"no Envoy of this route answers.* nothing was written"):
            build(envoy.runtime_ref(admin_url=url, timeout_s=0.3)).apply(DesiredRoute(1, ON_BASELINE, "cand"))
    assert envoy.runtime_file.read_bytes() == before

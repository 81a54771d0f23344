"""Copies by who serves, the hard cut and the rehearsal, against a real Envoy with real traffic."""

import fcntl
from collections.abc import Iterator
from copy import deepcopy

import pytest
import yaml

from monitor.models.route import DesiredRoute
from monitor.routing.base import RouteTarget
from monitor.routing.registry import build
from tests.support.envoy import MIRROR_HEADER, PREFIX, Envoy, route_document, running_envoy, wait_until

SPLIT = {"base": 50, "cand": 50}
ON_BASELINE = {"base": 100, "cand": 0}
ON_CANDIDATE = {"base": 0, "cand": 100}
BOTH_WAYS = {"base": "cand", "cand": "base"}


@pytest.fixture(scope="module")
def shared_envoy(tmp_path_factory) -> Iterator[Envoy]:
    with running_envoy(tmp_path_factory.mktemp("envoy")) as running:
        yield running


@pytest.fixture
def envoy(shared_envoy) -> Envoy:
    shared_envoy.reset()
    return shared_envoy


@pytest.fixture
def target(envoy) -> RouteTarget:
    return build(envoy.ref())


def settled(target: RouteTarget, desired: DesiredRoute) -> None:
    wait_until(lambda: target.read().shows(desired), f"{desired} to be in force")


def action(envoy: Envoy) -> dict:
    return yaml.safe_load(envoy.file.read_text())["resources"][0]["virtual_hosts"][0]["routes"][1]["route"]


def counted(envoy: Envoy, requests: int, headers: dict[str, str] | None = None) -> dict[str, tuple[int, int]]:
    """Send requests once copies of earlier ones have arrived; return primaries and copies of each backend."""
    backends = envoy.backends
    for backend in backends.values():
        backend.reset()
    answered = envoy.send(requests, headers)
    wait_until(lambda: sum(one.primaries for one in backends.values()) == requests, "the primaries")
    assert {name: one.primaries for name, one in backends.items()} == answered
    return {name: (one.primaries, one.copies) for name, one in backends.items()}


@pytest.mark.parametrize("headers", [None, {MIRROR_HEADER: "base"}, {MIRROR_HEADER: "nowhere"}])
def test_every_direction_gets_its_copies_and_no_other(envoy, target, headers):
    desired = DesiredRoute(1, SPLIT, BOTH_WAYS)
    target.apply(desired)
    settled(target, desired)
    wait_until(lambda: all(envoy.send(10).values()), "the data plane to follow")
    base, cand = envoy.backends["base"], envoy.backends["cand"]
    wait_until(lambda: base.copies + cand.copies == base.primaries + cand.primaries, "copies under way")
    counted(envoy, 200, headers)
    wait_until(lambda: base.copies + cand.copies == 200, "200 copies")
    assert (base.copies, cand.copies) == (cand.primaries, base.primaries)
    for copied, served in ((base, cand), (cand, base)):
        ids = {one["x-request-id"] for one in copied.requests if "-shadow" in one["host"]}
        assert ids == {one["x-request-id"] for one in served.requests if "-shadow" not in one["host"]}
    assert min(base.primaries, cand.primaries) > 50


def test_a_backend_without_a_direction_gets_no_copies_whatever_a_client_sends(envoy, target):
    desired = DesiredRoute(1, SPLIT, {"cand": "base"})
    target.apply(desired)
    settled(target, desired)
    wait_until(lambda: all(envoy.send(10).values()), "the data plane to follow")
    base, cand = envoy.backends["base"], envoy.backends["cand"]
    wait_until(lambda: base.copies == cand.primaries, "copies under way")
    counted(envoy, 100, {MIRROR_HEADER: "cand"})
    wait_until(lambda: base.copies == cand.primaries, "the candidate's copies")
    assert cand.copies == 0


def test_the_mirrored_share_holds_for_both_directions(envoy, target):
    document = route_document()
    policy = document["resources"][0]["virtual_hosts"][0]["routes"][1]["route"]["request_mirror_policies"][0]
    policy["runtime_fraction"]["default_value"] = {"numerator": 30, "denominator": "HUNDRED"}
    envoy.reset(document)
    desired = DesiredRoute(1, SPLIT, BOTH_WAYS)
    target.apply(desired)
    settled(target, desired)
    wait_until(lambda: all(envoy.send(10).values()), "the data plane to follow")
    counted(envoy, 400)
    wait_until(lambda: sum(one.copies for one in envoy.backends.values()) > 60, "a part of the copies")
    assert sum(one.copies for one in envoy.backends.values()) < 240


def test_one_mirror_for_all_leaves_no_trace_of_two(envoy, target):
    single = DesiredRoute(2, SPLIT, "base")
    target.apply(DesiredRoute(1, SPLIT, BOTH_WAYS))
    target.apply(single)
    settled(target, single)
    assert MIRROR_HEADER not in envoy.file.read_text()


def test_the_header_that_directs_the_copies_reaches_the_backends(envoy, target):
    """Envoy reads it when it sends the copy, so that nothing before the backend may take it away."""
    desired = DesiredRoute(1, SPLIT, BOTH_WAYS)
    target.apply(desired)
    settled(target, desired)
    wait_until(lambda: all(envoy.send(10).values()), "the data plane to follow")
    counted(envoy, 40)
    served = {
        (name, one.get(MIRROR_HEADER))
        for name, at in envoy.backends.items()
        for one in at.requests
        if "-shadow" not in one["host"]
    }
    assert served == {("base", "cand"), ("cand", "base")}


def test_a_hard_cut_stands_against_runtime_values(envoy, target):
    envoy.override(f"{PREFIX}.cand", "100")
    cut = DesiredRoute(1, ON_BASELINE, "cand", cut=True)
    target.apply(cut)
    settled(target, cut)
    assert action(envoy)["cluster"] == "base"
    assert "weighted_clusters" not in action(envoy)
    assert f"{PREFIX}.cand" not in envoy.runtime(), "else it would mask the weights once they come back"
    wait_until(lambda: envoy.send(5)["base"] == 5, "the data plane to follow")
    envoy.override(f"{PREFIX}.cand", "100")
    envoy.override(f"{PREFIX}.base", "0")
    assert envoy.send(50) == {"base": 50, "cand": 0}
    assert target.read().shows(cut)
    assert not target.read().overrides


def test_after_a_cut_the_route_comes_back_as_it_was(envoy, target):
    before = action(envoy)
    for desired in (DesiredRoute(1, ON_BASELINE, "cand", cut=True), DesiredRoute(2, ON_CANDIDATE, "base")):
        target.apply(desired)
        settled(target, desired)
    assert action(envoy) == before
    wait_until(lambda: envoy.send(5)["cand"] == 5, "the data plane to follow")


def test_a_cut_with_copies_by_who_serves(envoy, target):
    cut = DesiredRoute(1, ON_BASELINE, BOTH_WAYS, cut=True)
    target.apply(cut)
    settled(target, cut)
    wait_until(lambda: envoy.send(5)["base"] == 5, "the data plane to follow")
    assert [entry["name"] for entry in action(envoy)["weighted_clusters"]["clusters"]] == ["base"]
    counted(envoy, 20)
    wait_until(lambda: envoy.backends["cand"].copies >= 20, "20 copies")
    assert envoy.backends["cand"].primaries == 0


def test_a_cut_of_a_drain_keeps_the_other_weights(envoy, target):
    cut = DesiredRoute(1, {"base": 75, "cand": 25}, None, cut=True)
    target.apply(cut)
    settled(target, cut)
    envoy.override(f"{PREFIX}.cand", "1000000")
    assert target.read().shows(cut)
    answered = envoy.send(100)
    assert answered["base"] > answered["cand"] > 0


def test_a_rehearsal_leaves_the_file_and_its_folder_alone(envoy, target):
    target.apply(DesiredRoute(1, ON_CANDIDATE, "base"))
    settled(target, DesiredRoute(1, ON_CANDIDATE, "base"))
    names = sorted(path.name for path in envoy.file.parent.iterdir())
    state = (envoy.file.read_bytes(), envoy.file.stat().st_mtime_ns, envoy.file.stat().st_ino)
    envoy.override(f"{PREFIX}.cand", "7")
    rehearsal = target.rehearse(DesiredRoute(2, ON_BASELINE, "cand", cut=True))
    assert rehearsal.ok
    assert rehearsal.changes == (
        "weight of base: 0 -> 100",
        "weight of cand: 7 -> 0",
        "mirror: base -> cand",
        "taken out: cand",
        "epoch: 1 -> 2",
    )
    assert (envoy.file.read_bytes(), envoy.file.stat().st_mtime_ns, envoy.file.stat().st_ino) == state
    assert sorted(path.name for path in envoy.file.parent.iterdir()) == names
    assert f"{PREFIX}.cand" in envoy.runtime()


def test_a_rehearsal_tells_what_would_fail(envoy, target):
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    broken = deepcopy(route_document())
    broken["resources"][0]["virtual_hosts"][0]["routes"].pop()
    envoy.write(broken)
    assert "has no route 'chat'" in " ".join(target.rehearse(desired).problems)
    envoy.write_text("resources: [\n  broken")
    assert "is broken at line" in " ".join(target.rehearse(desired).problems)
    envoy.reset()
    gone = build(envoy.ref(route_file=str(envoy.file.parent / "gone" / "rds.yaml")))
    assert "cannot be opened (No such file" in " ".join(gone.rehearse(desired).problems)
    dead = build(envoy.ref(admin_url="http://127.0.0.1:1"))
    assert ["cannot be reached (ConnectError)" in one for one in dead.rehearse(desired).problems] == [True]
    with envoy.file.with_name("rds.yaml.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        blocked = build(envoy.ref(timeout_s=0.2)).rehearse(desired)
    assert ["another writer holds" in one for one in blocked.problems] == [True]
    heavy = target.rehearse(DesiredRoute(1, {"base": 2**32}, None))
    assert "at most 4294967295, got 4294967296" in heavy.problems[0]

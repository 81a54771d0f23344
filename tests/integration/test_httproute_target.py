"""The HTTPRoute target against a real Kubernetes API server with the Gateway API's own definition of the kind."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.config import incluster_config

from monitor.clock import SystemClock
from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute, TargetRef, Writer
from monitor.routing import kubernetes
from monitor.routing.base import ReadBack, RouteTarget
from monitor.routing.httproute_object import EPOCH, REMOVED
from monitor.routing.registry import build
from tests.support.access_reviews import TOKEN, WORKER
from tests.support.apiserver import STRANGER, Cluster, running_cluster
from tests.support.broken_wire import BrokenWire, Mode, broken_wire
from tests.support.httproutes import backend, http_route, main_rule, mirror, rule

pytestmark = pytest.mark.timeout(1200)  # the first build of the API server takes minutes

ON_BASELINE = DesiredRoute(3, {"base": 100, "cand": 0}, "cand")
POOL = {"group": "inference.networking.k8s.io", "kind": "InferencePool"}
ARGO_CD = "argocd.argoproj.io/tracking-id"

_numbers = count(1)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture
def name() -> str:
    return f"chat-{next(_numbers)}"


@pytest.fixture
def wire(cluster) -> Iterator[BrokenWire]:
    with cluster.client(WORKER) as upstream, broken_wire(upstream) as found:
        yield found


def rules_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    return document["spec"]["rules"]


def weights_of(one: dict[str, Any]) -> dict[str, int]:
    return {ref["name"]: ref["weight"] for ref in one["backendRefs"]}


def mirrors_of(one: dict[str, Any]) -> list[dict[str, Any]]:
    return [found["requestMirror"] for found in one.get("filters", []) if found["type"] == "RequestMirror"]


def through(wire: BrokenWire, cluster: Cluster, name: str, **settings: Any) -> RouteTarget:
    return build(cluster.ref(name, cluster.kubeconfig(url=wire.url), **settings))


@contextmanager
def someone_writes_before(target: RouteTarget, write: Any, times: int = 1) -> Iterator[None]:
    """Have somebody else write between the target's reading and its own write."""
    patch, left = target._api.patch, [times]

    def patched(*arguments: Any, **options: Any) -> Any:
        if left[0]:
            left[0] -= 1
            write()
        return patch(*arguments, **options)

    target._api.patch = patched
    yield


# --- one write ---------------------------------------------------------------------------------------------------


def test_weights_mirror_and_epoch_change_in_one_generation_and_nothing_else_does(cluster, name):
    before = cluster.create(http_route(name, main_rule(timeouts={"request": "90s"})))
    build(cluster.ref(name)).apply(ON_BASELINE)
    after = cluster.get(name)
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    assert after["metadata"]["annotations"][EPOCH] == "3"
    [one] = rules_of(after)
    assert weights_of(one) == {"base": 100, "cand": 0}
    assert mirrors_of(one) == [
        {"backendRef": {"group": "", "kind": "Service", "name": "cand", "port": 8000}, "percent": 10}
    ]
    [old] = rules_of(before)
    for field in ("name", "matches", "timeouts"):
        assert one[field] == old[field]


def test_what_is_in_force_already_is_not_written_again(cluster, name, wire):
    cluster.create(http_route(name))
    target = through(wire, cluster, name)
    target.apply(ON_BASELINE)
    version = cluster.get(name)["metadata"]["resourceVersion"]
    target.apply(ON_BASELINE)
    assert cluster.get(name)["metadata"]["resourceVersion"] == version
    assert wire.seen == ["GET", "PATCH", "GET"]


def test_a_weight_that_is_not_given_counts_1(cluster, name):
    cluster.create(http_route(name, main_rule(backendRefs=[backend("base"), backend("cand")])))
    assert dict(build(cluster.ref(name)).read().weights) == {"base": 1, "cand": 1}


@pytest.mark.parametrize("options", [{}, {"percent": 10}, {"fraction": {"numerator": 1, "denominator": 8}}])
def test_the_sampled_share_outlives_a_mirror_that_is_off(cluster, name, options):
    cluster.create(http_route(name, main_rule(filters=[mirror("base", **options)])))
    target = build(cluster.ref(name))
    target.apply(DesiredRoute(1, {"base": 1}, None))
    assert "filters" not in rules_of(cluster.get(name))[0]
    target.apply(DesiredRoute(2, {"base": 1}, "cand"))
    [found] = mirrors_of(rules_of(cluster.get(name))[0])
    assert {key: value for key, value in found.items() if key != "backendRef"} == options
    assert REMOVED not in cluster.get(name)["metadata"]["annotations"]


def test_other_filters_and_foreign_mirrors_are_left_alone(cluster, name):
    header = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-team", "value": "a"}]}}
    cluster.create(http_route(name, main_rule(filters=[header, mirror("recorder"), mirror("base", percent=5)])))
    target = build(cluster.ref(name))
    assert target.read().mirror == "base"
    assert dict(target.read().overrides) == {"rule 'main': mirror": "recorder"}
    target.apply(DesiredRoute(1, {"base": 1}, None))
    filters = rules_of(cluster.get(name))[0]["filters"]
    assert filters[0] == header
    assert [one["backendRef"]["name"] for one in mirrors_of(rules_of(cluster.get(name))[0])] == ["recorder"]


def test_backends_that_are_inference_pools_keep_group_and_kind_and_lend_them_to_the_mirror(cluster, name):
    pools = [backend("base", 0, **POOL), backend("cand", 100, **POOL)]
    cluster.create(http_route(name, rule("main", *pools)))
    build(cluster.ref(name)).apply(ON_BASELINE)
    [one] = rules_of(cluster.get(name))
    assert [(ref["group"], ref["kind"]) for ref in one["backendRefs"]] == [(POOL["group"], POOL["kind"])] * 2
    assert mirrors_of(one) == [{"backendRef": {**POOL, "name": "cand", "port": 8000}}]


# --- several rules -----------------------------------------------------------------------------------------------


def several() -> list[dict[str, Any]]:
    header = [{"headers": [{"name": "x-canary", "value": "on"}]}]
    return [
        rule("health", backend("prober"), path="/healthz"),
        main_rule(),
        {**rule("canary", backend("cand")), "matches": header},
        rule(None, backend("cand", 95), backend("base", 5), path="/v2"),
    ]


def test_every_rule_that_holds_a_backend_is_moved_and_a_foreign_one_is_not(cluster, name):
    before = cluster.create(http_route(name, *several()))
    target = build(cluster.ref(name))
    rehearsed = target.rehearse(ON_BASELINE)
    assert "rule 'canary': backend base is added as another rule holds it" in rehearsed.changes
    target.apply(ON_BASELINE)
    health, main, canary, unnamed = rules_of(cluster.get(name))
    assert health == rules_of(before)[0]
    for one in (main, canary, unnamed):
        assert {backend: weight for backend, weight in weights_of(one).items() if weight} == {"base": 100}
        assert [found["backendRef"]["name"] for found in mirrors_of(one)] == ["cand"]
    snapshot = target.read()
    assert snapshot.says(ON_BASELINE)
    assert not [line for line in snapshot.pending if "rule" in line]


def test_a_rule_that_somebody_turned_is_shown(cluster, name):
    cluster.create(http_route(name, *several()))
    target = build(cluster.ref(name))
    target.apply(ON_BASELINE)
    cluster.patch(name, [{"op": "add", "path": "/spec/rules/3/backendRefs/0/weight", "value": 50}])
    snapshot = target.read()
    assert dict(snapshot.weights) == {"base": 100, "cand": 50}
    assert not snapshot.says(ON_BASELINE)
    assert "rule 'main' shows base 100, mirror cand, rule 4 base 100, cand 50, mirror cand" in snapshot.pending
    assert (snapshot.writer, snapshot.writer_name) == (Writer.OTHER, "kubectl-edit")


def test_the_setting_narrows_the_rules(cluster, name):
    before = cluster.create(http_route(name, *several()))
    build(cluster.ref(name, rules=["main"])).apply(ON_BASELINE)
    after = rules_of(cluster.get(name))
    assert weights_of(after[1]) == {"base": 100, "cand": 0}
    assert [after[index] for index in (0, 2, 3)] == [rules_of(before)[index] for index in (0, 2, 3)]
    with pytest.raises(RoutingError, match=r"no rule named nowhere; named: canary, health, main\. Correct"):
        build(cluster.ref(name, rules=["nowhere"])).read()


def test_rules_without_a_backend_in_common_must_be_named(cluster, name):
    other = rule("embed", backend("embed-a", 1), backend("embed-b", 1), path="/embed")
    cluster.create(http_route(name, main_rule(), other))
    with pytest.raises(RoutingError, match=r"\(rule 'main'; rule 'embed'\): name this route's rules"):
        build(cluster.ref(name)).read()
    assert set(build(cluster.ref(name, rules=["embed"])).read().weights) == {"embed-a", "embed-b"}


# --- the hard cut ------------------------------------------------------------------------------------------------


def test_a_cut_takes_backends_out_and_a_later_write_puts_them_back_as_they_were(cluster, name):
    refs = [backend("base", 0, **POOL), backend("cand", 100, filters=[])]
    filters = [mirror(backend("base", **POOL), percent=10)]
    before = cluster.create(http_route(name, main_rule(backendRefs=refs, filters=filters)))
    target = build(cluster.ref(name))
    start = target.read()
    cut = DesiredRoute(4, {"base": 100, "cand": 0}, None, cut=True)
    target.apply(cut)
    [one] = rules_of(cluster.get(name))
    assert weights_of(one) == {"base": 100}
    assert target.read().says(cut)
    assert dict(target.read().weights) == {"base": 100, "cand": 0}
    target.apply(cut)
    assert weights_of(rules_of(cluster.get(name))[0]) == {"base": 100}
    target.apply(DesiredRoute(5, dict(start.weights), start.mirror))
    assert rules_of(cluster.get(name)) == rules_of(before)
    assert REMOVED not in cluster.get(name)["metadata"]["annotations"]


def test_a_backend_that_was_cut_can_get_the_copies(cluster, name):
    cluster.create(http_route(name))
    target = build(cluster.ref(name))
    target.apply(DesiredRoute(4, {"base": 100, "cand": 0}, "cand", cut=True))
    [one] = rules_of(cluster.get(name))
    assert weights_of(one) == {"base": 100}
    assert [found["backendRef"]["name"] for found in mirrors_of(one)] == ["cand"]


# --- writers at the same time ------------------------------------------------------------------------------------


def test_a_rule_inserted_at_the_front_meanwhile_moves_no_other_rule(cluster, name):
    cluster.create(http_route(name))
    target = build(cluster.ref(name))
    front = rule("front", backend("docs", 7), path="/docs")
    insert = [{"op": "add", "path": "/spec/rules/0", "value": front}]
    with someone_writes_before(target, lambda: cluster.patch(name, insert)):
        target.apply(ON_BASELINE)
    docs, main = rules_of(cluster.get(name))
    assert weights_of(docs) == {"docs": 7}
    assert weights_of(main) == {"base": 100, "cand": 0}


def test_a_newer_epoch_written_meanwhile_stops_the_older_writer(cluster, name):
    cluster.create(http_route(name))
    old, new = build(cluster.ref(name)), build(cluster.ref(name))
    newer = DesiredRoute(8, {"base": 50, "cand": 50}, None)
    with (
        someone_writes_before(old, lambda: new.apply(newer)),
        pytest.raises(StaleEpochError, match="holds epoch 8, newer than 3"),
    ):
        old.apply(ON_BASELINE)
    assert new.read().says(newer)


def test_somebody_who_writes_all_the_time_is_named_as_the_trouble(cluster, name):
    cluster.create(http_route(name))
    target = build(cluster.ref(name))
    labels = count()

    def relabel() -> None:
        label = {"note": str(next(labels))}
        cluster.patch(name, [{"op": "add", "path": "/metadata/labels", "value": label}])

    with (
        someone_writes_before(target, relabel, times=100),
        pytest.raises(RoutingError, match="written by somebody else at each of 5 tries"),
    ):
        target.apply(ON_BASELINE)
    assert weights_of(rules_of(cluster.get(name))[0]) == {"base": 0, "cand": 100}


def test_writers_at_one_moment_leave_the_highest_epoch_and_no_mixture(cluster, name):
    cluster.create(http_route(name))
    ref, epochs = cluster.ref(name), range(1, 7)
    barrier, failed = threading.Barrier(len(epochs)), []

    def write(epoch: int) -> None:
        target = build(ref)
        barrier.wait(10)
        try:
            target.apply(DesiredRoute(epoch, {"base": epoch, "cand": 0}, "cand" if epoch % 2 else "base"))
        except StaleEpochError:
            pass
        except RoutingError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(epoch,)) for epoch in epochs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all("somebody else" in error.detail for error in failed)
    snapshot = build(ref).read()
    assert (dict(snapshot.weights), snapshot.mirror) == (
        {"base": snapshot.epoch, "cand": 0},
        "cand" if snapshot.epoch % 2 else "base",
    )
    if not failed:
        assert snapshot.epoch == max(epochs)


# --- who wrote, who owns -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("manager", "writer", "owners"),
    [
        ("argocd-controller", Writer.GITOPS, ("Argo CD (field manager argocd-controller)",)),
        ("kustomize-controller", Writer.GITOPS, ("Flux Kustomization (field manager kustomize-controller)",)),
        ("helm-controller", Writer.GITOPS, ("Flux HelmRelease (field manager helm-controller)",)),
        ("kubectl", Writer.OTHER, ()),
    ],
)
def test_a_server_side_apply_over_a_flip_is_told_by_its_manager(cluster, name, manager, writer, owners):
    intent = http_route(name)
    cluster.server_side_apply(intent, manager)
    target = build(cluster.ref(name))
    assert (target.read().writer, target.read().owners) == (writer, owners)
    target.apply(ON_BASELINE)
    assert (target.read().writer, target.read().writer_name) == (Writer.FULLBACK, "fullback")
    assert target.read().owners == owners
    cluster.server_side_apply(intent, manager)
    after = target.read()
    assert not after.says(ON_BASELINE)
    assert after.epoch == 3
    assert (after.writer, after.writer_name) == (writer, manager)
    target.apply(ON_BASELINE)
    assert target.read().says(ON_BASELINE)


def test_an_owner_that_was_told_to_let_be_is_none(cluster, name):
    marks = {"labels": {"kustomize.toolkit.fluxcd.io/name": "serving"}, "annotations": {ARGO_CD: "serving:chat"}}
    cluster.create(http_route(name, **marks))
    told = build(cluster.ref(name)).read().owners
    assert told == (f"Argo CD (annotation {ARGO_CD})", "Flux Kustomization (label kustomize.toolkit.fluxcd.io/name)")
    assert build(cluster.ref(name, gitops_ignores=True)).read().owners == ()
    disabled = [
        {"op": "add", "path": "/metadata/annotations/kustomize.toolkit.fluxcd.io~1reconcile", "value": "disabled"}
    ]
    cluster.patch(name, disabled)
    assert build(cluster.ref(name)).read().owners == told[:1]


# --- the gateways' status ----------------------------------------------------------------------------------------


def test_a_gateway_that_has_not_followed_is_pending_and_one_that_has_is_not(cluster, name):
    cluster.create(http_route(name))
    target = build(cluster.ref(name))
    target.apply(ON_BASELINE)
    assert target.read().pending == ("parent Gateway llm/edge has no status yet",)
    cluster.say(name, lag=1)
    assert target.read().pending == (
        "parent Gateway llm/edge (example.com/gateway-controller): Accepted is of generation 1, the object's is 2",
        "parent Gateway llm/edge (example.com/gateway-controller): ResolvedRefs is of generation 1, the object's is 2",
    )
    cluster.say(name)
    assert target.read().shows(ON_BASELINE)


@pytest.mark.parametrize(
    ("conditions", "doubt"),
    [
        ({"Accepted": "False"}, "Accepted is False (AcceptedReason)"),
        ({"ResolvedRefs": "False"}, "ResolvedRefs is False (ResolvedRefsReason)"),
        ({"PartiallyInvalid": "True"}, "PartiallyInvalid is True (PartiallyInvalidReason)"),
    ],
)
def test_a_condition_that_does_not_hold_is_pending(cluster, name, conditions, doubt):
    cluster.create(http_route(name))
    cluster.say(name, **conditions)
    [line] = build(cluster.ref(name)).read().pending
    assert line == f"parent Gateway llm/edge (example.com/gateway-controller): {doubt}"


def test_every_parent_must_follow(cluster, name):
    document = http_route(name)
    document["spec"]["parentRefs"].append({"name": "inner", "namespace": "net", "sectionName": "https"})
    cluster.create(document)
    cluster.say(name)
    assert build(cluster.ref(name)).read().pending == ()
    told = cluster.get(name)["status"]["parents"]
    cluster.patch(name, [{"op": "add", "path": "/spec/parentRefs/1/sectionName", "value": "http"}])
    cluster.admin.patch(
        f"/apis/gateway.networking.k8s.io/v1/namespaces/llm/httproutes/{name}/status",
        content=json.dumps({"status": {"parents": told[:1]}}),
        headers={"Content-Type": "application/merge-patch+json"},
    )
    pending = build(cluster.ref(name)).read().pending
    assert pending[-1] == "parent Gateway net/inner:http has no status yet"


def test_settings_say_whose_status_counts(cluster, name):
    cluster.create(http_route(name))
    cluster.say(name, controller="example.com/another")
    assert build(cluster.ref(name)).read().pending == ()
    only = build(cluster.ref(name, controllers=["example.com/gateway-controller"]))
    assert only.read().pending == ("parent Gateway llm/edge has no status yet",)
    none = build(cluster.ref(name, expect_status=False))
    assert none.read().pending == ()
    assert none.capabilities.read_back is ReadBack.CLAIM
    assert only.capabilities.read_back is ReadBack.PER_REPLICA


# --- rehearsal ---------------------------------------------------------------------------------------------------


def test_a_rehearsal_is_judged_by_the_server_and_changes_nothing(cluster, name, wire):
    before = cluster.create(http_route(name))
    rehearsed = through(wire, cluster, name).rehearse(ON_BASELINE)
    assert rehearsed.ok
    assert rehearsed.changes == (
        "weight of base: 0 -> 100",
        "weight of cand: 100 -> 0",
        "mirror: base -> cand",
        "epoch: none -> 3",
    )
    assert wire.seen == ["GET", "PATCH"]
    assert cluster.get(name) == before


def test_a_rehearsal_tells_what_a_write_would_meet(cluster, name):
    target = build(cluster.ref(name))
    [problem] = target.rehearse(ON_BASELINE).problems
    assert "answered with 404" in problem
    cluster.create(http_route(name))
    target.apply(ON_BASELINE)
    [problem] = target.rehearse(DesiredRoute(2, {"base": 1}, None)).problems
    assert "holds epoch 3, newer than 2" in problem
    [problem] = target.rehearse(DesiredRoute(4, {"nowhere": 1}, None)).problems
    assert "no backend nowhere; known: base, cand." in problem


# --- refusals and a wire that breaks -----------------------------------------------------------------------------


def test_who_has_no_right_is_told_which_one_is_missing(cluster, name):
    said = r"answered with 403 \(.*\): give the service account get and patch on this object"
    cluster.create(http_route(name))
    target = build(cluster.ref(name, cluster.kubeconfig(STRANGER)))
    with pytest.raises(RoutingError, match=said):
        target.read()
    with pytest.raises(RoutingError, match=said):
        target.apply(ON_BASELINE)
    assert not target.rehearse(ON_BASELINE).ok


def test_an_unknown_client_is_told_so(cluster, name):
    path = cluster.kubeconfig(STRANGER)
    text = path.read_text()
    nobody = path.with_name("nobody.kubeconfig")
    nobody.write_text(text[: text.index("users:")] + "users:\n- name: " + STRANGER + "\n  user: {token: made-up}\n")
    with pytest.raises(RoutingError, match=r"answered with 401 .*: the credentials are not known there") as caught:
        build(cluster.ref(name, nobody)).read()
    assert "made-up" not in caught.value.detail


def test_a_write_whose_answer_was_lost_is_seen_by_the_next_try(cluster, name, wire):
    cluster.create(http_route(name))
    target = through(wire, cluster, name)
    wire.break_(Mode.DROP_ANSWER, method="PATCH")
    with pytest.raises(RoutingError, match="It may have been written: the next try sees that"):
        target.apply(ON_BASELINE)
    assert weights_of(rules_of(cluster.get(name))[0]) == {"base": 100, "cand": 0}
    wire.mend()
    wire.seen.clear()
    target.apply(ON_BASELINE)
    assert wire.seen == ["GET"]


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.DROP_ANSWER, Mode.SILENCE, Mode.DRIP])
def test_a_broken_wire_is_an_error_in_bounded_time(cluster, name, wire, mode):
    cluster.create(http_route(name))
    target = through(wire, cluster, name, timeout_s=0.5)
    target.read()
    wire.break_(mode)
    clock = SystemClock()
    start = clock.now()
    for call in (target.read, lambda: target.apply(ON_BASELINE)):
        with pytest.raises(RoutingError, match=r"within 0\.5 s"):
            call()
    assert not target.rehearse(ON_BASELINE).ok
    assert (clock.now() - start).total_seconds() < 6
    wire.mend()
    target.apply(ON_BASELINE)
    assert target.read().says(ON_BASELINE)


def answer(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (answer(b"<html>"), "answered with no JSON object"),
        (answer(b"[]"), "answered with no JSON object"),
        (answer(b"[" * 200_000), "answered with no JSON object"),
        (answer(b"{}"), "no rule with backendRefs"),
        (answer(b'{"metadata": [], "spec": {}}'), "metadata is not what the Gateway API says"),
        (answer(b'{"spec": {"rules": [{"backendRefs": [{"name": "base", "weight": "9"}]}]}}'), "weight is not what"),
        (answer(b" " * 5_000_000), "more than 4194304 bytes"),
        (answer(b'{"spec"')[:-3], "cannot be reached"),
        (b"\x00\x01garbage\r\n\r\n", "cannot be reached"),
        (answer(b"down", "503 Service Unavailable"), "answered with 503: look into"),
        (answer(b'{"kind": "Status", "message": "etcd is\\nslow"}', "500 Oops"), r"answered with 500 \(etcd is slow\)"),
        (answer(b"", "302 Found\r\nLocation: http://127.0.0.1:1/"), "answered with 302"),
    ],
)
def test_an_answer_that_is_none_is_an_error_and_no_snapshot(cluster, name, wire, raw, said):
    before = cluster.create(http_route(name))
    target = through(wire, cluster, name)
    wire.break_(Mode.ANSWER, raw=raw)
    with pytest.raises(RoutingError, match=said):
        target.read()
    with pytest.raises(RoutingError, match=said):
        target.apply(ON_BASELINE)
    assert cluster.get(name) == before


@pytest.mark.parametrize("status", ["409 Conflict", "422 Unprocessable Entity"])
def test_a_passing_conflict_is_tried_again_and_a_lasting_one_is_told(cluster, name, wire, status):
    cluster.create(http_route(name))
    target = through(wire, cluster, name)
    refused = answer(b'{"kind": "Status", "message": "not now"}', status)
    wire.break_(Mode.ANSWER, method="PATCH", times=1, raw=refused)
    target.apply(ON_BASELINE)
    assert target.read().says(ON_BASELINE)
    wire.break_(Mode.ANSWER, method="PATCH", raw=refused)
    wire.seen.clear()
    with pytest.raises(RoutingError, match=r"\(not now\)"):
        target.apply(DesiredRoute(4, {"cand": 1}, None))
    assert wire.seen == ["GET", "PATCH"] * 2


def test_a_write_that_something_changed_on_the_way_is_not_taken_for_done(cluster, name, wire):
    before = cluster.create(http_route(name))
    target = through(wire, cluster, name)
    wire.break_(Mode.ANSWER, method="PATCH", raw=answer(json.dumps(before).encode()))
    with pytest.raises(RoutingError, match="look for an admission webhook"):
        target.apply(ON_BASELINE)


def test_what_the_server_itself_refuses_is_told_with_its_reason(cluster, name):
    cluster.create(http_route(name))
    with pytest.raises(RoutingError, match="takes weights up to 1000000, asked for 1000001"):
        build(cluster.ref(name)).apply(DesiredRoute(1, {"base": 1_000_001}, None))
    target = build(cluster.ref(name))
    broken = {"op": "add", "path": "/spec/rules/0/backendRefs/0/weight", "value": -1}
    with pytest.raises(RoutingError, match=r"answered with 422 \(.*should be greater than or equal to 0"):
        target._api.patch(target._path, [broken], manager="fullback", dry_run=False)


def test_in_a_pod_the_service_accounts_token_is_used_and_renewed(cluster, name, tmp_path, monkeypatch):
    token, certificate = tmp_path / "token", cluster.authority.certificate
    token.write_text(f"{TOKEN}-1")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(cluster.port))
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(certificate))
    kubernetes._connected.cache_clear()
    cluster.create(http_route(name))
    target = build(TargetRef("httproute", {"namespace": "llm", "name": name}))
    target.apply(ON_BASELINE)
    assert target.read().says(ON_BASELINE)
    client = kubernetes._connected(None, None, 0)
    loader = client.configuration.refresh_api_key_hook.__closure__[0].cell_contents
    token.write_text(f"{TOKEN}-2")
    loader.token_expires_at -= timedelta(minutes=2)
    target.read()
    assert client.configuration.api_key["BearerToken"] == f"bearer {TOKEN}-2"
    token.write_text("")
    loader.token_expires_at -= timedelta(minutes=2)
    with pytest.raises(RoutingError, match="no credentials for the API server"):
        target.read()
    kubernetes._connected.cache_clear()


def test_without_credentials_the_error_says_what_to_set(tmp_path):
    with pytest.raises(RoutingError, match=r"this is no pod .*set kubeconfig and context"):
        build(TargetRef("httproute", {"namespace": "llm", "name": "chat"})).read()
    missing = str(tmp_path / "nowhere")
    with pytest.raises(RoutingError, match=r"nowhere cannot be read \(No such file"):
        build(TargetRef("httproute", {"namespace": "llm", "name": "chat", "kubeconfig": missing})).read()
    broken = tmp_path / "broken"
    broken.write_text("users: [{name: a, user: {token: hush}}]\n")
    with pytest.raises(RoutingError, match="broken is not usable") as caught:
        build(TargetRef("httproute", {"namespace": "llm", "name": "chat", "kubeconfig": str(broken)})).read()
    assert "hush" not in caught.value.detail


# --- what docs/routers.md says -----------------------------------------------------------------------------------


def test_the_documented_route_and_the_break_glass_patch_are_taken_by_the_server(cluster):
    page = (Path(__file__).resolve().parents[2] / "docs" / "routers.md").read_text("utf-8")
    blocks = re.findall(r"```(yaml|sh)\n(.*?)```", page, re.DOTALL)
    [route] = [text for kind, text in blocks if kind == "yaml" and text.startswith("apiVersion: gateway.networking")]
    [patch] = [re.search(r"-p '(.*?)'", text, re.DOTALL)[1] for kind, text in blocks if "--type=json" in text]
    document = yaml.safe_load(route)
    cluster.create(document)
    target = build(cluster.ref(document["metadata"]["name"]))
    assert dict(target.read().weights) == {"int4": 95, "bf16": 5}
    cluster.patch(document["metadata"]["name"], json.loads(patch), manager="breakglass")
    snapshot = target.read()
    assert (dict(snapshot.weights), snapshot.mirror) == ({"int4": 0, "bf16": 100}, "int4")
    assert (snapshot.writer, snapshot.writer_name) == (Writer.OTHER, "breakglass")
    [role] = [yaml.safe_load(text) for kind, text in blocks if kind == "yaml" and "kind: Role" in text]
    assert role["rules"][0]["verbs"] == ["get", "patch"]

"""What is read off an HTTPRoute, whatever it looks like."""

import json
from typing import Any

import pytest

from monitor.errors import RoutingError
from monitor.models.route import DesiredRoute, Writer
from monitor.routing.httproute_object import DESIRED, EPOCH, parsed
from monitor.routing.httproute_owner import owners_of, writer_of
from monitor.routing.httproute_patch import planned
from monitor.routing.httproute_read import snapshot_of
from monitor.routing.httproute_status import behind
from tests.support.httproutes import backend, http_route, main_rule, mirror, rule

WHERE = "HTTPRoute llm/chat"


def read(document: Any, controllers: Any = ()) -> Any:
    return snapshot_of(
        parsed(document, WHERE), namespace="llm", controllers=controllers, expect_status=True, gitops_ignores=False
    )


JUNK: list[Any] = [None, True, 0, -1, 1.5, float("nan"), 10**30, "", "x", [], ["x"], [None], [[]], [{}], {}, {"x": 1}]


def places(document: Any) -> list[tuple[Any, ...]]:
    """Every way into the document."""
    found: list[tuple[Any, ...]] = [()]
    members = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in members:
        found.extend((key, *way) for way in places(value))
    return found


def whole() -> dict[str, Any]:
    document = http_route(
        "chat",
        main_rule(),
        rule(None, backend("base"), path="/v2", filters=[mirror("cand", fraction={"numerator": 1})]),
        resourceVersion="7",
        generation=1,
        annotations={EPOCH: "3", DESIRED: '{"weights": {"base": 1}, "mirror": null}'},
        labels={"app": "chat"},
        managedFields=[{"manager": "a", "time": "t", "fieldsV1": {"f:spec": {"f:rules": {}}}}],
    )
    conditions = [{"type": "Accepted", "status": "True", "observedGeneration": 1, "reason": "Accepted"}]
    document["status"] = {"parents": [{"parentRef": {"name": "edge"}, "controllerName": "c", "conditions": conditions}]}
    return document


@pytest.mark.parametrize("way", places(whole())[1:], ids=str)
def test_any_part_replaced_by_anything_is_read_or_refused_and_never_a_crash(way):
    for junk in JUNK:
        document = whole()
        inner: Any = document
        for key in way[:-1]:
            inner = inner[key]
        inner[way[-1]] = junk
        try:
            snapshot = read(document, controllers=frozenset({"c"}))
            plan = planned(parsed(document, WHERE), DesiredRoute(9, {"base": 1}, "cand", cut=True))
        except RoutingError as error:
            assert error.detail.startswith(WHERE)  # noqa: PT017 - both ends are right
        else:
            assert all(isinstance(weight, int) and weight >= 0 for weight in snapshot.weights.values())
            assert json.dumps([snapshot.to_json(), plan.operations])


@pytest.mark.parametrize(
    ("text", "epoch"),
    [("0", 0), ("42", 42), ("-1", None), ("x", None), ("", None), ("1" * 16, None), ("²", None), ("٣", None)],
)
def test_only_a_plain_number_is_an_epoch(text, epoch):
    assert read(http_route("chat", annotations={EPOCH: text})).epoch == epoch


def test_a_rule_whose_weights_are_all_0_sends_to_nobody():
    snapshot = read(http_route("chat", main_rule(backendRefs=[backend("base", 0), backend("cand", 0)])))
    assert "rule 'main' sends to nobody: all its weights are 0" in snapshot.pending


def test_a_backend_twice_in_a_rule_cannot_be_told_by_name():
    document = http_route("chat", rule("main", backend("base", 1), backend("base", 1, namespace="b")))
    with pytest.raises(RoutingError, match=r"holds backend 'base' twice.*merge the two"):
        read(document)


def test_rules_that_look_alike_must_be_named():
    document = http_route("chat", rule(None, backend("base"), backend("cand")), rule(None, backend("cand")))
    with pytest.raises(RoutingError, match=r"rule 1 cannot be told from another rule: give each rule a name"):
        read(document)


def test_one_rule_with_one_backend_is_the_route():
    assert dict(read(http_route("chat", rule("main", backend("base")))).weights) == {"base": 1}


@pytest.mark.parametrize("stamp", ["", "null", "[]", '{"weights": []}', '{"weights": {"base": "x"}, "mirror": 1}', "["])
def test_an_unusable_stamp_counts_as_none(stamp):
    document = http_route("chat", main_rule(), rule("b", backend("base"), path="/b"), annotations={DESIRED: stamp})
    assert dict(read(document).weights) == {"base": 0, "cand": 100}


def test_the_rule_that_left_what_was_written_is_shown():
    rules = [
        rule("a", backend("base", 100), backend("cand", 0)),
        rule("b", backend("base", 0), backend("cand", 7), path="/b"),
    ]
    document = http_route("chat", *rules, annotations={DESIRED: '{"mirror": null, "weights": {"base": 100}}'})
    assert dict(read(document).weights) == {"base": 0, "cand": 7}


def test_what_else_moves_traffic_is_told():
    refs = [backend("base", 1, filters=[mirror("cand")]), backend("cand", 1)]
    document = http_route("chat", main_rule(backendRefs=refs, filters=[], sessionPersistence={"type": "Cookie"}))
    assert dict(read(document).overrides) == {
        "rule 'main': sessionPersistence": "sessions stay where they are after a flip",
        "rule 'main': filters of backend base": "kept",
    }


# --- status ------------------------------------------------------------------------------------------------------


def told(*, generation: Any = 2, observed: Any = 2, parent: dict[str, Any] | None = None, **document: Any) -> Any:
    found = http_route("chat", generation=generation)
    conditions = [
        {
            "type": kind,
            "status": "True",
            "reason": kind,
            **({} if observed is None else {"observedGeneration": observed}),
        }
        for kind in ("Accepted", "ResolvedRefs")
    ]
    one = {"parentRef": parent or {"name": "edge"}, "controllerName": "c", "conditions": conditions}
    found["status"] = {"parents": [one]}
    found["spec"] = {**found["spec"], **document}
    return behind(parsed(found, WHERE), "llm", ())


def test_a_status_for_the_same_parent_spelled_out_counts():
    full = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "llm", "name": "edge"}
    assert told(parent=full) == ()
    assert told(observed=3) == ()


@pytest.mark.parametrize(
    "parent", [{"name": "other"}, {"name": "edge", "port": 80}, {"name": "edge", "namespace": "x"}]
)
def test_a_status_for_another_parent_does_not(parent):
    assert told(parent=parent) == ("parent Gateway llm/edge has no status yet",)


def test_a_generation_that_is_not_told_is_not_taken_for_the_present_one():
    assert "Accepted does not tell observedGeneration" in told(observed=None)[0]
    assert "Accepted is of generation 1, the object's is 2" in told(observed=1)[0]


def test_a_condition_that_is_absent_is_a_doubt():
    document = http_route("chat", generation=1)
    document["status"] = {"parents": [{"parentRef": {"name": "edge"}, "controllerName": "c"}]}
    assert behind(parsed(document, WHERE), "llm", ()) == (
        "parent Gateway llm/edge (c): Accepted is not told",
        "parent Gateway llm/edge (c): ResolvedRefs is not told",
    )


def test_attached_to_nothing_or_going_away_is_a_doubt():
    assert told(parentRefs=[]) == ("the object is attached to no parent",)
    going = http_route("chat", generation=1, deletionTimestamp="2026-01-01T00:00:00Z")
    assert behind(parsed(going, WHERE), "llm", ()) == ("the object is being deleted",)


# --- writers and owners ------------------------------------------------------------------------------------------


def entry(manager: str, time: str, field: str = "f:rules", **more: Any) -> dict[str, Any]:
    return {"manager": manager, "time": time, "fieldsV1": {"f:spec": {field: {}}}, **more}


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([], (None, None)),
        ([entry("a", "2", "f:hostnames")], (None, None)),
        ([entry("fullback", "2"), entry("kubectl", "1")], (Writer.FULLBACK, "fullback")),
        ([entry("fullback", "1"), entry("kubectl", "2")], (Writer.OTHER, "kubectl")),
        ([entry("kubectl", "1"), entry("fullback", "1")], (Writer.OTHER, "kubectl")),
        ([entry("argocd-controller", "1"), entry("kubectl", "2", "f:hostnames")], (Writer.GITOPS, "argocd-controller")),
        ([entry("kubectl", "1"), entry("gateway", "2", subresource="status")], (Writer.OTHER, "kubectl")),
    ],
)
def test_the_newest_who_owns_the_rules_wrote_them(entries, found):
    assert writer_of({"managedFields": entries}) == found


@pytest.mark.parametrize(
    ("metadata", "owners"),
    [
        ({}, ()),
        ({"labels": {"argocd.argoproj.io/instance": "a"}}, ("Argo CD (label argocd.argoproj.io/instance)",)),
        (
            {"annotations": {"argocd.argoproj.io/tracking-id": "a"}},
            ("Argo CD (annotation argocd.argoproj.io/tracking-id)",),
        ),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "a"}}, ("Flux HelmRelease (label helm.toolkit.fluxcd.io/name)",)),
        (
            {
                "labels": {"helm.toolkit.fluxcd.io/name": "a"},
                "annotations": {"helm.toolkit.fluxcd.io/driftDetection": "disabled"},
            },
            (),
        ),
        (
            {"labels": {"kustomize.toolkit.fluxcd.io/name": "a", "kustomize.toolkit.fluxcd.io/reconcile": "disabled"}},
            (),
        ),
        (
            {
                "labels": {"kustomize.toolkit.fluxcd.io/name": "a"},
                "annotations": {"kustomize.toolkit.fluxcd.io/ssa": "Ignore"},
            },
            (),
        ),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, ()),
    ],
)
def test_marks_of_gitops_managers(metadata, owners):
    assert owners_of(metadata, gitops_ignores=False) == owners
    assert owners_of(metadata, gitops_ignores=True) == ()

"""Reading and rewriting Envoy's route configurations."""

from copy import deepcopy
from typing import Any

import pytest

from monitor.errors import RoutingError
from monitor.models.route import DesiredRoute
from monitor.routing.envoy_config import find_routes, snapshot_of
from monitor.routing.envoy_rewrite import rewrite
from monitor.routing.envoy_route import FoundRoute


def route(**action: Any) -> dict[str, Any]:
    return {"name": "chat", "route": action}


def weighted(*clusters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"weighted_clusters": {"clusters": list(clusters), **more}}


def mirror(numerator: int | None, key: str = "k") -> dict[str, Any]:
    default = {} if numerator is None else {"numerator": numerator}
    return {"cluster": "base", "runtime_fraction": {"default_value": default, "runtime_key": key}}


TWO = weighted({"name": "base", "weight": 30}, {"name": "cand", "weight": 70}, runtime_key_prefix="p")
PRINTED = (
    'goo.gle/debugproto   \nfields {\n  key: "denominator"\n  value {\n    string_value: "HUNDRED"\n  }\n}\n'
    'fields {\n  key: "numerator"\n  value {\n    number_value: 0\n  }\n}\n'
)


@pytest.mark.parametrize(
    ("runtime", "weights"),
    [
        ({}, {"base": 30, "cand": 70}),
        ({"p.base": "0"}, {"base": 0, "cand": 70}),
        ({"p.base": "1.9"}, {"base": 1, "cand": 70}),
        ({"p.base": "-1"}, {"base": 30, "cand": 70}),
        ({"p.base": "many"}, {"base": 30, "cand": 70}),
        ({"q.base": "0"}, {"base": 30, "cand": 70}),
        ({"p.other": "5"}, {"base": 30, "cand": 70}),
    ],
)
def test_effective_weights(runtime, weights):
    assert dict(FoundRoute(route(**TWO), []).snapshot(runtime).weights) == weights


@pytest.mark.parametrize(
    ("policies", "runtime", "expected"),
    [
        ([], {}, None),
        ([{"cluster": "base"}], {}, "base"),
        ([{"cluster": "base"}, {"cluster": "audit"}], {}, "base"),
        ([mirror(5)], {}, "base"),
        ([mirror(0)], {}, None),
        ([mirror(None)], {}, None),
        ([mirror(5)], {"k": "0"}, None),
        ([mirror(0)], {"k": "20"}, "base"),
        ([mirror(5)], {"k": PRINTED}, None),
        ([{"cluster_header": "x-to"}], {}, "header:None"),
    ],
)
def test_effective_mirror(policies, runtime, expected):
    found = FoundRoute(route(**TWO, request_mirror_policies=policies), [])
    shown = found.snapshot(runtime).mirror
    assert shown == ("header:x-to" if expected == "header:None" else expected)


def test_a_cluster_chosen_by_header_is_shown_and_silenced():
    found = FoundRoute(route(**weighted({"cluster_header": "x-to", "weight": 5})), [])
    assert dict(found.snapshot({}).weights) == {"header:x-to": 5}
    rewrite(found, DesiredRoute(1, {"base": 1}, None))
    assert dict(found.snapshot({}).weights) == {"header:x-to": 0, "base": 1}


def test_other_fields_of_a_weighted_cluster_stay():
    entry = {"name": "cand", "weight": 1, "request_headers_to_add": [{"header": {"key": "a", "value": "b"}}]}
    found = FoundRoute(route(**weighted(deepcopy(entry), total_weight=1)), [])
    rewrite(found, DesiredRoute(1, {"base": 40, "cand": 60}, None))
    clusters = found.route["route"]["weighted_clusters"]
    assert clusters == {
        "clusters": [{**entry, "weight": 60}, {"name": "base", "weight": 40}],
        "total_weight": 100,
    }


def test_further_mirrors_stay():
    audit = {"cluster": "audit", "runtime_fraction": {"default_value": {"numerator": 1}}}
    found = FoundRoute(route(**deepcopy(TWO), request_mirror_policies=[mirror(5), audit]), [])
    rewrite(found, DesiredRoute(1, {"base": 1}, "cand"))
    assert found.route["route"]["request_mirror_policies"] == [{**mirror(5), "cluster": "cand"}, audit]


@pytest.mark.parametrize("stamp", [7, 7.0, "7"])
def test_epochs_as_envoy_may_print_them(stamp):
    stamped = {**route(**TWO), "metadata": {"filter_metadata": {"fullback": {"epoch": stamp}}}}
    assert FoundRoute(stamped, []).epoch == 7


@pytest.mark.parametrize("stamp", ["soon", [7], float("inf")])
def test_a_stamp_that_is_no_integer_is_an_error(stamp):
    stamped = {**route(**TWO), "metadata": {"filter_metadata": {"fullback": {"epoch": stamp}}}}
    with pytest.raises(RoutingError, match="is no integer: remove it"):
        _ = FoundRoute(stamped, []).epoch


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"name": "chat", "redirect": {}}, "neither 'cluster' nor 'weighted_clusters' .*name, redirect"),
        (route(cluster_header="x-to"), "it has: cluster_header"),
        ({"name": "chat", "route": []}, "'route' is no object"),
        (route(weighted_clusters={"clusters": {}}), "'clusters' is no list of objects"),
        (route(weightedClusters={}), "'route' uses weightedClusters: write these in snake_case"),
    ],
)
def test_a_route_that_cannot_be_moved_is_told(broken, message):
    with pytest.raises(RoutingError, match=message):
        FoundRoute(broken, []).snapshot({})


def test_routes_that_differ_show_no_epoch():
    desired = DesiredRoute(3, {"base": 1}, None)
    routes = [FoundRoute(route(**deepcopy(TWO)), []) for _ in range(2)]
    for one in routes:
        rewrite(one, desired)
    assert snapshot_of(routes, {}).shows(desired)
    rewrite(routes[1], DesiredRoute(4, {"cand": 1}, None))
    assert snapshot_of(routes, {}).epoch is None


def test_names_found_are_listed():
    config = {"name": "llm", "virtual_hosts": [{"routes": [{"name": "a"}, {}]}]}
    with pytest.raises(RoutingError, match=r"found: none\."):
        find_routes([], "llm", "chat", where="it")
    with pytest.raises(RoutingError, match=r"it has no route 'chat' .* found: \(unnamed\), a\."):
        find_routes([config], "llm", "chat", where="it")

"""Laws of rewriting a route: it says what is desired, nothing else changes, and a cut can be taken back."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import RoutingError
from monitor.models.route import DesiredRoute
from monitor.routing.envoy_config import snapshot_of
from monitor.routing.envoy_rewrite import MIRROR_HEADER, rewrite
from monitor.routing.envoy_route import FoundRoute

NAMES = ("base", "cand", "third")
KEYED = {"runtime_fraction": {"default_value": {"numerator": 5, "denominator": "HUNDRED"}, "runtime_key": "m"}}


def entry(name: str) -> st.SearchStrategy[dict[str, Any]]:
    own = st.sampled_from([{}, {"request_headers_to_add": [{"header": {"key": "x-team", "value": "a"}}]}])
    return st.builds(lambda weight, more: {"name": name, "weight": weight, **more}, st.integers(0, 9), own)


weighted = st.builds(
    lambda entries, prefix: {"clusters": list(entries), **({"runtime_key_prefix": "p"} if prefix else {})},
    st.tuples(*map(entry, NAMES)),
    st.booleans(),
)
policies = st.sampled_from([[], [{"cluster": "base"}], [{"cluster": "cand", **KEYED}, {"cluster": "audit"}]])
inherited = st.sampled_from([[], [{"cluster": "base"}]])
mirrors = st.one_of(
    st.none(), st.sampled_from(NAMES), st.dictionaries(st.sampled_from(NAMES), st.sampled_from(NAMES), max_size=3)
)
positive = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 100), min_size=1).filter(
    lambda weights: any(weights.values())
)
desires = st.builds(DesiredRoute, st.integers(1, 2**40), positive, mirrors, st.booleans())


@st.composite
def routes(draw) -> FoundRoute:
    action: dict[str, Any] = {"timeout": "9s", **draw(st.sampled_from([{"cluster": "base"}, {}]))}
    if "cluster" not in action:
        action["weighted_clusters"] = draw(weighted)
    if own := draw(policies):
        action["request_mirror_policies"] = deepcopy(own)
    route = {"name": "chat", "match": {"prefix": "/"}, "metadata": {"filter_metadata": {"t": {"a": 1}}}}
    return FoundRoute({**route, "route": action}, deepcopy(draw(inherited)))


@given(routes(), st.lists(desires, min_size=1, max_size=4))
def test_the_route_says_what_was_desired_last(found, history):
    for desired in history:
        rewrite(found, desired)
        assert snapshot_of([found], {}).says(desired)
    assert found.route["match"] == {"prefix": "/"}
    assert found.route["route"]["timeout"] == "9s"
    assert found.route["metadata"]["filter_metadata"]["t"] == {"a": 1}


@given(routes(), desires)
def test_writing_the_same_again_changes_nothing(found, desired):
    rewrite(found, desired)
    once = deepcopy(found.route)
    rewrite(found, desired)
    assert found.route == once


@given(routes(), desires, desires)
def test_a_cut_leaves_no_trace_once_it_is_taken_back(found, cut, after):
    """Backends that only the cut named stay listed with weight 0; all else is as if there had been no cut."""
    plain = FoundRoute(deepcopy(found.route), found.inherited)
    before = DesiredRoute(cut.epoch, cut.weights, cut.mirror)
    after = DesiredRoute(after.epoch, after.weights, after.mirror)
    rewrite(found, DesiredRoute(cut.epoch, cut.weights, cut.mirror, cut=True))
    rewrite(found, after)
    rewrite(plain, before)
    rewrite(plain, after)
    assert found.route == plain.route


@given(routes(), desires)
def test_after_a_cut_no_runtime_key_gives_a_cluster_weight(found, desired):
    rewrite(found, DesiredRoute(desired.epoch, desired.weights, desired.mirror, cut=True))
    runtime = {f"p.{name}": "1000" for name in NAMES}
    assert snapshot_of([found], runtime).weights == {name: w for name, w in desired.weights.items() if w}


@given(routes(), desires)
def test_no_client_chooses_where_copies_go(found, desired):
    rewrite(found, desired)
    action = found.route["route"]
    if not any("cluster_header" in policy for policy in action.get("request_mirror_policies", [])):
        return
    for one in action["weighted_clusters"]["clusters"]:
        added = [
            header["append_action"]
            for header in one.get("request_headers_to_add", [])
            if header["header"]["key"] == MIRROR_HEADER
        ]
        removed = one.get("request_headers_to_remove", [])
        assert (added, removed) in ((["OVERWRITE_IF_EXISTS_OR_ADD"], []), ([], [MIRROR_HEADER]))


def test_a_cut_to_one_bare_cluster_is_a_plain_cluster():
    two = {"runtime_key_prefix": "p", "clusters": [{"name": "base", "weight": 0}, {"name": "cand", "weight": 100}]}
    found = FoundRoute({"name": "chat", "route": {"weighted_clusters": deepcopy(two)}}, [])
    rewrite(found, DesiredRoute(1, {"base": 100, "cand": 0}, None, cut=True))
    assert found.route["route"] == {"cluster": "base"}
    rewrite(found, DesiredRoute(2, {"base": 0, "cand": 100}, None))
    assert found.route["route"] == {"weighted_clusters": two}


def test_a_cluster_with_settings_of_its_own_keeps_them_through_a_cut():
    own = {"name": "base", "weight": 1, "host_rewrite_literal": "base.internal"}
    found = FoundRoute({"name": "chat", "route": {"weighted_clusters": {"clusters": [deepcopy(own)]}}}, [])
    rewrite(found, DesiredRoute(1, {"base": 100, "cand": 0}, None, cut=True))
    assert found.route["route"] == {"weighted_clusters": {"clusters": [{**own, "weight": 100}]}}


def test_weights_that_somebody_wrote_after_a_cut_win():
    found = FoundRoute({"name": "chat", "route": {"cluster": "base"}}, [])
    rewrite(found, DesiredRoute(1, {"base": 1, "cand": 0}, None, cut=True))
    found.route["route"] = {"cluster": "other"}
    assert snapshot_of([found], {}).weights == {"other": 100}
    rewrite(found, DesiredRoute(2, {"base": 1}, None))
    assert snapshot_of([found], {}).weights == {"base": 1, "cand": 0, "other": 0}


@pytest.mark.parametrize(
    "header",
    [
        {"header": {"key": "x-to", "value": "base"}, "append_action": "APPEND_IF_EXISTS_OR_ADD"},
        {"header": {"key": "x-else", "value": "base"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"},
    ],
)
def test_a_mirror_that_a_client_could_choose_equals_nothing_desired(header):
    clusters = [{"name": "cand", "weight": 1, "request_headers_to_add": [header]}]
    action = {"weighted_clusters": {"clusters": clusters}, "request_mirror_policies": [{"cluster_header": "x-to"}]}
    assert snapshot_of([FoundRoute({"route": action}, [])], {}).mirror == "header:x-to"


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
odd = st.fixed_dictionaries(
    {},
    optional={
        "cluster": json,
        "weighted_clusters": json
        | st.fixed_dictionaries(
            {
                "clusters": st.lists(
                    st.dictionaries(
                        st.sampled_from(["name", "weight", "request_headers_to_add", "request_headers_to_remove"]), json
                    ),
                    max_size=2,
                )
            }
        ),
        "request_mirror_policies": json
        | st.lists(
            st.dictionaries(st.sampled_from(["cluster", "cluster_header", "runtime_fraction"]), json), max_size=2
        ),
    },
)


@given(st.one_of(json, odd), json)
def test_a_strange_route_is_told_and_never_a_crash(action, stamp):
    found = FoundRoute({"route": action, "metadata": {"filter_metadata": {"fullback": stamp}}}, [])
    try:
        snapshot_of([found], {})
        rewrite(found, DesiredRoute(2**62, {"base": 1}, {"base": "cand"}))
    except RoutingError:
        pass

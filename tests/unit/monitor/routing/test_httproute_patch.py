"""The patch as JSON Patch (RFC 6902) defines it, over HTTPRoutes of every shape."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import RoutingError
from monitor.models.route import DesiredRoute, RouteSnapshot
from monitor.routing.httproute_object import REMOVED, HttpRoute, parsed
from monitor.routing.httproute_patch import Plan, planned
from monitor.routing.httproute_read import snapshot_of
from tests.support.httproutes import backend, http_route, main_rule, mirror, rule

BACKENDS = ("base", "cand", "other")


def stored(*rules: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return http_route("chat", *rules, **{"resourceVersion": "7", "generation": 1, **metadata})


def route_of(document: dict[str, Any]) -> HttpRoute:
    return parsed(document, "HTTPRoute llm/chat")


def shown(document: dict[str, Any]) -> RouteSnapshot:
    return snapshot_of(route_of(document), namespace="llm", controllers=(), expect_status=False, gitops_ignores=False)


def patched(document: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """Apply the operations one by one; a failing ``test`` fails."""
    after = deepcopy(document)
    for operation in plan.operations:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        place: Any = after
        for part in way:
            place = place[int(part)] if isinstance(place, list) else place[part]
        key: Any = int(last) if isinstance(place, list) else last
        match operation["op"]:
            case "test":
                assert place[key] == operation["value"]
            case "add":
                assert not isinstance(place, list), "adding to a list would move its other members"
                place[key] = deepcopy(operation["value"])
            case "remove":
                del place[key]
    return after


def moved(document: dict[str, Any], desired: DesiredRoute) -> dict[str, Any]:
    return patched(document, planned(route_of(document), desired))


WEIGHT = st.one_of(st.none(), st.integers(0, 5), st.just(1_000_000))
OPTIONS = st.sampled_from([{}, {"percent": 10}, {"fraction": {"numerator": 1, "denominator": 3}}])
HEADER = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x-debug"]}}


@st.composite
def routes(draw: st.DrawFn) -> dict[str, Any]:
    rules = []
    for index in range(draw(st.integers(1, 4))):
        names = draw(st.lists(st.sampled_from(BACKENDS), unique=True, min_size=0 if index else 2))
        refs = [backend(name, draw(WEIGHT)) for name in names]
        filters = draw(
            st.permutations(
                [
                    HEADER,
                    *(
                        mirror(draw(st.sampled_from([*BACKENDS, "recorder"])), **draw(OPTIONS))
                        for _ in range(draw(st.integers(0, 2)))
                    ),
                ]
            )
        )
        name = draw(st.sampled_from([None, f"rule-{index}"]))
        rules.append(rule(name, *refs, path=f"/{index}", **({"filters": list(filters)} if draw(st.booleans()) else {})))
    notes = draw(st.sampled_from([{}, {"annotations": {"team": "a/b~c"}}, {"annotations": {REMOVED: "not JSON"}}]))
    return stored(*rules, **notes)


@st.composite
def wishes(draw: st.DrawFn, document: dict[str, Any], epoch: int = 1) -> DesiredRoute:
    known = route_of(document).backends
    weights = draw(
        st.dictionaries(st.sampled_from(known), st.integers(0, 1000), min_size=1).filter(lambda w: any(w.values()))
    )
    return DesiredRoute(epoch, weights, draw(st.sampled_from([None, *known])), draw(st.booleans()))


@given(st.data())
def test_after_a_write_the_object_says_what_was_desired_and_a_second_write_is_none(data):
    document = data.draw(routes())
    for epoch in range(1, 4):
        desired = data.draw(wishes(document, epoch))
        document = moved(document, desired)
        assert shown(document).says(desired)
        assert shown(document).pending == ()
        assert planned(route_of(document), desired).operations == ()


@given(st.data())
def test_a_write_leaves_rules_with_backends_and_what_is_foreign_alone(data):
    document = data.draw(routes())
    desired = data.draw(wishes(document))
    after = moved(document, desired)
    belonging = {one.index for one in route_of(document).rules}
    for index, (old, new) in enumerate(zip(document["spec"]["rules"], after["spec"]["rules"], strict=True)):
        if index not in belonging:
            assert new == old
            continue
        assert any(ref["weight"] for ref in new["backendRefs"])
        assert {key: value for key, value in new.items() if key not in {"backendRefs", "filters"}} == {
            key: value for key, value in old.items() if key not in {"backendRefs", "filters"}
        }
        foreign = [one for one in old.get("filters", []) if mirrored(one) not in route_of(document).backends]
        assert [one for one in new.get("filters", []) if mirrored(one) not in route_of(document).backends] == foreign
        assert len(new.get("filters", [])) == len(foreign) + (desired.mirror is not None)
        if desired.cut:
            assert all(ref["weight"] for ref in new["backendRefs"])
    kept = {key: value for key, value in document["metadata"].get("annotations", {}).items() if key != REMOVED}
    assert kept.items() <= after["metadata"]["annotations"].items()


def mirrored(one: dict[str, Any]) -> str | None:
    return one.get("requestMirror", {}).get("backendRef", {}).get("name")


@given(st.data())
def test_what_a_cut_takes_out_comes_back_as_it_was(data):
    document = data.draw(routes())
    everyone = dict.fromkeys(route_of(document).backends, 5)
    document = moved(document, DesiredRoute(1, everyone, None))
    one = data.draw(st.sampled_from(sorted(everyone)))
    cut = moved(document, DesiredRoute(2, {one: 1}, None, cut=True))
    assert all([ref["name"] for ref in found["backendRefs"]] == [one] for found in belonging(cut))
    back = moved(cut, DesiredRoute(1, everyone, None))
    for old, new in zip(belonging(document), belonging(back), strict=True):
        assert sorted(old["backendRefs"], key=json.dumps) == sorted(new["backendRefs"], key=json.dumps)


def belonging(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [document["spec"]["rules"][one.index] for one in route_of(document).rules]


@given(st.data())
def test_any_change_of_names_order_or_version_meanwhile_fails_a_test(data):
    document = data.draw(routes())
    desired = data.draw(wishes(document))
    plan = planned(route_of(document), desired)
    later = deepcopy(document)
    later["metadata"]["resourceVersion"] = "8"
    with pytest.raises(AssertionError):
        patched(later, plan)
    place = route_of(document).rules[0].index
    for change in ({"path": "/elsewhere"}, {"name": "renamed", "path": "/elsewhere"}):
        later = deepcopy(document)
        later["spec"]["rules"].insert(place, rule(change.get("name"), backend("docs"), path=change["path"]))
        with pytest.raises((AssertionError, KeyError)):
            patched(later, plan)


def test_the_first_operation_tests_the_version_and_the_next_who_is_where():
    plan = planned(route_of(stored()), DesiredRoute(1, {"base": 1}, "cand"))
    assert [(one["op"], one["path"], one["value"]) for one in plan.operations[:4]] == [
        ("test", "/metadata/resourceVersion", "7"),
        ("test", "/spec/rules/0/name", "main"),
        ("test", "/spec/rules/0/backendRefs/0/name", "base"),
        ("test", "/spec/rules/0/backendRefs/1/name", "cand"),
    ]
    unnamed = stored(rule(None, backend("base"), backend("cand")))
    second = planned(route_of(unnamed), DesiredRoute(1, {"base": 1}, None)).operations[1]
    assert (second["path"], second["value"]) == ("/spec/rules/0/matches", unnamed["spec"]["rules"][0]["matches"])


def test_without_a_version_nothing_is_written():
    document = stored()
    del document["metadata"]["resourceVersion"]
    with pytest.raises(RoutingError, match="no resourceVersion"):
        planned(route_of(document), DesiredRoute(1, {"base": 1}, None))


def test_a_backend_that_other_rules_hold_in_unlike_ways_is_refused():
    document = stored(
        main_rule(),
        rule("old", backend("cand"), backend("base", port=9000), path="/old"),
        rule("canary", backend("cand"), path="/canary"),
    )
    with pytest.raises(RoutingError, match=r"rule 'canary' lacks backend base.*nothing was written"):
        planned(route_of(document), DesiredRoute(1, {"base": 1}, None))
    assert planned(route_of(document), DesiredRoute(1, {"cand": 1}, None)).operations


def test_one_mirror_serves_all():
    each = DesiredRoute(1, {"base": 1}, {"base": "cand", "cand": "base"})
    with pytest.raises(RoutingError, match="one mirror for all backends, asked for base, cand"):
        planned(route_of(stored()), each)
    same = DesiredRoute(1, {"base": 1}, {"base": "cand", "other": "cand"})
    assert shown(moved(stored(), same)).mirror == "cand"


def test_of_two_mirrors_to_the_routes_backends_one_is_left():
    document = stored(main_rule(filters=[mirror("base", percent=5), mirror("cand")]))
    assert shown(document).pending == ("rule 'main' mirrors to several backends",)
    after = moved(document, DesiredRoute(1, {"base": 1}, "cand"))
    assert after["spec"]["rules"][0]["filters"] == [mirror("cand", percent=5)]


def test_a_mirror_that_samples_nothing_is_none_and_holds_no_flip_back():
    document = stored(main_rule(filters=[mirror("base", percent=0)]))
    assert shown(document).mirror is None
    assert dict(shown(document).overrides) == {"rule 'main': mirror percent": "0"}
    after = shown(moved(document, DesiredRoute(1, {"base": 1}, "cand")))
    assert dict(after.weights) == {"base": 1, "cand": 0}
    assert after.mirror is None

"""A runtime layer, nested or dotted."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import RoutingError
from monitor.models.route import DesiredRoute
from monitor.routing.envoy_admin import Runtime
from monitor.routing.envoy_layer import flat, put
from monitor.routing.envoy_route import FoundRoute
from monitor.routing.envoy_rtds import RuntimeFileWay
from monitor.routing.envoy_way import RuntimeKeys, View

names = st.sampled_from(["a", "b", "c"])
values = st.sampled_from([0, 5, "7", {"numerator": 3}, {"numerator": 3, "denominator": "HUNDRED"}])
layers = st.recursive(
    st.dictionaries(names, values, max_size=3), lambda inner: st.dictionaries(names, inner | values, max_size=3)
)
keys = st.lists(names, min_size=1, max_size=3).map(".".join)


@given(layers, keys, values)
def test_what_was_put_is_there_and_the_rest_stays(layer, key, value):
    before = flat(layer)
    put(layer, key, value)
    after = flat(layer)
    assert after[key] == value
    assert {name: one for name, one in before.items() if name != key and not name.startswith(f"{key}.")} == {
        name: one for name, one in after.items() if name != key
    }


def test_a_nested_key_is_changed_where_it_stands():
    layer = {"routing": {"chat": {"base": 1}}, "routing.chat.cand": 2}
    put(layer, "routing.chat.base", 70)
    put(layer, "routing.chat.cand", 30)
    put(layer, "fullback.epoch", "4")
    assert layer == {"routing": {"chat": {"base": 70}}, "routing.chat.cand": 30, "fullback.epoch": "4"}


def test_a_fraction_is_one_value():
    fraction = {"numerator": 1, "denominator": "TEN_THOUSAND"}
    assert flat({"a": {"b": fraction, "c": 1}}) == {"a.b": fraction, "a.c": 1}


def test_until_the_first_write_has_arrived_any_value_of_a_key_may_win_over_it():
    """Envoy may have taken the file before it is asked, or not yet: then no layer is known to be the file's."""
    way, epoch = RuntimeFileWay("the file", "llm", "chat"), "fullback.epoch.llm.chat"
    keys = RuntimeKeys(frozenset({"p.base", "p.cand"}), frozenset({epoch}))
    before = Runtime({"p.base": "5", "else": "1"}, {"p.base": ("", "5"), "else": ("", "1")})
    assert way.overridden(before, keys) == {"p.base"}
    taken = Runtime({"p.base": "5", "p.cand": "0", epoch: "4"}, {"p.base": ("7", "5"), "p.cand": ("0",), epoch: ("4",)})
    assert way.overridden(taken, keys) == {"p.base"}


def test_routes_of_one_name_that_differ_show_no_epoch():
    def routed(prefix: str) -> FoundRoute:
        weighted = {"runtime_key_prefix": prefix, "clusters": [{"name": "base", "weight": 1}]}
        return FoundRoute({"name": "chat", "route": {"weighted_clusters": weighted}}, [])

    way = RuntimeFileWay("the file", "llm", "chat")
    values = Runtime({"fullback.epoch.llm.chat": "4", "p.base": "7", "q.base": "7"})
    alike, unlike = [routed("p"), routed("q")], [routed("p"), routed("r")]
    assert way.shown(View(alike, values)).epoch == 4
    assert way.shown(View(unlike, values)).epoch is None


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
keyed = st.dictionaries(st.sampled_from(["p", "p.base", "m", "fullback.epoch.llm.chat", "fullback"]), json, max_size=4)
policy = {"cluster": "base", "runtime_fraction": {"runtime_key": "m", "default_value": {"numerator": 9}}}
action = {
    "weighted_clusters": {"runtime_key_prefix": "p", "clusters": [{"name": "base", "weight": 1}]},
    "request_mirror_policies": [policy],
}


@given(st.one_of(json, keyed), st.sampled_from([None, "base"]))
def test_a_strange_layer_is_told_or_rewritten_and_never_a_crash(found, mirror):
    way = RuntimeFileWay("the file", "llm", "chat")
    view = View([FoundRoute({"name": "chat", "route": action}, [])], Runtime())
    document = {"resources": [found, {"name": "x", "layer": found}]}
    desired = DesiredRoute(2**62, {"base": 7}, mirror)
    try:
        way.held(document, view)
        way.plan(document, desired, [view])
    except RoutingError:
        return
    assert way.held(document, view).says(desired)

"""Attribution: what an event states, then the first rule that covers it, then the built-in rules."""

import pytest
from msgspec.structs import replace

from detectors.types import Exchange
from monitor.models.event import Event, Leg, Recorder
from monitor.models.route import Mode, Route, TargetRef
from monitor.models.rule import Comparison, MatchField, Pattern, Rule
from monitor.models.variant import Role, Tier, Variant
from monitor.services.attribution import Catalog, attribute
from monitor.services.rule_set import ready
from monitor.storage.tables import UNATTRIBUTED_ROUTE_ID
from tests.conftest import START


def route(id_: int, name: str, suffix: str | None = "-shadow") -> Route:
    return Route(id_, name, Mode.OBSERVE, "default", TargetRef("memory", {}), suffix, 100.0, None, START)


def variant(id_: int, route_id: int, name: str, role: Role, backend: str) -> Variant:
    return Variant(id_, route_id, name, role, backend, "bf16", Tier.SERVING, None, None, START)


ROUTES = {"chat": route(1, "chat"), "code": route(2, "code")}
VARIANTS = {
    1: [variant(11, 1, "base", Role.BASELINE, "b"), variant(12, 1, "int4", Role.CANDIDATE, "c")],
    2: [variant(21, 2, "base", Role.BASELINE, "b2"), variant(22, 2, "fp8", Role.CANDIDATE, "c2")],
}
EVENT = Event(Recorder.SERVER, "r1", START, Exchange())


def rule(name: str = "one", route: str = "chat", variant: str | None = None, leg: Leg | None = None, **match) -> Rule:
    return Rule(name, {MatchField(f): Pattern.from_json(p) for f, p in match.items()}, route, variant, leg)


def attributed(event: Event, *rules: Rule, source: str = "shipper"):
    found = attribute(event, Catalog(ROUTES, VARIANTS, ready(rules, ROUTES, VARIANTS)), source)
    return found.route_id, found.variant_id, found.leg.value, found.rule


@pytest.mark.parametrize(
    ("field", "event_field"),
    [(f.value, "system_fingerprint" if f is MatchField.FINGERPRINT else f.value) for f in MatchField if f != "source"],
)
def test_every_field_is_looked_at(field, event_field):
    given = replace(EVENT, **{event_field: "abc"})
    for pattern, covers in [
        ("abc", True),
        ("ab", False),
        ({"prefix": "ab"}, True),
        ({"prefix": "bc"}, False),
        ({"glob": "a?c"}, True),
        ({"glob": "*c"}, True),
        ({"glob": "A*"}, False),
    ]:
        found = attributed(given, rule(leg=Leg.SHADOW, variant="int4", **{field: pattern}))
        assert (found[0] == 1) is covers, pattern
    assert attributed(EVENT, rule(**{field: {"glob": "*"}}))[0] == UNATTRIBUTED_ROUTE_ID, "absent: no match"


def test_the_source_is_looked_at():
    assert attributed(EVENT, rule(source="shipper"))[0] == 1
    assert attributed(EVENT, rule(source="shipper"), source="another")[0] == UNATTRIBUTED_ROUTE_ID


def test_all_conditions_must_hold():
    one = rule(service="vllm", namespace="llm")
    assert attributed(replace(EVENT, service="vllm"), one)[0] == UNATTRIBUTED_ROUTE_ID
    assert attributed(replace(EVENT, service="vllm", namespace="llm"), one)[0] == 1


def test_the_first_rule_counts():
    first, second = rule("first", "code", service="s"), rule("second", "chat", service={"prefix": "s"})
    event = replace(EVENT, service="s")
    assert attributed(event, first, second)[3].startswith("route:rule:first,")
    assert attributed(event, second, first)[3].startswith("route:rule:second,")


def test_a_rule_tells_all_three():
    found = attributed(replace(EVENT, service="s"), rule("r", "chat", "int4", Leg.SHADOW, service="s"))
    assert found == (1, 12, "shadow", "route:rule:r,variant:rule:r,leg:rule:r")


def test_what_a_rule_leaves_open_the_built_in_rules_tell():
    event = replace(EVENT, service="s", backend="c", host="llm-shadow")
    assert attributed(event, rule("r", service="s")) == (1, 12, "shadow", "route:rule:r,variant:backend,leg:host")


def test_what_the_event_states_comes_first():
    one = rule("r", "chat", "int4", Leg.SHADOW, service="s")
    stated = replace(EVENT, service="s", route="code", variant="fp8", leg=Leg.PRIMARY)
    assert attributed(stated, one) == (2, 22, "primary", "route:stated,variant:stated,leg:stated")
    assert attributed(replace(stated, route="nobody"), one)[0] == UNATTRIBUTED_ROUTE_ID
    assert attributed(replace(EVENT, service="s", mirrored=False), one)[2:] == (
        "primary",
        "route:rule:r,variant:rule:r,leg:marker",
    )


def test_a_rule_of_another_route_than_the_stated_one_is_passed_over():
    rules = (rule("other", "code", "fp8", service="s"), rule("mine", "chat", "int4", service="s"))
    found = attributed(replace(EVENT, service="s", route="chat"), *rules)
    assert found[:2] == (1, 12)
    assert found[3] == "route:stated,variant:rule:mine,leg:none"


def test_the_access_log_tells_the_leg_whatever_a_rule_says():
    line = replace(EVENT, recorder=Recorder.GATEWAY, leg=Leg.PRIMARY, route="envoys-own-name", service="s")
    found = attributed(line, rule("r", "chat", "int4", Leg.SHADOW, service="s"))
    assert found == (1, 12, "primary", "route:rule:r,variant:rule:r,leg:access_log")


def test_rules_come_before_the_models_name_and_the_backend():
    event = replace(EVENT, service="s", requested_model="code", backend="b2")
    assert attributed(event)[3].startswith("route:requested_model")
    assert attributed(event, rule("r", "chat", service="s"))[0] == 1


def test_a_rule_whose_route_or_variant_is_gone_covers_nothing():
    event = replace(EVENT, service="s")
    assert attributed(event, rule(route="gone", service="s"))[0] == UNATTRIBUTED_ROUTE_ID
    assert attributed(event, rule(variant="gone", service="s"))[0] == UNATTRIBUTED_ROUTE_ID


def test_a_pattern_survives_storage():
    for document in ("x", {"prefix": "x"}, {"glob": "x*"}):
        assert Pattern.from_json(document).to_json() == document
    assert Pattern.from_json("x").comparison is Comparison.EXACT


def test_many_combinations_of_values_take_bounded_memory():
    rules = ready([rule("r", service={"glob": "*x*"})], ROUTES, VARIANTS)
    for n in range(10_000):
        rules.covering(replace(EVENT, service=f"{n}x"), "shipper")
    assert len(rules._seen) <= 4096

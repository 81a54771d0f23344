"""Hostile schemas are refused or bounded in time, and nothing ever leaves the machine."""

import json
import random
import socket
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.signals import _schema_compiled
from detectors.signals._schema_cost import BUDGET, Refused, cost_of
from detectors.signals._schema_patterns import pattern_atoms
from detectors.signals.schema_validity import UNREAD, SchemaValidity
from detectors.types import Answer, Exchange, Request

SIGNAL = SchemaValidity()
GENEROUS_S = 0.5
"""Ten times what is promised: shared machines are slow at times, an unbounded case takes seconds to years."""


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def forbidden(*_):
        raise AssertionError("network")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    _schema_compiled._schemas.clear()


def timed(schema, text):
    """Return the reading and the seconds it took, compiling included."""
    exchange = Exchange(Request(response_schema=schema), Answer(text=text))
    start = time.process_time()
    reading = SIGNAL.read(exchange)
    return reading, time.process_time() - start


def chain(levels, keyword="allOf", width=2, last=None):
    steps = {f"a{n}": {keyword: [{"$ref": f"#/$defs/a{n + 1}"} for _ in range(width)]} for n in range(levels)}
    return {"$ref": "#/$defs/a0", "$defs": {**steps, f"a{levels}": last or {"type": "integer"}}}


BRANCHING = {
    "$ref": "#/$defs/n",
    "$defs": {"n": {"properties": {"c": {"allOf": [{"$ref": "#/$defs/n"}, {"$ref": "#/$defs/n"}]}}}},
}
FLAT = json.dumps([1] * 10_000)
HOSTILE = {
    "references": (chain(27), "1", "too_costly"),
    "references any": (chain(27, "anyOf"), '"x"', "too_costly"),
    "references one": (chain(200, "oneOf"), '"x"', "too_costly"),
    "references wide": (chain(8, width=20), "1", "too_costly"),
    "references at each element": ({"items": {"$ref": "#/$defs/a0"}, **chain(10)}, FLAT, "too_costly"),
    "branching recursion": (BRANCHING, '{"c":' * 60 + "{}" + "}" * 60, "too_costly"),
    "enumeration": ({"enum": list(range(60_000))}, "1", "too_large"),
    "enumeration of objects": (
        {"items": {"enum": [{"a": n} for n in range(6_000)]}},
        json.dumps([{"a": 5_999}] * 5_000),
        "too_costly",
    ),
    "enumeration of everything": ({"items": {"enum": [*range(9_000), "x", 0.5]}}, FLAT, "too_costly"),
    "enumeration of fractions": ({"items": {"enum": [n + 0.5 for n in range(9_000)]}}, FLAT, "too_costly"),
    "patterns for members": (
        {"patternProperties": {f"^k{n}.*z$": {} for n in range(250)}},
        json.dumps({f"k{n}": 1 for n in range(20_000)}),
        "too_costly",
    ),
    "dependencies": (
        {"items": {"dependentRequired": {f"k{n}": [f"k{m}" for m in range(100)] for n in range(100)}}},
        json.dumps([{f"k{n}": 1 for n in range(100)}] * 500),
        "too_costly",
    ),
    "back-tracking pattern": ({"pattern": "^(?=(a+)+$)b"}, '"aaa"', "invalid"),
    "repeated pattern": ({"pattern": "(.{0,100}){0,100}$"}, json.dumps("a" * 10_000), "pattern"),
    "shorthand classes": ({"pattern": "\\w" * 1_000}, '"a"', "pattern"),
    "many shorthand classes": ({"allOf": [{"pattern": "\\s" * 60 + str(n)} for n in range(9)]}, '"a"', "pattern"),
    "long pattern": ({"pattern": "a?" * 15_000}, '"a"', "pattern"),
    "costly pattern": ({"pattern": "(.{0,40}){0,9}$"}, json.dumps("a" * 100_000), "too_costly"),
    "many patterns": ({"allOf": [{"pattern": f"\\p{{L}}{{20}}{n}"} for n in range(10)]}, '"a"', "pattern"),
    "deep": (json.loads('{"items":' * 900 + "{}" + "}" * 900), "[]", "invalid"),
    "deep not": (json.loads('{"not":' * 500 + "{}" + "}" * 500), "[]", "invalid"),
    "large numbers": ({"uniqueItems": True}, json.dumps([10**30 + n for n in range(2_000)]), "too_costly"),
    "large numbers inside": (
        {"uniqueItems": True, "items": {"type": "object"}},
        json.dumps([{"a": 2**62 + n} for n in range(2_000)]),
        "too_costly",
    ),
    "divisions": ({"items": {"multipleOf": 0.01}}, json.dumps([1e300] * 5_000), "too_costly"),
    "division of digits": ({"items": {"multipleOf": 7}}, json.dumps([int("7" * 4_000)] * 50), "too_costly"),
    "many branches": ({"allOf": [{"items": {"type": "null"}} for _ in range(2_000)]}, "1", "too_large"),
    "many subschemas": ({"properties": {f"k{n}": {"type": "null"} for n in range(6_000)}}, "{}", "too_large"),
    "many addresses": ({"$ref": "k1", "$defs": {f"k{n}": {"$id": f"k{n}"} for n in range(500)}}, "1", "too_large"),
    "two of one address": (
        {"$ref": "a", "$defs": {"x": {"$id": "a", "type": "null"}, "y": {"$id": "A", "type": "integer"}}},
        "1",
        "reference",
    ),
    "no address": ({"$ref": "http://[", "$id": "http://h/"}, "1", "reference"),
    "circle": ({"$ref": "#"}, "1", "circular_reference"),
    "long circle": (
        {"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"$ref": "#"}}},
        "1",
        "circular_reference",
    ),
    "remote": ({"$ref": "http://127.0.0.1:9/s.json"}, "1", "remote_reference"),
    "remote by base": ({"$id": "http://127.0.0.1:9/a", "$ref": "b"}, "1", "remote_reference"),
    "file": ({"$ref": "file:///etc/hostname"}, "1", "remote_reference"),
    "own meta-schema": ({"$schema": "http://127.0.0.1:9/meta", "type": "integer"}, "1", "invalid"),
    "nowhere": ({"$ref": "#/nowhere"}, "1", "reference"),
    "no anchor": ({"$ref": "#nowhere"}, "1", "reference"),
    "unevaluated": (
        {
            "$ref": "#/$defs/a0",
            "$defs": {
                **{
                    f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}], "unevaluatedProperties": False}
                    for n in range(30)
                },
                "a30": {},
            },
        },
        '{"a": 1}',
        "too_costly",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_schemas_are_refused_soon_and_the_reason_is_counted(name):
    schema, text, reason = HOSTILE[name]
    before = UNREAD[reason]
    reading, spent = timed(schema, text)
    assert reading is None
    assert UNREAD[reason] == before + 1
    assert spent < GENEROUS_S


def test_100_000_levels_are_refused():
    """The document of such an event never gets here; a schema built otherwise is refused without recursion."""
    schema = {}
    for _ in range(100_000):
        schema = {"not": schema}
    with pytest.raises(Refused, match="too_deep"):
        cost_of(schema)
    while schema:
        schema = schema["not"]


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "([a-z]+)*x", "^(a?){50}a{50}$", "(.*a){20}"])
def test_patterns_that_blow_up_elsewhere_take_linear_time(pattern):
    reading, spent = timed({"pattern": pattern}, json.dumps("a" * 20_000 + "!"))
    assert reading is None or reading.value in {0.0, 1.0}
    assert spent < GENEROUS_S


ANY_JSON = {
    "$ref": "#/$defs/j",
    "$defs": {
        "j": {
            "anyOf": [
                {"type": ["string", "number", "null", "boolean"]},
                {"type": "array", "items": {"$ref": "#/$defs/j"}},
                {"type": "object", "additionalProperties": {"$ref": "#/$defs/j"}},
            ]
        }
    },
}
SUM = {
    "$ref": "#/$defs/e",
    "$defs": {
        "e": {
            "anyOf": [
                {"type": "number"},
                *(
                    {
                        "type": "object",
                        "properties": {
                            "op": {"const": op},
                            "left": {"$ref": "#/$defs/e"},
                            "right": {"$ref": "#/$defs/e"},
                        },
                        "required": ["op", "left", "right"],
                        "additionalProperties": False,
                    }
                    for op in "+-*"
                ),
            ]
        }
    },
}
FIELDS = {f"k{n}": {"type": "string", "pattern": "^[a-z0-9-]{1,64}$", "description": "x" * 80} for n in range(60)}


def nested_sum(levels):
    return 1 if levels == 0 else {"op": "*", "left": nested_sum(levels - 1), "right": nested_sum(levels - 1)}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (ANY_JSON, [[1, {"a": None}] * 50] * 100),
        (SUM, nested_sum(4)),
        ({"type": "object", "properties": FIELDS, "required": sorted(FIELDS)}, dict.fromkeys(FIELDS, "abc-" * 16)),
        ({"enum": [f"place-{n}" for n in range(5_000)]}, "place-4999"),
        ({"type": "array", "items": {"enum": ["a", "b", None]}}, ["a", None] * 3_000),
        ({"properties": {"a~b/c": {"type": "integer"}, "x": {"$ref": "#/properties/a~0b~1c"}}}, {"x": 1}),
        ({"$defs": {"n": {"$anchor": "here", "type": "integer"}}, "items": {"$ref": "#here"}}, [1, 2]),
        (chain(10), 1),
    ],
    ids=["any json", "sums", "wide", "names", "choices", "pointer", "anchor", "shared"],
)
def test_schemas_as_people_write_them_are_read(schema, value):
    reading, spent = timed(schema, json.dumps(value))
    assert reading is not None
    assert reading.reason == "valid"
    assert spent < GENEROUS_S


@pytest.mark.parametrize(
    ("pattern", "atoms"),
    [
        ("abc", 3),
        ("a{10}", 10),
        ("(ab){5}", 10),
        ("(a{10}){10}", 100),
        (".", 5),
        ("[a-z]{3}", 3),
        ("a{x}", 4),
        ("[]a]", 1),
        (r"\p{L}{3}", 600),
        (r"\d\W", 6),
    ],
)
def test_atoms_of_a_pattern(pattern, atoms):
    assert pattern_atoms(pattern) == atoms


def test_the_bound_grows_with_what_is_shared():
    costs = [cost_of(chain(levels)).nodes[0] for levels in (4, 8, 12)]
    assert costs[0] * 10 < costs[1] < costs[2] / 10
    assert costs[2] < BUDGET


NAMES = st.sampled_from(["a", "b", "c"])
REFERENCES = st.sampled_from(["#", "#/$defs/a", "#/$defs/b", "#/$defs/c", "#/properties/a", "#a", "x", "http://h/x"])
LEAVES = st.one_of(
    st.booleans(),
    st.builds(lambda ref: {"$ref": ref}, REFERENCES),
    st.builds(lambda kind: {"type": kind}, st.sampled_from(["integer", "object", "array", "string"])),
    st.builds(lambda n: {"enum": [*range(n), "x", {}]}, st.integers(0, 500)),
    st.builds(
        lambda text: {"pattern": text}, st.sampled_from(["^(a+)+$", "(.{0,20}){0,20}", "\\p{L}{9}", "(", "a{3}b"])
    ),
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: (
        st.dictionaries(
            st.sampled_from(
                ["not", "if", "then", "items", "additionalProperties", "contains", "unevaluatedProperties"]
            ),
            inner,
        )
        | st.builds(
            lambda key, items: {key: items}, st.sampled_from(["allOf", "anyOf", "oneOf"]), st.lists(inner, min_size=1)
        )
        | st.builds(lambda items: {"properties": items}, st.dictionaries(NAMES, inner))
        | st.builds(lambda items: {"patternProperties": items}, st.dictionaries(NAMES, inner))
    ),
    max_leaves=15,
)


@given(root=SCHEMAS, defs=st.dictionaries(NAMES, SCHEMAS), seed=st.integers(0, 999))
@settings(max_examples=300, deadline=None)
def test_any_schema_is_read_or_refused_in_bounded_time(root, defs, seed):
    schema = {**root, "$defs": defs} if isinstance(root, dict) else root
    _schema_compiled._schemas.clear()
    chance = random.Random(seed)  # noqa: S311 - values, not secrets
    reading, spent = timed(schema, json.dumps(tree(chance, 7)))
    assert reading is None or reading.value in {0.0, 1.0}
    assert spent < GENEROUS_S


def tree(chance, levels):
    if levels == 0 or chance.random() < 0.1:
        return chance.choice([1, "aaaa", None, 0.5, "a" * 200])
    inner = [tree(chance, levels - 1) for _ in range(chance.randint(1, 3))]
    return inner if chance.random() < 0.3 else dict(zip("abc", inner, strict=False))

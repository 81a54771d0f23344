"""What the demo's model servers answer."""

# ruff: noqa: S311 - these generators guard nothing

import json
import random

import jsonschema
import pytest

from monitor.demo.answers import compose, kind_of, refuse
from monitor.demo.damage import Case, break_structure
from monitor.demo.scenarios import SCENARIOS, SCHEMAS, TOOLS, request_parts

USER = [{"role": "user", "content": "hello"}]


def structured(name):
    json_schema = {"name": name, "strict": True, "schema": SCHEMAS[name]}
    return {"messages": USER, "response_format": {"type": "json_schema", "json_schema": json_schema}}


def valid(text, schema):
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return jsonschema.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize("name", SCHEMAS)
def test_structured_answers_fit_their_schema_and_broken_ones_do_not(name):
    schema = SCHEMAS[name]
    for seed in range(150):
        answer = compose(structured(name), random.Random(seed))
        assert valid(answer.text, schema)
        assert not valid(break_structure(Case(structured(name), answer, random.Random(seed))).text, schema)


def test_all_three_ways_of_breaking_occur():
    answer = compose(structured("ticket"), random.Random(1))
    broken = [break_structure(Case(structured("ticket"), answer, random.Random(seed))) for seed in range(60)]
    cut = [each for each in broken if each.finish_reason == "length"]
    prose = [each for each in broken if each.text.startswith("Sure!")]
    assert cut
    assert prose
    assert len(cut) + len(prose) < len(broken)


def test_tool_calls_fit_the_tool():
    parameters = {tool["function"]["name"]: tool["function"]["parameters"] for tool in TOOLS}
    for seed in range(100):
        answer = compose({"messages": USER, "tools": list(TOOLS)}, random.Random(seed))
        call = answer.message["tool_calls"][0]["function"]
        assert answer.finish_reason == "tool_calls"
        assert valid(call["arguments"], parameters[call["name"]])


def test_chat_answers_have_realistic_lengths_and_are_not_refusals():
    answers = [compose({"messages": USER}, random.Random(seed)) for seed in range(200)]
    assert all(25 <= answer.tokens <= 200 for answer in answers)
    assert not any("sorry" in answer.text.lower() or "cannot" in answer.text.lower() for answer in answers)
    assert all("I" in refuse(random.Random(seed)).text for seed in range(5))


def test_equal_generators_give_equal_answers():
    assert compose(structured("invoice"), random.Random(5)) == compose(structured("invoice"), random.Random(5))


@pytest.mark.parametrize(("name", "kind"), [("ticket", "structured"), ("chat", "chat"), ("agent", "tools")])
def test_the_kind_is_told_by_the_request_alone(name, kind):
    assert kind_of({"messages": USER, **request_parts(SCENARIOS[name])}) == kind

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.signals._answer_print import NO_ANSWER, PRINT_BITS, answer_print, disagrees, is_prose
from detectors.signals.agreement import Agreement
from detectors.types import Answer, Exchange, Failure, Message, Outcome, Request, ToolCall

SIGNAL = Agreement()
USER = (Message("user", "How many kettles are there?"),)
GREEDY = Request(USER, temperature=0.0)
OK = Outcome(status=200)
PROSE = (
    "The first kettle is light and cheap, the second one is quiet, and the third keeps the water hot for hours. " * 3
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def printed(text=None, **answer):
    return answer_print(Exchange(GREEDY, Answer(text=text, **answer), OK))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("42", "42.0"),
        ("42", " **42** "),
        ("1,234", "1234"),
        ("+7", "7"),
        ("007", "7"),
        ("Lisbon", "lisbon."),
        ("**Lisbon**\n", "Lisbon"),
        ("B", "(b)"),
        ("B) two kettles", "B."),
        ("The answer is 42.", "Answer: 42"),
        ("The final answer is: 42", "42"),
        (PROSE + "\nAnswer: 42", "First we count.\n**Answer:** 42.00"),
        (PROSE + "\n#### 18", "So it is\n#### 18.0"),
        (PROSE + "thus \\boxed{\\frac{1}{2}}.", "and $\\boxed{\\frac{1}{2}}$"),
        (PROSE + "\nAntwort: zwölf", "Antwort: Zwölf"),
        ("答案是：42", "答案: 42"),
        ('{"a": 1, "b": [1.0, 2]}', '{"b":[1,2.0],"a":1.0}'),
        ('```json\n{"a": 1}\n```', '{"a":1}'),
        ("<think>two and two</think>4", "4"),
        (PROSE, PROSE.upper().replace(" ", "\n")),
    ],
)
def test_the_same_answer_has_the_same_print(one, other):
    assert printed(one) == printed(other)
    assert not disagrees(printed(one), printed(other), prose=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("42", "43"),
        ("5", "-5"),
        ("1.5", "15"),
        ("1.05", "1.5"),
        ("Yes", "No"),
        ("Lisbon", "Porto"),
        ("A) one kettle", "B) one kettle"),
        (PROSE + "\nAnswer: 42", PROSE + "\nAnswer: 24"),
        (PROSE + "\\boxed{3}", PROSE + "\\boxed{4}"),
        ('{"a": 1}', '{"a": 2}'),
        ('{"a": 1}', '{"b": 1}'),
        ("[1, 2]", "[2, 1]"),
        ('{"a": 1}', "{'a': 1}"),
        ("", "42"),
        (PROSE, "42"),
    ],
)
def test_another_answer_has_another(one, other):
    assert disagrees(printed(one), printed(other))


def test_open_prose_is_compared_only_on_demand():
    one, other = printed(PROSE), printed(PROSE.replace("quiet", "silent"))
    assert is_prose(one)
    assert not disagrees(one, other)
    assert disagrees(one, other, prose=True)
    assert not is_prose(printed(PROSE + "\nAnswer: 42"))


def test_tool_calls_are_compared_by_name_and_arguments():
    def called(*calls):
        return printed(tool_calls=tuple(ToolCall(*call) for call in calls))

    assert called(("find", '{"a": 1, "b": 2}')) == called(("find", '{"b":2,"a":1.0}'))
    assert called(("find", "{}"), ("ping", "")) == called(("ping", "{}"), ("find", ""))
    assert disagrees(called(("find", '{"a": 1}')), called(("find", '{"a": 2}')))
    assert disagrees(called(("find", "{}")), called(("ping", "{}")))
    assert disagrees(called(("find", "{}")), called(("find", "{}"), ("find", "{}")))
    assert called(("find", "{broken")) != called(("find", "{"))
    assert disagrees(called(("find", "{}")), printed("{}"))


def test_greedy_requests_apply():
    def read(temperature, outcome=OK, messages=USER, answer=Answer(text="42")):  # noqa: B008
        return SIGNAL.read(Exchange(Request(messages, temperature=temperature), answer, outcome))

    assert read(0.0).value == printed("42")
    assert read(1e-6).value == printed("42")
    for temperature in (None, 0.2, 1e-5, -1.0, float("nan")):
        assert read(temperature) is None
    assert read(0.0, messages=()) is None
    assert read(0.0, Outcome(failure=Failure.CANCELLED)) is None
    assert read(0.0, answer=None) is None
    assert read(0.0, answer=Answer()) is None
    assert read(0.0, Outcome(status=500)).value == NO_ANSWER


def test_failures_and_refusals():
    assert not disagrees(NO_ANSWER, printed("42"))
    assert answer_print(Exchange(GREEDY, None, Outcome(failure=Failure.TIMEOUT))) == NO_ANSWER
    assert printed("", refusal="I would rather not") == printed("", refusal="No.")
    assert disagrees(printed("", refusal="No."), printed("42"))


@given(st.text())
def test_prints_are_small_whole_numbers(text):
    found = printed(text)
    assert 0 < found < 2**PRINT_BITS
    assert json.loads(json.dumps(found)) == found == int(float(found))
    assert printed(text, tool_calls=(ToolCall(text, text),)) > 0
    assert not disagrees(found, found)


@given(JSON.filter(lambda value: isinstance(value, dict | list)))
def test_spelling_of_json_does_not_matter(value):
    plain = printed(json.dumps(value))
    assert printed(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)) == plain
    assert disagrees(printed(json.dumps([value])), plain)


@given(st.integers(0, 2**24 - 1), st.integers(0, 2**24 - 1))
def test_disagreement_is_symmetric(one, other):
    assert disagrees(one, other) == disagrees(other, one)
    assert disagrees(one, other) <= disagrees(one, other, prose=True)


def test_prints_are_the_same_in_every_process():
    code = (
        "from detectors.signals._answer_print import answer_print as p; from detectors.types import *; "
        'print(p(Exchange(None, Answer(text=\'{"b": 1, "a": 2}\'))))'
    )
    root = Path(__file__).parents[4]
    for seed in ("1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        found = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        assert int(found.stdout) == printed('{"a":2,"b":1}')


@pytest.mark.parametrize(
    "text",
    ["[" * 1_000_000, "\ud800" * 500_000, "\\boxed{" * 150_000, "answer: " * 120_000, "```" * 300_000, "9" * 1_000_000],
)
def test_a_megabyte_takes_bounded_time(text):
    began = time.perf_counter()
    assert printed(text) > 0
    assert printed(tool_calls=(ToolCall("find", text),)) > 0
    assert time.perf_counter() - began < 2.0

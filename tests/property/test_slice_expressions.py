"""Laws of the conditions that define slices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.models.slice_expressions import AllOf, AnyOf, ConditionError, Named, Not, holds, parse

NAMES = ["all", "first_turn", "kind:tools", "lang:de", "tag:a", "tag:two words", 'tag:"\\', "endpoint:chat", "tag:*"]
named = st.builds(Named, st.sampled_from(NAMES)) | st.builds(
    Named, st.sampled_from(["tag:", "tag:t", "lang:"]), st.just(True)
)
conditions = st.recursive(
    named,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(AllOf, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=6,
)
slices = st.frozensets(st.sampled_from(NAMES))
words = st.sampled_from(
    [
        *NAMES,
        "and",
        "or",
        "not",
        "(",
        ")",
        " ",
        '"',
        "\\",
        "*",
        "lang:*",
        "kind:x",
        "\n",
        "schema:other",
        '"tag:x"',
        "é",
    ]
)


def read(text):
    try:
        return parse(text)
    except ConditionError as error:
        return error


@given(st.text() | st.lists(words).map(" ".join) | st.lists(words).map("".join))
def test_any_text_is_a_condition_or_a_documented_error(text):
    found = read(text)
    if isinstance(found, ConditionError):
        assert 0 <= found.at <= len(text)
        assert str(found).startswith(f"character {found.at + 1}: ")
    else:
        assert holds(found, NAMES) in {True, False}


def spelled(condition):
    """A condition as a person could write it: parentheses only around what binds more loosely."""
    match condition:
        case Named(name, True):
            return f"{name}*"
        case Named(name, _):
            return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case Not(term):
            return f"not ({spelled(term)})"
        case AllOf(terms):
            return " and ".join(f"({spelled(term)})" for term in terms)
        case AnyOf(terms):
            return " or ".join(f"({spelled(term)})" for term in terms)


@given(conditions)
def test_what_is_written_is_read(condition):
    found = read(spelled(condition))
    assert found == condition or "deeper" in str(found) or "characters" in str(found)


@given(conditions, conditions, slices)
def test_a_condition_is_evaluated_by_the_laws_of_de_morgan(one, two, held):
    assert holds(Not(AllOf((one, two))), held) == holds(AnyOf((Not(one), Not(two))), held)
    assert holds(Not(AnyOf((one, two))), held) == holds(AllOf((Not(one), Not(two))), held)
    assert holds(Not(Not(one)), held) == holds(one, held)


@given(conditions, conditions, slices)
def test_and_and_or_know_no_order_and_absorb(one, two, held):
    assert holds(AllOf((one, two)), held) == holds(AllOf((two, one)), held)
    assert holds(AnyOf((one, two)), held) == holds(AnyOf((two, one)), held)
    assert holds(AllOf((one, AnyOf((one, two)))), held) == holds(one, held)


@given(conditions, conditions)
def test_unlike_conditions_are_spelled_unlike(one, two):
    assert (str(one) == str(two)) == (one == two)


@pytest.mark.parametrize("name", NAMES)
@given(held=slices)
def test_a_name_holds_for_those_in_it(name, held):
    assert holds(Named(name), held) == (name in held)

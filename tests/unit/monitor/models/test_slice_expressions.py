import pytest

from monitor.models.slice_expressions import (
    MAX_DEPTH,
    MAX_LENGTH,
    AllOf,
    AnyOf,
    ConditionError,
    Named,
    Not,
    holds,
    parse,
)

A, B, C = Named("all"), Named("lang:de"), Named("tag:x")


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("all", A),
        ("  first_turn ", Named("first_turn")),
        ("all and lang:de", AllOf((A, B))),
        ("all or lang:de and tag:x", AnyOf((A, AllOf((B, C))))),
        ("(all or lang:de) and tag:x", AllOf((AnyOf((A, B)), C))),
        ("not all and lang:de", AllOf((Not(A), B))),
        ("not (all and lang:de)", Not(AllOf((A, B)))),
        ("not not all", Not(Not(A))),
        ("all or lang:de or tag:x", AnyOf((A, B, C))),
        ("((all))", A),
        ("not(all)or(lang:de)", AnyOf((Not(A), B))),
        ("lang:*", Named("lang:", prefix=True)),
        ("tag:team-*", Named("tag:team-", prefix=True)),
        ('"tag:two words"', Named("tag:two words")),
        (r'"tag:a\"b\\c"', Named(r"tag:a\"b\c".replace(r"\"", '"'))),
        ('"tag:a*"', Named("tag:a*")),
        ('"tag:and" and "tag:("', AllOf((Named("tag:and"), Named("tag:(")))),
        ("endpoint:chat", Named("endpoint:chat")),
        ("kind:tools", Named("kind:tools")),
        ("prompt:over32k", Named("prompt:over32k")),
    ],
)
def test_conditions_are_read_by_their_grammar(text, condition):
    assert parse(text) == condition
    assert parse(text.replace(" ", "\n\t ")) == condition or '"' in text


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("", 1, "expected a slice, 'not' or '(', got the end"),
        ("all and", 8, "got the end"),
        ("and all", 1, "got 'and'"),
        ("all lang:de", 5, "expected 'and', 'or' or the end, got 'lang:de'"),
        ('all "tag:x"', 5, "got 'tag:x'"),
        ('all and "vibes"', 9, "there is no slice 'vibes'"),
        ("(all", 5, "expected 'and', 'or' or ')', got the end"),
        ("(all lang:de)", 6, "expected 'and', 'or' or ')', got 'lang:de'"),
        ("all)", 4, "got ')'"),
        ("()", 2, "got ')'"),
        ("all or vibes", 8, "there is no slice 'vibes'; slices are all, first_turn, kind:…"),
        ("all AND lang:de", 5, "got 'AND'"),
        ("colour:red", 1, "there is no slice"),
        ("lang:", 1, "there is no slice"),
        ("*", 1, "there is no slice"),
        ("all*", 1, "there is no slice"),
        ("tag:a*b", 1, "only the end of a name is left open"),
        ("tag:**", 1, "only the end of a name is left open"),
        ("not kind:tool", 5, "kind is one of structured, tools, chat, reasoning, code"),
        ("prompt:16k", 1, "prompt is one of 1k, 8k, 32k, over32k"),
        ("schema:other", 1, "name values, or schema:*"),
        ('"tag:x', 1, "does not end"),
        (r'all and "tag:\x"', 9, "backslash"),
        ("x" * (MAX_LENGTH + 1), MAX_LENGTH + 1, f"has {MAX_LENGTH + 1} characters; at most {MAX_LENGTH}"),
        ("(" * (MAX_DEPTH + 1) + "all" + ")" * (MAX_DEPTH + 1), MAX_DEPTH + 2, f"deeper than {MAX_DEPTH} levels"),
        ("not " * (MAX_DEPTH + 1) + "all", 4 * (MAX_DEPTH + 1) + 1, f"deeper than {MAX_DEPTH} levels"),
    ],
)
def test_what_is_no_condition_is_told_with_its_place(text, at, said):
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert str(caught.value).startswith(f"character {at}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all", True),
        ("prompt:32k and lang:de and not kind:tools", True),
        ("prompt:32k and lang:de and kind:tools", False),
        ("lang:fr or lang:de", True),
        ("lang:*", True),
        ("tag:*", False),
        ("not tag:*", True),
        ("lang:d*", True),
        ("lang:f*", False),
        ("not first_turn or lang:fr", True),
        ("not (first_turn or lang:de)", False),
    ],
)
def test_a_condition_holds_by_the_slices_alone(text, expected):
    assert holds(parse(text), {"all", "prompt:32k", "lang:de", "kind:chat"}) is expected


def test_a_condition_has_one_spelling():
    assert str(parse("all  and(not lang:de)or tag:*")) == '(("all" and not "lang:de") or "tag:"*)'
    assert str(parse('"tag:*"')) != str(parse("tag:*"))
    assert str(parse("all and (lang:de or tag:x)")) != str(parse("(all and lang:de) or tag:x"))

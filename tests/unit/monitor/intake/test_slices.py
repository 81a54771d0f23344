import pytest

from detectors.types import Message, Request
from monitor.intake.slices import CODE_WITHIN, MOST_TAGS, slices_of


def request(*texts, **fields):
    return Request(tuple(Message("user", text) for text in texts), **fields)


def test_the_first_turn_has_one_user_message():
    assert "first_turn" in slices_of(request("a"))
    assert "first_turn" not in slices_of(request("a", "b"))
    assert slices_of(Request()) == ()
    history = (Message("system", "x"), Message("user", "a"), Message("assistant", "b"))
    assert "first_turn" in slices_of(Request(history))


@pytest.mark.parametrize(
    ("size", "name"),
    [
        (0, "1k"),
        (1000, "1k"),
        (1001, "8k"),
        (8000, "8k"),
        (8001, "32k"),
        (32_000, "32k"),
        (32_001, "over32k"),
    ],
)
def test_buckets_of_the_prompt(size, name):
    assert f"prompt:{name}" in slices_of(request("x" * size))
    assert f"prompt:{name}" in slices_of(request("x" * (size // 2), "x" * (size - size // 2)))


def test_an_unlogged_prompt_has_no_length():
    assert slices_of(request(None)) == ("first_turn", "kind:chat")


def test_a_schema_is_named_by_its_content():
    one = slices_of(request(response_schema={"type": "object", "required": ["ä"]}))
    same = slices_of(request(response_schema={"required": ["ä"], "type": "object"}))
    other = slices_of(request(response_schema={"type": "array"}))
    assert one == same != other
    assert one[0].startswith("schema:")
    assert len(one[0]) == len("schema:") + 8
    assert slices_of(request(response_schema={"maximum": 10**30}))[0] != one[0]
    assert slices_of(request(response_schema=True)) == ("schema:b5bea41b", "kind:structured")


def test_a_schema_that_comes_again_keeps_its_name_and_another_at_its_place_does_not():
    names = set()
    for n in range(1000):  # freed and made again, some of these have the same identity
        schema = {"const": n}
        names.add(slices_of(request(response_schema=schema))[0])
        assert slices_of(request(response_schema=schema))[0] in names
    assert len(names) == 1000


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, "chat"),
        ({"tools": {"find": None}}, "tools"),
        ({"json_object": True}, "structured"),
        ({"response_schema": False}, "structured"),
        ({"response_schema": {}, "tools": {"find": None}}, "structured"),
    ],
)
def test_a_request_has_one_kind(fields, kind):
    assert [name for name in slices_of(request("a", **fields)) if name.startswith("kind:")] == [f"kind:{kind}"]


def test_a_request_of_nothing_is_in_no_slice():
    assert slices_of(Request()) == slices_of(None) == slices_of(None, None, [""]) == ()


def test_the_language_is_that_of_the_last_user_message():
    dialogue = (
        Message("user", "What is the time and where are you from?"),
        Message("assistant", "It is noon."),
        Message("user", "Und wie ist das Wetter bei dir?"),
        Message("assistant", "The weather is fine and it is not raining."),
    )
    assert "lang:de" in slices_of(Request(dialogue))
    assert "lang:en" in slices_of(Request(dialogue[:2]))
    assert not [name for name in slices_of(Request((*dialogue, Message("user", None)))) if name.startswith("lang:")]


def test_the_endpoint_and_the_tags_come_last():
    found = slices_of(request("a"), "chat", ["b", "a", "b", ""])
    assert found == ("first_turn", "prompt:1k", "kind:chat", "endpoint:chat", "tag:b", "tag:a")


def test_tags_beyond_the_eighth_count_together():
    names = [f"t{n}" for n in range(MOST_TAGS)]
    assert slices_of(None, None, [*names, *names]) == tuple(f"tag:{name}" for name in names)
    assert slices_of(None, None, [*names, "x", "y"]) == (*(f"tag:{name}" for name in names), "tag:other")
    assert slices_of(None, None, ["other", *names]).count("tag:other") == 1


def kinds(*args, **fields):
    return [name for name in slices_of(*args, **fields) if name.startswith("kind:")]


def test_reasoning_stands_beside_the_kind():
    assert kinds(request("a", reasoning=True)) == ["kind:chat", "kind:reasoning"]
    assert kinds(request("a", reasoning=True, json_object=True)) == ["kind:structured", "kind:reasoning"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (request("Why does this fail?\n```python\nprint(1\n```"), True),
        (request("x" * (CODE_WITHIN - 3) + "```"), True),
        (request("x" * (CODE_WITHIN - 2) + "```"), False),
        (request("`a` and ``b``"), False),
        (request("`a` and then\n```\nb\n```"), True),
        (request("```a```", "and in prose?"), False),
        (Request((Message("user", "a"), Message("assistant", "```b```"))), False),
        (Request((Message("system", "```b```"), Message("user", "a"))), False),
        (request(None), False),
        (request("a", tools={"find": None, "apply_patch": None}), True),
        (request("a", tools={"find": None}), False),
    ],
)
def test_code_is_told_by_a_fence_or_a_tool_that_edits(asked, code):
    assert ("kind:code" in kinds(asked)) is code


def test_code_is_told_by_the_tag():
    assert kinds(request("a"), None, ["b", "code"]) == ["kind:chat", "kind:code"]
    assert kinds(request("a"), None, ["codes"]) == ["kind:chat"]
    assert kinds(None, None, ["code"]) == []


@pytest.mark.parametrize(
    ("stated", "label"),
    [
        (0, "greedy"),
        (1e-6, "greedy"),
        (0.04, "0.0"),
        (0.7, "0.7"),
        (0.74, "0.7"),
        (1, "1.0"),
        (9.5, "2.0"),
        (-1, "0.0"),
    ],
)
def test_a_stated_temperature_is_noted_to_a_tenth(stated, label):
    assert slices_of(request("a", temperature=stated))[-1] == f"temperature:{label}"


def test_a_temperature_that_is_not_stated_is_not_noted():
    assert not any(name.startswith("temperature") for name in slices_of(request("a")))

import pytest

from detectors.types import Message, Request
from monitor.intake.slices import slices_of


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
    assert slices_of(request(None)) == ("first_turn",)


def test_a_schema_is_named_by_its_content():
    one = slices_of(request(response_schema={"type": "object", "required": ["ä"]}))
    same = slices_of(request(response_schema={"required": ["ä"], "type": "object"}))
    other = slices_of(request(response_schema={"type": "array"}))
    assert one == same != other
    assert one[0].startswith("schema:")
    assert len(one[0]) == len("schema:") + 8
    assert slices_of(request(response_schema={"maximum": 10**30}))[0] != one[0]
    assert slices_of(request(response_schema=True)) == ("schema:b5bea41b",)

import json

import pytest

from monitor.intake.skeleton import skeleton


def test_strings_numbers_and_strange_keys_are_hidden():
    raw = json.dumps({"request_id": "secret", "status": 200, "stream": True, "leg": None, "my secret key": 1}).encode()
    assert json.loads(skeleton(raw)) == {
        "request_id": "<6 chars>",
        "status": "<number>",
        "stream": True,
        "leg": None,
        "<key>": "<number>",
    }


def test_depth_items_and_keys_are_bounded():
    raw = json.dumps({"request": {"messages": [{"content": [[[[1]]]]}] * 9}}).encode()
    shape = json.loads(skeleton(raw))
    assert shape["request"]["messages"][-1] == "<5 more>"
    assert "<array of 1>" in skeleton(raw)
    assert len(json.loads(skeleton(json.dumps({"model": dict.fromkeys("abcdefgh", 1)}).encode()))["model"]) == 1


def test_the_limit_holds():
    raw = json.dumps([dict.fromkeys(("request_id", "status", "request"), "x")] * 4).encode()
    assert len(skeleton(raw, 50)) == 50


@pytest.mark.parametrize("raw", [b"", b"{", b"secret", b'"\xff"', b"[" * 100_000])
def test_what_is_not_json_has_no_shape(raw):
    assert skeleton(raw) is None

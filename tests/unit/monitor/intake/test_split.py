import contextlib
import json
import time

import pytest

from monitor.errors import PayloadTooLargeError, UndecodableError
from monitor.intake.decode import split
from monitor.intake.limits import Limits

LIMITS = Limits()


def shape(body, limits=LIMITS):
    """Return each record as its bytes, each rejection as its code."""
    return [part if isinstance(part, bytes) else part.code for part in split(body, limits)]


@pytest.mark.parametrize(
    ("body", "records"),
    [
        (b'[{"a":1}, {"b":2}]', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":1}', [b'{"a":1}']),
        (b'{\n  "a": [\n    1\n  ]\n}\n', [b'{\n  "a": [\n    1\n  ]\n}']),
        (b'{\n "a": 1\n}\n{\n "b": 2\n}', [b'{\n "a": 1\n}', b'{\n "b": 2\n}']),
        (b'{"a":1}\n{"b":2}', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":1}\r\n\r\n{"b":2}\r\n', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":1}{"b":"}{"}{"c":3}', [b'{"a":1}', b'{"b":"}{"}', b'{"c":3}']),
        (b'\xef\xbb\xbf \n{"a":1}', [b'{"a":1}']),
        (b'\xef\xbb\xbf[{"a":1}]', [b'{"a":1}']),
        (b'{"data":[{"a":1},{"b":2}]}', [b'{"a":1}', b'{"b":2}']),
        (b'{"count":1,"events":[{"a":1}]}', [b'{"a":1}']),
        (b'{"records":[{"a":1}]}{"data":[{"b":2}]}', [b'{"a":1}', b'{"b":2}']),
        (b'{"request_id":"r","data":[{"a":1}]}', [b'{"request_id":"r","data":[{"a":1}]}']),
        (b'{"data":{"a":1}}', [b'{"data":{"a":1}}']),
        (b'[{"a":1},null,{"b":2},null]', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":1}\nnull\n', [b'{"a":1}']),
        (b'[{"a":1}]\n[{"b":2}]', [b'{"a":1}', b'{"b":2}']),
        (b"[]", []),
        (b"null", []),
        (b'[1,"x",[2]]', [b"1", b'"x"', b"[2]"]),
    ],
)
def test_framings(body, records):
    assert split(body, LIMITS) == records


BAD = "malformed_json"


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b'{"a":1}\nrubbish\n{"b":2}', [b'{"a":1}', BAD, b'{"b":2}']),
        (b'{"a":1}\n{"x": 1\n{"b":2}\n', [b'{"a":1}', BAD, b'{"b":2}']),
        (b'{"a":1}\n{"x": "cut\n{"b":2}\n', [b'{"a":1}', BAD, b'{"b":2}']),
        (b'}}}\n{"a":1}\n{"x": {"y": \n', [BAD, b'{"a":1}', BAD]),
        (b'2026-11-21 INFO start\n{"a":1}', [BAD, b'{"a":1}']),
        (b'{"a":1}{"x":tru}{"b":2}', [b'{"a":1}', b'{"x":tru}', b'{"b":2}']),
        (b'[{"a":1},{"x":NaN},{"b":2}]', [b'{"a":1}', b'{"x":NaN}', b'{"b":2}']),
        (b'[\n{"a":1},\n{"x":"cut},\n{"b":2}\n]', [b'{"a":1}', BAD, b'{"b":2}']),
        (b'[{"a":1},{"b":2},{"c":', [b'{"a":1}', b'{"b":2}', BAD]),
        (b'[{"a":1},{"b":2}', [b'{"a":1}', b'{"b":2}', BAD]),
        (b'[{"a":1},', [b'{"a":1}', BAD]),
        (b'[{\n{"a":1}\n}\n{"b":2}', [BAD, b'{"a":1}', b"}", b'{"b":2}', BAD]),
        (b'{"a":1}\n[[\n{"b":2}\n{"c":3}', [b'{"a":1}', BAD, b'{"b":2}', b'{"c":3}', BAD]),
        (b'[\n {\n  "a": 1\n },\n {\n  "b":', [b'{\n  "a": 1\n }', BAD]),
        (
            b'{"data":[{"a":1},{"x":NaN},{"b":2}]}\n{"c":3}',
            [b'{"a":1}', b'{"x":NaN}', b'{"b":2}', b'{"c":3}'],
        ),
        (b'[{"a":1},{"x":"\xff"},{"b":2}]', [b'{"a":1}', b'{"x":"\xff"}', b'{"b":2}']),
    ],
)
def test_a_bad_part_never_takes_its_neighbours_along(body, parts):
    assert shape(body) == parts


@pytest.mark.parametrize("body", [b"", b" \n\t", b"\xef\xbb\xbf"])
def test_an_empty_body(body):
    with pytest.raises(UndecodableError, match="empty"):
        split(body, LIMITS)


@pytest.mark.parametrize("body", [b"hello", b"{", b"{bad}", b"NaN", b"\x00\x01", b"<html>", b"a=1&b=2", b'["'])
def test_nothing_decodable(body):
    with pytest.raises(UndecodableError, match="Nothing"):
        split(body, LIMITS)


def test_oversized_records_are_rejected_alone():
    limits = Limits(max_record_bytes=100)
    big = b'{"x":"' + b"y" * 200 + b'"}'
    assert shape(b'[{"a":1},' + big + b',{"b":2}]', limits) == [b'{"a":1}', "record_too_large", b'{"b":2}']
    assert shape(b'{"a":1}\n' + big + b"\n", limits) == [b'{"a":1}', "record_too_large"]
    assert split(big, limits)[0].size == len(big)
    assert "100" in split(big, limits)[0].detail
    wrapped = b'{"data":[' + b",".join([b'{"a":1}'] * 50) + b"]}"
    assert shape(wrapped, limits) == [b'{"a":1}'] * 50


@pytest.mark.parametrize("body", [b"[" + b"1," * 10 + b"1]", b'{"a":1}' * 11, b"rubbish\n" * 11, b'{"a":1}\n' * 11])
def test_too_many_records(body):
    with pytest.raises(PayloadTooLargeError, match="10 records"):
        split(body, Limits(max_batch_records=10))


def test_the_limit_of_records_is_inclusive():
    assert len(split(b'{"a":1}\n' * 10, Limits(max_batch_records=10))) == 10


def test_rejections_carry_their_place_and_no_text():
    rejection = split(b'{"a":1}\nsecret words\n', LIMITS)[1]
    assert (rejection.index, rejection.code, rejection.size) == (1, BAD, 12)
    assert "secret" not in str(rejection)


@pytest.mark.parametrize("closed", [True, False])
def test_deep_nesting_is_passed_over(closed):
    deep = b'{"a":' * 100_000 + (b"1" + b"}" * 100_000 if closed else b"")
    parts = split(b'{"a":1}\n' + deep + b'\n{"b":2}', Limits(max_record_bytes=4 << 20))
    assert parts[0] == b'{"a":1}'
    assert parts[-1] == b'{"b":2}'
    assert len(parts) == 3
    assert parts[1].code == "too_deep"


def test_a_text_cut_within_an_emoji_stays_a_record():
    body = b'{"a":"\\ud83d","b":1}'
    assert split(body, LIMITS) == [body]
    assert split(b"[" + body + b"," + body + b"]", LIMITS) == [body, body]


HOSTILE = {
    "braces": b"{",
    "open lines": b"{\n",
    "open keys": b'{"a":\n',
    "open arrays": b"[\n",
    "cut elements": b'{"a":1,\n',
    "quotes": b'"',
    "escapes": b'"\\',
    "commas": b",",
    "bad glued": b'{"a":x}',
    "cut emoji": b'{"a":"\\ud83d"}',
    "glued": b'{"a":1}',
    "filled": b'{"a":[\n' + b"1," * 3000 + b"\n",
}


@pytest.mark.parametrize("prefix", [b"", b"[", b'{"data":['])
@pytest.mark.parametrize("name", HOSTILE)
def test_time_grows_in_proportion(name, prefix):
    def seconds(size):
        body = prefix + HOSTILE[name] * (size // len(HOSTILE[name]))
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            with contextlib.suppress(UndecodableError, PayloadTooLargeError):
                split(body, LIMITS)
            best = min(best, time.process_time() - start)
        return best

    # 8 times the bytes: linear work takes 8 times as long, quadratic work 64 times
    assert seconds(1 << 20) < 24 * seconds(1 << 17) + 0.05


def test_a_large_good_body_is_split_whole():
    events = [json.dumps({"request_id": str(n), "text": "x" * 500}).encode() for n in range(20_000)]
    assert split(b"\n".join(events), LIMITS) == events
    assert split(b"[" + b",".join(events) + b"]", LIMITS) == events
    assert split(b"".join(events), LIMITS) == events

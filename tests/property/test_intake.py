import contextlib
import gzip
import json
import string
from datetime import UTC, datetime

import pytest
import zstandard
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.errors import PayloadTooLargeError, UndecodableError, UnsupportedEncodingError
from monitor.intake.decode import decompress, split
from monitor.intake.doors import DOORS
from monitor.intake.fields import FieldError
from monitor.intake.limits import Limits
from monitor.intake.native import parse
from monitor.intake.skeleton import KNOWN_KEYS, skeleton
from monitor.models.event import Event, Rejection

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
LIMITS = Limits(max_body_bytes=65_536, max_decoded_bytes=65_536, max_record_bytes=4096, max_batch_records=200)
DOCUMENTED = (PayloadTooLargeError, UndecodableError, UnsupportedEncodingError)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(sorted(KNOWN_KEYS)), inner, max_size=4),
    max_leaves=12,
)
BODIES = st.dictionaries(st.sampled_from(sorted(KNOWN_KEYS)), VALUES, max_size=6)
JSONISH = st.lists(
    st.sampled_from(
        [b"{", b"}", b"[", b"]", b'"', b",", b":", b"\n", b"\\", b"1", b"null", b'"data"', b'"a"', b"\\ud800"]
    ),
    max_size=60,
).map(b"".join)


def events(body):
    """Return what the native door makes of a body."""
    return [part if isinstance(part, Rejection) else parse(part, 0, NOW, LIMITS).result for part in split(body, LIMITS)]


@given(
    body=st.binary(max_size=200) | JSONISH | BODIES.map(lambda doc: json.dumps(doc).encode()),
    wrap=st.sampled_from([bytes, gzip.compress, zstandard.compress]),
    cut=st.integers(0, 20),
    encoding=st.sampled_from([None, "identity", "gzip", "deflate", "zstd", "br", "gzip, zstd"]) | st.text(max_size=5),
    door=st.sampled_from(sorted(DOORS)),
)
def test_only_documented_errors_are_raised(body, wrap, cut, encoding, door):
    sent = wrap(body)
    with contextlib.suppress(*DOCUMENTED):
        for index, part in enumerate(split(decompress(sent[: len(sent) - cut], encoding, LIMITS), LIMITS)):
            if isinstance(part, bytes):
                assert isinstance(DOORS[door].parse(part, index, NOW, LIMITS).result, (Event, Rejection))
            else:
                assert part.index == index


@given(request=BODIES, response=BODIES, sse=st.text() | BODIES.map(lambda doc: f"data: {json.dumps(doc)}\n\n"))
def test_no_body_rejects_an_event(request, response, sse):
    doc = {
        "request_id": "r",
        "started_at": NOW.isoformat(),
        "request": request,
        "response": response,
        "response_sse": sse,
    }
    found = parse(json.dumps(doc).encode(), 0, NOW, Limits()).result
    assert isinstance(found, Event)


@given(
    lines=st.lists(
        st.tuples(st.just(True), st.text(max_size=20))
        | st.tuples(st.just(False), st.binary(max_size=30).filter(lambda line: b"\n" not in line) | JSONISH),
        min_size=1,
        max_size=12,
    )
)
def test_good_lines_among_garbage_are_all_recovered(lines):
    sent, wanted = [], []
    for good, line in lines:
        if good:
            wanted.append(f"r{len(wanted)}")
            doc = {"request_id": wanted[-1], "started_at": NOW.isoformat(), "request": {"prompt": line}}
            sent.append(json.dumps(doc).encode())
        else:
            # without : and ] no garbage makes one valid document with the lines around it
            sent.append(line.replace(b"\n", b" ").translate(None, b":]"))
    assume(wanted)
    found = [event.request_id for event in events(b"\n".join(sent)) if isinstance(event, Event)]
    assert found == wanted


@given(st.lists(BODIES, min_size=1, max_size=8), st.sampled_from([b"\n", b"", b" ", b"\r\n\r\n"]), st.booleans())
def test_framing_does_not_change_the_records(docs, glue, pretty):
    docs = [{"request_id": "r", **doc} for doc in docs]
    raws = [json.dumps(doc, indent=1 if pretty else None).encode() for doc in docs]
    assert [json.loads(raw) for raw in split(glue.join(raws), Limits())] == docs
    assert split(glue.join(raws), Limits()) == split(b"[" + b",".join(raws) + b"]", Limits())


SECRETS = st.text(string.ascii_uppercase, min_size=6, max_size=12)


@given(SECRETS, VALUES, st.sampled_from(sorted(KNOWN_KEYS)))
def test_a_skeleton_leaks_no_string(secret, value, key):
    doc = {key: secret, secret: value, "request": {"messages": [{"content": secret, secret: [secret]}]}}
    shape = skeleton(json.dumps(doc).encode())
    assert secret not in shape
    assert len(shape) <= 2048


@given(SECRETS, st.sampled_from(["request_id", "leg", "error", "started_at", "status", "request", "attempt"]))
def test_a_rejection_leaks_no_string(secret, name):
    doc = {
        "request_id": "r\0" if name == "request_id" else "r",
        "started_at": NOW.isoformat(),
        "route": secret,
    }
    found = parse(
        json.dumps({**doc, name: doc[name] + secret if name == "request_id" else secret}).encode(),
        0,
        NOW,
        LIMITS,
    )
    assert isinstance(found.result, Rejection)
    assert secret not in repr(found.result)


def test_field_errors_stay_inside():
    assert not issubclass(FieldError, DOCUMENTED)
    with pytest.raises(UndecodableError):
        events(b"")

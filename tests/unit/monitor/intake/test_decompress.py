import gzip
import tracemalloc
import zlib
from datetime import timedelta

import pytest
import zstandard

from monitor.errors import PayloadTooLargeError, UndecodableError, UnsupportedEncodingError
from monitor.intake.decode import decompress
from monitor.intake.limits import Limits

LIMITS = Limits(max_body_bytes=1 << 20, max_decoded_bytes=4 << 20)
BODY = b'{"request_id":"r-1","started_at":1795246202150}' * 50


def raw_deflate(body):
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(body) + coder.flush()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (BODY, None),
        (BODY, "identity"),
        (gzip.compress(BODY), "gzip"),
        (gzip.compress(BODY), " GZIP , identity"),
        (zlib.compress(BODY), "deflate"),
        (raw_deflate(BODY), "deflate"),
        (zlib.compress(BODY), "zlib"),
        (zstandard.compress(BODY), "zstd"),
        (zstandard.compress(gzip.compress(BODY)), "gzip, zstd"),
    ],
)
def test_encodings_are_undone(body, encoding):
    assert decompress(body, encoding, LIMITS) == BODY


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(BODY), None),
        (gzip.compress(BODY), "identity"),
        (gzip.compress(BODY), "zstd"),
        (zstandard.compress(BODY), None),
        (zstandard.compress(BODY), "gzip"),
        (BODY, "gzip"),
        (b"\xef\xbb\xbf" + BODY, "zstd"),
        (BODY, "deflate"),
    ],
)
def test_the_first_bytes_are_believed_over_the_header(body, encoding):
    assert decompress(body, encoding, LIMITS).removeprefix(b"\xef\xbb\xbf") == BODY


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress, zstandard.compress])
def test_concatenated_members_are_joined(compress):
    assert decompress(compress(BODY) + compress(b"[1]") + b"\0\0", None, LIMITS) == BODY + b"[1]"


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress, zstandard.compress])
@pytest.mark.parametrize("cut", [1, 8, 20])
def test_a_cut_off_stream_is_undecodable(compress, cut):
    with pytest.raises(UndecodableError):
        decompress(compress(BODY)[:-cut], None, LIMITS)


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(BODY)[:-8] + b"\0" * 8,
        gzip.compress(BODY) + b"rubbish",
        b"\x28\xb5\x2f\xfd" + b"rubbish" * 9,
        b"\x1f\x8b\x08",
    ],
)
def test_a_broken_stream_is_undecodable(body):
    with pytest.raises(UndecodableError):
        decompress(body, None, LIMITS)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_neither_text_nor_what_the_header_says(encoding):
    with pytest.raises(UndecodableError, match=encoding):
        decompress(b"\x00\x01\x02", encoding, LIMITS)


@pytest.mark.parametrize("encoding", ["br", "snappy", "gzip, br", "gzip, gzip, gzip"])
def test_unknown_encodings(encoding):
    with pytest.raises(UnsupportedEncodingError):
        decompress(BODY, encoding, LIMITS)


def test_a_huge_body_is_refused_before_decompression():
    with pytest.raises(PayloadTooLargeError, match="1048577"):
        decompress(b" " * (LIMITS.max_body_bytes + 1), None, LIMITS)


def test_plain_bodies_keep_to_the_decoded_limit_too():
    with pytest.raises(PayloadTooLargeError):
        decompress(b" " * 2000, None, Limits(max_decoded_bytes=1000))


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress, raw_deflate, zstandard.compress])
def test_a_bomb_is_stopped_in_bounded_memory(compress):
    bomb = compress(b"0" * (200 << 20))
    assert len(bomb) < LIMITS.max_body_bytes
    tracemalloc.start()
    try:
        with pytest.raises(PayloadTooLargeError, match="after decompression"):
            decompress(bomb, "deflate", LIMITS)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * LIMITS.max_decoded_bytes


def test_many_small_members_are_bounded():
    with pytest.raises(PayloadTooLargeError, match="members"):
        decompress(gzip.compress(b"") * 20_000, None, LIMITS)


def test_exactly_the_limit_is_taken():
    body = b"1" * LIMITS.max_decoded_bytes
    assert decompress(gzip.compress(body), None, LIMITS) == body
    assert decompress(zstandard.compress(body), None, LIMITS) == body


@pytest.mark.parametrize("field", ["max_body_bytes", "max_decoded_bytes", "max_record_bytes", "max_batch_records"])
def test_limits_are_positive(field):
    with pytest.raises(ValueError, match=field):
        Limits(**{field: 0})


def test_limits_of_time_are_positive():
    with pytest.raises(ValueError, match="max_age"):
        Limits(max_age=timedelta(0))

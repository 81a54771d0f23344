import random
from datetime import date
from uuid import UUID

import pytest
import zstandard

from monitor.storage.texts import CODEC, MAX_BLOB_BYTES, Blob, decode, encode


@pytest.mark.parametrize("texts", [[], [b""], [b"one"], [b"", b"two", b""], [b"\0\xff" * 500, b"x" * 70_000]])
def test_what_was_encoded_is_decoded(texts):
    assert decode(CODEC, encode(texts)) == texts


def test_many_texts_are_decoded_in_order():
    source = random.Random(5)  # noqa: S311 - a seeded test
    texts = [source.randbytes(source.randrange(300)) for _ in range(1_000)]
    assert decode(CODEC, encode(texts)) == texts


@pytest.mark.parametrize("body", [b"\0\0", b"\0\0\0\x09short", b"\0\0\0\x01a\0\0\0\x05"])
def test_a_damaged_blob_is_refused(body):
    with pytest.raises(ValueError, match="ends inside"):
        decode(CODEC, zstandard.ZstdCompressor().compress(body))


def test_what_is_no_blob_is_refused():
    with pytest.raises(ValueError, match="no zstd frame"):
        decode(CODEC, b"plain")
    with pytest.raises(ValueError, match="got 'lz4'"):
        decode("lz4", encode([b"one"]))


def test_places_stay_when_texts_are_taken_out():
    blob = Blob(1, date(2026, 3, 2), UUID(int=1), [])
    assert [blob.add(body) for body in (b"one", b"two", b"three")] == [0, 1, 2]
    blob.keep({2})
    assert decode(CODEC, encode(blob.texts)) == [b"", b"", b"three"]
    assert blob.size == len(b"three")


def test_a_blob_of_its_largest_size_is_full():
    blob = Blob(1, date(2026, 3, 2), UUID(int=1), [])
    blob.add(b"x" * (MAX_BLOB_BYTES - 1))
    assert not blob.full
    blob.add(b"x")
    assert blob.full

"""Stored texts: many requests and responses compressed together, found again by their place in the blob.

A blob is one zstd frame. Inside, each text is its length (four bytes, big-endian) and its bytes. A text
that turned out not to be needed is an empty entry, so that the places of the others stay.
"""

import struct
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

import zstandard
from sqlalchemy import text
from sqlalchemy.orm import Session

__all__ = ["CODEC", "MAX_BLOB_BYTES", "Blob", "TextStore", "compressed", "decode", "encode"]

CODEC: Final = "zstd"
MAX_BLOB_BYTES: Final = 8 * 1024 * 1024
"""A blob that has reached this size before compression takes no further text: reading one text stays cheap."""
_LEVEL: Final = 1
_LENGTH: Final = struct.Struct(">I")


def encode(texts: Sequence[bytes]) -> bytes:
    """Return a blob of texts.

    >>> decode(CODEC, encode([b"one", b"", b"three"]))
    [b'one', b'', b'three']
    """
    body = b"".join([part for each in texts for part in (_LENGTH.pack(len(each)), each)])
    return zstandard.ZstdCompressor(level=_LEVEL).compress(body)


def decode(codec: str, blob: bytes) -> list[bytes]:
    """Return the texts of a blob.

    Raises:
        ValueError: the codec is unknown or the blob is damaged.
    """
    if codec != CODEC:
        raise ValueError(f"codec must be {CODEC!r}, got {codec!r}")
    try:
        body = zstandard.ZstdDecompressor().decompress(blob)
    except zstandard.ZstdError:
        raise ValueError(f"the blob of {len(blob)} bytes is no zstd frame") from None
    texts: list[bytes] = []
    at = 0
    while at < len(body):
        if at + _LENGTH.size > len(body):
            raise ValueError("the blob ends inside a length")
        (size,) = _LENGTH.unpack_from(body, at)
        at += _LENGTH.size + size
        if at > len(body):
            raise ValueError("the blob ends inside a text")
        texts.append(body[at - size : at])
    return texts


@dataclass(slots=True)
class Blob:
    """Texts of one route and day on their way into one blob."""

    route_id: int
    day: date
    blob_id: UUID
    texts: list[bytes]
    size: int = 0

    def add(self, body: bytes) -> int:
        """Add a text and return its place."""
        self.texts.append(body)
        self.size += len(body)
        return len(self.texts) - 1

    def keep(self, places: AbstractSet[int]) -> None:
        """Empty every other entry."""
        self.texts = [body if index in places else b"" for index, body in enumerate(self.texts)]
        self.size = sum(map(len, self.texts))

    @property
    def full(self) -> bool:
        """Whether the next text belongs in another blob."""
        return self.size >= MAX_BLOB_BYTES


def compressed(blobs: Iterable[Blob]) -> list[tuple[int, date, UUID, str, bytes]]:
    """Return the rows of ``event_texts`` for blobs, in key order; takes long, so call it on a thread."""
    rows = [(blob.route_id, blob.day, blob.blob_id, CODEC, encode(blob.texts)) for blob in blobs]
    return sorted(rows, key=lambda row: (row[1], row[0], row[2].bytes))


class TextStore:
    """Reads of ``event_texts``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def texts_of(self, route_id: int, day: date, blob_id: UUID) -> list[bytes]:
        """Return the texts of a blob by place; none if it was dropped."""
        row = self._session.execute(
            text(
                "SELECT codec, body FROM event_texts WHERE route_id = :route AND start_day = :day AND blob_id = :blob"
            ),
            {"route": route_id, "day": day, "blob": blob_id},
        ).one_or_none()
        return [] if row is None else decode(row.codec, row.body)

    def text_of(self, route_id: int, day: date, event_key: UUID) -> bytes | None:
        """Return the text of one event; None if none was kept or it was dropped."""
        row = self._session.execute(
            text(
                "SELECT text_blob, text_index FROM events "
                "WHERE route_id = :route AND start_day = :day AND event_key = :key AND text_blob IS NOT NULL"
            ),
            {"route": route_id, "day": day, "key": event_key},
        ).one_or_none()
        if row is None:
            return None
        texts = self.texts_of(route_id, day, row.text_blob)
        return texts[row.text_index] if row.text_index < len(texts) and texts[row.text_index] else None

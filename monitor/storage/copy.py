"""Rows as PostgreSQL's binary COPY format takes them. Pure: values in, bytes out.

A field is its length and its bytes, NULL is the length -1; everything is big-endian.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

__all__ = ["COPY_END", "COPY_START", "PACKERS", "RowPacker", "UnpackableError"]

COPY_START: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
"""The signature, no flags, no header extension."""
COPY_END: Final = struct.pack(">h", -1)

_NULL: Final = struct.pack(">i", -1)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL: Final = date(2000, 1, 1).toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)
_TEXT_OID: Final = 25
_UUID_BYTES: Final = 16
_REAL_OID: Final = 700
_EMPTY_ARRAY_BYTES: Final = 12
_ARRAY_BYTES: Final = 20
_LABEL_CHARS: Final = 64
"""Shorter texts often repeat (a source, a model's name): their packed form is remembered."""
_REMEMBERED: Final = 2048
"""Combinations of labels whose packed form is remembered; each has at most some 3 KB."""

_length = struct.Struct(">i").pack
_int2 = struct.Struct(">ih").pack
_int4 = struct.Struct(">ii").pack
_int8 = struct.Struct(">iq").pack
_float4 = struct.Struct(">if").pack
_bool = struct.Struct(">i?").pack
_array = struct.Struct(">iiiii").pack
_shape = struct.Struct(">iii").pack


class UnpackableError(ValueError):
    """A value does not fit its column. The message names the column's type, never the value."""


def _timestamptz(value: datetime) -> bytes:
    return _int8(8, (value - _EPOCH) // _MICROSECOND)


def _date(value: date) -> bytes:
    return _int4(4, value.toordinal() - _EPOCH_ORDINAL)


def _uuid(value: UUID | bytes) -> bytes:
    own = value if isinstance(value, bytes) else value.bytes
    if len(own) != _UUID_BYTES:
        raise ValueError(f"a uuid has {_UUID_BYTES} bytes")
    return b"\0\0\0\x10" + own


def _long_text(value: str) -> bytes:
    encoded = value.encode()
    return _length(len(encoded)) + encoded


_label = lru_cache(maxsize=4096)(_long_text)


def _text(value: str) -> bytes:
    return _label(value) if len(value) <= _LABEL_CHARS else _long_text(value)


@lru_cache(maxsize=4096)
def _text_array(values: tuple[str, ...]) -> bytes:
    if not values:
        body = _shape(0, 0, _TEXT_OID)
    else:
        body = _array(1, 0, _TEXT_OID, len(values), 1) + b"".join(map(_long_text, values))
    return _length(len(body)) + body


def _real_array(values: Sequence[float | None]) -> bytes:
    items = b"".join([_NULL if value is None else _float4(4, value) for value in values])
    if not items:
        return _length(_EMPTY_ARRAY_BYTES) + _shape(0, 0, _REAL_OID)
    return _length(_ARRAY_BYTES + len(items)) + _array(1, None in values, _REAL_OID, len(values), 1) + items


def _bytea(value: bytes) -> bytes:
    return _length(len(value)) + value


PACKERS: Final[Mapping[str, Callable[[Any], bytes]]] = {
    "bigint": lambda value: _int8(8, value),
    "integer": lambda value: _int4(4, value),
    "smallint": lambda value: _int2(2, value),
    "real": lambda value: _float4(4, value),
    "boolean": lambda value: _bool(1, value),
    "date": _date,
    "timestamptz": _timestamptz,
    "uuid": _uuid,
    "text": _text,
    "text[]": _text_array,
    "real[]": _real_array,
    "bytea": _bytea,
}
"""Column types, with what packs one value. ``text[]`` takes tuples, ``real[]`` numbers with None for NULL."""


class RowPacker:
    """Packs rows of one table.

    The first ``labels`` columns are packed together and remembered: they hold names, of which there are few, so
    that most rows find theirs packed already. Each must have one type of value only (1 is equal to True).

    Raises:
        KeyError: a column's type has no packer.
    """

    def __init__(self, kinds: Sequence[str], labels: int = 0) -> None:
        self._kinds = tuple(kinds)
        packers = tuple(PACKERS[kind] for kind in kinds)
        self._labels, self._packers = packers[:labels], packers[labels:]
        self._split = labels
        self._start = struct.pack(">h", len(packers))
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._head)

    def pack(self, row: Sequence[Any]) -> bytes:
        """Return one row in the COPY format.

        Raises:
            UnpackableError: a value is out of its column's range or of another type.
        """
        try:
            head = self._remembered(tuple(row[: self._split]))
            return head + _packed(self._packers, row[self._split :])
        except (struct.error, TypeError, ValueError, AttributeError, OverflowError):
            raise UnpackableError(f"the row has a value that is no {self._culprit(row)}") from None

    def _head(self, labels: tuple[Any, ...]) -> bytes:
        return self._start + _packed(self._labels, labels)

    def _culprit(self, row: Sequence[Any]) -> str:
        for kind, pack, value in zip(self._kinds, (*self._labels, *self._packers), row, strict=False):
            try:
                if value is not None:
                    pack(value)
            except (struct.error, TypeError, ValueError, AttributeError, OverflowError):
                return kind
        return "row of this table"


def _packed(packers: Sequence[Callable[[Any], bytes]], values: Sequence[Any]) -> bytes:
    return b"".join([_NULL if value is None else pack(value) for pack, value in zip(packers, values, strict=True)])

import re
import struct
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from monitor.storage.copy import PACKERS, RowPacker, UnpackableError


def test_a_row_is_its_count_of_fields_and_each_field_with_its_length():
    row = RowPacker(["smallint", "text", "integer"]).pack((7, "é", None))
    assert row == struct.pack(">h ih i2s i", 3, 2, 7, 2, "é".encode(), -1)


def test_dates_and_times_count_from_the_year_2000():
    assert PACKERS["date"](date(2000, 1, 2)) == struct.pack(">ii", 4, 1)
    assert PACKERS["timestamptz"](datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == struct.pack(">iq", 8, -1)


def test_labels_are_packed_once_and_exactly_like_the_rest():
    kinds, rows = ["text", "smallint", "integer"], [("a", 1, 5), ("a", 1, 6), ("a", None, 7), (None, 1, 5)]
    plain, remembering = RowPacker(kinds), RowPacker(kinds, labels=2)
    assert [remembering.pack(row) for row in rows * 2] == [plain.pack(row) for row in rows * 2]


def test_a_label_that_does_not_fit_is_refused_each_time():
    packer = RowPacker(["smallint", "text"], labels=1)
    for _ in range(2):
        with pytest.raises(UnpackableError, match="smallint"):
            packer.pack((100_000, "x"))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("smallint", 100_000),
        ("integer", 2**31),
        ("bigint", -(2**63) - 1),
        ("text", "half \ud83d"),
        ("text", 5),
        ("date", "2026-03-02"),
        ("timestamptz", datetime(2026, 3, 2)),  # noqa: DTZ001 - it must be refused
        ("uuid", "4711"),
        ("uuid", b"short"),
        ("real[]", [0.0, "x"]),
        ("real", 1e300),
    ],
)
def test_what_does_not_fit_is_refused_by_the_name_of_its_type(kind, value):
    with pytest.raises(UnpackableError, match=re.escape(kind)) as refused:
        RowPacker(["uuid", kind]).pack((UUID(int=1), value))
    assert str(value) not in str(refused.value)


def test_a_row_of_another_width_is_refused():
    with pytest.raises(UnpackableError):
        RowPacker(["integer"]).pack((1, 2))


def test_an_unknown_type_is_refused():
    with pytest.raises(KeyError, match="money"):
        RowPacker(["money"])

from __future__ import annotations

import pytest

from moduline.errors import BadFormat, TooBig
from moduline.formats.record import Field, RecordTable, WideText

TABLE = RecordTable(
    "sample",
    (
        Field("a", "u8", "one byte"),
        Field("b", "u16", "little"),
        Field("c", "u16be", "big"),
        Field("d", "u32", "little", "bytes"),
        Field("e", "u32be", "big"),
        Field("f", "u16[2]", "two"),
        Field("g", "bytes:3", "raw"),
        Field("h", "utf16:6", "text"),
    ),
    total_bytes=26,
)
GOLDEN = bytes.fromhex("01 0203 0203 04050607 04050607 0100 0200 aabbcc 4100 0000 4200")
VALUES = {
    "a": 1,
    "b": 0x0302,
    "c": 0x0203,
    "d": 0x07060504,
    "e": 0x04050607,
    "f": (1, 2),
    "g": b"\xaa\xbb\xcc",
    "h": WideText(b"A\0\0\0B"),
}


def test_record_when_unpacked_then_every_kind_reads_its_bytes():
    assert TABLE.unpack(b"xx" + GOLDEN, 2) == VALUES
    assert TABLE.pack(VALUES) == GOLDEN


@pytest.mark.parametrize("at", [-1, 1, 26, 1000])
def test_record_when_data_ends_too_early_then_says_where(at):
    with pytest.raises(BadFormat) as failure:
        TABLE.unpack(GOLDEN, at)
    assert failure.value.facts["rule"] == "truncated"


@pytest.mark.parametrize(
    "change",
    [{"a": 256}, {"a": -1}, {"d": 1 << 32}, {"f": (1, 65536)}, {"f": (1,)}, {"g": b"1"}, {"h": WideText(b"1234567")}],
)
def test_record_when_value_does_not_fit_then_refuses(change):
    with pytest.raises(TooBig):
        TABLE.pack(VALUES | change)


def test_record_when_stated_size_is_wrong_then_import_fails():
    with pytest.raises(AssertionError):
        RecordTable("sample", (Field("a", "u8", ""),), total_bytes=2)


def test_record_when_described_then_one_row_per_field_with_unit():
    rows = TABLE.describe(VALUES)
    assert [row[0] for row in rows] == list("abcdefgh")
    assert rows[3] == ("d", "0x7060504 (117835012)", "little, bytes")
    assert "| 5 | 4 | u32 | `d` | little, bytes |" in TABLE.as_markdown()


def test_wide_text_when_garbage_stands_behind_nul_then_text_is_cut_and_bytes_stay():
    field = "AP".encode("utf-16-le") + b"\0\0" + b"\xff\xd8\x01" + bytes(7)
    value = WideText.unpack(field)
    assert value.text == "AP"
    assert value.pack(len(field)) == field


def test_wide_text_when_lone_surrogate_then_text_is_printable_and_bytes_stay():
    value = WideText.unpack(b"\x00\xd8A\0")
    assert value.text.encode()
    assert value.pack(4) == b"\x00\xd8A\0"

from __future__ import annotations

import hashlib
import struct
import zlib

import pytest

from asr_maker import table as made_by_hand
from moduline.errors import BadChecksum, BadFormat, TooBig
from moduline.formats.container import asr_table
from moduline.formats.container.asr_table import AsrPartition, PartitionTable
from samples import sample

EXAMPLE = PartitionTable(
    (
        AsrPartition.of("all", "group", 0, 0x1000000, 0),
        AsrPartition.of("external", "flash", 0, 0x1000000, 1),
        AsrPartition.of("customer_fs", "raw", 0x900000, 0x500000),
        AsrPartition.of("customer_backup_fs", "raw", 0xE00000, 0x32000),
    )
)


def test_table_when_of_the_worked_example_then_the_references_bytes():
    """platform-asr 1.4: file hash, last four bytes, and both ends of slot 2."""
    data = asr_table.write(EXAMPLE)
    assert len(data) == 2188
    assert hashlib.sha256(data).hexdigest() == "9f1f8515117a20f7f66dfc2eef62eb37956059ef69c1793bc74a7f1c2b300d0f"
    assert data[-4:] == bytes.fromhex("CBABF834")
    slot = data[8 + 2 * 68 : 8 + 3 * 68]
    assert slot.startswith(bytes.fromhex("63 75 73 74 6F 6D 65 72 5F 66 73 00"))
    assert slot.endswith(bytes.fromhex("00 00 90 00 00 00 50 00 00 00 90 80 00 00 50 00 02 00 00 00"))
    assert asr_table.read(data) == EXAMPLE


def test_table_when_real_then_the_references_places_and_the_same_bytes():
    data = sample("asr/partition_8M.bin").read_bytes()
    table = asr_table.read(data)
    places = {one.name: (one.start, one.size, one.depth) for one in table.entries}
    assert data[-4:] == bytes.fromhex("376007f5")  # CRC 0xF5076037
    assert len(table.entries) == 22
    assert places["bootloader"] == (0, 0x24000, 2)
    assert places["cp"] == (0x40000, 0x359000, 3)
    assert places["user_fs"] == (0x5BC000, 0x100000, 2)
    assert places["factory_b"] == (0x7F0000, 0x10000, 3)
    assert table.flash_bytes == 0x800000
    assert (table.entry("external").format, table.entry("external").format_field) == ("flash", b"flash\x000")
    assert table.entry("ptable").used == 0x88C
    assert asr_table.write(table) == data


@pytest.mark.parametrize("field", ["start", "size", "address", "used", "depth"])
@pytest.mark.parametrize("value", [0, 0x7FFF1234, 0xFFFFFFFF])
def test_table_when_a_number_is_any_then_it_stands_in_its_place(field, value):
    at = {"start": 48, "size": 52, "address": 56, "used": 60, "depth": 64}[field]
    one = AsrPartition(
        **(
            {"name_field": b"n", "format_field": b"raw"}
            | dict.fromkeys(["start", "size", "address", "used", "depth"], 1)
            | {field: value}
        )
    )
    data = asr_table.write(PartitionTable((one,)))
    assert struct.unpack_from("<I", data, 8 + at)[0] == value
    assert asr_table.read(data).entries == (one,)


def test_table_when_junk_stands_behind_words_slots_and_crc_then_it_survives():
    data = bytearray(made_by_hand())
    data[8 + 10 : 8 + 12] = b"\0x"  # behind the zero of the first name
    data[0x800:0x804] = b"junk"
    data[0x888:] = struct.pack("<I", zlib.crc32(data[:0x888])) + b"behind"
    table = asr_table.read(bytes(data))
    assert table.entries[0].name == "all"
    assert table.tail == b"behind"
    assert asr_table.write(table) == bytes(data)


@pytest.mark.parametrize("length", [0x888, 0x889, 0x88B])
def test_table_when_it_ends_before_the_crc_then_taken_without_as_the_flasher_does(length):
    data = made_by_hand()[:length]
    table = asr_table.read(data)
    assert not table.has_crc
    assert asr_table.write(table) == data


BROKEN = {
    "empty": (b"", "truncated"),
    "magic": (b"BTPB" + made_by_hand()[4:], "magic"),
    "33-entries": (made_by_hand()[:4] + b"\x21" + made_by_hand()[5:], "count"),
    "short": (made_by_hand()[:0x887], "truncated"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_table_when_broken_then_the_rule_is_named(name):
    data, rule = BROKEN[name]
    with pytest.raises(BadFormat) as failure:
        asr_table.read(data)
    assert failure.value.facts["rule"] == rule
    assert failure.value.message("zh")


def test_table_when_crc_is_wrong_then_refused_or_kept():
    data = made_by_hand()[:-1] + b"\0"
    with pytest.raises(BadChecksum):
        asr_table.read(data)
    table = asr_table.read(data, must_check=False)
    assert table.wrong_crc == int.from_bytes(data[-4:], "little")
    assert asr_table.write(table) == data


def test_table_when_too_much_then_too_big():
    with pytest.raises(TooBig):
        asr_table.write(PartitionTable(EXAMPLE.entries * 9))
    with pytest.raises(TooBig):
        asr_table.write(PartitionTable((AsrPartition.of("n" * 33, "raw", 0, 1),)))

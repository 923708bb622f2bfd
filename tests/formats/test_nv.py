from __future__ import annotations

import pytest

from moduline.errors import BadFormat, BadOption, TooBig
from moduline.formats import nv
from moduline.formats.container import unisoc
from moduline.formats.nv import NvBlock, NvEntry
from package_maker import nv_block
from samples import sample

# platform-unisoc 3.5: 64-byte block, id 5 (IMEI 861234567890123) and id 2 (01 02 03), CRC 0xD9CD, byte sum 0x2C0C
GOLDEN = bytes.fromhex("d9cd 0000 0500 0800 8a16325476981032 0200 0300 010203 00 ffff").ljust(64, b"\xff")
VALUE = NvBlock(
    64,
    (NvEntry(5, bytes.fromhex("8a16325476981032")), NvEntry(2, b"\1\2\3", b"\0")),
    rest=b"\xff" * 38,
    stored_crc=0xD9CD,
)


def test_nv_when_golden_then_bytes_and_value_agree():
    assert sum(GOLDEN) == 0x2C0C
    assert nv.read(GOLDEN) == VALUE
    assert nv.write(VALUE) == GOLDEN
    assert nv.is_crc_right(GOLDEN)
    assert VALUE.imei == "861234567890123"


@pytest.mark.parametrize("imei", ["861234567890123", "000000000000000", "999999999999999"])
def test_imei_when_encoded_then_decodes_the_same(imei):
    data = nv.encode_imei(imei)
    assert len(data) == 8
    assert data[0] & 0xF == 0xA
    assert nv.decode_imei(data) == imei


def test_imei_when_golden_then_bytes_are_those_of_the_reference():
    assert nv.encode_imei("861234567890123") == bytes.fromhex("8a16325476981032")


@pytest.mark.parametrize(
    "imei", ["", "12345678901234", "1234567890123456", "86123456789012a", "８６１２３４５６７８９０１２３"]
)
def test_imei_when_not_15_digits_then_refused(imei):
    with pytest.raises(BadOption):
        nv.encode_imei(imei)


@pytest.mark.parametrize("data", [b"", b"\xff" * 8, bytes(8), bytes.fromhex("8a1632547698103f"), bytes(9)])
def test_imei_when_bytes_are_none_then_empty(data):
    assert nv.decode_imei(data) == ""


@pytest.mark.parametrize("file", ["CSDK_RDA8910", "EC600GCN_LD__8850XM_cat1_open_core"])
def test_nv_when_real_template_then_stale_crc_and_same_items_after_rewrite(file):
    pac = unisoc.read(sample(f"unisoc/{file}.pac").read_bytes())
    data = next(entry.data for entry in pac.entries if entry.id.text == "NV")
    block = nv.read(data)
    assert not nv.is_crc_right(data)
    assert len(block.imei) == 15
    assert nv.write(block)[2:] == data[2:]
    assert nv.is_crc_right(nv.write(block))
    assert nv.write(block) == nv.with_right_crc(data)


def test_nv_when_items_change_then_block_keeps_its_size_and_order():
    block = nv.read(GOLDEN).with_item(2, b"12345678").with_item(0x26D, b"cal")
    data = nv.write(block)
    assert len(data) == 64
    items = [(entry.id, entry.data) for entry in nv.read(data).entries]
    assert items == [(5, bytes.fromhex("8a16325476981032")), (2, b"12345678"), (0x26D, b"cal")]
    assert nv.is_crc_right(data)


def test_nv_when_items_outgrow_the_block_then_too_big():
    with pytest.raises(TooBig):
        nv.write(VALUE.with_item(2, bytes(60)))


def test_carry_over_when_module_has_items_then_template_takes_them_and_says_what_lacks():
    """platform-unisoc 6.3 step 2: IMEI always, listed ids, special ids never."""
    module = nv.write(NvBlock(0x200, (NvEntry(5, nv.encode_imei("860000000000017")), NvEntry(0x26E, b"LTE!"))))
    carried = nv.carry_over(nv_block(), module, [0x26D, 0x26E, 0xFFFE, 0xFFFFFFFF])
    block = nv.read(carried.block)
    assert block.imei == "860000000000017"
    assert block.item(0x26E) == b"LTE!"
    assert block.item(0x26D) == b"\1\2\3\0"[:3]
    assert (carried.taken, carried.missing) == ((5, 0x26E), (0x26D,))
    assert nv.is_crc_right(carried.block)


BROKEN = {
    "empty": (b"", "end"),
    "header-only": (GOLDEN[:4], "end"),
    "item-beyond-the-block": (GOLDEN[:6] + b"\xff\x7f" + GOLDEN[8:], "item"),
    "cut-in-an-item": (GOLDEN[:10], "item"),
    "no-end-mark": (GOLDEN[:24], "end"),
    "zeros": (bytes(64), "end"),
    "larger-than-any-block": (bytes(0x28001), "size"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_nv_when_broken_then_the_rule_is_named(name):
    data, rule = BROKEN[name]
    with pytest.raises(BadFormat) as failure:
        nv.read(data)
    assert failure.value.facts["rule"] == rule
    assert "?" not in failure.value.message()

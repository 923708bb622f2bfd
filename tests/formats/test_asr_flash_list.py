from __future__ import annotations

import pytest

from asr_maker import flash_list as made_by_hand
from moduline.errors import BadFormat
from moduline.formats.container import asr_flash_list
from samples import sample


def test_flash_list_when_real_then_the_references_values_and_the_same_bytes():
    data = sample("asr/flashinfo_8M.bin").read_bytes()
    found = asr_flash_list.read(data)
    block = found.blocks[0]
    assert len(data) == 0x90 + 72 * 7
    assert (block.id, block.name, block.type_field) == (0x601700C8, "GD25LQ64C", b"QSPI_NOR")
    assert (block.min_io_bytes, block.erase_bytes, block.page_bytes) == (1, 0x1000, 0x100)
    assert (block.sector_bytes, block.block_bytes, block.size_bytes) == (0x1000, 0x10000, 0x800000)
    assert (block.erased_value, block.has_next, len(block.devices)) == (0xFF, 0, 7)
    assert (block.devices[2].id, block.devices[2].name) == (0x431700F8, "FM25M64C")
    assert asr_flash_list.write(found) == data


def test_flash_list_when_blocks_are_chained_then_up_to_three():
    first = bytearray(made_by_hand())
    first[0x89] = 1
    chained = bytes(first) * 2 + made_by_hand() + b"tail"
    found = asr_flash_list.read(chained)
    assert len(found.blocks) == 3
    assert found.tail == b"tail"
    assert asr_flash_list.write(found) == chained
    with pytest.raises(BadFormat) as failure:
        asr_flash_list.read(bytes(first) * 3 + made_by_hand())
    assert failure.value.facts["rule"] == "blocks"


BROKEN = {
    "empty": (b"", "truncated"),
    "magic": (b"FINF" + made_by_hand()[4:], "magic"),
    "too-many-devices": (made_by_hand()[:0x8C] + b"\2" + made_by_hand()[0x8D:], "truncated"),
    "cut": (made_by_hand()[:-1], "truncated"),
    "chain-without-block": (made_by_hand()[:0x89] + b"\1" + made_by_hand()[0x8A:], "truncated"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_flash_list_when_broken_then_the_rule_is_named(name):
    data, rule = BROKEN[name]
    with pytest.raises(BadFormat) as failure:
        asr_flash_list.read(data)
    assert failure.value.facts["rule"] == rule

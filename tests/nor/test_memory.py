from __future__ import annotations

import pytest

from moduline.errors import FlashViolation
from moduline.nor.geometry import Geometry
from moduline.nor.memory import MemoryFlash

CHIP = Geometry(capacity_bytes=16384)


def test_memory_when_new_then_is_erased_and_uncounted():
    flash = MemoryFlash(CHIP)
    assert flash.read(0, 16384) == b"\xff" * 16384
    assert (flash.counts.operations, flash.counts.reads, list(flash.wear)) == (0, 1, [0, 0, 0, 0])


def test_memory_when_buffer_is_given_then_works_on_it_and_refuses_another_size():
    cells = bytearray(b"\xff" * 16384)
    MemoryFlash(CHIP, cells).program(5, b"abc")
    assert cells[4:9] == b"\xffabc\xff"
    with pytest.raises(ValueError, match="16383"):
        MemoryFlash(CHIP, bytearray(16383))


def test_memory_when_used_then_counts_pages_sectors_bytes_and_wear():
    flash = MemoryFlash(CHIP)
    flash.program(0, b"\0" * 257)
    flash.program(300, b"")
    flash.erase(0, 8192)
    flash.erase(4096, 4096)
    counts = flash.counts
    assert (counts.programs, counts.programmed_bytes, counts.erases, counts.operations) == (2, 257, 3, 5)
    assert list(flash.wear) == [1, 2, 0, 0]


def test_memory_when_a_bit_would_rise_then_names_the_first_cell():
    flash = MemoryFlash(CHIP)
    flash.program(0, bytes.fromhex("FF0F00"))
    flash.program(0, bytes.fromhex("0F0F00"))
    with pytest.raises(FlashViolation) as refused:
        flash.program(0, bytes.fromhex("0F1F01"))
    assert (refused.value.facts["address"], refused.value.facts["operation"]) == (1, "program")
    assert "0x0f" in refused.value.message("en")
    assert "0x1f" in refused.value.message("zh")


def test_memory_when_program_is_refused_then_nothing_is_changed_or_counted():
    flash = MemoryFlash(CHIP)
    flash.program(1000, b"\0")
    before = flash.read(0, 16384)
    with pytest.raises(FlashViolation):
        flash.program(600, b"\x01" * 500)
    assert flash.read(0, 16384) == before
    assert flash.counts.programs == 1


def test_memory_when_chip_has_a_program_unit_then_refuses_misaligned():
    flash = MemoryFlash(Geometry(8192, program_bytes=4))
    flash.program(4, b"abcd")
    for address, data in ((2, b"abcd"), (8, b"abc")):
        with pytest.raises(FlashViolation):
            flash.program(address, data)

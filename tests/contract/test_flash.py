"""The Flash contract (nor.flash), run on every implementation."""

from __future__ import annotations

import mmap

import pytest

from moduline.errors import FlashViolation
from moduline.nor.faulty import FaultyFlash
from moduline.nor.flash import Flash
from moduline.nor.geometry import Geometry
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.flash_file import FlashFile

CHIP = Geometry(capacity_bytes=32768)


@pytest.fixture(params=["memory", "mapped", "faulty", "faulty-with-far-cut", "file"])
def flash(request, tmp_path):
    """A new, erased chip of each kind."""
    if request.param == "memory":
        yield MemoryFlash(CHIP)
    elif request.param == "mapped":
        cells = mmap.mmap(-1, CHIP.capacity_bytes)
        cells[:] = b"\xff" * CHIP.capacity_bytes
        yield MemoryFlash(CHIP, cells)
        cells.close()
    elif request.param == "file":
        with FlashFile(tmp_path / "flash.bin", CHIP) as file:
            yield file.flash
    else:
        yield FaultyFlash(MemoryFlash(CHIP), "" if request.param == "faulty" else "cut@100000")


def test_flash_when_new_then_reads_erased(flash: Flash):
    assert flash.geometry == CHIP
    assert flash.read(0, 32768) == b"\xff" * 32768


@pytest.mark.parametrize(("address", "size"), [(0, 0), (0, 1), (255, 2), (1000, 5000), (32767, 1), (32768, 0)])
def test_read_when_inside_then_gives_exactly_so_many_bytes(flash: Flash, address, size):
    data = flash.read(address, size)
    assert isinstance(data, bytes)
    assert len(data) == size


@pytest.mark.parametrize(("address", "size"), [(-1, 1), (0, -1), (32768, 1), (32000, 1000), (0, 32769), (1 << 40, 1)])
def test_access_when_outside_then_refused(flash: Flash, address, size):
    with pytest.raises(FlashViolation):
        flash.read(address, size)
    if size > 0:
        with pytest.raises(FlashViolation):
            flash.program(address, bytes(size))
    with pytest.raises(FlashViolation):
        flash.erase(address // 4096 * 4096, max(size, 1) * 4096 * 9)


def test_program_when_over_erased_cells_then_is_read_back_across_pages_and_sectors(flash: Flash):
    data = bytes(range(256)) * 20
    flash.program(4000, data)
    assert flash.read(4000, len(data)) == data
    assert flash.read(3999, 1) == b"\xff" == flash.read(4000 + len(data), 1)


def test_program_when_only_clearing_bits_then_allowed_again(flash: Flash):
    flash.program(0, b"\xf0\xff")
    flash.program(0, b"\x30\x7f")
    assert flash.read(0, 2) == b"\x30\x7f"


def test_program_when_a_bit_would_rise_then_refused_and_nothing_changed(flash: Flash):
    flash.program(700, b"\x00")
    with pytest.raises(FlashViolation) as refused:
        flash.program(0, b"\xaa" * 1000)
    assert refused.value.facts["address"] == 700
    assert flash.read(0, 700) == b"\xff" * 700


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_program_when_given_any_bytes_like_then_works(flash: Flash, kind):
    flash.program(10, kind(b"abc"))
    assert flash.read(10, 3) == b"abc"


def test_erase_when_whole_sectors_then_they_are_ff_and_neighbours_stay(flash: Flash):
    flash.program(0, bytes(16384))
    flash.erase(4096, 8192)
    assert flash.read(0, 16384) == bytes(4096) + b"\xff" * 8192 + bytes(4096)
    flash.program(4096, b"again")
    assert flash.read(4096, 5) == b"again"


@pytest.mark.parametrize(("address", "size"), [(1, 4096), (0, 4095), (2048, 4096), (0, 1), (4096, 6000)])
def test_erase_when_misaligned_then_refused_and_nothing_changed(flash: Flash, address, size):
    flash.program(0, bytes(12288))
    with pytest.raises(FlashViolation):
        flash.erase(address, size)
    assert flash.read(0, 12288) == bytes(12288)


def test_empty_operations_when_inside_then_do_nothing(flash: Flash):
    flash.program(0, b"")
    flash.erase(0, 0)
    assert flash.read(0, 32768) == b"\xff" * 32768

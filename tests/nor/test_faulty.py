"""Power cuts: before an operation, inside one, replayed by a string."""

from __future__ import annotations

import pytest

from moduline.errors import BadOption, FlashCut, FlashViolation
from moduline.nor.faulty import CutSpec, FaultyFlash, parse_cuts
from moduline.nor.geometry import Geometry
from moduline.nor.memory import MemoryFlash

CHIP = Geometry(capacity_bytes=16384)
PAGES = bytes(range(256)) * 3


def flash_with(cuts: str) -> FaultyFlash:
    return FaultyFlash(MemoryFlash(CHIP), cuts)


def cells(flash: FaultyFlash) -> bytes:
    return bytes(flash.flash.cells[:])


@pytest.mark.parametrize("spec", ["", "cut@0", "tear@3:77", "cut@1234,tear@0:0"])
def test_cuts_when_parsed_then_print_as_they_were_written(spec):
    assert ",".join(map(str, parse_cuts(spec))) == spec


def test_cuts_when_parsed_then_are_values():
    assert parse_cuts(" cut@5 , tear@6:7") == (CutSpec(5), CutSpec(6, 7))


@pytest.mark.parametrize("spec", ["cut", "cut@", "cut@-1", "tear@5", "cut@5:6", "boom@1", "cut@1;cut@2"])
def test_cuts_when_written_otherwise_then_refused_in_both_languages(spec):
    with pytest.raises(BadOption) as refused:
        flash_with(spec)
    assert refused.value.message("en") != refused.value.message("zh")


@pytest.mark.parametrize("number", range(6))
def test_cut_when_before_an_operation_then_exactly_the_ones_before_happened(number):
    """Operations 0-2 are pages, 3 and 4 sectors, 5 one more page."""
    flash = flash_with(f"cut@{number}")

    def life() -> None:
        flash.program(4096, PAGES)
        flash.erase(4096, 8192)
        flash.program(0, b"x")

    with pytest.raises(FlashCut) as cut:
        life()
    assert cut.value.facts["operation"] == number
    programmed, erased = min(number, 3), max(number - 3, 0)
    expected = bytearray(b"\xff" * 16384)
    if erased == 0:
        expected[4096 : 4096 + 256 * programmed] = PAGES[: 256 * programmed]
    assert cells(flash) == expected
    assert flash.flash.counts.operations == number


def test_cut_when_power_is_away_then_every_access_says_so_until_it_is_back():
    flash = flash_with("cut@0")
    for _ in range(2):
        with pytest.raises(FlashCut):
            flash.program(0, b"x")
    with pytest.raises(FlashCut):
        flash.read(0, 1)
    with pytest.raises(FlashCut):
        flash.erase(0, 4096)
    flash.power_on()
    flash.program(0, b"x")
    assert (flash.read(0, 1), flash.operation) == (b"x", 1)


def test_cuts_when_two_then_second_counts_from_the_next_power_on():
    flash = flash_with("cut@2,cut@1")
    flash.program(0, b"a")
    flash.program(1, b"b")
    with pytest.raises(FlashCut):
        flash.program(2, b"c")
    flash.power_on()
    flash.program(2, b"c")
    with pytest.raises(FlashCut) as cut:
        flash.program(3, b"d")
    assert cut.value.facts["operation"] == 1
    flash.power_on()
    flash.program(3, b"d")
    assert flash.read(0, 4) == b"abcd"


def test_flash_when_powered_off_by_hand_or_armed_later_then_obeys():
    flash = flash_with("")
    flash.program(0, b"ab")
    flash.power_off()
    with pytest.raises(FlashCut):
        flash.read(0, 1)
    flash.power_on()
    flash.program(2, b"c")
    flash.arm("cut@1")
    flash.program(3, b"d")
    with pytest.raises(FlashCut):
        flash.program(4, b"e")
    assert cells(flash)[:6] == b"abcd\xff\xff"


@pytest.mark.parametrize("seed", range(40))
def test_tear_when_inside_a_page_then_a_prefix_and_part_of_one_byte_remain(seed):
    page = bytes(255 - n for n in range(256))
    flash = flash_with(f"tear@1:{seed}")
    with pytest.raises(FlashCut) as cut:
        flash.program(0, b"\x00" * 256 + page + page)
    assert cut.value.facts["operation"] == 1
    found = cells(flash)
    assert found[:256] == b"\0" * 256
    assert found[512:] == b"\xff" * (16384 - 512)
    kept = next((n for n in range(256) if found[256 + n] != page[n]), 256)
    half = found[256 + kept] if kept < 256 else 0xFF
    assert half & page[min(kept, 255)] == page[min(kept, 255)], "only bits of the page were cleared"
    assert found[256 + kept + 1 : 512] == b"\xff" * max(255 - kept, 0)
    assert flash.flash.counts.programs == 2


@pytest.mark.parametrize("seed", range(10))
def test_tear_when_inside_an_erase_then_no_bit_fell_and_neighbours_are_whole(seed):
    flash = flash_with("")
    flash.program(0, PAGES * 16)
    before = cells(flash)
    flash.arm(f"tear@1:{seed}")
    with pytest.raises(FlashCut):
        flash.erase(0, 12288)
    after = cells(flash)
    assert after[:4096] == b"\xff" * 4096
    assert after[8192:] == before[8192:]
    torn, old = after[4096:8192], before[4096:8192]
    assert all(new & was == was for new, was in zip(torn, old, strict=True))
    assert torn not in {old, b"\xff" * 4096}
    assert (list(flash.flash.wear)[:3], flash.flash.counts.erases) == ([1, 1, 0], 2)


@pytest.mark.parametrize("spec", ["tear@4:9", "tear@17:3", "cut@9,tear@2:5"])
def test_tear_when_replayed_by_its_string_then_leaves_the_same_cells(spec):
    def life() -> bytes:
        flash = flash_with(spec)
        for _ in range(3):
            try:
                flash.erase(0, 8192)
                flash.program(0, PAGES * 8)
            except FlashCut:
                flash.power_on()
        return cells(flash)

    assert life() == life()


def test_tear_when_seeds_or_operations_differ_then_remains_differ():
    def remains(spec: str) -> bytes:
        flash = flash_with(spec)
        with pytest.raises(FlashCut):
            flash.program(0, PAGES * 4)
        return cells(flash)

    assert len({remains(f"tear@0:{seed}") for seed in range(20)}) > 15


def test_tear_when_chip_has_a_program_unit_then_is_a_cut_not_a_violation():
    for seed in range(20):
        flash = FaultyFlash(MemoryFlash(Geometry(8192, program_bytes=16)), f"tear@0:{seed}")
        with pytest.raises(FlashCut):
            flash.program(0, bytes(256))


def test_program_when_not_allowed_and_a_cut_is_near_then_is_refused_before_anything_happens():
    flash = flash_with("cut@2")
    flash.program(300, b"\0")
    with pytest.raises(FlashViolation):
        flash.program(0, b"\x01" * 400)
    assert flash.operation == 1
    assert flash.is_powered

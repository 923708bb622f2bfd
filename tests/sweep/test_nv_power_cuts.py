"""Power away at every flash operation of an NV write, clean and torn, and again during the recovery."""

from __future__ import annotations

import pytest

from moduline.burn.nv_choice import NvEvidence, choose_nv, imei_in
from moduline.burn.nv_store import NvFile, SavedNv
from moduline.errors import FlashCut, NvDamaged, NvForeign
from moduline.formats import nv
from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.facts import identity_of
from moduline.vmodule.nv_store import factory_block

IDENTITY = identity_of("ec600u", "m1")
OLD = factory_block("866981057532206", "old")
NEW = nv.write(nv.read(OLD).with_item(0x300, b"new item" * 500))
SEEDS = (1, 2, 3)


def written_before():
    """A chip whose NV was written many times, so that some writes append and some move to the other bank."""
    chip = MemoryFlash(IDENTITY.geometry)
    store = IDENTITY.storage(chip).nv
    store.write_phase_check(b"P" * 0x100)
    store.write_block(OLD)
    return chip


def nearly_full():
    """As above, with so little room left in the bank that the next write moves everything."""
    chip = written_before()
    number = 0
    while operations_of_write(chip) < 16:  # until the next write erases the other bank
        number += 1
        IDENTITY.storage(chip).nv.write_block(nv.write(nv.read(OLD).with_item(0x301, number.to_bytes(4, "big"))))
    return chip


def copy_of(chip):
    fresh = MemoryFlash(IDENTITY.geometry)
    fresh.cells[:] = bytes(chip.cells[:])
    return fresh


def operations_of_write(chip):
    flash = FaultyFlash(copy_of(chip))
    IDENTITY.storage(flash).nv.write_block(NEW)
    return flash.operation


def write_cut(chip, spec):
    """The chip after one write of NEW under the given cuts, power back on."""
    flash = FaultyFlash(chip, spec)
    with pytest.raises(FlashCut):
        IDENTITY.storage(flash).nv.write_block(NEW)
    flash.power_on()
    return flash


def is_whole(store, before):
    return store.read_block() in {before, NEW} and store.read_phase_check() == b"P" * 0x100


@pytest.mark.parametrize("prepare", [written_before, nearly_full])
def test_nv_when_power_goes_at_any_operation_then_old_or_new_and_never_none(prepare):
    chip = prepare()
    count, before = operations_of_write(chip), IDENTITY.storage(chip).nv.read_block()
    assert count >= 3
    seen = set()
    for number in range(count):
        for spec in (f"cut@{number}", *(f"tear@{number}:{seed}" for seed in SEEDS)):
            flash = write_cut(copy_of(chip), spec)
            store = IDENTITY.storage(flash).nv
            assert is_whole(store, before), spec
            assert store.imei == "866981057532206", spec
            seen.add(store.read_block() == NEW)
            store.write_block(NEW)
            assert store.read_block() == NEW, spec
            assert is_whole(store, before), spec
    assert False in seen


@pytest.mark.parametrize("prepare", [written_before, nearly_full])
def test_nv_when_power_goes_again_during_recovery_then_still_old_or_new(prepare):
    chip = prepare()
    count, before = operations_of_write(chip), IDENTITY.storage(chip).nv.read_block()
    for first in range(0, count, 3):
        for second in range(0, count, 2):
            for spec in (f"cut@{first},cut@{second}", f"tear@{first}:{second + 7},tear@{second}:{first + 3}"):
                flash = write_cut(copy_of(chip), spec)
                store = IDENTITY.storage(flash).nv
                try:
                    store.write_block(NEW)
                except FlashCut:
                    flash.power_on()
                assert is_whole(store, before), spec


def test_phase_check_when_power_goes_while_dropped_then_nv_is_untouched():
    chip = written_before()
    for number in range(4):
        for spec in (f"cut@{number}", f"tear@{number}:5"):
            flash = FaultyFlash(copy_of(chip), spec)
            try:
                IDENTITY.storage(flash).nv.drop_phase_check()
            except FlashCut:
                flash.power_on()
            store = IDENTITY.storage(flash).nv
            assert store.read_block() == OLD, spec
            assert store.read_phase_check() in {None, b"P" * 0x100}, spec


# ---- what a host makes of it: a block torn at every byte, on a module that is less careful than the virtual one ------

FIRST, SECOND = "490154203237518", "356938035643809"
STEP = 4
"""The torn blocks are cut at every so many bytes: no item is smaller."""


def host_block(imei, version):
    return nv.write(nv.NvBlock(0x100, (nv.NvEntry(5, nv.encode_imei(imei)), nv.NvEntry(0x26D, version * 16))))


def torn_blocks(imei):
    """Every state that an erase and a write of the whole block in place can be cut in, and the clean ends."""
    old, new, gone = host_block(imei, b"old."), host_block(imei, b"new."), b"\xff" * 0x100
    for at in range(0, 0x100 + 1, STEP):
        yield gone[:at] + old[at:]
        yield new[:at] + gone[at:]
        yield new[:at] + old[at:]
    yield b""


def burnt_with(read, named=None, told=""):
    """The IMEI that a module with this block ends with; None when the host ends the try before it writes."""
    template = host_block("861234567890123", b"tmpl")
    files = {"first": host_block(FIRST, b"old."), "second": host_block(SECOND, b"old.")}
    rows = [SavedNv("first", FIRST, 1.0, place="slot", is_valid=True)]
    seen = NvEvidence(read, nv.is_crc_right(read), template, told, "slot", "slot:A1")
    try:
        chosen = choose_nv(seen, NvFile(named, nv.read(files[named]).imei, files[named]) if named else None, rows)
    except (NvDamaged, NvForeign):
        return None
    own = read if chosen is None else files[chosen] if isinstance(chosen, str) else chosen.block
    return nv.read(nv.carry_over(template, own, []).block).imei


def test_host_when_nv_is_torn_anywhere_then_by_itself_its_own_imei_or_none():
    ends = [burnt_with(read) for read in torn_blocks(FIRST)]
    assert set(ends) == {FIRST, None}


def test_host_when_the_saved_block_is_named_then_always_the_units_own_imei():
    assert {burnt_with(read, "first") for read in torn_blocks(FIRST)} == {FIRST}


def test_host_when_at_told_the_imei_then_always_the_units_own_imei():
    assert {burnt_with(read, told=FIRST) for read in torn_blocks(FIRST)} == {FIRST}


def test_host_when_a_second_torn_unit_is_in_the_slot_then_never_the_first_ones_imei():
    assert {burnt_with(read) for read in torn_blocks(SECOND)} == {SECOND, None}
    assert {burnt_with(read, told=SECOND) for read in torn_blocks(SECOND)} <= {SECOND, None}


def test_host_when_the_wrong_block_is_named_then_refused_wherever_the_unit_can_still_be_told():
    """Only a unit that tells nothing at all depends on what somebody read from its label."""
    for read in torn_blocks(SECOND):
        end = burnt_with(read, "first")
        assert end is None or imei_in(read) != SECOND, read.hex()
        assert burnt_with(read, "first", told=SECOND) is None, read.hex()


@pytest.mark.parametrize("prepare", [written_before, nearly_full])
def test_host_when_the_virtual_modules_power_goes_at_any_operation_then_its_own_imei(prepare):
    chip = prepare()
    for number in range(operations_of_write(chip)):
        for spec in (f"cut@{number}", *(f"tear@{number}:{seed}" for seed in SEEDS)):
            read = IDENTITY.storage(write_cut(copy_of(chip), spec)).nv.read_block()
            assert burnt_with(read) == "866981057532206", spec
            assert burnt_with(read, "first") is None, spec

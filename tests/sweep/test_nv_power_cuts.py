"""Power away at every flash operation of an NV write, clean and torn, and again during the recovery."""

from __future__ import annotations

import pytest

from moduline.errors import FlashCut
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

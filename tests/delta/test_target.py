"""What a module has for an update: said by its firmware, by the partition table of an ASR package, by its profile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moduline.delta import Target, make, read_side, target_of
from moduline.delta.target import container_bytes
from moduline.errors import TooBig
from moduline.nor.memory import MemoryFlash
from moduline.profiles import catalog
from moduline.release.firmware import stock_package
from moduline.vmodule.facts import identity_of
from moduline.vmodule.update import UpdateUnit
from moduline.vmodule.update.acceptance import abilities_of
from package_maker import small_file
from update_rig import NEW, OLD, firmware

EVERY_CHIP = ("ec600u", "ec600g", "ec600n", "ec600e", "ec600k", "ec600s-cnlb")


@pytest.mark.parametrize("name", EVERY_CHIP)
def test_target_when_package_of_a_module_then_the_room_that_the_module_has(name):
    identity = identity_of(name, "m1")
    flash = MemoryFlash(identity.geometry)
    unit = UpdateUnit(identity, flash, identity.storage(flash).files, abilities_of(identity, None))
    target = target_of(read_side(stock_package(name)), "fp")
    assert target.room_bytes == unit.room_bytes > 0
    assert target.block_bytes == flash.geometry.erase_bytes
    assert target.fs_bytes == identity.profile.partition("user_fs").size_bytes


def test_target_when_a_vendors_asr_package_then_its_table_counts_and_not_the_profile():
    side = read_side(stock_package("ec600n"))
    vendors = replace(side, system=None, models=())
    store = catalog.module("ec600n").partition("update_store").size_bytes
    assert (target_of(vendors).store_bytes, target_of(vendors).told_by) == (store, "package")


def test_target_when_a_vendors_pac_then_the_profile_of_its_model():
    side = read_side(small_file(), "EG915UEUABR03A06M08_OCPU_QPY.pac")
    store = catalog.module("eg915u").partition("update_store").size_bytes
    assert (target_of(side).store_bytes, target_of(side).told_by) == (store, "eg915u")


def test_target_when_an_image_of_nobody_knows_what_then_only_what_the_user_says():
    side = read_side(b"some image")
    assert target_of(side, "fp").spare_bytes([5000]) is None
    assert target_of(side, "fp", 65536, 300).spare_bytes([5000]) == 300
    assert target_of(side).block_bytes == 4096
    target_of(side, "fp").must_hold([1 << 30])


def test_target_when_patches_lie_in_the_store_then_the_spare_is_what_they_leave():
    target = Target("fp", 4096, None, 10 * 4096, 9000)
    assert target.room_bytes == 8 * 4096
    assert target.spare_bytes([1, 4097]) == 5 * 4096
    assert target.spare_bytes([9 * 4096]) == 0


def test_target_when_there_is_no_room_for_the_patch_then_too_big():
    target = Target("fp", 4096, None, 4 * 4096, 9000)
    target.must_hold([4096, 4096])
    with pytest.raises(TooBig) as caught:
        target.must_hold([4096, 4097])
    assert (caught.value.facts["need"], caught.value.facts["have"]) == (3 * 4096, 2 * 4096)
    target = replace(target, place="fs")
    with pytest.raises(TooBig) as caught:
        target.must_hold([9001])
    assert (caught.value.facts["need"], caught.value.facts["have"]) == (9001, 9000)
    replace(target, place="").must_hold([1 << 20])


def test_container_when_counted_then_as_long_as_it_is_written():
    made = make(read_side(firmware(OLD)), read_side(firmware(NEW)))
    assert container_bytes([len(made.patches[0].regions[0].data)]) == len(made.files[0])

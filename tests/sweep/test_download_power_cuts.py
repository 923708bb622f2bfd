"""Power away at every flash operation while FDL2 writes, clean and torn: re-powered, the module boots or waits in ROM.

The package is as small as one can be: boot erased first and written last, as every stock package orders it.
"""

from __future__ import annotations

import pytest

from moduline.errors import FlashCut
from moduline.formats import nv, system_image
from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.boot import BootCode, BootSystem, StayInRom
from moduline.vmodule.download.unisoc import DownloadSession
from moduline.vmodule.facts import identity_of
from moduline.vmodule.nv_store import factory_block
from moduline.wire.download.unisoc import BslCommand
from unisoc_host import ACK, Host, uimage

IDENTITY = identity_of("ec600u", "m1")
OLD_NV = factory_block(IDENTITY.factory_imei, "m1")
NV_ADDRESS = 0xFE000003


def system(version):
    image = system_image.SystemImage(version, "ec600u", ("EC600U",), "6.3", (), b"\xd2\xcd\x31\x00")
    return uimage(system_image.write(image))


PACKAGES = {version: (uimage(version.encode() * 300, 0x800100), system(version)) for version in ("OLD", "NEW")}
NEW_NV = nv.write(nv.read(OLD_NV).with_item(0x300, b"new" * 100))


def burn(flash, version):
    """Everything a host does, from the ROM on; raises FlashCut when the power goes away."""
    boot, image = PACKAGES[version]
    host = Host(DownloadSession(IDENTITY.storage(flash))).up()
    codes = [host.code(BslCommand.ERASE_FLASH, 0x60000000, 0x10000)]
    codes += host.write(0x60010000, image, 0x1000)
    codes += host.write(NV_ADDRESS, NEW_NV if version == "NEW" else OLD_NV, 0x3000)
    codes += host.write(0x60000000, boot, 0x1000)
    assert set(codes) == {ACK}


def old_module():
    chip = MemoryFlash(IDENTITY.geometry)
    IDENTITY.storage(chip).nv.write_block(OLD_NV)
    burn(FaultyFlash(chip), "OLD")
    return chip


def copy_of(chip):
    fresh = MemoryFlash(IDENTITY.geometry)
    fresh.cells[:] = bytes(chip.cells[:])
    return fresh


def decision(flash, tmp_path):
    return BootCode(IDENTITY, flash, tmp_path / "flash.bin").decide()


@pytest.fixture(scope="module")
def old():
    return old_module()


def count_operations(chip):
    flash = FaultyFlash(copy_of(chip))
    burn(flash, "NEW")
    return flash.operation


def check(chip, spec, tmp_path):
    flash = FaultyFlash(copy_of(chip), spec)
    with pytest.raises(FlashCut):
        burn(flash, "NEW")
    flash.power_on()
    found = decision(flash, tmp_path)
    if isinstance(found, BootSystem):
        assert found.firmware_version in {"OLD", "NEW"}, spec
    else:
        assert found.reason in {"boot-erased", "boot-invalid"}, spec
    assert IDENTITY.storage(flash).nv.imei == IDENTITY.factory_imei, spec
    burn(flash, "NEW")
    again = decision(flash, tmp_path)
    assert isinstance(again, BootSystem), spec
    assert again.firmware_version == "NEW", spec
    return found


def test_burn_when_power_goes_at_any_operation_then_rom_or_bootable_and_a_new_burn_succeeds(old, tmp_path):
    count = count_operations(old)
    assert count > 30
    found = [check(old, f"cut@{number}", tmp_path) for number in range(count)]
    found += [check(old, f"tear@{number}:{number + 1}", tmp_path) for number in range(0, count, 2)]
    assert any(isinstance(one, StayInRom) for one in found)
    assert any(isinstance(one, BootSystem) for one in found)


@pytest.mark.sweep
def test_burn_when_torn_in_every_way_then_rom_or_bootable(old, tmp_path):
    for number in range(count_operations(old)):
        for seed in range(10, 16):
            check(old, f"tear@{number}:{seed}", tmp_path)


@pytest.mark.sweep
def test_burn_when_cut_twice_then_rom_or_bootable(old, tmp_path):
    count = count_operations(old)
    for first in range(0, count, 5):
        for second in range(0, count, 7):
            flash = FaultyFlash(copy_of(old), f"cut@{first},tear@{second}:{first}")
            for _ in range(4):  # at most two of them are cut
                try:
                    burn(flash, "NEW")
                except FlashCut:
                    flash.power_on()
                assert IDENTITY.storage(flash).nv.imei == IDENTITY.factory_imei
            assert isinstance(decision(flash, tmp_path), BootSystem)


def test_erase_all_when_power_goes_then_rom_and_a_new_burn_succeeds(old, tmp_path):
    """The one command that may lose the IMEI, as on the metal: the host is told to save NV before."""
    for number in (0, 1, 500, 2040, 2050):
        flash = FaultyFlash(copy_of(old), f"cut@{number}")
        host = Host(DownloadSession(IDENTITY.storage(flash))).up()
        try:
            host.code(BslCommand.ERASE_FLASH, 0, 0xFFFFFFFF)
        except FlashCut:
            flash.power_on()
        found = decision(flash, tmp_path)
        assert isinstance(found, BootSystem if number == 0 else StayInRom), number
        burn(flash, "NEW")
        assert isinstance(decision(flash, tmp_path), BootSystem)

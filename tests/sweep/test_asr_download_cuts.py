"""Power away at every flash operation while ASR's flasher writes, clean and torn: re-powered, the module boots or waits.

Order as in the vendor's template: tables, boot code, system, erased update flags, file systems. NV is never touched.
"""

from __future__ import annotations

import pytest

from asr_host import Host, flash_list, table
from moduline.errors import FlashCut
from moduline.formats import system_image
from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.boot import BootCode, BootSystem, StayInRom
from moduline.vmodule.download.events import DownloadFaults
from moduline.vmodule.download_sessions import session_for
from moduline.vmodule.facts import identity_of
from moduline.vmodule.nv_store import factory_block

IDENTITY = identity_of("ec600m", "m1")
BASE = IDENTITY.chip.flash.base_address
ROWS = [("all", "group", 0, 0x1000000), ("external", "flash", 0, 0x1000000)] + [
    (one.part, "ubi" if one.role == "boot" else "raw", one.address - BASE, one.size_bytes)
    for one in IDENTITY.profile.partitions
]
SIZES = {name: size for name, _, _, size in ROWS}
TABLES = {"OLD": table(ROWS), "NEW": table([*ROWS, ("extra", "cust", 0x700000, 0x1000)])}


def system(version):
    image = system_image.SystemImage(
        version, "ec600m", (IDENTITY.profile.identity.model,), "6.3", (), b"\xd2\xcd\x31\x00"
    )
    return system_image.write(image)


def burn(flash, version, *, erases=("fota_param",)):
    """Everything a host does, from the ROM on; raises FlashCut when the power goes away."""
    host = Host(session_for(IDENTITY, IDENTITY.storage(flash), DownloadFaults())).up()
    host.told(TABLES[version])
    answers = [
        host.write("bootloader", version.encode() * 3000, SIZES["bootloader"]),
        host.write("system", system(version), SIZES["system"]),
        *(host.say(f"erase:{name}") for name in erases),
        host.write("customer_fs", version.encode() * 2000, SIZES["customer_fs"]),
    ]
    assert set(answers) == {"OKAY"}


def old_module():
    chip = MemoryFlash(IDENTITY.geometry)
    IDENTITY.storage(chip).nv.write_block(factory_block(IDENTITY.factory_imei, "m1"))
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
    """Cut, look, burn again; gives what the cut left."""
    flash = FaultyFlash(copy_of(chip), spec)
    with pytest.raises(FlashCut):
        burn(flash, "NEW")
    flash.power_on()
    found = decision(flash, tmp_path)
    if isinstance(found, BootSystem) and found.is_ours:
        assert found.firmware_version in {"OLD", "NEW"}, spec
    elif isinstance(found, StayInRom):
        assert found.reason in {"boot-erased", "boot-no-table", "system-erased", "system-invalid"}, spec
    assert IDENTITY.storage(flash).nv.imei == IDENTITY.factory_imei, spec
    burn(flash, "NEW")
    again = decision(flash, tmp_path)
    assert isinstance(again, BootSystem), spec
    assert again.firmware_version == "NEW", spec
    assert flash.read(0x900000, 6000) == b"NEW" * 2000
    return found


def test_burn_when_power_goes_at_some_operations_then_rom_or_bootable_and_a_new_burn_succeeds(old, tmp_path):
    count = count_operations(old)
    assert count > 40
    found = [check(old, f"cut@{number}", tmp_path) for number in range(0, count, 4)]
    found += [check(old, f"tear@{number}:{number + 1}", tmp_path) for number in range(1, count, 5)]
    assert any(isinstance(one, StayInRom) for one in found)
    assert any(isinstance(one, BootSystem) for one in found)


@pytest.mark.sweep
def test_burn_when_power_goes_at_every_operation_then_rom_or_bootable(old, tmp_path):
    for number in range(count_operations(old)):
        check(old, f"cut@{number}", tmp_path)
        for seed in range(4):
            check(old, f"tear@{number}:{seed}", tmp_path)


@pytest.mark.sweep
def test_burn_when_cut_twice_then_a_third_burn_succeeds(old, tmp_path):
    count = count_operations(old)
    for first in range(0, count, 5):
        for second in range(0, count, 7):
            flash = FaultyFlash(copy_of(old), f"cut@{first},tear@{second}:{first}")
            for _ in range(4):  # at most two of them are cut
                try:
                    burn(flash, "NEW")
                except FlashCut:
                    flash.power_on()
            assert isinstance(decision(flash, tmp_path), BootSystem)


def test_imei_when_factory_is_really_erased_then_lost_as_on_the_metal(old):
    flash = FaultyFlash(copy_of(old))
    burn(flash, "NEW", erases=("fota_param", "nvm"))
    assert IDENTITY.storage(flash).nv.imei == IDENTITY.factory_imei
    burn(flash, "NEW", erases=("factory",))
    assert IDENTITY.storage(flash).nv.imei == ""


def test_boot_when_table_is_gone_then_nothing_boots(old, tmp_path):
    flash = copy_of(old)
    flash.erase(0x23000, 0x1000)
    assert decision(flash, tmp_path) == StayInRom("boot-no-table")


def test_boot_when_table_places_the_system_elsewhere_then_it_is_looked_for_there(tmp_path):
    flash = FaultyFlash(MemoryFlash(IDENTITY.geometry))
    moved = [
        (name, kind, 0x30000, 0x200000) if name == "system" else (name, kind, start, size)
        for name, kind, start, size in ROWS
    ]
    host = Host(session_for(IDENTITY, IDENTITY.storage(flash), DownloadFaults())).up().told(table(moved))
    assert host.write("bootloader", b"boot" * 99, SIZES["bootloader"]) == "OKAY"
    assert decision(flash, tmp_path) == StayInRom("system-erased")
    assert host.write("system", system("MOVED"), 0x200000) == "OKAY"
    assert flash.read(0x24000, 0x1000) == b"\xff" * 0x1000
    assert decision(flash, tmp_path).firmware_version == "MOVED"


def test_tables_of_the_test_when_made_then_the_flash_is_this_modules(old):
    assert flash_list([0x601800C8])[:8] == b"FNIF\xc8\x00\x18\x60"
    assert old.geometry.capacity_bytes == 0x1000000

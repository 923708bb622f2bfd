from __future__ import annotations

import pytest

from moduline.formats import littlefs, system_image
from moduline.formats.littlefs import FsGeometry
from moduline.nor.memory import MemoryFlash
from moduline.package import read_package
from moduline.vmodule.boot import BootCode, BootSystem, StayInRom
from moduline.vmodule.factory import program_package
from moduline.vmodule.facts import identity_of
from samples import sample
from unisoc_host import uimage

EG915U = "unisoc/8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac"
BOOT = uimage(b"boot" * 100, 0x800100)
PARTITIONS = (
    system_image.SystemPartition("user_fs", 0x60410000, 0x40000, "lfs2", "/usr", "customer_fs", 4096, 64),
    system_image.SystemPartition("backup_fs", 0x60450000, 0x20000, "lfs1", "/bak", "backup", 4096, 31, True),
)
ROM = b"\xd2\xcd\x31\x04rom!"


def ours(models=("EC600U",), version="EC600UCNLBR03A01M08_OCPU_PY_TEST"):
    return system_image.write(system_image.SystemImage(version, "ec600u", models, "6.3", PARTITIONS, ROM))


@pytest.fixture
def identity():
    return identity_of("ec600u", "m1")


@pytest.fixture
def flash(identity):
    return MemoryFlash(identity.geometry)


@pytest.fixture
def decide(identity, flash, tmp_path):
    return lambda: BootCode(identity, flash, tmp_path / "flash.bin").decide()


def put(flash, offset, data):
    flash.erase(offset, -(-len(data) // 4096) * 4096)
    flash.program(offset, data)


def test_boot_when_flash_is_erased_then_stays_in_rom(decide):
    assert decide() == StayInRom("boot-erased")


def test_boot_when_boot_code_is_damaged_then_stays_in_rom(decide, flash):
    put(flash, 0, BOOT)
    flash.program(70, b"\0")
    assert decide() == StayInRom("boot-invalid")


def test_boot_when_first_sector_is_erased_then_stays_in_rom(decide, flash):
    put(flash, 0, uimage(bytes(9000)))
    put(flash, 0x10000, uimage(ours()))
    assert isinstance(decide(), BootSystem)
    flash.erase(0, 0x1000)
    assert decide() == StayInRom("boot-erased")


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x10000 - 63, 0])
def test_boot_when_length_in_header_is_a_lie_then_invalid(decide, flash, length):
    head = bytearray(BOOT[:64])
    head[12:16] = length.to_bytes(4, "big")
    put(flash, 0, bytes(head) + BOOT[64:])
    assert decide() == StayInRom("boot-invalid")


def test_boot_when_system_is_missing_or_damaged_then_stays_in_rom_and_says_so(decide, flash):
    put(flash, 0, BOOT)
    assert decide() == StayInRom("system-erased")
    put(flash, 0x10000, uimage(ours())[:-1])
    assert decide() == StayInRom("system-invalid")
    put(flash, 0x10000, uimage(ours()[:-1]))  # the outer image is right, the inner one is not
    assert decide() == StayInRom("system-invalid")


def test_boot_when_system_is_ours_then_manifest_decides(decide, flash, tmp_path):
    put(flash, 0, BOOT)
    put(flash, 0x10000, uimage(ours()))
    found = decide()
    assert (found.firmware_version, found.is_ours) == ("EC600UCNLBR03A01M08_OCPU_PY_TEST", True)
    user, backup = found.mounts
    assert (user.path, user.offset, user.size_bytes, user.kind, user.driven_blocks) == (
        "/usr",
        0x410000,
        0x40000,
        "lfs2",
        64,
    )
    assert (backup.path, backup.kind, backup.driven_blocks, backup.is_write_protected) == ("/bak", "lfs1", 31, True)
    assert found.rom.path == tmp_path / "flash.bin"
    assert flash.read(found.rom.offset, found.rom.size_bytes) == ROM
    assert found.rom.offset % 4096 == 0


def test_boot_when_system_is_for_another_model_then_stays_in_rom(decide, flash):
    """T31: firmware of another model never half-works."""
    put(flash, 0, BOOT)
    put(flash, 0x10000, uimage(ours(models=("EG915U",))))
    assert decide() == StayInRom("system-foreign")


def test_boot_when_system_is_a_vendors_then_version_by_pattern_and_places_of_the_profile(decide, flash):
    put(flash, 0, BOOT)
    put(flash, 0x10000, uimage(b"\0arm code\0EC600UCNLBR01A05M08_OCPU_QPY\0"))
    found = decide()
    assert (found.firmware_version, found.is_ours, found.rom) == ("EC600UCNLBR01A05M08_OCPU_QPY", False, None)
    assert [(one.path, one.offset, one.size_bytes, one.kind, one.driven_blocks) for one in found.mounts] == [
        ("/usr", 0x420000, 0x60000, "lfs1", 95),
        ("/bak", 0x480000, 0x20000, "lfs1", 31),
    ]
    assert found.notices == ()


@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
def test_boot_when_file_systems_are_elsewhere_then_found_and_reported(decide, flash, kind):
    put(flash, 0, BOOT)
    put(flash, 0x10000, uimage(b"arm code EC600UCNLBR01A05M08_OCPU_QPY\0"))
    geometry = FsGeometry(kind, 4096, 32, 4096, 4096)
    put(flash, 0x4E0000, littlefs.write_image([("main.py", b"1")], geometry))
    put(flash, 0x500000, littlefs.write_image([("backup.py", b"2")], geometry))
    found = decide()
    assert [(one.path, one.offset, one.size_bytes, one.kind) for one in found.mounts] == [
        ("/usr", 0x4E0000, 0x20000, kind),
        ("/bak", 0x500000, 0x20000, kind),
    ]
    assert [notice.slug for notice in found.notices] == ["virt.fs-elsewhere"] * 2


def test_boot_when_file_system_is_in_place_then_its_own_kind_counts(decide, flash):
    put(flash, 0, BOOT)
    put(flash, 0x10000, uimage(b"arm code EC600UCNLBR01A05M08_OCPU_QPY\0"))
    put(flash, 0x420000, littlefs.write_image([("main.py", b"1")], FsGeometry("lfs2", 4096, 96, 4096, 4096)))
    assert decide().mounts[0].kind == "lfs2"


def test_boot_when_real_package_was_programmed_then_its_version(tmp_path):
    identity = identity_of("eg915u", "m1")
    flash = MemoryFlash(identity.geometry)
    path = sample(EG915U)
    sent = program_package(identity, flash, read_package(path.read_bytes(), path.name))
    found = BootCode(identity, flash, tmp_path / "flash.bin").decide()
    assert found.firmware_version == "EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300"
    assert [one.offset for one in found.mounts] == [0x4E0000, 0x540000]
    assert sent == 0x3780 + 0xF160 + 0x2500A0 + 0xCFA40 + 0x280000 + 0x20000 + 0xBF40

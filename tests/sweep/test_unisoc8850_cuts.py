"""Power away at every flash operation while an 8850's FDL writes a package, clean and torn: ROM or bootable, never else.

The package is small, with every kind of entry a real one has, in the real order: the first boot stage is erased first
and written last.
"""

from __future__ import annotations

import pytest

from moduline.errors import FlashCut
from moduline.formats import nv, system_image
from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.boot import BootCode, BootSystem, StayInRom
from moduline.vmodule.download.unisoc8850 import BslSession
from moduline.vmodule.facts import identity_of
from moduline.vmodule.nv_store import factory_block
from unisoc8850_host import ACK, CPIO, ERASE, FORMAT, NV, Host, cpio, loader_for, sihr

IDENTITY = identity_of("ec600g", "m1")
OLD_NV = factory_block(IDENTITY.factory_imei, "m1", 0x28000)
NEW_NV = nv.write(nv.read(OLD_NV).with_item(0x300, b"new" * 100))
FMOD = 0x444F4D46
LOADER = loader_for(b"EC600GCNLA")
VERSIONS = {"OLD": "EC600GCNLAR01A01M08_OLD", "NEW": "EC600GCNLAR02A01M08_NEW"}
SHARES = 64  # of the sweep, each well within a test's time
REASONS = {"boot-erased", "boot-invalid"}


def system(version):
    image = system_image.SystemImage(version, "ec600g", ("EC600G-CNLA",), "6.3", (), b"\xd2\xcd\x31\x00" * 3000)
    return sihr(system_image.write(image, 256), 0x60030100)


PACKAGES = {
    name: {
        "spl": sihr(name.encode() * 2000),
        "boot": sihr(name.encode() * 300, 0x802EC100),
        "system": system(version),
        "modem": cpio((b"modem/cp.bin.000", name.encode() * 3000), (b"modem/cp.bin.001", name.encode())),
        "delta": cpio((b"factory/delta.bin", name.encode())),
        "scripts": (name.encode() + b"\0" * 253) * 60,
    }
    for name, version in VERSIONS.items()
}


def burn(flash, name):
    """Everything a host does, from the ROM on; raises FlashCut when the power goes away."""
    parts = PACKAGES[name]
    host = Host(BslSession(IDENTITY.profile, IDENTITY.storage(flash))).up(LOADER)
    codes = [host.code(ERASE, 0x60000000, 0x20000)]
    codes += host.write(0x60020000, parts["boot"], 0x1000)
    codes.append(host.code(ERASE, FORMAT, FMOD))
    codes += host.write(NV, NEW_NV if name == "NEW" else OLD_NV, 0x3000)
    codes += host.write(0x60030000, parts["system"], 0x3000)
    codes.append(host.code(ERASE, 0x60438000, 0x60000))
    codes += host.write(0x60438000, parts["scripts"], 0x1000)
    codes += host.write(CPIO, parts["modem"], 0x3000)
    codes += host.write(CPIO, parts["delta"], 0x3000)
    codes.append(host.code(ERASE, 0xFE000001, 0))
    codes += host.write(0x60000000, parts["spl"], 0x3000)
    assert set(codes) == {ACK}


def copy_of(chip):
    fresh = MemoryFlash(IDENTITY.geometry)
    fresh.cells[:] = bytes(chip.cells[:])
    return fresh


def decision(flash, tmp_path):
    return BootCode(IDENTITY, flash, tmp_path / "flash.bin").decide()


@pytest.fixture(scope="module")
def old():
    chip = MemoryFlash(IDENTITY.geometry)
    IDENTITY.storage(chip).nv.write_block(OLD_NV)
    burn(FaultyFlash(chip), "OLD")
    return chip


def count_operations(chip):
    flash = FaultyFlash(copy_of(chip))
    burn(flash, "NEW")
    return flash.operation


def must_be_new(flash, tmp_path, spec):
    """Every byte of the new package is there, and it boots."""
    parts, storage = PACKAGES["NEW"], IDENTITY.storage(flash)
    found = decision(flash, tmp_path)
    assert isinstance(found, BootSystem), spec
    assert found.firmware_version == VERSIONS["NEW"], spec
    for offset, part in ((0, "spl"), (0x20000, "boot"), (0x30000, "system"), (0x438000, "scripts")):
        assert flash.read(offset, len(parts[part])) == parts[part], (spec, part)
    assert flash.read(0x438000 + len(parts["scripts"]), 0x1000) == b"\xff" * 0x1000, spec
    modem = storage.volumes["/modem"].files
    assert [modem.read(path) for path in modem.paths()] == [b"NEW" * 3000, b"NEW"], spec
    assert storage.volumes["/factory"].files.read("/factory/delta.bin") == b"NEW", spec
    assert storage.nv.read_block() == NEW_NV, spec


def check(chip, spec, tmp_path):
    flash = FaultyFlash(copy_of(chip), spec)
    with pytest.raises(FlashCut):
        burn(flash, "NEW")
    flash.power_on()
    found = decision(flash, tmp_path)
    if isinstance(found, BootSystem):
        assert found.firmware_version in VERSIONS.values(), spec
    else:
        assert found.reason in REASONS, spec
    assert IDENTITY.storage(flash).nv.read_block() in {OLD_NV, NEW_NV}, spec
    burn(flash, "NEW")
    must_be_new(flash, tmp_path, spec)
    return found


def test_burn_when_nothing_happens_then_every_byte_is_there(old, tmp_path):
    flash = FaultyFlash(copy_of(old))
    burn(flash, "NEW")
    must_be_new(flash, tmp_path, "none")


def test_burn_when_power_goes_at_some_operations_then_rom_or_bootable_and_a_new_burn_succeeds(old, tmp_path):
    count = count_operations(old)
    assert count > 60
    found = [check(old, f"cut@{number}", tmp_path) for number in range(0, count, 31)]
    found += [check(old, f"tear@{number}:{number + 1}", tmp_path) for number in range(4, count, 31)]
    found.append(check(old, f"tear@{count - 1}:3", tmp_path))
    assert any(isinstance(one, StayInRom) for one in found)
    assert isinstance(found[0], BootSystem)


@pytest.mark.sweep
@pytest.mark.parametrize("first", range(SHARES))
def test_burn_when_power_goes_at_any_operation_clean_or_torn_then_rom_or_bootable(old, tmp_path, first):
    for number in range(first, count_operations(old), SHARES):
        check(old, f"cut@{number}", tmp_path)
        for seed in (10, 11):
            check(old, f"tear@{number}:{seed}", tmp_path)


@pytest.mark.sweep
def test_burn_when_cut_twice_then_rom_or_bootable(old, tmp_path):
    count = count_operations(old)
    for first in range(0, count, 97):
        for second in range(0, count, 89):
            flash = FaultyFlash(copy_of(old), f"cut@{first},tear@{second}:{first}")
            for _ in range(4):  # at most two of them are cut
                try:
                    burn(flash, "NEW")
                except FlashCut:
                    flash.power_on()
                assert IDENTITY.storage(flash).nv.read_block() in {OLD_NV, NEW_NV}
            must_be_new(flash, tmp_path, (first, second))


def test_erase_all_when_power_goes_then_rom_and_a_new_burn_succeeds(old, tmp_path):
    """NV is lost by it, as on the metal; the host that saved it writes it back."""
    for number in (0, 1, 700, 2047, 2050):
        flash = FaultyFlash(copy_of(old), f"cut@{number}")
        host = Host(BslSession(IDENTITY.profile, IDENTITY.storage(flash))).up(LOADER)
        try:
            host.code(ERASE, 0, 0xFFFFFFFF)
        except FlashCut:
            flash.power_on()
        assert isinstance(decision(flash, tmp_path), BootSystem if number == 0 else StayInRom), number
        burn(flash, "NEW")
        must_be_new(flash, tmp_path, number)

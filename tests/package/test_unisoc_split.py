"""Another boundary between PY_FS_U and PY_FS_B; platform-unisoc 4."""

from __future__ import annotations

import pytest

from moduline.errors import BadOption, MissingArea, Unsupported
from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.package import diff, read_package, verify, write_package
from moduline.package.findings import errors_of
from moduline.package.merge import strip
from moduline.package.unisoc_split import split
from moduline.release import firmware
from moduline.release.produce import Options, produce
from moduline.vmodule.boot import BootCode, BootSystem
from moduline.vmodule.factory import program_package
from moduline.vmodule.facts import identity_of
from samples import sample

REAL = "unisoc/8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac"


def places(package):
    return {area.role: (area.address, area.size) for area in package.areas}


@pytest.mark.parametrize(("slug", "offset"), [("ec600u", 0x420000), ("ec600g", 0x438000)])
def test_split_when_of_our_own_then_package_and_firmware_agree_and_the_module_drives_it(slug, offset):
    package = split(read_package(firmware.stock_package(slug)), 0x40000)
    assert places(package)["user_fs"] == (0x60000000 + offset, 0x40000)
    assert places(package)["backup_fs"] == (0x60040000 + offset, 0x40000)
    assert errors_of(verify(package)) == []
    again = read_package(write_package(package))
    identity = identity_of(slug, "m1")
    flash = FaultyFlash(MemoryFlash(identity.geometry))
    program_package(identity, flash, again)
    found = BootCode(identity, flash, None).decide()
    assert isinstance(found, BootSystem)
    mounts = {one.path: (one.offset, one.size_bytes, one.driven_blocks) for one in found.mounts}
    assert mounts["/usr"] == (offset, 0x40000, 63)
    assert mounts["/bak"] == (offset + 0x40000, 0x40000, 63)


def test_split_when_there_and_back_then_the_same_package():
    stock = read_package(firmware.stock_package("ec600u"))
    assert split(stock, 0x60000) is stock
    assert diff(split(split(stock, 0x50000), 0x60000), stock) == ()


def test_split_when_real_package_then_only_the_two_places_change():
    stock = read_package(sample(REAL).read_bytes())
    package = split(stock, 0x50000)
    assert places(package)["user_fs"] == (0x604E0000, 0x50000)
    assert places(package)["backup_fs"] == (0x60530000, 0x30000)
    assert {one.name for one in diff(stock, package)} == {"ERASE_PY_FS_U", "ERASE_PY_FS_B"}
    assert errors_of(verify(package)) == []


def test_project_when_built_with_a_split_then_images_have_the_new_sizes(tmp_path):
    (tmp_path / "main.py").write_text("PROJECT_NAME = 'P'\nPROJECT_VERSION = '1'\n")
    base = firmware.stock_package("ec600u")
    first = produce(tmp_path, base)
    produced = produce(tmp_path, first.data, Options(user_bytes=0x70000))
    package = read_package(produced.data)
    assert [len(package.need(role).data) for role in ("user_fs", "backup_fs")] == [0x70000, 0x10000]
    assert errors_of(verify(package)) == []
    reasons = {one.name: one.reason.say("en") for one in produced.prepared.decisions}
    assert "virtual firmware drives it" in reasons["split"]


@pytest.mark.parametrize("size", [0, 0x1000, 0x40001, 0x79000, 0x80000, -0x1000])
def test_split_when_size_is_impossible_then_refused(size):
    with pytest.raises(BadOption):
        split(read_package(firmware.stock_package("ec600u")), size)


def test_split_when_platform_or_package_does_not_state_it_then_refused():
    with pytest.raises(Unsupported):
        split(read_package(firmware.stock_package("ec800e")), 0x40000)
    stock = read_package(firmware.stock_package("ec600u"))
    with pytest.raises(MissingArea):
        split(strip(stock, ["ERASE_PY_FS_B"]), 0x40000)

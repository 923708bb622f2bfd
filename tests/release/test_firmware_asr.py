from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from moduline.errors import BadOption, MissingArea
from moduline.formats import littlefs, system_image
from moduline.formats.container import asr, asr_fip, asr_script, asr_table
from moduline.package import read_package, verify, write_package
from moduline.profiles import catalog
from moduline.release import firmware
from moduline.release.firmware_recipe import recipes
from moduline.release.produce import Options, produce

MODULES = [name for name in recipes() if catalog.chip_of(catalog.module(name)).container == "asr"]


def test_firmware_when_asr_then_all_of_its_modules_are_here():
    assert len(MODULES) == 12


@pytest.mark.parametrize("name", MODULES)
def test_firmware_when_of_an_asr_module_then_a_sound_package_of_its_own_places(name):
    data = firmware.stock_package(name)
    package = read_package(data, f"{name}.zip")
    module = catalog.module(name)
    assert (package.container, package.chip) == ("asr", module.chip)
    assert package.version.startswith(module.identity.variant.replace("-", ""))
    assert verify(package) == []
    assert write_package(package) == data
    for role in ("user_fs", "backup_fs"):
        area, place = package.area(role), module.partition(role)
        assert (area.name, area.address, area.size) == (place.part, place.address, place.size_bytes)
        assert littlefs.read_image(package.need(role).data).entries == ()
    for part in package.parts:
        if part.kind in {"code", "erase"}:
            place = next(one for one in module.partitions if one.part == part.name.removeprefix("erase:"))
            assert (part.address, part.size) == (place.address, place.size_bytes)
    assert system_image.read(package.need("system").data).version == package.version


def test_firmware_when_asr_then_the_empty_backup_is_the_vendor_tools():
    """platform-asr 2.2: SHA-256 of an empty 204800-byte image of the reference code."""
    image = read_package(firmware.stock_package("ec600n")).need("backup_fs").data
    assert hashlib.sha256(image).hexdigest() == "20df41c8954173b98b9de62ff45cbfef60b30992c3097c336e6376e5e444a515"


@pytest.mark.parametrize(
    ("name", "product", "bootrom"),
    [
        ("ec100y", ("arom", "arom-tiny"), "2019.01.15"),
        ("ec600n", ("arom-tiny",), "2020.07.30"),
        ("eg810m", ("arom-tiny",), "2021.10.16"),
    ],
)
def test_firmware_when_asr_then_the_script_asks_for_the_chips_rom(name, product, bootrom):
    script = read_package(firmware.stock_package(name)).source.script
    assert script.required("product") == product
    assert script.required("version") == ("0.5",)
    assert script.required("version-bootrom") == (bootrom,)
    assert [one.command for one in script.commands][3:] == [
        "progress", "call", "call", "partition", "partition", "flash", "flash", "erase", "flash", "flash",
    ]  # fmt: skip
    assert sum(one.weight for one in script.commands) == int(script.of("progress")[0].value)


def test_firmware_when_asr_then_loaders_are_containers_with_text_of_ours_and_its_digest():
    package = read_package(firmware.stock_package("ec600n"))
    for role in ("first_loader", "second_loader"):
        fip = asr_fip.read(package.need(role).data)
        content, certificate = fip.entry("bl2").data, fip.entry("certificate").data
        assert content.startswith(b"moduline virtual")
        assert content.isascii()
        assert len(certificate) == 0x40E
        assert certificate.startswith(b"MDLNCERT" + hashlib.sha256(content).digest())


@pytest.mark.parametrize("shell", ["", "zip", "bin", "release"])
def test_firmware_when_asr_in_a_shell_then_the_same_package(shell):
    package = read_package(firmware.firmware_file("ec600n", shell))
    assert package.source == read_package(firmware.stock_package("ec600n")).source
    assert json.loads(package.source.members["platform_config.json"]) == {"platform": "ASR1603"}


def test_firmware_when_asr_as_pac_then_refused_and_native_is_zip():
    assert firmware.native_shell("ec600n") == "zip"
    assert firmware.native_shell("ec600u") == "pac"
    with pytest.raises(BadOption):
        firmware.firmware_file("ec600n", "pac")


def test_firmware_when_built_twice_then_the_same_bytes():
    recipe = firmware.find_recipe("ec800m")
    assert firmware.build(recipe) == firmware.build(recipe)


def without_backup() -> bytes:
    """Stock firmware whose own partition table has no backup area, as 8 MB layouts."""
    source = read_package(firmware.stock_package("ec600n")).source
    entries = tuple(one for one in source.table.entries if one.name != "customer_backup_fs")
    commands = [dict(one.keys) for one in source.script.commands if one.partition != "customer_backup_fs"]
    changes = {
        "partition.bin": asr_table.write(replace(source.table, entries=entries)),
        "download.json": asr_script.write(asr_script.make(commands)),
    }
    members = {name: data for name, data in (dict(source.members) | changes).items() if "backup" not in name}
    return asr.make(members)


def test_produce_when_the_base_has_no_backup_area_then_only_the_user_image_and_no_place_is_assumed(tmp_path):
    (tmp_path / "main.py").write_bytes(b"PROJECT_NAME = 'A'\nPROJECT_VERSION = '1'\n")
    produced = produce(tmp_path, without_backup())
    package = read_package(produced.data)
    assert [area.role for area in package.areas] == ["user_fs"]
    assert "customer_backup_fs.bin" not in package.source.members
    assert ("backup_fs", "-") in [(one.name, one.value) for one in produced.prepared.decisions]
    assert list(produced.trees.backup.files()) == []
    assert dict(littlefs.read_image(package.need("user_fs").data).entries)["main.py"].startswith(b"PROJECT_NAME")
    with pytest.raises(MissingArea):
        produce(tmp_path, without_backup(), Options(backup=("main.py",)))

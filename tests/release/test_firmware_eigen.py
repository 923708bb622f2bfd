"""Our own EigenComm firmware: a real package of the 2023 and 2024 layouts; platform-eigencomm 1.1 to 1.3, 4."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from moduline.errors import BadOption
from moduline.formats import littlefs, system_image
from moduline.package import diff, read_package, verify, write_package
from moduline.package.convert import kinds_of, to_kind
from moduline.package.merge import substitute
from moduline.profiles import catalog
from moduline.release import firmware
from moduline.release.produce import Options, produce

NAMES = ["ec600e", "ec800e"]
FOLDER_2023 = [
    "MergeRfTable.bin",
    "agentboot_uart/agentboot.bin",
    "agentboot_usb/agentboot.bin",
    "ap_application.bin",
    "ap_updater.bin",
    "at_command.binpkg",
    "customer_backup_fs.bin",
    "customer_fs.bin",
    "format_ec618.json",
    "quec_download_config.ini",
    "quec_download_uart.ini",
    "quec_download_usb.ini",
]


def names_in(data: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(data)).namelist()


@pytest.mark.parametrize("name", NAMES)
def test_firmware_when_of_eigencomm_then_a_sound_package_of_its_own_places(name):
    data = firmware.stock_package(name)
    package, module = read_package(data, f"{name}.zip"), catalog.module(name)
    assert (package.container, package.chip) == ("eigen", "eigen618")
    assert package.version.startswith(module.identity.variant.replace("-", ""))
    assert catalog.module_of_model(package.model) is module
    assert verify(package) == []
    assert write_package(package) == data
    for part in package.parts:
        if part.kind == "code" and part.role != "modem":
            place = next(one for one in module.partitions if one.part == part.name)
            assert (part.address, part.size) == (place.address, place.size_bytes)
    for role in ("user_fs", "backup_fs"):
        image = littlefs.read_image(package.need(role).data)
        assert (image.geometry.kind, image.entries) == ("lfs2", ())
    assert system_image.read(package.need("system").data).version == package.version
    assert len({package.part(one).data for one in ("agentboot_usb", "agentboot_uart")}) == 2


@pytest.mark.parametrize("name", NAMES)
def test_firmware_when_in_the_layouts_of_both_generations_then_the_published_files(name):
    old = firmware.firmware_file(name, "zip")
    folder = {"ec600e": "MODULINE_EC600E_CNLA_FW", "ec800e": "MODULINE_EC800E_CNLC_FW"}[name]
    assert sorted(names_in(old)) == sorted(["changelog.md", *(f"{folder}/{one}" for one in FOLDER_2023)])
    inner = firmware.firmware_file(name, "bin")
    config = zipfile.ZipFile(io.BytesIO(inner)).read("platform_config.json")
    assert json.loads(config) == {"platform": "EIGEN"}
    folders = {one.split("/")[0] for one in names_in(inner)}
    assert folders == {folder, "platform_config.json"}, "vendor tools take what else is there for the folder"
    outer = firmware.firmware_file(name, "release")
    (only,) = names_in(outer)
    assert only.endswith(".bin")
    assert zipfile.ZipFile(io.BytesIO(outer)).read(only) == inner
    assert [shell.member for shell in read_package(outer).shells] == [only]
    assert verify(read_package(outer)) == []


def test_delta_when_applied_then_the_newer_package_byte_for_byte():
    old = firmware.stock_package("ec800e")
    new = firmware.firmware_file("ec800e", version="EC800ECNLCR03A01M09_OCPU_PY_MODULINE1")
    package = substitute(read_package(old), "ap_at_command", read_package(new).need("system").data)
    assert write_package(package) == new
    assert package.version == "EC800ECNLCR03A01M09_OCPU_PY_MODULINE1"


def test_convert_when_to_binpkg_and_back_then_same_binpkg_and_nothing_else():
    package = read_package(firmware.stock_package("ec800e"))
    assert kinds_of(package) == ("binpkg", "zip", "bin", "release")
    bare = to_kind(package, "binpkg", "fw")
    assert bare == package.source.members[package.source.binpkg_name]
    again = read_package(to_kind(read_package(bare), "bin", "fw"))
    assert again.source.binpkg_name == "fw/at_command.binpkg"
    assert to_kind(again, "binpkg", "fw") == bare
    assert {one.slug for one in verify(again)} == {"agentboot-missing", "download-ini-missing"}
    with pytest.raises(BadOption):
        to_kind(package, "pac", "fw")


@pytest.mark.parametrize("shell", ["zip", "bin", "release"])
def test_project_when_merged_then_only_the_file_systems_change(example, shell):
    base = firmware.firmware_file("ec800e", shell)
    produced = produce(example, base, Options(backup=("all",)), f"base.{shell.replace('release', 'zip')}")
    package = read_package(produced.data)
    assert verify(package) == []
    assert {one.name for one in diff(read_package(base), package)} >= {"customer_fs.bin", "customer_backup_fs.bin"}
    assert (
        dict(littlefs.read_image(package.need("user_fs").data).entries)["main.py"] == (example / "main.py").read_bytes()
    )
    others = {part.name for part in package.parts if part.role not in {"user_fs", "backup_fs"}}
    before = read_package(base)
    assert all(before.part(name).data == package.part(name).data for name in others)
    decided = {one.name: one.value for one in produced.prepared.decisions}
    assert decided["user_fs"] == "customer_fs 0x00b00000 + 0x60000 lfs2"


def test_project_when_only_one_half_then_the_other_stays_as_it_is(example):
    base = firmware.stock_package("ec600e")
    before = read_package(base)
    for only, changed, kept in (("usr", "user_fs", "backup_fs"), ("bak", "backup_fs", "user_fs")):
        produced = produce(example, base, Options(only=only, backup=("all",)))
        package = read_package(produced.data)
        assert package.need(kept).data == before.need(kept).data
        assert package.need(changed).data != before.need(changed).data
        assert "half-backup" in {one.slug for one in produced.prepared.remarks}
    with pytest.raises(BadOption):
        produce(example, base, Options(only="all"))

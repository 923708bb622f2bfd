from __future__ import annotations

import zipfile
from dataclasses import replace
from io import BytesIO

import pytest

from moduline.errors import BadChecksum, BadFormat, Unsupported
from moduline.formats.container import unisoc
from moduline.formats.container.unisoc_scheme import NvItem
from moduline.package import FsArea, read_package, write_package
from package_maker import B_ADDRESS, B_SIZE, U_ADDRESS, U_SIZE, VERSION, small_file, small_pac, stock_rows
from samples import sample

EG915U = "unisoc/8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac"


@pytest.mark.parametrize("style", ["crlf", "lf"])
def test_package_when_read_then_parts_areas_and_identity_are_found(style):
    package = read_package(small_file(style=style), "x.pac")
    assert (package.container, package.chip) == ("unisoc", "unisoc8910")
    assert package.version == VERSION.decode()
    assert package.model == "EG915U-EUAB"
    assert package.areas == (
        FsArea("PY_FS_U", "user_fs", U_ADDRESS, U_SIZE, "erase"),
        FsArea("PY_FS_B", "backup_fs", B_ADDRESS, B_SIZE, "erase"),
    )
    assert package.area("user_fs").flash_offset == 0x4E0000
    assert [part.kind for part in package.parts] == [
        *("loader", "loader", "erase", "code", "erase", "erase", "code"),
        *("format", "phasecheck", "erase", "nv", "cpio", "code", "xml"),
    ]
    assert package.need("first_loader").name == "HOST_FDL"
    assert package.need("second_loader").address == 0x810000
    assert not package.part("FMT_FSSYS").is_default
    assert package.nv_backup
    assert package.nv_items == (NvItem("Calibration", None, False), NvItem("GSM Calibration", 0x26D, True))
    with pytest.raises(BadFormat):
        package.need("first_boot")


@pytest.mark.parametrize("style", ["crlf", "lf"])
def test_package_when_written_unchanged_then_same_bytes(style):
    data = small_file(style=style)
    assert write_package(read_package(data)) == data


def test_package_when_in_a_zip_then_zip_stays_the_same():
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("readme.txt", "hello")
        archive.writestr("module.pac", small_file())
    package = read_package(target.getvalue(), "x.zip")
    assert package.chip == "unisoc8910"
    assert write_package(package) == target.getvalue()


def test_package_when_real_quecpython_then_areas_version_and_model_are_found():
    data = sample(EG915U).read_bytes()
    package = read_package(data)
    assert package.version == "EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300"
    assert package.model == "EG915U-EUAB"
    assert [(a.name, a.address, a.size) for a in package.areas] == [
        ("PY_FS_U", 0x604E0000, 0x60000),
        ("PY_FS_B", 0x60540000, 0x20000),
        ("PY_FS_C", 0x604D0000, 0x10000),
    ]
    assert write_package(package) == data


@pytest.mark.parametrize(
    ("file", "version", "chip"),
    [
        ("CSDK_RDA8910", None, "unisoc8910"),
        ("EC600GCN_LD__8850XM_cat1_open_core", "EC600GCNLDR02A04M04_OCPU", "unisoc8850"),
        ("EC600GCN_LD__appimage", "EC600GCNLDR02A04M04_OCPU_APP", "unisoc8850"),
    ],
)
def test_package_when_other_real_file_then_chip_and_version(file, version, chip):
    package = read_package(sample(f"unisoc/{file}.pac").read_bytes())
    assert (package.version, package.chip, package.areas) == (version, chip, ())


def test_package_when_images_name_no_version_then_file_names_do():
    rows = [(n, k, a, s, d.replace(VERSION, b"x" * len(VERSION)), c) for n, k, a, s, d, c in stock_rows()]
    name = "8915DM_cat1_open_EC600UCNLBR03A02M08_OCPU_QPY_merge.pac"
    package = read_package(unisoc.write(small_pac(rows)), name)
    assert package.version == "EC600UCNLBR03A02M08_OCPU_QPY"
    assert package.model == "EC600U-CNLB"


def test_package_when_a_crc_is_wrong_then_refused_unless_told_to_read_on():
    data = bytearray(small_file())
    data[-1] ^= 1
    with pytest.raises(BadChecksum):
        read_package(bytes(data))


def without(name: str):
    pac = small_pac()
    return pac.with_entries(entry for entry in pac.entries if entry.id.text != name)


def with_xml(old: bytes, new: bytes):
    pac = small_pac()
    assert old in pac.xml
    return pac.with_xml(pac.xml.replace(old, new, 1))


BROKEN = {
    "entry-without-file": (with_xml(b"<ID>AP</ID>", b"<ID>XX</ID>"), "xml-missing"),
    "other-address": (with_xml(b"0x60010000", b"0x60020000"), "xml-address"),
    "area-and-content-differ": (
        small_pac([*stock_rows(), ("PY_FS_U", "CODE", U_ADDRESS + 0x1000, U_SIZE, b"x", 1)]),
        "area",
    ),
    "xml-empty": (small_pac().with_xml(b""), "xml-syntax"),
    "xml-without-files": (small_pac().with_xml(b"<BMAConfig/>\n"), "xml-missing"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_package_when_xml_contradicts_then_the_rule_is_named(name):
    pac, rule = BROKEN[name]
    with pytest.raises(BadFormat) as failure:
        read_package(unisoc.write(pac))
    assert failure.value.facts["rule"] == rule


def test_package_when_no_loader_then_not_for_these_modules():
    rows = [row for row in stock_rows() if row[0] not in {"HOST_FDL", "FDL2"}]
    with pytest.raises(Unsupported):
        read_package(unisoc.write(small_pac(rows)))


def test_package_when_loaders_of_both_chips_then_not_for_these_modules():
    rows = [("FDL", "FDL", 0x50800000, 0x14000, b"SIHR", 1), *stock_rows()]
    with pytest.raises(Unsupported):
        read_package(unisoc.write(small_pac(rows)))


def test_package_when_partial_then_accepted():
    rows = [row for row in stock_rows() if row[0] in {"HOST_FDL", "FDL2", "ERASE_BOOT"}]
    package = read_package(unisoc.write(small_pac(rows)))
    assert [part.name for part in package.parts] == ["HOST_FDL", "FDL2", "ERASE_BOOT", "XML"]


def test_package_when_type_is_unknown_then_kind_says_so():
    package = read_package(unisoc.write(with_xml(b"<Type>EraseFlash</Type>", b"<Type>Riddle</Type>")))
    assert package.part("ERASE_BOOT").kind == "unknown"


def test_package_when_gap_is_kept_then_it_survives():
    pac = small_pac()
    entries = [replace(pac.entries[0], gap=b"12345678"), *pac.entries[1:]]
    data = unisoc.write(pac.with_entries(entries))
    assert write_package(read_package(data)) == data

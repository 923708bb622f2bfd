from __future__ import annotations

import zlib
from dataclasses import replace

import pytest

from moduline.errors import BadPackage
from moduline.formats import cpio, nv, system_image
from moduline.formats.container import unisoc
from moduline.formats.littlefs import FsGeometry, write_image
from moduline.formats.system_image import SystemImage, SystemPartition
from moduline.package import merge, read_package, verify
from moduline.package.findings import errors_of, must_be_sound
from package_maker import CPIO, U_ADDRESS, U_SIZE, small_file, small_pac, stock_rows, uimage
from samples import sample


def slugs(rows) -> list[tuple[str, str, str]]:
    package = read_package(unisoc.write(small_pac(rows)))
    return [(one.severity, one.slug, one.part) for one in verify(package)]


def with_row(name: str, **change):
    keys = ("name", "type", "address", "size", "data", "check")
    return [
        tuple((dict(zip(keys, row, strict=True)) | change).values()) if row[0] == name else row for row in stock_rows()
    ]


STALE = ("notice", "nv-crc-stale", "NV")
FILES = ["CSDK_RDA8910", "EC600GCN_LD__8850XM_cat1_open_core", "EC600GCN_LD__8850XM_cat1_open_merge"]


@pytest.mark.parametrize("file", FILES)
def test_verify_when_real_package_then_only_the_stale_nv_is_noted(file):
    findings = verify(read_package(sample(f"unisoc/{file}.pac").read_bytes()))
    assert [(one.severity, one.slug, one.part) for one in findings] == [STALE]


def test_verify_when_small_package_then_only_the_stale_nv_is_noted():
    assert slugs(stock_rows()) == [STALE]


def test_verify_when_container_crcs_are_wrong_then_both_are_errors():
    data = bytearray(small_file())
    data[100] ^= 1
    data[2124 + 2000] ^= 1
    findings = verify(read_package(bytes(data), must_check=False))
    assert [(one.slug, one.facts["name"]) for one in errors_of(findings)] == [
        ("container-crc", "CRC1"),
        ("container-crc", "CRC2"),
    ]


def real_8850(changed):
    """Findings beyond the stale NV of a real EC600G package after a change of its parts: {name: bytes to bytes}."""
    pac = unisoc.read(sample("unisoc/EC600GCN_LD__8850XM_cat1_open_merge.pac").read_bytes())
    entries = [replace(one, data=changed.get(one.id.text, bytes)(one.data)) for one in pac.entries]
    findings = verify(read_package(unisoc.write(pac.with_entries(entries))))
    return [(one.severity, one.slug, one.part) for one in findings if one.slug != "nv-crc-stale"]


@pytest.mark.parametrize("part", ["FDL", "SPL", "BOOT", "AP", "APPIMG"])
def test_verify_when_an_8850_image_is_damaged_then_its_part_is_named(part):
    """platform-unisoc 3.2: header, its CRC, the payload's CRC, the length, the checksum method."""

    def flipped(at):
        return lambda data: data[: at % len(data)] + bytes([data[at] ^ 1]) + data[at % len(data) + 1 :]

    method = lambda data: with_header_crc(data[:128] + b"\1" + data[129:])  # noqa: E731
    also = [("warning", "loader-header", part)] if part == "FDL" else []
    assert real_8850({part: flipped(0)}) == [("error", "image-header", part), *also]
    for change in (flipped(4), flipped(40), flipped(132), flipped(300), flipped(-1), lambda data: data[:-2], method):
        assert real_8850({part: change}) == [("error", "image-damaged", part)]
    assert real_8850({part: lambda data: data + b"\xff" * 4}) == [("warning", "image-tail", part)]


def with_header_crc(image):
    return image[:4] + zlib.crc32(image[36:256]).to_bytes(4, "little") + image[8:]


def test_verify_when_the_nv_block_of_an_8850_is_damaged_or_of_the_other_chips_size_then_said():
    assert real_8850({"NV": lambda data: data[:-2]}) == [("warning", "nv-size", "NV")]
    assert ("error", "nv-size", "NV") in real_8850({"NV": lambda data: data + b"\xff" * 2})
    assert real_8850({"NV": lambda data: data[:4] + b"\0" * (len(data) - 4)}) == [("error", "image-damaged", "NV")]
    assert real_8850({"CP": lambda data: b"\0" + data[1:]}) == [("error", "image-damaged", "CP")]


def test_verify_when_nv_has_a_right_crc_then_nothing_is_noted():
    pac = unisoc.read(sample("unisoc/EC600GCN_LD__8850XM_cat1_open_merge.pac").read_bytes())
    entries = [replace(one, data=nv.with_right_crc(one.data)) if one.id.text == "NV" else one for one in pac.entries]
    assert verify(read_package(unisoc.write(pac.with_entries(entries)))) == []


CASES = {
    "damaged-image": (with_row("AP", data=uimage(b"x")[:-1] + b"y"), ("error", "image-damaged", "AP")),
    "damaged-appimg": (with_row("AP", data=b"2PPA" + bytes(60)), ("error", "image-damaged", "AP")),
    "damaged-sihr": (with_row("AP", data=b"SIHR" + bytes(300)), ("error", "image-damaged", "AP")),
    "damaged-cpio": (with_row("PREPACK", data=CPIO[:60]), ("error", "image-damaged", "PREPACK")),
    "damaged-nv": (with_row("NV", data=bytes(64)), ("error", "image-damaged", "NV")),
    "loader-without-header": (with_row("FDL2", data=b"plain"), ("warning", "loader-header", "FDL2")),
    "content-larger-than-room": (with_row("PS", size=8), ("error", "part-too-big", "PS")),
    "contents-overlap": (with_row("PS", address=0x60010010), ("error", "overlap", "PS")),
    "erase-after-write": (
        [*stock_rows(), ("ERASE_AP", "EraseFlash", 0x60010000, 0x1000, b"", 1)],
        ("error", "overlap", "ERASE_AP"),
    ),
    "too-large-member": (
        with_row("PREPACK", data=cpio.write(cpio.archive_of([("a", bytes(0x10001))]))),
        ("warning", "cpio-member-too-big", "PREPACK"),
    ),
    "blank-area": (
        [*stock_rows(), ("PY_FS_U", "CODE", U_ADDRESS, U_SIZE, b"\xff" * U_SIZE, 1)],
        ("notice", "fs-blank", "PY_FS_U"),
    ),
    "no-file-system": (
        [*stock_rows(), ("PY_FS_U", "CODE", U_ADDRESS, U_SIZE, b"\x00" * U_SIZE, 1)],
        ("error", "image-damaged", "PY_FS_U"),
    ),
    "short-area": (
        [*stock_rows(), ("PY_FS_U", "CODE", U_ADDRESS, U_SIZE, b"\xff" * 16, 1)],
        ("warning", "area-size", "PY_FS_U"),
    ),
    "unknown-type": (with_row("ERASE_BOOT", type="Riddle"), ("warning", "part-unknown", "ERASE_BOOT")),
}


@pytest.mark.parametrize("name", CASES)
def test_verify_when_something_is_wrong_then_it_is_found(name):
    rows, expected = CASES[name]
    assert expected in slugs(rows)


def test_verify_when_erase_is_off_by_default_then_no_overlap():
    assert slugs([*stock_rows(), ("ERASE_AP", "EraseFlash", 0x60010000, 0x1000, b"", 0)]) == [STALE]


def test_verify_when_xml_says_more_or_in_another_order_then_warned():
    pac = small_pac()
    fewer = pac.with_entries(entry for entry in pac.entries if entry.id.text != "PREPACK")
    assert "xml-extra" in [one.slug for one in verify(read_package(unisoc.write(fewer)))]
    swapped = pac.with_entries([pac.entries[1], pac.entries[0], *pac.entries[2:]])
    assert "xml-order" in [one.slug for one in verify(read_package(unisoc.write(swapped)))]


def test_findings_when_said_then_both_languages_are_whole():
    for rows, _ in CASES.values():
        for one in verify(read_package(unisoc.write(small_pac(rows)))):
            assert "?" not in one.say("en")
            assert "{" not in one.say("zh")


def test_must_be_sound_when_there_is_an_error_then_raised_with_its_text():
    findings = verify(read_package(unisoc.write(small_pac(with_row("PS", size=8)))))
    with pytest.raises(BadPackage) as failure:
        must_be_sound(findings, "x{y}.pac")
    assert "there is room for 8" in failure.value.message("en")
    must_be_sound(verify(read_package(small_file())), "x.pac")


def test_verify_when_images_are_merged_then_they_are_looked_into():
    package = merge(read_package(small_file()), {"user_fs": b"\xff" * U_SIZE})
    assert "fs-blank" in [one.slug for one in verify(package)]


def own_firmware(address: int = U_ADDRESS, size: int = U_SIZE) -> bytes:
    """An AP part of our own virtual firmware."""
    partition = SystemPartition("user_fs", address, size, "lfs1", "/usr", "customer_fs", 4096, 2)
    image = SystemImage("EC600UCNLBR03A02M08_OCPU_QPY", "ec600u", ("EC600U-CNLB",), "6.3", (partition,), b"rom")
    return uimage(system_image.write(image))


def test_package_when_firmware_is_our_own_then_its_manifest_says_version_and_model():
    package = read_package(unisoc.write(small_pac(with_row("AP", data=own_firmware()))))
    assert (package.version, package.model) == ("EC600UCNLBR03A02M08_OCPU_QPY", "EC600U-CNLB")
    assert [one.slug for one in verify(package)] == ["nv-crc-stale"]


@pytest.mark.parametrize(("address", "size"), [(U_ADDRESS + 0x1000, U_SIZE), (U_ADDRESS, U_SIZE * 2)])
def test_verify_when_own_firmware_drives_another_place_then_error(address, size):
    assert ("error", "area-misplaced", "PY_FS_U") in slugs(with_row("AP", data=own_firmware(address, size)))


def test_verify_when_own_system_image_is_damaged_then_error_and_package_is_still_read():
    image = system_image.write(SystemImage("1", "x", (), "6.3", (), b"rom"))
    broken = uimage(image[:-1] + b"!")
    assert ("error", "image-damaged", "AP") in slugs(with_row("AP", data=broken))


def test_verify_when_file_system_fits_its_area_then_sound_and_when_cut_then_error():
    def rows(blocks: int):
        image = write_image([("main.py", b"print(1)\n")], FsGeometry("lfs1", 4096, blocks, 4096, 4096))
        return [*stock_rows(), ("PY_FS_C", "CODE", 0x60400000, 0x8000, image[:0x8000], 1)]

    assert slugs(rows(8)) == [STALE]
    assert [(severity, part) for severity, _, part in slugs(rows(16))] == [STALE[::2], ("error", "PY_FS_C")]

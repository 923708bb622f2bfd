"""EigenComm packages of both layouts and bare: platform-eigencomm 1.1 to 1.4, 3.4, 4."""

from __future__ import annotations

import json

import pytest

from eigen_maker import (
    AGENTBOOT,
    B_ROOM,
    BLOCK,
    ENTRIES,
    FOLDER,
    FORMAT,
    INI,
    U_ROOM,
    binpkg_105,
    binpkg_106,
    file_system,
    layout_2023,
    layout_2024,
    mode_records,
    zip_of,
)
from moduline.errors import BadFormat, BadOption, MissingArea, TooBig, Unsupported
from moduline.formats.littlefs import read_image
from moduline.package import diff, merge, read_package, verify, write_package
from moduline.package.containers import container_of
from moduline.package.eigen_shapes import with_agentboot
from moduline.package.inspect import only_areas
from moduline.package.merge import locate, strip, substitute
from samples import sample

REAL = "eigen/EC600E_at_command_v106.binpkg"
LAYOUTS = {"2023": layout_2023, "2024": layout_2024}


@pytest.fixture(params=LAYOUTS)
def layout(request):
    return LAYOUTS[request.param]


def findings(data: bytes) -> dict[str, tuple[str, str]]:
    found = verify(read_package(data, must_check=False))
    assert all(one.say("zh") and one.say("en") for one in found)
    return {one.slug: (one.severity, one.part) for one in found}


def replaced(text: dict) -> bytes:
    return json.dumps(text).encode()


def test_package_when_read_then_facts_parts_and_areas(layout):
    package = read_package(layout(), "fw.zip")
    assert (package.container, package.chip) == ("eigen", "eigen618")
    assert (package.model, package.version) == ("EC800E-CNLC", "EC800ECNLCR01A01M04_BETA1201")
    burnt = {
        part.name: (part.role, part.address, part.size) for part in package.parts if part.kind in {"code", "loader"}
    }
    assert burnt == {
        "agentboot_usb": ("second_loader", 0xFFFFFFFF, 0),
        "agentboot_uart": ("second_loader_uart", 0xFFFFFFFF, 0),
        "ap_bootloader": ("boot", 0x804000, 0x8000),
        "ap_at_command": ("system", 0x824000, 0x2CC000),
        "cp-demo-flash": ("modem", 0x8800000, 0x80000),
        "ap_application": ("app", 0xAF0000, 0x10000),
        "ap_updater": ("updater", 0xBB4000, 0x18000),
        "customer_fs": ("user_fs", 0xB00000, U_ROOM),
        "customer_backup_fs": ("backup_fs", 0xB40000, B_ROOM),
    }
    assert [part.name for part in package.parts if part.kind == "code"] == list(burnt)[2:]
    rf = package.part("MergeRfTable.bin")
    assert (rf.role, rf.kind, rf.is_default) == ("rf", "unused", False)
    assert [(area.role, area.address, area.size) for area in package.areas] == [
        ("user_fs", 0xB00000, U_ROOM),
        ("backup_fs", 0xB40000, B_ROOM),
    ]
    facts = container_of(package).facts(package)
    assert facts["agentboot"] == ["usb", "uart"]
    assert facts["rom_versions"] == ["0000000102000000"]
    assert facts["fs"] == ["user_fs: lfs2 64 x 4096", "backup_fs: lfs2 32 x 4096"]


def test_package_when_unchanged_then_same_bytes_and_nothing_to_say(layout):
    data = layout()
    package = read_package(data)
    assert write_package(package) == data
    assert write_package(merge(package, {})) == data
    assert diff(package, read_package(data)) == ()
    assert findings(data) == {}


def test_package_when_areas_are_merged_then_only_they_change(layout):
    stock = read_package(layout())
    user = file_system(files=[("main.py", b"print(1)\n")])
    backup = file_system(blocks=B_ROOM // BLOCK, files=[("backup_restore.json", b'{"enable": 0}')])
    merged = merge(stock, {"user_fs": user, "backup_fs": backup})
    again = read_package(write_package(merged))
    assert (again.part("customer_fs").data, again.part("customer_backup_fs").data) == (user, backup)
    found = diff(stock, again)
    assert [one.name for one in found] == ["customer_backup_fs.bin", "customer_fs.bin"]
    assert only_areas(found)
    assert write_package(merge(again, {"user_fs": user})) == write_package(again)
    back = merge(again, {role: stock.by_role(role).data for role in ("user_fs", "backup_fs")})
    assert diff(stock, back) == ()


@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
def test_geometry_when_the_packages_own_image_has_one_then_it_counts(kind):
    """Half of MAX_SIZE: littlefs 2 refuses to mount another block count than its own."""
    package = read_package(layout_2023(customer_fs__bin=file_system(kind, 32)))
    area = package.area("user_fs")
    assert (area.size, package.part("customer_fs").size) == (32 * BLOCK, U_ROOM)
    geometry = container_of(package).geometry(package, area, 32, 32)
    assert (geometry.kind, geometry.block_bytes, geometry.block_count) == (kind, BLOCK, 32)
    assert geometry.content_blocks == (31 if kind == "lfs1" else 32)
    assert findings(layout_2023(customer_fs__bin=file_system(kind, 32))) == {}


@pytest.mark.parametrize("image", [None, b"", b"\xff" * U_ROOM, b"\0" * 64])
def test_geometry_when_unknown_then_refused_with_the_reason(image):
    package = read_package(layout_2023(customer_fs__bin=image))
    area = package.area("user_fs")
    if image is None:
        assert area is None
        with pytest.raises(MissingArea):
            locate(package, "user_fs")
        return
    with pytest.raises(Unsupported) as refused:
        container_of(package).geometry(package, area, 32, 32)
    assert "littlefs" in refused.value.message()
    assert "customer_fs.bin" in refused.value.remedy()


def test_merge_when_image_is_too_large_or_of_another_littlefs_then_refused():
    stock = read_package(layout_2023())
    with pytest.raises(TooBig):
        merge(stock, {"user_fs": bytes(U_ROOM + BLOCK)})
    with pytest.raises(TooBig):
        substitute(stock, "customer_fs", bytes(U_ROOM + 1))
    with pytest.raises(BadOption) as refused:
        merge(stock, {"user_fs": file_system("lfs1")})
    assert (refused.value.facts["before"], refused.value.facts["after"]) == ("lfs2", "lfs1")
    smaller = substitute(stock, "customer_fs", file_system(blocks=8))
    assert smaller.area("user_fs").size == 8 * BLOCK


def test_substitute_when_system_then_binpkg_is_made_anew():
    package = substitute(read_package(layout_2024()), "ap_at_command", b"other system")
    entries = tuple((n, k, a, r, b"other system" if n == "ap_at_command" else d) for n, k, a, r, d in ENTRIES)
    assert package.source.members[f"{FOLDER}/at_command.binpkg"] == binpkg_106(entries)
    assert [one.name for one in diff(read_package(layout_2024()), package)] == ["ap_at_command"]
    with pytest.raises(TooBig):
        substitute(package, "ap_bootloader", bytes(0x8001))
    with pytest.raises(BadOption):
        substitute(package, "nobody", b"")


def test_strip_when_member_is_needed_then_refused_else_gone():
    package = read_package(layout_2023())
    without = strip(package, ["MergeRfTable.bin", "changelog.md"])
    assert without.part("MergeRfTable.bin") is None
    assert [one.what for one in diff(package, without)] == ["removed", "removed"]
    for name in ("ap_at_command", "customer_fs", "agentboot_usb", "nobody"):
        with pytest.raises(BadOption):
            strip(package, [name])


# ---- bare binpkg -----------------------------------------------------------------------------------------------------


def test_bare_binpkg_when_real_then_read_and_says_what_it_lacks():
    data = sample(REAL).read_bytes()
    package = read_package(data, "at_command.binpkg")
    assert (package.chip, package.model) == ("eigen618", "EC600E-CNLC")
    assert package.version == "EC600ECNLCR01A01M04_BETA1201"
    assert [(one.name, one.role) for one in package.parts] == [
        ("ap_bootloader", "boot"),
        ("ap_at_command", "system"),
        ("cp-demo-flash", "modem"),
    ]
    assert write_package(package) == data
    assert findings(data) == {"agentboot-missing": ("notice", "")}
    assert package.areas == ()
    with pytest.raises(MissingArea):
        merge(package, {"user_fs": bytes(U_ROOM)})


def test_bare_binpkg_when_system_is_replaced_then_still_bare():
    package = substitute(read_package(binpkg_106()), "ap_at_command", b"x")
    assert write_package(package) == binpkg_106(
        tuple((n, k, a, r, b"x" if k == "AP" else d) for n, k, a, r, d in ENTRIES)
    )


def test_agentboot_when_given_to_a_bare_or_a_whole_package_then_it_is_the_one_for_usb():
    package = with_agentboot(read_package(sample(REAL).read_bytes()), AGENTBOOT)
    assert (package.part("agentboot_usb").data, package.chip) == (AGENTBOOT, "eigen618")
    assert package.part("ap_at_command").data == read_package(sample(REAL).read_bytes()).part("ap_at_command").data
    assert "agentboot-missing" not in findings(write_package(package))
    other = with_agentboot(read_package(layout_2024()), b"another")
    assert [one.name for one in diff(read_package(layout_2024()), other)] == ["agentboot_usb/agentboot.bin"]
    with pytest.raises(BadOption):
        with_agentboot(other, b"")


@pytest.mark.parametrize(
    ("records", "entries", "chip"),
    [
        (mode_records("EC718PV"), [("ap_at_command", "AP", 0x8B8000, 0x100000, b"x")], "eigen718"),
        (b"", [("ap_at_command", "AP", 0x87E000, 0x100000, b"x")], ""),
        (mode_records("EC718PV"), [("ap_at_command", "AP", 0x24000, 0x100000, b"x")], ""),
    ],
    ids=["product", "nothing", "contradiction"],
)
def test_chip_when_told_by_the_product_or_not_at_all(records, entries, chip):
    data = binpkg_106(entries, "111", records)
    assert read_package(data).chip == chip
    slugs = findings(data)
    assert ("chip-unknown" in slugs) is (chip == "" and not records)
    assert ("chip-contradiction" in slugs) is (chip == "" and bool(records))


def test_newer_binpkg_when_it_carries_everything_then_areas_from_its_entries():
    entries = [
        ("ap_bootloader", "BL", 0x803000, 0x8000, b"boot"),
        ("ap_at_command", "AP", 0x8B8000, 0x100000, b"system"),
        ("application", "FLX0", 0xA00000, 0x10000, b"app"),
        ("customer_fs", "FLX1", 0x80000000, 0x80000, file_system(blocks=0x80)),
        ("format.json", "FLX2", 0, 0x100000, b"{}"),
        ("mystery", "XYZ", 0x900000, 0x1000, b"?"),
    ]
    data = binpkg_106(entries, "111", mode_records("EC718PM"))
    package = read_package(data)
    assert [(one.name, one.role, one.kind, one.address) for one in package.parts] == [
        ("ap_bootloader", "boot", "code", 0x803000),
        ("ap_at_command", "system", "code", 0x8B8000),
        ("application", "app", "code", 0xA00000),
        ("customer_fs", "user_fs", "code", 0x80000000),
        ("format.json", "", "unused", 0xFFFFFFFF),
        ("mystery", "", "unknown", 0x900000),
    ]
    new = file_system(blocks=0x80, files=[("main.py", b"1")])
    merged = merge(package, {"user_fs": new})
    entries[3] = (*entries[3][:4], new)
    assert write_package(merged) == binpkg_106(entries, "111", mode_records("EC718PM"))
    assert findings(data)["kind-unknown"] == ("warning", "mystery")


# ---- what verify finds -----------------------------------------------------------------------------------------------

DAMAGED_BINPKG = binpkg_106()[:-1] + b"?"
OVER_CAL = INI.replace(b"0x3B4000", b"0x3BC000")
FAULTS = {
    "image-hash": ({"at_command__binpkg": DAMAGED_BINPKG}, ("error", "cp-demo-flash")),
    "calibration": ({"quec_download_config__ini": OVER_CAL}, ("error", "ap_updater")),
    "file-alignment": ({"quec_download_config__ini": INI.replace(b"0x3B4000", b"0x3B4100")},
                       ("warning", "ap_updater.bin")),
    "file-missing": ({"ap_updater__bin": None}, ("warning", "ap_updater.bin")),
    "part-too-big": ({"ap_updater__bin": bytes(0x18001)}, ("error", "ap_updater")),
    "download-ini-missing": ({"quec_download_config__ini": None}, ("warning", "")),
    "chip-contradiction": ({"quec_download_usb__ini": b"rom_version=0000000103030000\n",
                            "quec_download_uart__ini": b""}, ("error", "")),
    "format-damaged": ({"format_ec618__json": b"[1"}, ("warning", "format_ec618.json")),
    "fs-unknown": ({"customer_fs__bin": b"\xff" * U_ROOM}, ("notice", "customer_fs")),
    "image-damaged": ({"customer_fs__bin": b"\0" * U_ROOM}, ("error", "customer_fs")),
    "binpkg-tail": ({"at_command__binpkg": binpkg_106() + b"tail"}, ("warning", "")),
    "no-system": ({"at_command__binpkg": binpkg_106(ENTRIES[:1])}, ("warning", "")),
    "overlap": ({"quec_download_config__ini": INI.replace(b"0x340000", b"0x300000")}, ("error", "customer_backup_fs")),
}  # fmt: skip


@pytest.mark.parametrize("slug", FAULTS)
def test_verify_when_something_is_wrong_then_found(slug):
    changes, expected = FAULTS[slug]
    assert findings(layout_2023(**changes))[slug] == expected


def test_verify_when_no_agentboot_then_a_burner_must_be_given_one():
    data = zip_of({"at_command.binpkg": binpkg_106()})
    assert findings(data)["agentboot-missing"] == ("warning", "")
    uart_only = layout_2023(**{"agentboot_usb/agentboot__bin": None})
    assert "agentboot-missing" not in findings(uart_only)
    package = read_package(uart_only)
    assert container_of(package).facts(package)["agentboot"] == ["uart"]


def test_format_regions_when_of_a_real_kind_then_read():
    described = FORMAT | {
        "opt": {"begin": 1, "length": 2},
        "version": 3,
        "erallum": [{"begin": "0x0", "length": "0x10"}],
    }
    assert "calibration" not in findings(layout_2023(format_ec618__json=replaced(described)))


# ---- layouts ---------------------------------------------------------------------------------------------------------


def test_zip_when_it_has_two_binpkgs_then_the_one_beside_the_ini_or_refused():
    two = zip_of({"a/at_command.binpkg": binpkg_106(), "b/at_command.binpkg": binpkg_106()})
    with pytest.raises(BadFormat) as refused:
        read_package(two)
    assert refused.value.facts["rule"] == "binpkg-count"
    one = zip_of(
        {"a/at_command.binpkg": binpkg_105(), "b/at_command.binpkg": binpkg_106(), "b/quec_download_config.ini": b""}
    )
    assert read_package(one).source.binpkg_name == "b/at_command.binpkg"


def test_zip_when_three_files_then_no_backup_area():
    ini = INI[: INI.index(b"[File_4]")].replace(b"=4", b"=3")
    package = read_package(layout_2023(quec_download_config__ini=ini))
    assert [area.role for area in package.areas] == ["user_fs"]
    assert package.part("customer_backup_fs.bin").kind == "unused"


def test_image_when_merged_then_read_by_the_other_reader():
    package = merge(read_package(layout_2023()), {"user_fs": file_system(files=[("a/b.py", b"1" * 9000)])})
    image = read_image(package.by_role("user_fs").data)
    assert dict(image.entries)["a/b.py"] == b"1" * 9000

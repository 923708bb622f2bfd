from __future__ import annotations

import io
import json
import zipfile

import pytest

from asr_maker import B_SIZE, B_START, ROWS, SCRIPT, U_SIZE, U_START, VERSION, fip, members, small_file, table, zipped
from moduline.errors import BadChecksum, BadFormat, BadOption, MissingArea, TooBig
from moduline.formats.container import asr, asr_sparse
from moduline.formats.littlefs import FsGeometry, write_image
from moduline.package import FsArea, diff, merge, read_package, verify, write_package
from moduline.package.findings import errors_of
from moduline.package.inspect import only_areas
from moduline.package.merge import strip, substitute
from moduline.package.unisoc_entries import substitute_entry
from package_maker import small_file as small_pac_file
from samples import sample

USER = write_image((("main.py", b"print(1)\n"),), FsGeometry("lfs1", 4096, U_SIZE // 4096, 4096, 4096))
BACKUP = write_image((), FsGeometry("lfs1", 4096, B_SIZE // 4096, 4096, 4096))


def names_of(data: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(data)).namelist()


def slugs(data: bytes, **options) -> list[tuple[str, str, str]]:
    return [(one.severity, one.slug, one.part) for one in verify(read_package(data, "x.bin", **options))]


@pytest.mark.parametrize("folder", ["", "EC600N/"])
def test_asr_when_read_then_parts_come_in_the_scripts_order_with_roles_and_places(folder):
    package = read_package(small_file(folder), "EC600N.bin")
    assert (package.container, package.chip, package.shells) == ("asr", "asr1603", ())
    assert (package.version, package.model) == (VERSION.decode(), "EC600N-CNLC")
    rows = [(one.name, one.role, one.kind, one.address, one.size) for one in package.parts]
    assert rows == [
        ("download.json", "script", "script", 0xFFFFFFFF, 0),
        ("preboot.img", "first_loader", "loader", 0xFFFFFFFF, 0),
        ("flasher.img", "second_loader", "loader", 0xFFFFFFFF, 0),
        ("flashinfo.bin", "flash_list", "table", 0xFFFFFFFF, 0),
        ("partition.bin", "partition_table", "table", 0xFFFFFFFF, 0),
        ("cp", "modem", "code", 0x80020000, 0x40000),
        ("erase:nvm", "erase_nvm", "erase", 0x801F0000, 0x10000),
        ("customer_fs", "user_fs", "code", 0x80100000, 0x10000),
        ("fuse", "fuse", "unknown", 0xFFFFFFFF, 0),
        ("notes.txt", "", "unused", 0xFFFFFFFF, 0),
    ]
    assert not package.part("fuse").is_default, "one-time fuses are never written by default"
    assert package.areas == (
        FsArea("customer_fs", "user_fs", 0x80000000 + U_START, U_SIZE, "table"),
        FsArea("customer_backup_fs", "backup_fs", 0x80000000 + B_START, B_SIZE, "table"),
    )
    assert package.areas[0].flash_offset == U_START


@pytest.mark.parametrize("folder", ["", "EC600N/"])
@pytest.mark.parametrize("shells", [0, 1, 2])
def test_asr_when_written_unchanged_then_the_same_bytes(folder, shells):
    data = small_file(folder)
    for number in range(shells):
        data = zipped({"changes.pdf": b"%PDF", f"inner{number}.bin": data})
    package = read_package(data)
    assert len(package.shells) == shells
    assert write_package(package) == data


def test_asr_when_made_of_the_real_files_then_read_verified_and_the_same_bytes():
    names = ["download.json", "asr1603/preboot.img", "asr1603/flasher.img"]
    content = {name.rpartition("/")[2]: sample(f"asr/{name}").read_bytes() for name in names}
    content |= {
        "flashinfo.bin": sample("asr/flashinfo_8M.bin").read_bytes(),
        "partition.bin": sample("asr/partition_8M.bin").read_bytes(),
        "app.bin": b"an app",
    }
    data = zipped(content)
    package = read_package(data)
    assert write_package(package) == data
    assert verify(package) == []
    assert (package.chip, package.areas) == ("asr1603", ()), "a waybyte table has no area of ours; none is guessed"
    assert (package.by_role("app").address, package.by_role("app").size) == (0x8053C000, 0x80000)
    with pytest.raises(MissingArea):
        merge(package, {"user_fs": bytes(0x100000)})


def test_asr_when_both_images_are_merged_then_only_they_and_their_command_change():
    stock = small_file()
    production = merge(read_package(stock), {"user_fs": USER, "backup_fs": BACKUP})
    data = write_package(production)
    assert names_of(data) == [*names_of(stock), "customer_backup_fs.bin"]
    before, after = zipfile.ZipFile(io.BytesIO(stock)), zipfile.ZipFile(io.BytesIO(data))
    for old in before.infolist():
        new = after.getinfo(old.filename)
        assert (new.date_time, new.compress_type, new.external_attr) == (
            old.date_time,
            old.compress_type,
            old.external_attr,
        )
        if old.filename not in {"customer_fs.bin", "download.json"}:
            assert after.read(old.filename) == before.read(old.filename)
    assert after.comment == b"remark"
    assert after.read("customer_fs.bin") == USER
    assert after.read("customer_backup_fs.bin") == BACKUP
    script = json.loads(after.read("download.json"))
    assert [one["partition"] for one in script if one["command"] == "flash"] == [
        "cp",
        "customer_fs",
        "customer_backup_fs",
    ]
    assert script[7]["x-vendor"] == [1, {"a": 2}]
    assert errors_of(verify(production)) == []
    assert data == write_package(merge(read_package(stock), {"backup_fs": BACKUP, "user_fs": USER}))


def test_asr_when_merged_again_then_contents_are_replaced_in_place():
    once = merge(read_package(small_file()), {"user_fs": USER, "backup_fs": BACKUP})
    other = merge(once, {"user_fs": b"\xff" * U_SIZE})
    differences = diff(once, other)
    assert [(one.place, one.name, one.what) for one in differences] == [("entry", "customer_fs.bin", "data")]
    assert only_areas(differences)
    assert diff(once, merge(other, {"user_fs": USER})) == ()


def test_asr_when_a_shorter_image_is_put_in_then_the_scripts_size_follows():
    package = substitute(read_package(small_file()), "customer_fs", USER[:0x8000])
    assert asr.write(package.source) == write_package(package)
    assert package.source.script.text.encode() == SCRIPT.replace(b"0x10000", b"0x8000")


def test_asr_when_images_are_there_for_single_boot_roms_then_all_of_them_are_replaced():
    content = members() | {"2020.07.30/customer_fs.bin": b"old", "2021.10.16/customer_fs.bin": b"old"}
    package = merge(read_package(zipped(content)), {"user_fs": USER})
    held = {name: data for name, data in package.source.members.items() if name.endswith("customer_fs.bin")}
    assert held == dict.fromkeys(["customer_fs.bin", "2020.07.30/customer_fs.bin", "2021.10.16/customer_fs.bin"], USER)
    assert package.part("customer_fs").file_name == "2020.07.30/customer_fs.bin"


@pytest.mark.parametrize(
    ("images", "error"),
    [
        ({"user_fs": bytes(U_SIZE + 1)}, TooBig),
        ({"user_fs": bytes(U_SIZE - 1)}, BadOption),
        ({"customer_fs_c": b""}, MissingArea),
        ({"system": b""}, BadOption),
    ],
)
def test_asr_when_an_image_does_not_fit_then_refused(images, error):
    with pytest.raises(error):
        merge(read_package(small_file()), images)


def test_asr_when_the_table_has_no_backup_then_the_callers_place_is_not_taken_either():
    package = read_package(small_file(partition__bin=table([row for row in ROWS if row[0] != "customer_backup_fs"])))
    assumed = [FsArea("customer_backup_fs", "backup_fs", 0x80110000, B_SIZE, "fallback")]
    with pytest.raises(MissingArea):
        merge(package, {"backup_fs": BACKUP}, assumed)


def test_asr_when_stripped_then_only_members_nothing_refers_to_go():
    package = strip(read_package(small_file()), ["notes.txt"])
    assert "notes.txt" not in names_of(write_package(package))
    for name in ("customer_fs", "absent"):
        with pytest.raises(BadOption):
            strip(package, [name])


@pytest.mark.parametrize(
    ("changes", "chip"),
    [
        ({}, "asr1603"),
        ({"download__json": SCRIPT.replace(b"2020.07.30", b"2019.01.15")}, "asr1601"),
        ({"download__json": SCRIPT.replace(b"2020.07.30", b"2021.10.16")}, "asr1606"),
        ({"download__json": SCRIPT.replace(b"2020.07.30", b"2022.04.18")}, ""),
        ({"download__json": SCRIPT.replace(b"2020.07.30", b"2020.07.30|2021.10.16")}, ""),
        ({"download__json": b"[]", "system__img": b""}, "asr1601"),
        ({"download__json": b"[]", "platform_config__json": b'{"platform": "ASR1606"}'}, "asr1606"),
        ({"download__json": b"[]", "platform_config__json": b'{"platform": "ASR"}'}, ""),
    ],
)
def test_asr_when_the_boot_rom_is_named_then_the_chip_follows_and_is_never_guessed(changes, chip):
    assert read_package(small_file(**changes)).chip == chip


REMARKABLE = {
    "sound": ({}, []),
    "unknown-chip": ({"download__json": SCRIPT.replace(b"2020.07.30", b"1")}, [("warning", "chip-unknown", "")]),
    "other-platform": (
        {"platform_config__json": b'{"platform": "asr1606"}'},
        [("error", "chip-contradiction", "")],
    ),
    "no-member": ({"cp__bin": None}, [("error", "member-missing", "cp")]),
    "no-flash-list": (
        {"flashinfo__bin": None},
        [("warning", "flash-list-missing", ""), ("error", "member-missing", "flashinfo.bin")],
    ),
    "other-flash": ({"partition__bin": table([(*ROWS[1][:3], 0x400000, 1), *ROWS[2:]])}, [("warning", "flash-size", "flashinfo.bin")]),
    "no-place": (
        {"partition__bin": table([row for row in ROWS if row[0] not in {"cp", "customer_fs"}])},
        [
            ("error", "partition-missing", "cp"),
            ("error", "partition-missing", "customer_fs"),
            ("warning", "area-size", "customer_fs"),
        ],
    ),
    "behind-the-flash": (
        {"partition__bin": table([*ROWS[:-1], ("nvm", b"raw", 0x1F8000, 0x10000, 2)])},
        [("error", "table-range", "partition.bin")],
    ),
    "overlap": (
        {"partition__bin": table([*ROWS[:-1], ("nvm", b"raw", 0x10F000, 0x1000, 2)])},
        [("error", "table-overlap", "partition.bin")],
    ),
    "twice": (
        {"partition__bin": table([*ROWS, ("cp", b"raw", 0x180000, 0x1000, 2)])},
        [("error", "table-duplicate", "partition.bin")],
    ),
    "size": (
        {"download__json": SCRIPT.replace(b"0x10000", b"0x20000")},
        [("warning", "image-size", "customer_fs")],
    ),
    "loader": ({"flasher__img": b"\x01\x00\x64\xaa"}, [("error", "loader-damaged", "flasher.img")]),
    "too-big": ({"cp__bin": bytes(0x40001)}, [("error", "part-too-big", "cp")]),
    "no-crc": ({"partition__bin": table()[:0x888]}, [("notice", "table-no-crc", "partition.bin")]),
}  # fmt: skip


@pytest.mark.parametrize("name", REMARKABLE)
def test_verify_when_asr_package_is_remarkable_then_it_says_so(name):
    changes, expected = REMARKABLE[name]
    found = [one for one in slugs(small_file(**changes)) if one[1] not in {"fs-blank", "part-unknown"}]
    assert found == expected


def stream_of(image: bytes) -> bytes:
    body = b""
    for sparse in asr_sparse.split(image, U_SIZE):
        body += b"download:%08x\nDATA%08x\n" % (len(sparse), len(sparse)) + sparse + b"OKAY\nflash:customer_fs\nOKAY\n"
    return b"!CRANE! %08x\n" % (17 + len(body)) + body


def test_verify_when_the_recorded_stream_has_the_old_image_then_stale():
    stock = small_file(firmware__bin=stream_of(b"\xff" * U_SIZE))
    assert "stream-stale" not in [slug for _, slug, _ in slugs(stock)]
    merged = write_package(merge(read_package(stock), {"user_fs": USER}))
    assert ("warning", "stream-stale", "firmware.bin") in slugs(merged)
    assert ("warning", "stream-damaged", "firmware.bin") in slugs(small_file(firmware__bin=b"!CRANE! x"))


def test_asr_when_the_tables_crc_is_wrong_then_refused_or_found():
    data = small_file(partition__bin=table()[:-1] + b"\0")
    with pytest.raises(BadChecksum):
        read_package(data)
    assert ("error", "table-crc", "partition.bin") in slugs(data, must_check=False)


@pytest.mark.parametrize("missing", ["download.json", "partition.bin"])
def test_asr_when_a_mandatory_member_is_missing_then_named(missing):
    data = small_file(**{missing.replace(".", "__"): None, "system__img": b""})
    with pytest.raises(BadFormat) as failure:
        read_package(data)
    assert (failure.value.facts["rule"], failure.value.facts["member"]) == ("member-missing", missing)


CHANGES = {
    "member": ({"cp__bin": b"x"}, [("entry", "cp.bin", "data")]),
    "removed": ({"notes__txt": None}, [("entry", "notes.txt", "removed")]),
    "added": ({"new__txt": b""}, [("entry", "new.txt", "added")]),
    "command": ({"download__json": SCRIPT.replace(b'"nvm"', b'"cp"')}, [("script", "cp", "changed")]),
    "space": ({"download__json": SCRIPT.replace(b"[\n", b"[", 1)}, [("script", "download.json", "style")]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_diff_when_one_thing_differs_then_only_it_is_named(name):
    changes, expected = CHANGES[name]
    found = diff(read_package(small_file()), read_package(small_file(**changes)))
    assert [(one.place, one.name, one.what) for one in found if one.what != "directory"] == expected
    assert not only_areas(found)


def test_diff_when_containers_differ_then_said_and_nothing_else_is_compared():
    found = diff(read_package(small_file()), read_package(small_pac_file()))
    assert [(one.name, one.before, one.after) for one in found] == [("container", "asr", "unisoc")]


def test_diff_when_nothing_but_a_time_differs_then_not_the_same():
    data = bytearray(small_file())
    at = data.index(b"PK\x01\x02")
    data[at + 12] ^= 1
    found = diff(read_package(small_file()), read_package(bytes(data)))
    assert [(one.name, one.what) for one in found] == [("download.json", "directory")]


def test_asr_when_a_loader_is_substituted_then_the_rest_stays():
    package = read_package(small_file())
    other = substitute(package, "preboot.img", fip(b"another"))
    assert [one.name for one in diff(package, other)] == ["preboot.img"]
    with pytest.raises(BadOption):
        substitute(package, "erase:nvm", b"")
    with pytest.raises(BadOption):
        substitute_entry(read_package(small_pac_file()).source, "absent", b"")

from __future__ import annotations

import io
import json
import struct
import zipfile

import pytest

from moduline.errors import BadFormat, UnknownFormat, Unsupported
from moduline.formats.container import shell, sniff, zip_members
from package_maker import small_file
from samples import sample

PAC = small_file()


def zip_of(members: dict[str, bytes], **options) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for number, (name, content) in enumerate(members.items()):
            info = zipfile.ZipInfo(name, (2024, 5, 1 + number, 10, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
        archive.comment = b"remark"
    return target.getvalue()


def config(platform: object) -> bytes:
    return json.dumps({"platform": platform}).encode()


QUECPYTHON = {"platform_config.json": config("UNISOC8910"), "readme.txt": b"hello", "fw/module.pac": PAC}


def test_shell_when_bare_package_then_no_shells():
    opened = shell.open_shells(PAC)
    assert opened.shells == ()
    assert opened.inner == PAC
    assert shell.close_shells((), PAC) == PAC


def test_shell_when_quecpython_bin_then_package_and_platform_are_found():
    opened = shell.open_shells(zip_of(QUECPYTHON))
    assert opened.inner == PAC
    assert opened.platform == "unisoc8910"
    assert [s.member for s in opened.shells] == ["fw/module.pac"]


def test_shell_when_zip_holds_bin_then_both_are_opened():
    data = zip_of({"changes.pdf": b"%PDF", "firmware.bin": zip_of(QUECPYTHON)})
    opened = shell.open_shells(data)
    assert [s.member for s in opened.shells] == ["firmware.bin", "fw/module.pac"]
    assert opened.inner == PAC
    assert shell.close_shells(opened.shells, PAC) == data


def test_shell_when_plain_zip_of_a_package_then_opened():
    data = zip_of({"module.pac": PAC, "__MACOSX/._module.pac": b"clutter"})
    assert shell.open_shells(data).inner == PAC


def test_shell_when_package_changes_then_other_members_keep_place_time_and_content():
    data = zip_of(QUECPYTHON)
    opened = shell.open_shells(data)
    changed = shell.close_shells(opened.shells, PAC + b"!")
    assert changed == shell.close_shells(opened.shells, PAC + b"!")
    with zipfile.ZipFile(io.BytesIO(changed)) as archive:
        assert archive.namelist() == list(QUECPYTHON)
        assert [info.date_time[2] for info in archive.infolist()] == [1, 2, 3]
        assert archive.read("readme.txt") == b"hello"
        assert archive.read("fw/module.pac") == PAC + b"!"
        assert archive.comment == b"remark"


def test_zip_when_written_twice_then_same_bytes():
    members = [("a.txt", b"a" * 100), ("b/c.bin", bytes(range(256)))]
    data = zip_members.write_members(members)
    assert data == zip_members.write_members(members)
    assert [info.filename for info in zip_members.list_members(data)] == ["a.txt", "b/c.bin"]
    assert zip_members.read_start(data, "b/c.bin", 4) == b"\0\1\2\3"


def nested(depth: int) -> bytes:
    data = zip_of({"m.pac": PAC})
    for _ in range(depth - 1):
        data = zip_of({"x.bin": data})
    return data


def test_shell_when_three_deep_then_opened_and_four_deep_then_refused():
    assert len(shell.open_shells(nested(3)).shells) == 3
    with pytest.raises(BadFormat) as failure:
        shell.open_shells(nested(4))
    assert failure.value.facts["rule"] == "nested"


def encrypted() -> bytes:
    data = bytearray(zip_of({"module.pac": PAC}))
    data[6] |= 1
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    return bytes(data)


def method(number: int) -> bytes:
    data = bytearray(zip_of({"module.pac": PAC}))
    central = data.index(b"PK\x01\x02")
    data[central + 10 : central + 12] = struct.pack("<H", number)
    return bytes(data)


def lying_about_size() -> bytes:
    data = bytearray(zip_of({"module.pac": PAC}))
    central = data.index(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", 0xF0000000)
    return bytes(data)


def same_name_twice() -> bytes:
    return zip_of({"a.pac": PAC, "b.pac": PAC}).replace(b"b.pac", b"a.pac")


def empty_name() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(zipfile.ZipInfo("", (2024, 5, 1, 10, 0, 0)), PAC)
    return target.getvalue()


HOSTILE = {
    "empty-zip": (zip_of({}), "shell-content"),
    "no-package": (zip_of({"a.txt": b""}), "shell-content"),
    "two-packages": (zip_of({"a.pac": PAC, "b.pac": PAC}), "shell-content"),
    "platform-without-package": (zip_of({"platform_config.json": config("unisoc")}), "shell-content"),
    "too-deep-folder": (zip_of({"a/b/module.pac": PAC}), "shell-content"),
    "config-no-json": (zip_of({**QUECPYTHON, "platform_config.json": b"{"}), "platform-config"),
    "config-no-text": (zip_of({**QUECPYTHON, "platform_config.json": b"\xff\xfe\xff"}), "platform-config"),
    "config-list": (zip_of({**QUECPYTHON, "platform_config.json": b"[]"}), "platform-config"),
    "config-number": (zip_of({**QUECPYTHON, "platform_config.json": config(7)}), "platform-config"),
    "config-deep": (zip_of({**QUECPYTHON, "platform_config.json": b"[" * 60000}), "platform-config"),
    "config-large": (zip_of({**QUECPYTHON, "platform_config.json": b" " * 70000}), "platform-config"),
    "bomb-by-total": (lying_about_size(), "zip-bomb"),
    "bomb-by-count": (zip_of({f"{n}": b"" for n in range(1001)}), "zip-bomb"),
    "bomb-by-ratio": (zip_of({"module.pac": bytes(40 << 20)}), "zip-bomb"),
    "name-absolute": (zip_of({"/etc/module.pac": PAC}), "zip-name"),
    "name-parent": (zip_of({"../module.pac": PAC}), "zip-name"),
    "name-drive": (zip_of({"C:module.pac": PAC}), "zip-name"),
    "name-backslash": (zip_of({"a\\module.pac": PAC}), "zip-name"),
    "name-empty": (empty_name(), "zip-name"),
    "name-twice": (same_name_twice(), "zip-duplicate"),
    "cut-in-half": (zip_of(QUECPYTHON)[:200], "zip-damaged"),
    "signature-only": (b"PK\x03\x04", "zip-damaged"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_shell_when_hostile_then_the_rule_is_named(name):
    data, rule = HOSTILE[name]
    with pytest.raises(BadFormat) as failure:
        shell.open_shells(data, "x.zip")
    assert failure.value.facts["rule"] == rule
    assert "?" not in failure.value.message("en")
    assert "?" not in failure.value.message("zh")


ASR = {
    "by-config": zip_of({"platform_config.json": config("ASR1601"), "system.img": b""}),
    "by-script": zip_of({"fw/download.json": b"{}", "fw/partition.bin": b""}),
    "by-image": zip_of({"system.img": b""}),
}


@pytest.mark.parametrize("name", ASR)
def test_shell_when_asr_package_then_the_zip_itself_is_the_package(name):
    opened = shell.open_shells(ASR[name])
    assert (opened.kind, opened.shells, opened.inner) == ("asr", (), ASR[name])


def test_shell_when_asr_package_in_a_release_zip_then_one_shell():
    outer = zip_of({"changes.pdf": b"%PDF", "EC600N.bin": ASR["by-script"]})
    opened = shell.open_shells(outer)
    assert (opened.kind, [one.member for one in opened.shells]) == ("asr", ["EC600N.bin"])
    assert shell.close_shells(opened.shells, opened.inner) == outer


EIGEN = {
    "folder": zip_of({"fw/at_command.binpkg": b"106", "fw/customer_fs.bin": b"", "changelog.md": b""}),
    "platform": zip_of({"platform_config.json": config("EIGEN"), "fw/at_command.binpkg": b"106"}),
    "newer": zip_of({"fw/at_command.hbinpkg": b"111"}),
}


@pytest.mark.parametrize("name", EIGEN)
def test_shell_when_eigencomm_package_then_it_is_the_zip_itself(name):
    opened = shell.open_shells(EIGEN[name])
    assert (opened.kind, opened.shells, opened.inner) == ("eigen", (), EIGEN[name])


def test_shell_when_eigencomm_release_then_the_bin_is_inside():
    outer = zip_of({"fw/changelog.md": b"x", "fw/fw.bin": EIGEN["platform"]})
    opened = shell.open_shells(outer)
    assert (opened.kind, [one.member for one in opened.shells]) == ("eigen", ["fw/fw.bin"])
    assert shell.close_shells(opened.shells, opened.inner) == outer


OTHERS = {
    "encrypted": encrypted(),
    "bzip2": method(12),
    "unknown-method": method(99),
    "other-platform": zip_of({"platform_config.json": config("bg95"), "at_command.mbn": b"106"}),
    "uimage": b"\x27\x05\x19\x56" + bytes(60),
    "braces": zip_of({"platform_config.json": config("{x}{0}")}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_shell_when_known_but_not_read_then_unsupported_says_so(name):
    with pytest.raises(Unsupported) as failure:
        shell.open_shells(OTHERS[name], "{f}.zip")
    assert failure.value.message("zh")
    assert failure.value.remedy("en")


def test_shell_when_member_crc_is_wrong_then_damaged():
    data = bytearray(zip_of({"module.pac": PAC}))
    data[60] ^= 0xFF
    with pytest.raises(BadFormat) as failure:
        shell.open_shells(bytes(data))
    assert failure.value.facts["rule"] == "zip-damaged"


@pytest.mark.parametrize(("data", "kind"), [(b"", "empty"), (b"hello", "unknown"), (PAC[:2000], "unknown")])
def test_shell_when_no_package_then_unknown_format(data, kind):
    with pytest.raises(UnknownFormat) as failure:
        shell.open_shells(data, "x")
    assert failure.value.facts["sniffed"] == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("unisoc/CSDK_RDA8910.pac", "pac"),
        ("eigen/EC600E_at_command_v106.binpkg", "binpkg"),
        ("asr/partition_8M.bin", "asr-partition"),
        ("asr/flashinfo_8M.bin", "asr-flashinfo"),
        ("asr/asr1603/flasher.img", "asr-fip"),
    ],
)
def test_sniff_when_real_file_then_kind_is_named(name, kind):
    assert sniff.sniff(sample(name).read_bytes()) == kind
    assert kind in sniff.NAMES

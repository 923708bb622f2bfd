"""The zip of an EigenComm package: platform-eigencomm 1.1, 4."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO

import pytest

from eigen_maker import FOLDER, FORMAT, binpkg_106, layout_2023, members, zip_of
from moduline.errors import BadFormat
from moduline.formats.container import eigen
from moduline.formats.container.eigen import FormatRegion


def test_zip_when_member_is_changed_then_all_others_keep_time_packing_and_place():
    before = layout_2023()
    package = eigen.with_members(eigen.read(before), {f"{FOLDER}/customer_fs.bin": b"new", f"{FOLDER}/more": b"m"})
    old, new = (zipfile.ZipFile(BytesIO(data)) for data in (before, package.data))
    assert new.namelist() == [*old.namelist(), f"{FOLDER}/more"]
    assert new.comment == b"made by hand"
    for info in old.infolist():
        other = new.getinfo(info.filename)
        assert (info.date_time, info.compress_type) == (other.date_time, other.compress_type)
        if info.filename != f"{FOLDER}/customer_fs.bin":
            assert old.read(info) == new.read(other)
    assert package.member("customer_fs.bin") == b"new"


def test_zip_when_nothing_changes_then_the_same_bytes():
    data = layout_2023()
    package = eigen.read(data)
    assert eigen.write(package) == data
    assert eigen.with_members(package, {f"{FOLDER}/customer_fs.bin": package.member("customer_fs.bin")}).data == data
    assert eigen.with_binpkg(package, package.binpkg).data == data


def test_zip_when_at_the_top_or_of_newer_chips_then_found():
    top = eigen.read(zip_of(members()))
    assert (top.root, top.binpkg_name, len(top.files)) == ("", "at_command.binpkg", 4)
    newer = eigen.read(
        zip_of({"fw/at_command.hbinpkg": binpkg_106(), "fw/quec_download_config.ini": b"[File]\nFile_Count=0\n"})
    )
    assert (newer.binpkg_name, newer.files) == ("fw/at_command.hbinpkg", ())


def test_zip_when_there_is_no_binpkg_then_refused():
    with pytest.raises(BadFormat) as refused:
        eigen.read(zip_of({"a": b""}))
    assert refused.value.facts["count"] == 0


def test_bare_binpkg_when_given_a_member_then_refused():
    with pytest.raises(BadFormat) as refused:
        eigen.with_members(eigen.read(binpkg_106()), {"customer_fs.bin": b""})
    assert refused.value.facts["rule"] == "no-members"


def test_format_file_when_read_then_ranges_with_their_store():
    """Numbers of a real EC618 file, as text and as numbers."""
    described = {"fs": {"begin": "0xB84000", "length": 294912}, "drr": {"begin": "0x88CE000", "length": "102400"}}
    described["erallum"] = [{"stor_type": "cp_flash", "offst_flag": 1, "begin": 0, "length": "0xCD000"}]
    assert eigen.format_regions(json.dumps(described).encode()) == (
        FormatRegion("fs", "", 0xB84000, 294912),
        FormatRegion("drr", "", 0x88CE000, 102400),
        FormatRegion("erallum", "cp_flash", 0, 0xCD000),
    )
    assert {one.name for one in eigen.format_regions(json.dumps(FORMAT).encode())} == {"fs", "rr", "cal"}


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b'{"fs": {"begin": "x", "length": 1}}', b'{"fs": {"begin": 1}}', b'{"fs": {"begin": -1, "length": 1}}',
     b'{"a":' * 5000],
    ids=["empty", "list", "word", "no-length", "negative", "deep"],
)  # fmt: skip
def test_format_file_when_broken_then_refused(data):
    with pytest.raises(BadFormat) as refused:
        eigen.format_regions(data)
    assert refused.value.facts["rule"] == "format-json"

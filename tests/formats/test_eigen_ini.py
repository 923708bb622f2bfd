"""The inis of EigenComm packages: platform-eigencomm 1.1, 4."""

from __future__ import annotations

import pytest

from eigen_maker import INI
from moduline.errors import BadFormat, TooBig
from moduline.formats.container import eigen_ini
from moduline.formats.container.eigen_ini import DownloadFile

FILES = (
    DownloadFile(1, "ap_application.bin", 0x2F0000, 0x10000),
    DownloadFile(2, "ap_updater.bin", 0x3B4000, 0x18000),
    DownloadFile(3, "customer_fs.bin", 0x300000, 0x40000),
    DownloadFile(4, "customer_backup_fs.bin", 0x340000, 0x20000),
)


def test_ini_when_read_then_files_in_order_with_places():
    ini = eigen_ini.read(INI)
    assert eigen_ini.files_of(ini) == FILES
    assert eigen_ini.write(ini) == INI
    assert ini.get("file_3", "start_addr") == "0x300000"


@pytest.mark.parametrize(
    "data",
    [b"", b"\xef\xbb\xbf[a]\nb=1", b"no section = 1\n\n", "[配置]\r键=值 ; 注\r\n".encode(), b"[a]\nb=\xff\xfe\0\n", b"=\n[\n]="],
    ids=["empty", "bom", "before-section", "chinese", "bytes", "odd"],
)  # fmt: skip
def test_ini_when_any_bytes_then_written_the_same(data):
    assert eigen_ini.write(eigen_ini.read(data)) == data


def test_ini_when_bom_and_no_section_then_values_are_found():
    assert eigen_ini.read(b"\xef\xbb\xbf[a]\nb=1").get("a", "b") == "1"
    assert eigen_ini.read(b"b = 1 \n[a]\n").get("", "b") == "1"


def test_ini_when_key_is_there_twice_then_the_first_counts():
    ini = eigen_ini.read(b"[a]\nb=1\nB=2\n[A]\nb=3\n")
    assert ini.number("a", "b") == 1
    assert ini.all_of("b") == ("1", "2", "3")


BROKEN = {
    "count": (INI.replace(b"=4", b"=5"), "ini-count"),
    "count-word": (INI.replace(b"=4", b"=four"), "ini-number"),
    "address": (INI.replace(b"0x300000", b"0x30000000000"), "ini-number"),
    "negative": (INI.replace(b"0x300000", b"-1"), "ini-number"),
    "missing": (INI.replace(b"START_ADDR=0x300000\r\n", b""), "ini-missing"),
    "section": (INI.replace(b"[File_4]", b"[File_5]"), "ini-missing"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_ini_when_broken_then_says_what(name):
    data, rule = BROKEN[name]
    with pytest.raises(BadFormat) as refused:
        eigen_ini.files_of(eigen_ini.read(data))
    assert refused.value.facts["rule"] == rule
    assert refused.value.message("zh")


def test_ini_when_everything_is_in_the_binpkg_then_no_files():
    assert eigen_ini.files_of(eigen_ini.read(b"[File]\nEnable_BINPKG=1\nFile_Count=0\n")) == ()
    assert eigen_ini.files_of(eigen_ini.read(b"")) == ()


def test_ini_when_made_then_read_back():
    assert eigen_ini.files_of(eigen_ini.read(eigen_ini.make(FILES))) == FILES


def test_ini_when_larger_than_any_then_too_big():
    with pytest.raises(TooBig):
        eigen_ini.read(bytes((1 << 20) + 1))

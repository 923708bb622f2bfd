"""Arbitrary bytes give a value or a FormatError, nothing else, and quickly (2,000 seeded mutations per format)."""

from __future__ import annotations

import io
import zipfile

import pytest

from fuzz.mutations import mutations
from moduline.digest import crc16_arc
from moduline.errors import FormatError
from moduline.formats import appimg, cpio, nv, sihr
from moduline.formats import uimage as uimage_format
from moduline.formats.container import shell, unisoc, unisoc_scheme
from moduline.package import diff, read_package, verify, write_package
from package_maker import CPIO, nv_block, small_file, small_pac, uimage
from samples import sample

COUNT = 2000


def resealed(data: bytes) -> bytes:
    """Container checks made right again, so that damage reaches the readers behind them."""
    if len(data) < 2124:
        return data
    start = data[:48] + len(data).to_bytes(4, "little") + data[52:2120]
    body = data[2124:]
    return start + crc16_arc(start).to_bytes(2, "little") + crc16_arc(body).to_bytes(2, "little") + body


def survives(read, data: bytes) -> bool:
    """Whether reading succeeded; anything but success or a coded error fails the test."""
    try:
        read(data)
    except FormatError as failure:
        sentences = [failure.message("en"), failure.message("zh"), failure.remedy("zh")]
        if not all(sentences):
            raise
        return False
    return True


def whole_way(data: bytes) -> None:
    package = read_package(data, "fuzz.pac", must_check=False)
    for one in verify(package):
        assert one.say("zh")
    assert diff(package, package) == ()
    if not package.source.wrong_checks:
        assert write_package(package) == data


def test_fuzz_when_pac_is_damaged_then_value_or_coded_error():
    for data in mutations(small_file(), COUNT, seed=1):
        survives(whole_way, data)


def test_fuzz_when_checks_of_damaged_pac_are_right_then_value_or_coded_error():
    read = [survives(whole_way, resealed(data)) for data in mutations(small_file(style="lf"), COUNT, seed=2)]
    assert 100 < sum(read) < COUNT, "the damage should reach behind the checks, and be noticed there"


def test_fuzz_when_xml_is_damaged_then_value_or_coded_error():
    pac = small_pac()
    for xml in mutations(pac.xml, COUNT, seed=3):
        survives(unisoc_scheme.read, xml)
        survives(lambda data: unisoc_scheme.remove_file(data, "AP"), xml)


def test_fuzz_when_zip_shell_is_damaged_then_value_or_coded_error():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("platform_config.json", '{"platform": "unisoc8910"}')
        archive.writestr("fw/module.pac", small_file())
        archive.writestr("readme.txt", "hello")

    def reopened(data: bytes) -> None:
        opened = shell.open_shells(data)
        shell.close_shells(opened.shells, b"new")

    for data in mutations(target.getvalue(), COUNT, seed=4):
        survives(reopened, data)


@pytest.mark.parametrize(
    ("read", "original"),
    [
        pytest.param(cpio.read, CPIO, id="cpio"),
        pytest.param(uimage_format.read, uimage(b"payload" * 9), id="uimage"),
        pytest.param(nv.read, nv_block(), id="nv"),
        pytest.param(sihr.read, b"SIHR" + bytes(300), id="sihr"),
        pytest.param(appimg.read, b"2PPA" + bytes(60), id="appimg"),
    ],
)
def test_fuzz_when_part_is_damaged_then_value_or_coded_error(read, original):
    for data in mutations(original, COUNT, seed=5):
        survives(read, data)


def test_fuzz_when_nv_or_cpio_is_read_then_written_the_same():
    for data in mutations(CPIO, COUNT, seed=6):
        survives(lambda bytes_: _same(cpio.write(cpio.read(bytes_)), bytes_), data)
    for data in mutations(nv_block(), COUNT, seed=7):
        survives(lambda bytes_: _same(nv.write(nv.read(bytes_))[2:], bytes_[2:]), data)


def _same(written: bytes, read: bytes) -> None:
    assert written == read


def test_fuzz_when_real_package_is_damaged_then_value_or_coded_error():
    original = sample("unisoc/EC600GCN_LD__appimage.pac").read_bytes()
    for data in mutations(original, 300, seed=8):
        survives(whole_way, resealed(data))


def test_fuzz_when_bytes_are_noise_then_coded_error():
    for data in mutations(bytes(3000), 500, seed=9):
        assert not survives(unisoc.read, data)
        assert not survives(read_package, data)

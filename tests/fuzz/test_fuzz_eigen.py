"""EigenComm packages, binpkg and inis under 2,000 seeded mutations each: a value or a coded error, and the same bytes."""

from __future__ import annotations

import hashlib

import pytest

from eigen_maker import ENTRIES, FORMAT, INI, binpkg_105, binpkg_106, file_system, members, mode_records, zip_of
from fuzz.mutations import mutations
from moduline.errors import FormatError, ModulineError
from moduline.formats.container import eigen, eigen_binpkg, eigen_ini
from moduline.package import diff, read_package, verify, write_package
from moduline.package.units import read_units

COUNT = 2000
SMALL = (*ENTRIES[:2], ("customer_fs", "FLX", 0x300000, 0x4000, file_system(blocks=4)))


def survives(read, data: bytes) -> bool:
    """Whether reading succeeded; anything but success or a coded error fails the test."""
    try:
        read(data)
    except ModulineError as failure:
        if not all([failure.code, failure.message("en"), failure.message("zh"), failure.remedy("en")]):
            raise
        return False
    return True


def whole_way(data: bytes) -> None:
    package = read_package(data, "fuzz.zip", must_check=False)
    for one in verify(package):
        assert one.say("zh")
    assert diff(package, package) == ()
    assert write_package(package) == data


def resealed(data: bytes) -> bytes:
    """Hashes made right again, so that damage reaches what is behind them."""
    try:
        package = eigen_binpkg.read(data, must_check=False)
    except FormatError:
        return data
    for index, one in enumerate(package.entries):
        digest = hashlib.sha256(one.data).hexdigest().upper().encode()
        at = data.find(one.hash_field)
        if at >= 0 and index < 8:
            data = data[:at] + digest.ljust(256, b"\0") + data[at + 256 :]
    return data


@pytest.mark.parametrize(
    "original",
    [binpkg_106(SMALL), binpkg_105(SMALL), binpkg_106(SMALL, "111", mode_records("EC718PV"), 1)],
    ids=["106", "105", "111"],
)
def test_fuzz_when_binpkg_is_damaged_then_value_or_coded_error(original):
    head = original[:2000]
    for data in mutations(head, COUNT, seed=41):
        survives(whole_way, data + original[2000:])


def test_fuzz_when_hashes_of_damaged_binpkg_are_right_then_value_or_coded_error():
    read = [survives(whole_way, resealed(data)) for data in mutations(binpkg_106(SMALL), COUNT, seed=42)]
    assert 100 < sum(read) < COUNT, "the damage should reach behind the checks, and be noticed there"


def test_fuzz_when_binpkg_is_read_and_written_then_same_bytes():
    for data in mutations(binpkg_106(SMALL[:2]), COUNT, seed=43):
        survives(lambda it: _same(eigen_binpkg.write(eigen_binpkg.read(it, must_check=False)), it), data)


def test_fuzz_when_ini_is_damaged_then_kept_byte_for_byte_and_value_or_coded_error():
    for data in mutations(INI, COUNT, seed=44):
        assert eigen_ini.write(eigen_ini.read(data)) == data
        survives(lambda it: eigen_ini.files_of(eigen_ini.read(it)), data)


def test_fuzz_when_format_file_is_damaged_then_value_or_coded_error():
    for data in mutations(members()["format_ec618.json"], COUNT, seed=45):
        survives(eigen.format_regions, data)
    assert eigen.format_regions(members()["format_ec618.json"])[0].size_bytes == FORMAT["fs"]["length"]


def test_fuzz_when_zip_is_damaged_then_value_or_coded_error():
    small = {name: data for name, data in members(at_command__binpkg=binpkg_106(SMALL[:2])).items() if len(data) < 9000}
    original = zip_of({f"fw/{name}": data for name, data in small.items()})
    for data in mutations(original, COUNT, seed=46):
        survives(whole_way, data)


def test_fuzz_when_member_is_damaged_then_value_or_coded_error():
    """Damage in the ini inside a sound zip, so that it reaches the readers."""
    small = {name: data for name, data in members(at_command__binpkg=binpkg_106(SMALL[:2])).items() if len(data) < 9000}
    read = 0
    for data in mutations(INI, COUNT // 4, seed=47):
        read += survives(whole_way, zip_of(small | {"quec_download_config.ini": data}))
    assert read > 50


def test_fuzz_when_csv_is_damaged_then_value_or_coded_error():
    original = 'serial,key,"/usr/cert.pem"\nSN1,4f,"a\nb"\nSN2,密钥,c\n'.encode()
    for data in mutations(original, COUNT, seed=48):
        survives(read_units, data)


def _same(written: bytes, read: bytes) -> None:
    assert written == read

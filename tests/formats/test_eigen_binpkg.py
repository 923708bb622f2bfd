"""binpkg: platform-eigencomm 1.3, 1.4."""

from __future__ import annotations

import hashlib

import pytest

from eigen_maker import ENTRIES, binpkg_105, binpkg_106, mode_records
from moduline.errors import BadChecksum, BadFormat, TooBig, Unsupported
from moduline.formats.container import eigen_binpkg, sniff
from samples import sample

REAL = "eigen/EC600E_at_command_v106.binpkg"


def test_binpkg_when_minimal_then_the_bytes_of_the_reference():
    package = eigen_binpkg.make([("ap_bootloader", "BL", 0x4000, 0x8000, b"hello")], 0x66000000)
    data = eigen_binpkg.write(package)
    assert len(data) == 421
    assert hashlib.sha256(data).hexdigest() == "edbb8c257e9204f2d93a2b47853b1b86b31f11fc12367fcf66e7d177fe6f6bd0"
    assert data[:12] == b"106\0\0\0\0\0bpkg"
    assert data[132:196] == b"2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824"


def test_binpkg_when_real_then_the_entries_of_the_reference_and_the_same_bytes():
    data = sample(REAL).read_bytes()
    package = eigen_binpkg.read(data)
    assert (package.version, package.made_at) == ("106", 0x61A873E3)
    assert [(one.name, one.kind, one.address, one.room_bytes, len(one.data)) for one in package.entries] == [
        ("ap_bootloader", "BL", 0x4000, 0x8000, 0x5340),
        ("ap_at_command", "AP", 0x24000, 0x2DC000, 0x1DFD14),
        ("cp-demo-flash", "CP", 0, 0x80000, 0x65EBE),
    ]
    assert all(one.is_hash_right for one in package.entries)
    assert eigen_binpkg.misplaced(package) == []
    assert eigen_binpkg.write(package) == data


@pytest.mark.parametrize(
    "data",
    [binpkg_106(), binpkg_105(), binpkg_106(()), binpkg_106() + b"tail", binpkg_106(version="111"),
     binpkg_106(version="111", records=mode_records("EC718PV"), variant=1)],
    ids=["106", "105", "empty", "tail", "111", "pkgmode"],
)  # fmt: skip
def test_binpkg_when_read_and_written_then_the_same_bytes(data):
    assert eigen_binpkg.write(eigen_binpkg.read(data)) == data
    assert sniff.sniff(data) == "binpkg"


def test_binpkg_when_105_then_entries_without_room():
    package = eigen_binpkg.read(binpkg_105())
    assert [(one.name, one.address, one.room_bytes, one.data) for one in package.entries] == [
        (name, address, 0, data) for name, _, address, _, data in ENTRIES
    ]
    plain = [(one.name, one.kind, one.address, 0, one.data) for one in package.entries]
    assert eigen_binpkg.write(eigen_binpkg.make(plain, 0x66000000, "105")) == binpkg_105()


def test_binpkg_when_pkgmode_then_product_and_entries_behind_the_records():
    data = binpkg_106(version="111", records=mode_records("EC718PV"), variant=1)
    assert data[0x38:0x3F] == b"pkgmode"
    assert data[0x190:0x197] == b"EC718PV"
    assert data[0x1D8:0x1E5] == b"ap_bootloader"
    package = eigen_binpkg.read(data)
    assert package.product == "EC718PV"
    assert [one.name for one in package.entries] == [name for name, *_ in ENTRIES]
    changed = eigen_binpkg.with_data(package, 0, b"other")
    again = eigen_binpkg.read(eigen_binpkg.write(changed))
    assert (again.product, again.entries[0].data, eigen_binpkg.misplaced(again)) == ("EC718PV", b"other", [])


def test_binpkg_when_entry_is_changed_then_hash_size_and_places_follow():
    changed = [("ap_at_command", "AP", 0x24000, 0x2CC000, b"new system") if e[0] == "ap_at_command" else e
               for e in ENTRIES]  # fmt: skip
    package = eigen_binpkg.with_data(eigen_binpkg.read(binpkg_106()), 1, b"new system")
    assert eigen_binpkg.write(package) == binpkg_106(tuple(changed))


def test_binpkg_when_content_is_larger_than_its_room_then_too_big():
    with pytest.raises(TooBig) as refused:
        eigen_binpkg.with_data(eigen_binpkg.read(binpkg_106()), 0, bytes(0x8001))
    assert (refused.value.facts["need"], refused.value.facts["have"]) == (0x8001, 0x8000)


def test_binpkg_when_a_byte_of_content_is_lost_then_hash_is_wrong_or_reported():
    data = bytearray(binpkg_106())
    data[-1] ^= 1
    with pytest.raises(BadChecksum) as refused:
        eigen_binpkg.read(bytes(data))
    assert refused.value.facts["entry"] == "cp-demo-flash"
    package = eigen_binpkg.read(bytes(data), must_check=False)
    assert [one.is_hash_right for one in package.entries] == [True, True, False]
    assert eigen_binpkg.write(package) == bytes(data)


BROKEN = {
    "magic": (b"hello" + bytes(100), BadFormat, "magic"),
    "cut-header": (binpkg_106()[:40], BadFormat, "truncated"),
    "cut-entry": (binpkg_106()[:100], BadFormat, "truncated"),
    "cut-data": (binpkg_106()[:-1], BadFormat, "truncated"),
    "many": (binpkg_106()[:16] + b"\xff\xff\xff\xff" + binpkg_106()[20:], BadFormat, "entry-count"),
    "version": (b"107" + binpkg_106()[3:], Unsupported, None),
    "hash": (binpkg_106()[:20] + b"CRC32\0\0\0" + binpkg_106()[28:], Unsupported, None),
    "records": (binpkg_106(version="111", variant=1), Unsupported, None),
    "cut-records": (binpkg_106((), "111", mode_records("X"), 1)[:300], BadFormat, "truncated"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_binpkg_when_broken_then_says_what(name):
    data, kind, rule = BROKEN[name]
    with pytest.raises(kind) as refused:
        eigen_binpkg.read(data)
    assert refused.value.facts.get("rule") == rule
    assert refused.value.message("zh")
    assert refused.value.remedy("en")


def test_binpkg_when_a_new_one_of_undocumented_version_is_asked_for_then_unsupported():
    with pytest.raises(Unsupported):
        eigen_binpkg.make([], 0, "111")
    with pytest.raises(TooBig):
        eigen_binpkg.make([("x" * 65, "BL", 0, 0, b"")], 0)

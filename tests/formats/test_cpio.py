from __future__ import annotations

import struct

import pytest

from moduline.errors import BadFormat
from moduline.formats import cpio
from moduline.formats.container import unisoc
from moduline.formats.cpio import CpioArchive, CpioMember
from package_maker import CPIO
from samples import sample

# Golden vector of platform-unisoc 3.4: CPIO, 106 bytes.
GOLDEN = CpioArchive(
    (
        CpioMember(
            b"prepack/example.txt",
            b"PREPACK FILE EXAMPLE\n",
            mode=0x81B6,
            mtime=0x6008DD4A,
            dev=0x3673,
            ino=0xCA4A,
        ),
    )
)


def test_cpio_when_golden_then_bytes_and_value_agree():
    assert len(CPIO) == 106
    assert cpio.read(CPIO) == GOLDEN
    assert cpio.write(GOLDEN) == CPIO


@pytest.mark.parametrize("name", ["PREPACK", "CP", "INDELTANV"])
def test_cpio_when_real_then_round_trips(name):
    file = "unisoc/CSDK_RDA8910.pac" if name == "PREPACK" else "unisoc/EC600GCN_LD__8850XM_cat1_open_core.pac"
    pac = unisoc.read(sample(file).read_bytes())
    data = next(entry.data for entry in pac.entries if entry.id.text == name)
    assert cpio.write(cpio.read(data)) == data


def test_cpio_when_prepack_of_sample_then_equals_the_golden_vector():
    pac = unisoc.read(sample("unisoc/CSDK_RDA8910.pac").read_bytes())
    assert next(entry.data for entry in pac.entries if entry.id.text == "PREPACK") == CPIO


PLACES = {"dev": 2, "ino": 4, "mode": 6, "uid": 8, "gid": 10, "nlink": 12, "rdev": 14}


@pytest.mark.parametrize("value", [0, 0x1234, 0xFFFF])
@pytest.mark.parametrize("name", PLACES)
def test_cpio_when_number_is_set_then_stands_at_its_place(name, value):
    archive = CpioArchive((CpioMember(b"a", b"xyz", **{name: value}),))
    data = cpio.write(archive)
    assert struct.unpack_from("<H", data, PLACES[name])[0] == value
    assert cpio.read(data) == archive


@pytest.mark.parametrize("mtime", [0, 0x12345678, 0xFFFFFFFF])
def test_cpio_when_time_is_set_then_high_word_comes_first(mtime):
    data = cpio.write(CpioArchive((CpioMember(b"a", mtime=mtime),)))
    assert struct.unpack_from("<HH", data, 16) == (mtime >> 16, mtime & 0xFFFF)
    assert cpio.read(data).members[0].mtime == mtime


@pytest.mark.parametrize("size", [0, 1, 2, 0xFFFF, 0x10000, 0x10001])
def test_cpio_when_member_has_size_then_round_trips(size):
    archive = cpio.archive_of([("usr/a.py", b"z" * size), ("b", b"")])
    assert cpio.read(cpio.write(archive)) == archive
    assert archive.members[0].path == "usr/a.py"


def test_cpio_when_pads_and_tail_are_odd_then_they_survive():
    data = bytearray(CPIO)
    data[26 + 20 + 21] = 0x55
    data += b"tail"
    assert cpio.write(cpio.read(bytes(data))) == bytes(data)


BROKEN = {
    "empty": (b"", "truncated"),
    "no-magic": (bytes(26), "magic"),
    "cut-in-header": (CPIO[:20], "truncated"),
    "cut-in-name": (CPIO[:30], "truncated"),
    "cut-in-data": (CPIO[:50], "truncated"),
    "no-trailer": (CPIO[:68], "truncated"),
    "huge-data": (CPIO[:22] + b"\xff\xff\xff\xff" + CPIO[26:], "truncated"),
    "no-name": (CPIO[:20] + b"\0\0" + CPIO[22:], "name"),
    "name-without-nul": (CPIO[:45] + b"x" + CPIO[46:], "name"),
    "name-with-inner-nul": (CPIO[:30] + b"\0" + CPIO[31:], "name"),
    "junk-between-members": (CPIO[:68] + b"!!" + CPIO[70:], "magic"),
    "too-many-members": (cpio.write(cpio.archive_of([("a", b"")] * 10001)), "count"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_cpio_when_broken_then_the_rule_is_named(name):
    data, rule = BROKEN[name]
    with pytest.raises(BadFormat) as failure:
        cpio.read(data)
    assert failure.value.facts["rule"] == rule

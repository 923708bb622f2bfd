"""checksum.json and backup_restore.json: vectors typed from device-api 6.1 and seed S1, tolerant reading, hostile bytes."""

from __future__ import annotations

import json
import random

import pytest

from moduline.errors import BadFormat, TooBig
from moduline.formats import checksum
from moduline.formats.checksum import ChecksumEntry

ABC_SHA = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, "abc"


@pytest.mark.parametrize(
    ("data", "kind", "value"),
    [
        (b"abc", "sha256", ABC_SHA),
        # CRC-32 continued from 0xFFFFFFFF: the register starts at 0, so zeros stay zeros and the result is inverted.
        (b"\0\0\0\0", "crc32", "0xffffffff"),
        (b"123456789", "crc32", "0xd202d277"),
        (b"", "sha256", None),
        (b"", "crc32", None),
    ],
)
def test_value_when_computed_then_as_the_module_writes_it(data, kind, value):
    assert checksum.value_of(data, kind) == value


def test_crc32_value_when_small_then_without_leading_zeros():
    """hex() text, not %08x."""
    values = [checksum.value_of(str(i).encode(), "crc32") for i in range(200)]
    assert any(len(value) < 10 for value in values)
    assert all(value == hex(int(value, 16)) for value in values)


def test_list_when_written_in_sha256_era_then_exact_bytes():
    files = {"a.py": b"abc", "empty.py": b"", "sub/b.txt": b"abc"}
    assert checksum.write(checksum.entries_of(files, "sha256")) == (
        b'[{"name": "/usr/a.py", "sha256": "' + ABC_SHA.encode() + b'"}, '
        b'{"name": "/usr/sub/b.txt", "sha256": "' + ABC_SHA.encode() + b'"}]'
    )


def test_list_when_written_in_crc32_era_then_exact_bytes():
    files = {"a.py": b"123456789"}
    assert checksum.write(checksum.entries_of(files, "crc32")) == b'[{"name": "/usr/a.py", "crc32": "0xd202d277"}]'


def test_list_when_name_is_chinese_then_utf8_without_escapes():
    assert "用户".encode() in checksum.write(checksum.entries_of({"用户.py": b"x"}, "crc32"))


def test_list_when_read_and_written_then_same_bytes():
    for kind in checksum.KINDS:
        data = checksum.write(checksum.entries_of({"a.py": b"1", "b.py": b"2"}, kind))
        assert checksum.write(checksum.read(data)) == data


def test_list_when_foreign_then_read_tolerantly():
    data = b'[ {"size":3,"crc32":"0x0D202D277","name":"/usr/a.py"},\n{"name":"/usr/b","sha256":"AB","crc32":"0x1"} ]'
    first, second = checksum.read(data)
    assert first.fits(b"123456789")
    assert not first.fits(b"12345678")
    assert not first.fits(b"")
    assert second == ChecksumEntry("/usr/b", "sha256", "AB")


def test_list_when_larger_than_a_module_reads_then_too_big():
    files = {f"a_rather_long_name_{i:04}.py": b"x" for i in range(200)}
    with pytest.raises(TooBig) as caught:
        checksum.write(checksum.entries_of(files, "sha256"))
    assert caught.value.facts["have"] == 16384


def test_switch_when_written_then_exact_bytes():
    assert checksum.write_switch(is_on=True) == b'{"enable": 1}'
    assert checksum.write_switch(is_on=False) == b'{"enable": 0}'
    assert checksum.read_switch(b'{"enable": 1}')
    assert not checksum.read_switch(b' {"enable":0}\n')


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{}",
        b"[1]",
        b'[{"name": "/usr/a"}]',
        b'[{"crc32": "0x1"}]',
        b'[{"name": "/usr/a", "crc32": "xyz"}]',
        b'[{"name": "/usr/a", "crc32": 1}]',
        b"\xff\xfe\x00",
        b"[" * 10000,
        b" " * 16385,
    ],
)
def test_list_when_broken_then_bad_format(data):
    with pytest.raises(BadFormat):
        checksum.read(data)


@pytest.mark.parametrize("data", [b"", b"1", b"{}", b'{"enable": "1"}', b'{"enable": 1' + b" " * 64 + b"}", b"\xff"])
def test_switch_when_broken_then_bad_format(data):
    with pytest.raises(BadFormat):
        checksum.read_switch(data)


def test_list_when_bytes_are_mutated_then_value_or_bad_format():
    """Hostile invariant: 2,000 mutations, seed 1."""
    chance = random.Random(1)
    good = json.dumps([{"name": "/usr/a.py", "crc32": "0x1"}, {"name": "/usr/b.py", "sha256": ABC_SHA}]).encode()
    for _ in range(2000):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)) :]
        try:
            checksum.read(bytes(data))
        except BadFormat:
            continue

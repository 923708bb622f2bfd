"""ROMFS: golden bytes, round trips, broken inputs; the interpreter itself reads what we write (tests/vmodule)."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moduline.errors import BadFormat, FormatError
from moduline.formats import romfs

# Typed from docs/spec/romfs.md: mark, length 11 made even by a leading 80, file record, name, data record
GOLDEN = bytes.fromhex("d2cd31 800b 0509 04612e7079 0202 6869")


def test_golden_image_both_ways():
    assert romfs.write({"a.py": b"hi"}) == GOLDEN
    assert romfs.read(GOLDEN) == {"a.py": b"hi"}


def test_image_of_even_length_needs_no_leading_digit():
    image = romfs.write({"a.py": b"h"})
    assert image == bytes.fromhex("d2cd31 0a 0508 04612e7079 0201 68")
    assert romfs.read(image) == {"a.py": b"h"}


paths = st.lists(st.text("abcde_.", min_size=1, max_size=8), min_size=1, max_size=4).map("/".join)


@given(st.dictionaries(paths, st.binary(max_size=300), max_size=8))
def test_write_then_read_gives_the_same_files(files):
    try:
        image = romfs.write(files)
    except BadFormat:  # one path is a folder of another
        assert any(a != b and b.startswith(a + "/") for a in files for b in files)
        return
    assert romfs.read(image) == files
    assert romfs.read(image + b"\xff" * 100) == files
    assert romfs.write(dict(reversed(files.items()))) == image


def test_writer_when_a_path_cannot_be_written_refuses_it():
    for path in ("", "a//b", "/a", "a/", "ü"):
        with pytest.raises(BadFormat):
            romfs.write({path: b""})


BROKEN = {
    "empty": b"",
    "other mark": b"\xd2\xcd\x32" + GOLDEN[3:],
    "length beyond the end": GOLDEN[:-1],
    "length without end": b"\xd2\xcd\x31\x80\x80\x80\x80\x80\x80\x80",
    "record beyond the end": GOLDEN[:6] + b"\x0a" + GOLDEN[7:],
    "name beyond its record": GOLDEN[:7] + b"\x7f" + GOLDEN[8:],
    "name not ASCII": GOLDEN[:8] + b"\xff" + GOLDEN[9:],
    "file without data": GOLDEN[:12] + b"\x03" + GOLDEN[13:],
    "data beyond its file": GOLDEN[:13] + b"\x03" + GOLDEN[14:],
}


@pytest.mark.parametrize("name", BROKEN)
def test_reader_when_the_image_is_broken_says_so(name):
    with pytest.raises(BadFormat):
        romfs.read(BROKEN[name])


def test_reader_when_nested_too_deep_refuses():
    body = b""
    for _ in range(40):
        body = b"\x04" + bytes([len(body) + 2]) + b"\x01d" + body if len(body) < 100 else body
    image = b"\xd2\xcd\x31" + bytes([len(body)]) + body
    with pytest.raises(BadFormat):
        romfs.read(image)


def test_reader_when_bytes_are_flipped_gives_files_or_a_format_error():
    image = romfs.write({"boot/start.py": b"x" * 500, "shims/modem.mpy": bytes(300), "a": b""})
    chance = random.Random(5)
    for _ in range(2000):
        broken = bytearray(image)
        for _ in range(chance.randrange(1, 4)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            romfs.read(bytes(broken[: chance.randrange(len(broken) + 1)]))
        except FormatError:
            continue

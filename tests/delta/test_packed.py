"""Compressed parts: recognised only when they unpack to the end, never beyond a limit; packed again alike."""

from __future__ import annotations

import lzma
import random

import pytest

from moduline.delta.packed import MAX_BYTES, packed_again, unpacked
from moduline.formats import uimage

CONTENT = random.Random(1).randbytes(3000) + bytes(50000)


def alone(content, **properties):
    filters = [{"id": lzma.FILTER_LZMA1, "preset": 6, **properties}]
    return lzma.compress(content, lzma.FORMAT_ALONE, filters=filters)


@pytest.mark.parametrize(
    ("data", "packing"),
    [
        (alone(CONTENT), "LZMA"),
        (alone(CONTENT, lc=0, lp=2, pb=1, dict_size=1 << 16), "LZMA"),
        (alone(CONTENT) + b"\xff" * 40, "LZMA"),
        (lzma.compress(CONTENT, lzma.FORMAT_XZ), "XZ"),
    ],
)
def test_unpacked_when_a_whole_stream_then_its_content(data, packing):
    found = unpacked(data)
    assert (found.packing, found.content, found.is_bare) == (packing, CONTENT, True)


def test_unpacked_when_the_length_stands_in_the_head_then_its_content():
    data = alone(CONTENT)
    known = data[:5] + len(CONTENT).to_bytes(8, "little") + data[13:]
    assert unpacked(known).content == CONTENT


def test_unpacked_when_behind_the_header_of_an_image_then_not_bare():
    found = unpacked(uimage.write(uimage.UImage(0, 0, alone(CONTENT))))
    assert (found.content, found.is_bare) == (CONTENT, False)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x5d",
        CONTENT,
        alone(CONTENT)[:-1],
        alone(CONTENT)[:200] + b"\0" + alone(CONTENT)[201:],
        alone(CONTENT) + b"more",
        b"\x5d\0\0\x80\0" + b"\xff" * 8 + bytes(100),
        b"\xe1" + alone(CONTENT)[1:],
        alone(CONTENT)[:1] + b"\xff\xff\xff\xff" + alone(CONTENT)[5:],
        uimage.write(uimage.UImage(0, 0, CONTENT)),
        alone(bytes(MAX_BYTES + 1)),
    ],
)
def test_unpacked_when_no_whole_stream_or_too_long_then_none(data):
    assert unpacked(data) is None


@pytest.mark.parametrize("like", [alone(b"x", lc=1, lp=1, pb=0, dict_size=1 << 15), lzma.compress(b"x")])
def test_packed_again_when_like_another_then_its_kind_and_properties(like):
    data = packed_again(CONTENT, like)
    assert data[:5] == like[:5]
    assert unpacked(data).content == CONTENT

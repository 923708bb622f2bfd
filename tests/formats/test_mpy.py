"""The header of .mpy files: bytes typed from micropython-runtime 12."""

from __future__ import annotations

import pytest

from moduline.errors import BadFormat
from moduline.formats import mpy


@pytest.mark.parametrize(
    ("data", "version", "has_unicode", "is_native"),
    [
        (bytes.fromhex("4d05021f"), 5, True, False),
        (bytes.fromhex("4d05001f"), 5, False, False),
        (bytes.fromhex("4d06001f"), 6, True, False),
        (bytes.fromhex("4d060b1f"), 6, True, True),
    ],
)
def test_header_when_read_then_says_who_can_load_it(data, version, has_unicode, is_native):
    header = mpy.read_header(data + b"rest")
    assert (header.version, header.has_unicode, header.is_native, header.small_int_bits) == (
        version,
        has_unicode,
        is_native,
        31,
    )


def test_minor_when_native_version_6_then_told():
    assert mpy.read_header(bytes.fromhex("4d060b1f")).minor == 3
    assert mpy.read_header(bytes.fromhex("4d05021f")).minor == 0


@pytest.mark.parametrize("data", [b"", b"M", b"M\x06\x00", b"print(1)", b"M\x07\x00\x1f", b"M\x00\x00\x1f"])
def test_header_when_no_mpy_then_bad_format(data):
    with pytest.raises(BadFormat):
        mpy.read_header(data)

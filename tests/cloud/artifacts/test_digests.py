"""All digests of a file in one pass; golden values of the standards and of the reference.

Source: ota-semantics 2, 14.
"""

from __future__ import annotations

import hashlib
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moduline.cloud.artifacts.digests import Digester, crc32_mpeg2, digests_of


def test_crc32_mpeg2_when_of_the_check_text_then_as_the_reference_prints_it():
    assert f"{crc32_mpeg2(b'123456789'):08x}" == "0376e6e7"


def test_digests_when_of_a_known_text_then_every_one_is_lower_case_hex_of_its_standard():
    found = digests_of([b"abc"])
    assert found.size_bytes == 3
    assert found.md5 == "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321
    assert found.sha1 == "a9993e364706816aba3e25717850c26c9cd0d89d"  # RFC 3174
    assert found.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2


def test_digests_when_of_nothing_then_those_of_the_empty_text():
    found = digests_of([])
    assert (found.size_bytes, found.md5) == (0, "d41d8cd98f00b204e9800998ecf8427e")
    assert found.crc32_mpeg2 == "ffffffff"  # the vector of the reference's 0113: CRC of nothing


def crc_by_bit(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = ((value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value


@settings(deadline=None)
@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_digests_when_taken_in_any_pieces_then_the_same_as_in_one(data, cuts):
    bounds = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    digester = Digester()
    for begin, end in pairwise(bounds):
        digester.take(memoryview(data)[begin:end])
    found = digester.give()
    assert found == digests_of([data])
    assert int(found.crc32_mpeg2, 16) == crc_by_bit(data)
    assert found.sha256 == hashlib.sha256(data).hexdigest()


def test_digests_when_a_piece_is_larger_than_a_slice_then_the_crc_goes_on():
    data = bytes(range(256)) * 2100  # 525 KiB: three slices
    assert int(digests_of([data]).crc32_mpeg2, 16) == crc32_mpeg2(data)


def test_crc32_mpeg2_when_measured_then_far_from_a_loop_in_python():
    data = bytes(16 * 1024 * 1024)
    best = min(_seconds(lambda: crc32_mpeg2(data)) for _ in range(5))
    assert best < 20, "a loop in Python takes minutes"


def _seconds(act) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


@pytest.mark.parametrize("size", [1, 65536, 300_000])
def test_digester_when_asked_twice_then_gives_the_same_and_may_go_on(size):
    digester = Digester()
    digester.take(b"x" * size)
    assert digester.give() == digester.give()
    digester.take(b"y")
    assert digester.give() == digests_of([b"x" * size, b"y"])

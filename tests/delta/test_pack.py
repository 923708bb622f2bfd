"""Packed checkpoints: what C packs, a reader written from docs/spec/in-place.md reads, and the other way round nothing bad."""

from __future__ import annotations

import random

import pytest

from moduline.delta import native
from moduline.errors import BadFormat


def plain_unpack(start, packed):
    """The reader of the specification; None when the bytes are not those of a state."""
    cells = [32768] * 256
    low, high = 0, 0xFFFFFFFF
    code, used = int.from_bytes(packed[:4].ljust(4, b"\0"), "big"), 4
    state = bytearray()
    for begun in start:
        known = 1
        while known < 256:
            cut = low + ((high - low) * cells[known] >> 16)
            if code <= cut:
                high = cut
                cells[known] += (65535 - cells[known]) >> 5
                known = known * 2 + 1
            else:
                low = cut + 1
                cells[known] -= cells[known] >> 5
                known *= 2
            while low >> 24 == high >> 24:
                low, high = low << 8 & 0xFFFFFFFF, (high << 8 & 0xFFFFFFFF) | 255
                code = (code << 8 & 0xFFFFFFFF) | (packed[used] if used < len(packed) else 0)
                used += 1
        state.append(begun ^ known & 255)
    return bytes(state) if used == len(packed) and code == low else None


def states():
    rng = random.Random(21)
    yield b"", b""
    for size in (1, 2, 3, 100, 3000):
        start = rng.randbytes(size)
        yield start, start
        yield start, bytes(255 - byte for byte in start)
        yield start, rng.randbytes(size)
        yield start, bytes(byte ^ rng.choice([0, 0, 0, 0, 1, 128, rng.randrange(256)]) for byte in start)


def test_packed_when_read_by_the_specification_then_is_the_state():
    for start, state in states():
        packed = native.pack(start, state)
        assert native.unpack(start, packed) == state
        assert plain_unpack(start, packed) == state


def test_packed_when_the_example_of_the_specification_then_those_bytes():
    packed = bytes.fromhex("ff ff fd f0 0e 2f d1 0f f8 c0 00")
    assert native.pack(bytes(8), b"\0\0\1\0\0\0\0\x80") == packed
    assert plain_unpack(bytes(8), packed) == b"\0\0\1\0\0\0\0\x80"


def test_packed_when_little_changed_then_short_and_never_much_longer():
    start = random.Random(3).randbytes(60_000)
    assert len(native.pack(start, start)) < 100
    assert len(native.pack(start, random.Random(4).randbytes(60_000))) < 61_200


def test_packed_when_bytes_are_changed_then_as_the_specification_says():
    rng = random.Random(22)
    refused = 0
    for start, state in states():
        packed = native.pack(start, state)
        for _ in range(12):
            broken = bytearray(packed)
            broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
            wrong = bytes(rng.choice([broken, packed[:-1], packed + b"\0", packed[: len(packed) // 2], b""]))
            expected = plain_unpack(start, wrong)
            if expected is not None:
                assert native.unpack(start, wrong) == expected
                continue
            refused += 1
            with pytest.raises(BadFormat):
                native.unpack(start, wrong)
    assert refused > 100

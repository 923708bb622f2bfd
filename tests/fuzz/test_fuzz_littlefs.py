"""Arbitrary bytes give an image or a FormatError, nothing else, and quickly (2,000 seeded mutations per kind and way)."""

from __future__ import annotations

import random
import time
import zlib

import pytest

from fuzz.mutations import mutations
from moduline.errors import FormatError
from moduline.formats.littlefs import FsGeometry, read_image, v1_layout, v2_layout, write_image

COUNT = 2000
BLOCK = 256
BLOCKS = 64
SLOWEST_S = 5.0  # of processor time for one read; a ring or an explosion would take for ever


def original(kind: str) -> bytes:
    dice = random.Random(8)
    entries = [("main.py", b"print(1)\n" * 9), ("big.bin", dice.randbytes(3000)), ("usr", None), ("usr/empty", b"")]
    entries += [(f"usr/lib/file_number_{i}.py", dice.randbytes(i * 20)) for i in range(12)]
    return write_image(entries, FsGeometry(kind, BLOCK, BLOCKS, 32, 32))


def check_of(data: bytes) -> bytes:
    return (zlib.crc32(data) ^ 0xFFFFFFFF).to_bytes(4, "little")


def resealed_1(block: bytes) -> bytes:
    """A directory block of version 1 with its check made right."""
    size = int.from_bytes(block[4:8], "little") & 0x7FFFFFFF
    if not 20 <= size <= len(block):
        return block
    return block[: size - 4] + check_of(block[: size - 4]) + block[size:]


def resealed_2(block: bytes) -> bytes:
    """A metadata block of version 2 with the checks of its commits made right."""
    fixed = bytearray(block)
    at, start, previous = 4, 0, 0xFFFFFFFF
    while at + 8 <= len(fixed):
        tag = int.from_bytes(fixed[at : at + 4], "big") ^ previous
        if tag >> 31:
            break
        size = 0 if tag & 0x3FF == 0x3FF else tag & 0x3FF
        previous = tag
        if tag >> 20 & 0x780 == 0x500:
            fixed[at + 4 : at + 8] = check_of(bytes(fixed[start : at + 4]))
            previous ^= (tag >> 20 & 1) << 31
            start = at + 4 + size
        at += 4 + size
    return bytes(fixed)


RESEAL = {"lfs1": resealed_1, "lfs2": resealed_2}


def metadata_blocks(kind: str, image: bytes) -> list[int]:
    """Starts of the blocks that hold directories, those with right checks."""
    return [at for at in range(0, len(image), BLOCK) if is_metadata(kind, image[at : at + BLOCK])]


def is_metadata(kind: str, block: bytes) -> bool:
    if kind == "lfs2":
        return bool(v2_layout.committed_tags(block))
    size = int.from_bytes(block[4:8], "little") & 0x7FFFFFFF
    return 20 <= size <= BLOCK and v1_layout.check_of(block[:size]) == 0


def wounded(kind: str, seed: int):
    """Images whose directories lie, with right checks: numbers, sizes, types, names changed."""
    image = original(kind)
    places = metadata_blocks(kind, image)
    assert len(places) >= 6
    dice = random.Random(seed)
    for _ in range(COUNT):
        data = bytearray(image)
        for _ in range(dice.choice((1, 1, 2, 4))):
            block = dice.choice(places)
            at = block + dice.randrange(4, BLOCK - 4)
            if dice.random() < 0.7:  # where the entries are
                at = block + dice.randrange(4, 90)
            way = dice.randrange(4)
            if way == 0:
                data[at] ^= 1 << dice.randrange(8)
            elif way == 1:
                data[at : at + 4] = dice.choice((0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000014)).to_bytes(4, "little")
            elif way == 2:
                data[at : at + 4] = dice.randrange(BLOCKS + 2).to_bytes(4, "little")
            else:
                data[at] = dice.choice((0, 0x2F, 0x2E, 0x11, 0x22, 0x91, 0xA2, 0xFF))
        if dice.random() < 0.2:  # a pointer of a file's skip list
            at = dice.randrange(BLOCKS) * BLOCK
            if at not in places:
                data[at : at + 4] = dice.randrange(BLOCKS).to_bytes(4, "little")
        for block in places:
            data[block : block + BLOCK] = RESEAL[kind](bytes(data[block : block + BLOCK]))
        yield bytes(data)


def survives(data: bytes, kind: str | None) -> bool:
    """Whether reading succeeded; anything but an image or a coded error fails the test."""
    started = time.process_time()
    try:
        found = read_image(data, kind)
    except FormatError as failure:
        if "?" in failure.message("en") + failure.message("zh") + failure.remedy("en"):
            raise
        return False
    else:
        assert sum(len(content or b"") for _, content in found.entries) <= len(data)
        return True
    finally:
        assert time.process_time() - started < SLOWEST_S


@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
def test_fuzz_when_image_is_damaged_then_value_or_coded_error(kind):
    for data in mutations(original(kind), COUNT, seed=11):
        survives(data, None)


@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
def test_fuzz_when_directories_lie_with_right_checks_then_value_or_coded_error(kind):
    read = [survives(data, kind) for data in wounded(kind, 12)]
    assert 100 < sum(read) < COUNT - 100, "the damage should reach behind the checks, and be noticed there"


@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
def test_fuzz_when_image_is_cut_or_blanked_then_value_or_coded_error(kind):
    dice = random.Random(13)
    image = original(kind)
    for _ in range(COUNT):
        at = dice.randrange(len(image))
        size = dice.choice((1, 4, BLOCK, 3 * BLOCK))
        fill = dice.choice((b"\0", b"\xff"))
        data = image[:at] if dice.random() < 0.5 else image[:at] + fill * size + image[at + size :]
        survives(data, kind)


@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
def test_fuzz_when_bytes_are_noise_then_coded_error(kind):
    dice = random.Random(14)
    for _ in range(300):
        assert not survives(dice.randbytes(dice.randrange(3000)), kind)

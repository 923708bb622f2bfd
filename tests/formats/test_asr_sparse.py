from __future__ import annotations

import struct
import zlib

import pytest

from moduline.errors import BadChecksum, BadFormat, TooBig
from moduline.formats.container import asr_sparse

# platform-asr 4.3: one block of 0xFF at block 1 of a 3-block partition, 32/16 layout.
HEADER = bytes.fromhex("3AFF26ED 01000000 20001000 00100000 03000000 04000000 00000000 00000000")
SKIP = bytes.fromhex("C3CA0000 01000000 10000000 00000000")
RAW = bytes.fromhex("C1CA0000 01000000 10100000 00000000")
CRC = bytes.fromhex("C4CA0000 00000000 14000000 00000000 0A6754F1")
EXAMPLE = HEADER + SKIP + RAW + b"\xff" * 4096 + SKIP + CRC


def short(chunks: bytes, total: int, count: int, block: int = 4096) -> bytes:
    """An image in the public layout, 28/12."""
    return struct.pack("<I4H4I", 0xED26FF3A, 1, 0, 28, 12, block, total, count, 0) + chunks


def chunk(kind: int, blocks: int, data: bytes, stated: int | None = None) -> bytes:
    return struct.pack("<2H2I", kind, 0, blocks, 12 + len(data) if stated is None else stated) + data


def test_sparse_when_the_references_example_then_read_expanded_and_the_same_bytes():
    assert len(EXAMPLE) == 4196
    image = asr_sparse.read(EXAMPLE, 3 * 4096)
    assert list(asr_sparse.pieces(image)) == [(4096, b"\xff" * 4096)]
    assert asr_sparse.expand(image, b"a" * 4096 * 3) == b"a" * 4096 + b"\xff" * 4096 + b"a" * 4096
    assert asr_sparse.write(image) == EXAMPLE


def test_sparse_when_split_then_the_last_of_two_segments_is_the_references_example():
    files = asr_sparse.split(b"\xff" * 8192, 3 * 4096, segment_blocks=1)
    assert files[1] == EXAMPLE
    assert len(files) == 2


def test_sparse_when_customer_fs_is_split_then_six_rounds():
    """platform-asr 4.3: 5 MiB = 1280 blocks = 5 x 255 + 5."""
    image = bytes(range(256)) * 20480
    files = asr_sparse.split(image, 5 << 20)
    assert len(files) == 6
    done = b""
    for number, data in enumerate(files):
        sparse = asr_sparse.read(data, 5 << 20)
        assert sparse.total_blocks == 1280
        done = asr_sparse.expand(sparse, done)
        assert len(data) <= 0x100000, number  # max-download-size of the flasher
    assert done == image


@pytest.mark.parametrize(("size", "rounds"), [(0, 1), (1, 1), (4096, 1), (255 * 4096, 1), (255 * 4096 + 1, 2)])
def test_sparse_when_split_at_borders_then_rounds_and_padding_are_right(size, rounds):
    room = 512 * 4096
    files = asr_sparse.split(b"\x5a" * size, room)
    assert len(files) == rounds
    done = b"\0" * room
    for data in files:
        done = asr_sparse.expand(asr_sparse.read(data, room), done)
    padded = -(-size // 4096) * 4096
    assert done == b"\x5a" * size + b"\xff" * (padded - size) + b"\0" * (room - padded)


def test_sparse_when_larger_than_its_partition_then_too_big():
    with pytest.raises(TooBig):
        asr_sparse.split(bytes(4097), 4096)


def test_sparse_when_in_the_public_layout_with_fill_then_taken():
    pattern = b"\1\2\3\4"
    crc = struct.pack("<I", zlib.crc32(pattern * 2048))
    data = short(chunk(0xCAC2, 2, pattern + bytes(4)) + chunk(0xCAC3, 1, b"", 77) + chunk(0xCAC4, 0, crc), 3, 3)
    image = asr_sparse.read(data)
    assert asr_sparse.expand(image) == pattern * 2048 + b"\xff" * 4096
    assert asr_sparse.write(image) == data


# name: (image, partition, rule, words of the flasher)
BROKEN = {
    "short": (EXAMPLE[:27], 1 << 20, "size", "size too low"),
    "magic": (b"\0" + EXAMPLE[1:], 1 << 20, "magic", "not a sparse file image"),
    "header-size": (EXAMPLE[:8] + b"\x1b" + EXAMPLE[9:], 1 << 20, "header-size", "sparse header size mismatch"),
    "chunk-header": (EXAMPLE[:10] + b"\x0b" + EXAMPLE[11:], 1 << 20, "chunk-header-size", "chunk header size mismatch"),
    "block-zero": (short(b"", 0, 0, block=0), 1 << 20, "block-size", "Invalid block size"),
    "block-odd": (short(b"", 0, 0, block=6), 1 << 20, "block-size", "Invalid block size"),
    "too-large": (EXAMPLE, 3 * 4096 - 1, "too-large", "size too large"),
    "raw-size": (short(chunk(0xCAC1, 1, bytes(4092)), 1, 1), 1 << 20, "chunk-size", "Bogus chunk size for chunk type Raw"),
    "fill-of-four": (short(chunk(0xCAC2, 1, bytes(4)), 1, 1), 1 << 20, "chunk-size", "Bogus chunk size for chunk type FILL"),
    "crc-size": (short(chunk(0xCAC4, 0, bytes(8)), 0, 1), 1 << 20, "chunk-size", "Bogus chunk size for chunk type CRC"),
    "type": (short(chunk(0xCAC5, 0, b""), 0, 1), 1 << 20, "chunk-type", "Unknown chunk type"),
    "crc-first": (short(chunk(0xCAC4, 0, bytes(4)) + chunk(0xCAC3, 1, b""), 1, 2), 1 << 20, "crc-last", "Unknown chunk type"),
    "more-blocks": (short(chunk(0xCAC3, 2, b""), 1, 1), 1 << 20, "blocks", "Chunk data size exceeds partition size"),
    "fewer-blocks": (short(chunk(0xCAC3, 1, b""), 2, 1), 1 << 20, "blocks", "sparse image write failure"),
    "cut": (EXAMPLE[:-1], 1 << 20, "truncated", "size too low"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_sparse_when_broken_then_refused_for_the_flashers_reason(name):
    data, room, rule, words = BROKEN[name]
    with pytest.raises(BadFormat) as failure:
        asr_sparse.read(data, room)
    assert (failure.value.facts["rule"], failure.value.facts["flasher"]) == (rule, words)


def test_sparse_when_the_crc_is_wrong_then_refused():
    with pytest.raises(BadChecksum):
        asr_sparse.read(EXAMPLE[:-1] + b"\0")

"""The sparse rules of the real 1601 flasher, each kept and each broken (platform-asr 4.2, 4.3)."""

from __future__ import annotations

import struct
import zlib

import pytest

from asr_bench import flasher
from asr_host import BLOCK, chunk, sparse

RAW, FILL, SKIP, CRC = 0xCAC1, 0xCAC2, 0xCAC3, 0xCAC4
START = 0x70000  # of "small": three blocks
A, B = b"A" * BLOCK, b"B" * BLOCK


def crc(data):
    return chunk(CRC, 0, struct.pack("<I", zlib.crc32(data)))


def raw(data, **how):
    return chunk(RAW, len(data) // BLOCK, data, **how)


def fill(blocks, pattern=b"\x01\x02\x03\x04", more=b"\0\0\0\0", **how):
    return chunk(FILL, blocks, pattern + more, **how)


@pytest.fixture
def told():
    host, flash, _ = flasher()
    flash.program(START, b"\x00" * 3 * BLOCK)
    return host, flash


OLD = b"\0" * BLOCK

GOOD = [
    ("raw", sparse([raw(A + B), chunk(SKIP, 1)], 3), A + B + OLD),
    ("standard layout 28/12", sparse([chunk(RAW, 1, A, lead=12), chunk(SKIP, 2, lead=12)], 3, head=28, lead=12), A + OLD * 2),
    ("longer headers", sparse([chunk(RAW, 1, A, lead=40)], 1, head=100, lead=40), A + OLD * 2),
    ("skip first", sparse([chunk(SKIP, 2), raw(B), crc(B)], 3), OLD * 2 + B),
    ("skip states any size", sparse([chunk(SKIP, 2, total=0xFFFFFFFF), raw(B)], 3), OLD * 2 + B),
    ("fill", sparse([fill(2), raw(A)], 3), b"\x01\x02\x03\x04" * 2048 + A),
    ("fill's last four bytes are anything", sparse([fill(1, more=b"junk"), chunk(SKIP, 2)], 3), b"\x01\x02\x03\x04" * 1024 + OLD * 2),
    ("crc over raw and fill", sparse([raw(A), fill(1), chunk(SKIP, 1), crc(A + b"\x01\x02\x03\x04" * 1024)], 3), A + b"\x01\x02\x03\x04" * 1024 + OLD),
    ("crc does not count what is skipped", sparse([chunk(SKIP, 1), raw(A), chunk(SKIP, 1), crc(A)], 3), OLD + A + OLD),
    ("crc of nothing", sparse([chunk(SKIP, 3), crc(b"")], 3), OLD * 3),
    ("no chunk", sparse([], 0), OLD * 3),
    ("header checksum is ignored", sparse([raw(A), chunk(SKIP, 2)], 3)[:24] + b"\xde\xad\xbe\xef" + sparse([raw(A), chunk(SKIP, 2)], 3)[28:], A + OLD * 2),
    ("blocks of 512", sparse([chunk(RAW, 3, b"x" * 1536), chunk(SKIP, 21)], 24, block=512), b"x" * 1536 + b"\0" * (3 * BLOCK - 1536)),
    ("bytes behind the last chunk", sparse([raw(A), chunk(SKIP, 2)], 3) + b"tail", A + OLD * 2),
    ("fewer blocks than the partition", sparse([raw(A)], 1), A + OLD * 2),
]  # fmt: skip

BAD = [
    ("not sparse", b"hello" * 10, "not a sparse file image", OLD * 3),
    ("empty magic", b"\x3a\xff\x26", "not a sparse file image", OLD * 3),
    ("header cut off", sparse([], 0)[:27], "size too low", OLD * 3),
    ("header of 27", sparse([raw(A)], 1, head=32)[:8] + b"\x1b\0" + sparse([raw(A)], 1)[10:], "sparse header size mismatch", OLD * 3),
    ("chunk header of 11", sparse([raw(A)], 1)[:10] + b"\x0b\0" + sparse([raw(A)], 1)[12:], "chunk header size mismatch", OLD * 3),
    ("block size 0", sparse([raw(A)], 1, block=0), "Invalid block size", OLD * 3),
    ("block size 4098", sparse([raw(A)], 1, block=4098), "Invalid block size", OLD * 3),
    ("one block too many", sparse([raw(A), chunk(SKIP, 3)], 4), "size too large", OLD * 3),
    ("giant", sparse([raw(A)], 0xFFFFFFFF, block=0xFFFFFFFC), "size too large", OLD * 3),
    ("raw of another size", sparse([raw(A, total=16 + BLOCK + 4)], 1), "Bogus chunk size for chunk type Raw", OLD * 3),
    ("fill of the public format", sparse([chunk(FILL, 1, b"\1\2\3\4"), chunk(SKIP, 2)], 3), "Bogus chunk size for chunk type FILL", OLD * 3),
    ("crc of eight bytes", sparse([raw(A), chunk(CRC, 0, bytes(8))], 1), "Bogus chunk size for chunk type CRC", A + OLD * 2),
    ("wrong crc", sparse([raw(A), crc(B)], 1), "invalid sparse crc", A + OLD * 2),
    ("unknown chunk", sparse([chunk(0xCAC5, 1)], 1), "Unknown chunk type", OLD * 3),
    ("crc is not the last", sparse([raw(A), crc(A), raw(B)], 2), "Unknown chunk type", A + OLD * 2),
    ("raw beyond the partition", sparse([chunk(SKIP, 2), raw(A + B)], 3), "Chunk data size exceeds partition size", OLD * 3),
    ("fill beyond the partition", sparse([fill(0xFFFFFFFF)], 3), "Chunk data size exceeds partition size", OLD * 3),
    ("fewer chunk blocks than stated", sparse([raw(A)], 2), "sparse image write failure", A + OLD * 2),
    ("more skipped than stated", sparse([chunk(SKIP, 0xFFFFFFFF)], 3), "sparse image write failure", OLD * 3),
    ("fewer chunks than counted", sparse([raw(A)], 1, count=0xFFFFFFFF), "size too low", A + OLD * 2),
    ("raw cut off", sparse([raw(A + B)], 2)[:-1], "size too low", OLD * 3),
    ("first chunk good, second bad", sparse([raw(A), raw(B, total=7), chunk(SKIP, 1)], 3), "Bogus chunk size for chunk type Raw", A + OLD * 2),
]  # fmt: skip


@pytest.mark.parametrize(("name", "image", "content"), GOOD)
def test_sparse_when_it_keeps_the_rules_then_written(name, image, content, told):
    host, flash = told
    assert host.put("small", image) == "OKAY", name
    assert flash.read(START, 3 * BLOCK) == content


@pytest.mark.parametrize(("name", "image", "text", "content"), BAD)
def test_sparse_when_it_breaks_a_rule_then_the_real_words_and_only_what_came_before(name, image, text, content, told):
    host, flash = told
    assert host.put("small", image) == f"FAIL{text}", name
    assert 'wrote partition "small" failed.' in host.logs[-1]
    assert flash.read(START, 3 * BLOCK) == content
    assert flash.read(0x80000, 0x2000) == b"\xff" * 0x2000
    assert host.put("small", sparse([raw(A), chunk(SKIP, 2), crc(A)], 3)) == "OKAY"

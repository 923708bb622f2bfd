"""Golden vectors of littlefs 1, typed from platform-asr 2.2, in both directions."""

from __future__ import annotations

import hashlib

import pytest

from moduline.formats.littlefs import FsGeometry, read_image, v1_layout, write_image
from moduline.formats.littlefs.skiplist import block_count_of, bytes_before, pointer_count

EMPTY = "20df41c8954173b98b9de62ff45cbfef60b30992c3097c336e6376e5e444a515"
SMALL = "7b558db28f63ffdc6d91499beb94ac423e7a76fc2f5072fb0dc95a0e32c96894"
VENDOR = "10691a6b23a4491048afaa7e1f09a2263eafb85a0c6bb1e6c857611521a1b133"
SMALL_ENTRIES = [("usr", None), ("main.py", b"print('hi')\n"), ("usr/b.bin", b"A" * 10000)]

SUPERBLOCK_0 = bytes.fromhex(
    "02000000 34000000 03000000 02000000 2E140008 03000000 02000000 0010000032000000 01000100 6C6974746C656673 AC42B86E"
)
SUPERBLOCK_1 = bytes.fromhex(
    "01000000 34000000 03000000 02000000 2E140008 03000000 02000000 0010000032000000 01000100 6C6974746C656673 C8776A28"
)
ROOT_3 = bytes.fromhex("01000000 14000000 FFFFFFFF FFFFFFFF CDF354F6")


def geometry(count: int) -> FsGeometry:
    return FsGeometry("lfs1", 4096, count, 4096, 4096)


@pytest.mark.parametrize(
    ("entries", "count", "fill", "sha256"),
    [
        pytest.param([], 50, 0xFF, EMPTY, id="empty"),
        pytest.param(SMALL_ENTRIES, 50, 0xFF, SMALL, id="small"),
        pytest.param([("main.py", b"print('hi')\n")], 1280, 0x00, VENDOR, id="vendor-fill"),
    ],
)
def test_image_when_vector_is_written_then_has_its_hash(entries, count, fill, sha256):
    assert hashlib.sha256(write_image(entries, geometry(count), fill=fill)).hexdigest() == sha256


def test_empty_image_when_written_then_has_the_typed_blocks():
    image = write_image([], geometry(50))
    assert image[:52] == SUPERBLOCK_0
    assert image[4096 : 4096 + 52] == SUPERBLOCK_1
    assert image[3 * 4096 : 3 * 4096 + 20] == ROOT_3
    rest = image[52:4096] + image[4096 + 52 : 3 * 4096] + image[3 * 4096 + 20 :]
    assert rest == b"\xff" * len(rest)


def test_typed_blocks_when_read_then_are_an_empty_image():
    image = bytearray(b"\xff" * 204800)
    image[:52], image[4096:4148], image[12288:12308] = SUPERBLOCK_0, SUPERBLOCK_1, ROOT_3
    found = read_image(bytes(image))
    assert (found.entries, found.used_blocks, found.disk_version) == ((), 4, 0x00010001)
    assert found.geometry == geometry(50)


def test_check_when_over_a_block_with_its_check_then_is_zero():
    assert v1_layout.check_of(ROOT_3) == 0
    assert v1_layout.check_of(ROOT_3[:-4]).to_bytes(4, "little") == ROOT_3[-4:]


@pytest.mark.parametrize(("index", "pointers"), [(0, 0), (1, 1), (2, 2), (3, 1), (4, 3), (6, 2), (8, 4), (1279, 1)])
def test_skip_list_when_block_has_index_then_has_ctz_plus_one_pointers(index, pointers):
    assert pointer_count(index) == pointers


@pytest.mark.parametrize(
    ("size", "blocks"),
    [(0, 0), (1, 1), (4096, 1), (4097, 2), (8188, 2), (8189, 3), (8188 + 4088, 3), (8188 + 4089, 4)],
)
def test_skip_list_when_file_has_size_then_takes_so_many_blocks(size, blocks):
    assert block_count_of(size, 4096) == blocks


def test_skip_list_when_summed_block_by_block_then_equals_the_formula():
    for block_bytes in (128, 512, 4096):
        before = 0
        for index in range(300):
            assert bytes_before(index, block_bytes) == before
            before += block_bytes - 4 * pointer_count(index)

"""littlefs 2 images built by hand, tag by tag: what they hold, or the rule by which they are refused."""

from __future__ import annotations

import struct
import zlib

import pytest

from moduline.errors import BadFormat, Unsupported
from moduline.formats.littlefs import read_image

BLOCK = 256
COUNT = 16
FILE, FOLDER, SUPER = 0x001, 0x002, 0x0FF
DIR_STRUCT, INLINE, BLOCKS = 0x200, 0x201, 0x202
CREATE, DELETE, SOFT_TAIL, HARD_TAIL, MOVE = 0x401, 0x4FF, 0x600, 0x601, 0x7FF


def crc(data: bytes) -> int:
    return zlib.crc32(data) ^ 0xFFFFFFFF


def log(revision: int, *commits: list) -> bytes:
    """A metadata block: a revision and commits, each a list of (type, id, data)."""
    block, previous, start = bytearray(struct.pack("<I", revision)), 0xFFFFFFFF, 0
    for tags in commits:
        for kind, number, data in [*tags, (0x500, 0x3FF, None)]:
            size = 4 if data is None else len(data)
            tag = kind << 20 | number << 10 | (0x3FF if kind == DELETE else size)
            block += struct.pack(">I", tag ^ previous)
            previous = tag
            block += struct.pack("<I", crc(bytes(block[start:]))) if data is None else data
        start = len(block)
    return bytes(block).ljust(BLOCK, b"\xff")


def superblock(version: int = 0x20000, block_bytes: int = BLOCK, count: int = COUNT) -> list:
    facts = struct.pack("<6I", version, block_bytes, count, 255, 0x7FFFFFFF, 1022)
    return [(SUPER, 0, b"littlefs"), (INLINE, 0, facts)]


def pair(*numbers: int) -> bytes:
    return struct.pack("<2I", *numbers)


def image(blocks: dict[int, bytes], root: list, head: list | None = None) -> bytes:
    cells = bytearray(b"\xff" * (BLOCK * COUNT))
    cells[BLOCK : 2 * BLOCK] = log(1, superblock() if head is None else head, root)
    cells[:BLOCK] = log(0, superblock() if head is None else head)
    for number, content in blocks.items():
        cells[number * BLOCK : number * BLOCK + len(content)] = content
    return bytes(cells)


def file(number: int, name: bytes, data: bytes) -> list:
    return [(CREATE, number, b""), (FILE, number, name), (INLINE, number, data)]


def folder(number: int, name: bytes, *blocks: int) -> list:
    return [(CREATE, number, b""), (FOLDER, number, name), (DIR_STRUCT, number, pair(*blocks))]


def chain(number: int, name: bytes, head: int, size: int) -> list:
    return [(CREATE, number, b""), (FILE, number, name), (BLOCKS, number, pair(head, size))]


def test_read_when_log_creates_renames_and_deletes_then_entries_follow():
    root = [*file(1, b"b", b"1"), *file(1, b"a", b"2"), (DELETE, 2, b""), (INLINE, 1, b"33")]
    found = read_image(image({}, root))
    assert found.entries == (("a", b"33"),)
    assert (found.used_blocks, found.disk_version, found.geometry.block_count) == (2, 0x20000, COUNT)


def test_read_when_folder_continues_in_a_hard_tail_then_all_entries_are_found():
    root = [*folder(1, b"d", 2, 3), (SOFT_TAIL, 0x3FF, pair(2, 3))]
    blocks = {
        2: log(5, [*file(0, b"x", b"1"), (HARD_TAIL, 0x3FF, pair(4, 5))]),
        3: log(4, file(0, b"old", b"0")),
        4: log(1, file(0, b"y", b"2")),
    }
    assert read_image(image(blocks, root)).entries == (("d", None), ("d/x", b"1"), ("d/y", b"2"))


def test_read_when_newer_block_is_torn_then_older_one_is_used():
    root = [*folder(1, b"d", 2, 3), (SOFT_TAIL, 0x3FF, pair(2, 3))]
    torn = bytearray(log(9, file(0, b"new", b"1")))
    torn[9] ^= 1
    blocks = {2: bytes(torn), 3: log(8, file(0, b"old", b"0"))}
    assert read_image(image(blocks, root)).entries == (("d", None), ("d/old", b"0"))


def test_read_when_second_commit_is_torn_then_first_one_counts():
    whole = bytearray(image({}, file(1, b"a", b"1")))
    whole[BLOCK + 4 + len(b"".join(d for _, _, d in superblock())) + 4 * 4 + 4 + 2] ^= 1
    assert read_image(bytes(whole)).entries == ()


def test_read_when_file_has_blocks_then_chain_is_followed():
    size = BLOCK + 200
    blocks = {4: b"A" * BLOCK, 7: struct.pack("<I", 4) + b"B" * 200}
    assert read_image(image(blocks, chain(1, b"f", 7, size))).entries == (("f", b"A" * BLOCK + b"B" * 200),)


def test_read_when_move_is_half_done_then_source_is_hidden():
    tag = DELETE << 20 | 1 << 10
    root = [*file(1, b"a", b"1"), *file(2, b"b", b"2"), (MOVE, 0x3FF, struct.pack("<3I", tag, 0, 1))]
    found = read_image(image({}, root))
    assert (found.entries, found.unsettled) == ((("b", b"2"),), 1)


BROKEN = {
    "folder-is-the-root": (image({}, folder(1, b"d", 0, 1)), "block-twice"),
    "folder-outside": (image({}, folder(1, b"d", 900, 901)), "block-outside"),
    "folder-is-blank": (image({}, folder(1, b"d", 2, 3)), "pair"),
    "folder-contains-itself": (image({2: log(1, folder(0, b"e", 2, 3))}, folder(1, b"d", 2, 3)), "block-twice"),
    "folder-pair-cut-off": (image({}, [*file(1, b"d", b""), (FOLDER, 1, b"d"), (DIR_STRUCT, 1, b"123")]), "entry"),
    "tail-is-a-ring": (image({}, [(SOFT_TAIL, 0x3FF, pair(1, 0))]), "thread"),
    "tail-continues-in-itself": (image({}, [(HARD_TAIL, 0x3FF, pair(0, 1))]), "thread"),
    "tail-outside": (image({}, [(SOFT_TAIL, 0x3FF, pair(99, 98))]), "block-outside"),
    "tail-cut-off": (image({}, [(SOFT_TAIL, 0x3FF, b"12")]), "entry"),
    "file-larger-than-image": (image({}, chain(1, b"f", 7, 0x7FFFFFFF)), "file-size"),
    "file-chain-is-a-ring": (image({7: struct.pack("<I", 7)}, chain(1, b"f", 7, 400)), "block-twice"),
    "file-chain-leaves-image": (image({7: struct.pack("<I", 16)}, chain(1, b"f", 7, 400)), "block-outside"),
    "file-is-a-directory-block": (image({}, chain(1, b"f", 1, 10)), "block-twice"),
    "two-files-share-a-block": (image({}, [*chain(1, b"f", 7, 10), *chain(2, b"g", 7, 10)]), "block-twice"),
    "name-escapes": (image({}, file(1, b"../x", b"")), "name"),
    "name-is-empty": (image({}, file(1, b"", b"")), "name"),
    "name-is-dots": (image({}, file(1, b"..", b"")), "name"),
    "name-has-zero": (image({}, file(1, b"a\0b", b"")), "name"),
    "name-twice": (image({}, [*file(1, b"a", b""), *file(2, b"a", b"")]), "name-twice"),
    "entry-without-structure": (image({}, [(CREATE, 1, b""), (FILE, 1, b"a")]), "entry-type"),
    "entry-of-unknown-type": (image({}, [(CREATE, 1, b""), (0x003, 1, b"a"), (INLINE, 1, b"")]), "entry-type"),
    "folder-with-content": (image({}, [(CREATE, 1, b""), (FOLDER, 1, b"a"), (INLINE, 1, b"")]), "entry-type"),
    "create-out-of-order": (image({}, file(9, b"a", b"")), "splice"),
    "delete-of-nothing": (image({}, [(DELETE, 5, b"")]), "splice"),
    "name-without-an-entry": (image({}, [(FILE, 0x3FF, b"a")]), "splice"),
    "superblock-deleted": (image({}, [(DELETE, 0, b"")]), "superblock"),
    "superblock-facts-cut-off": (image({}, [(INLINE, 0, b"1234")]), "superblock"),
    "block-count-zero": (image({}, [], superblock(count=0)), "sizes"),
    "block-count-huge": (image({}, [], superblock(count=0xFFFFFFFF)), "sizes"),
    "block-size-changes-in-the-log": (image({}, superblock(block_bytes=512)[1:]), "sizes"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_read_when_image_breaks_a_rule_then_names_it(name):
    data, rule = BROKEN[name]
    with pytest.raises(BadFormat) as refused:
        read_image(data)
    assert refused.value.facts["rule"] == rule, str(refused.value)
    assert refused.value.facts["offset"] < len(data)


@pytest.mark.parametrize(("version", "shown"), [(0x00030000, "3.0"), (0x00020002, "2.2")])
def test_read_when_disk_version_is_another_then_unsupported(version, shown):
    with pytest.raises(Unsupported) as refused:
        read_image(image({}, [], superblock(version)))
    assert shown in refused.value.message()

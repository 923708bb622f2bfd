"""Named broken littlefs 1 images: the rule and the offset at which each is refused; and damage that must be survived."""

from __future__ import annotations

import struct

import pytest

from formats.littlefs import trees
from moduline.errors import BadFormat, UnknownFormat, Unsupported
from moduline.formats.littlefs import FsGeometry, read_image, v1_layout, write_image

BLOCK = 512
MAIN_ENTRY = 16
USR_ENTRY = 16 + 12 + 7


def sound() -> bytearray:
    """main.py (block 4), usr (5, 6), usr/big.bin of three blocks (7, 8, 9)."""
    entries = [("main.py", b"print(1)\n"), ("usr", None), ("usr/big.bin", b"B" * 1200)]
    return bytearray(write_image(entries, FsGeometry("lfs1", BLOCK, 32, 32, 32)))


def newest(image: bytearray, pair: tuple[int, int]) -> int:
    """Offset of the newer block of a pair."""
    return max((n * BLOCK for n in pair), key=lambda at: struct.unpack_from("<I", image, at)[0])


def seal(image: bytearray, at: int) -> None:
    """Make the check of a directory block right."""
    size = struct.unpack_from("<I", image, at + 4)[0] & 0x7FFFFFFF
    struct.pack_into("<I", image, at + size - 4, v1_layout.check_of(image[at : at + size - 4]))


def damaged(at: int, new: bytes, seals: int | None = None) -> bytearray:
    image = sound()
    image[at : at + len(new)] = new
    if seals is not None:
        seal(image, seals)
    return image


def words(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


ROOT_AT = newest(sound(), (2, 3))
USR_AT = newest(sound(), (5, 6))
MAIN_AT = ROOT_AT + MAIN_ENTRY
USR_ENTRY_AT = ROOT_AT + USR_ENTRY
BIG_AT = USR_AT + 16


def both_superblocks(at: int, new: bytes) -> bytearray:
    image = sound()
    for block in (0, BLOCK):
        image[block + at : block + at + len(new)] = new
        seal(image, block)
    return image


def same_name() -> bytearray:
    """Two entries named usr; the first by turning half of its name into an attribute."""
    entries = [("abcdusr", b""), ("usr", None)]
    image = bytearray(write_image(entries, FsGeometry("lfs1", BLOCK, 32, 32, 32)))
    at = newest(image, (2, 3))
    image[at + 16 + 2 : at + 16 + 4] = bytes([4, 3])
    seal(image, at)
    return image


def both_unsealed() -> bytearray:
    image = sound()
    image[40 - 1] ^= 1
    image[BLOCK + 39] ^= 1
    return image


def unsealed_root() -> bytearray:
    image = sound()
    image[2 * BLOCK] ^= 0x10
    image[3 * BLOCK] ^= 0x10
    return image


def continued(at: int, tail: tuple[int, int]) -> bytearray:
    image = sound()
    image[at + 7] |= 0x80
    image[at + 8 : at + 16] = words(*tail)
    seal(image, at)
    return image


BROKEN = {
    "block-0-and-1-checks-wrong": (both_unsealed, "superblock", 0),
    "superblock-entry-is-a-file": (lambda: both_superblocks(16, b"\x11"), None, None),
    "block-count-zero": (lambda: both_superblocks(32, words(0)), "sizes", 16),
    "block-count-huge": (lambda: both_superblocks(32, words(0xFFFFFFFF)), "sizes", 16),
    "root-outside": (lambda: both_superblocks(20, words(900, 901)), "block-outside", 20),
    "root-is-the-superblock": (lambda: both_superblocks(20, words(1, 0)), "block-twice", 20),
    "root-pair-has-one-block-twice": (lambda: both_superblocks(20, words(3, 3)), "block-twice", 20),
    "root-pair-unsealed": (unsealed_root, "pair", 3 * BLOCK),
    "entry-type-unknown": (lambda: damaged(MAIN_AT, b"\x33", ROOT_AT), "entry-type", MAIN_AT),
    "entry-place-too-short": (lambda: damaged(MAIN_AT + 1, b"\x04", ROOT_AT), "entry", MAIN_AT),
    "entry-longer-than-block": (lambda: damaged(MAIN_AT + 3, b"\xff", ROOT_AT), "entry", MAIN_AT),
    "name-with-slash": (lambda: damaged(MAIN_AT + 12, b"../etc/", ROOT_AT), "name", MAIN_AT),
    "name-with-zero": (lambda: damaged(MAIN_AT + 12, b"\0", ROOT_AT), "name", MAIN_AT),
    "name-twice": (same_name, "name-twice", None),
    "file-larger-than-image": (lambda: damaged(MAIN_AT + 8, words(0x7FFFFFFF), ROOT_AT), "file-size", MAIN_AT),
    "file-head-outside": (lambda: damaged(MAIN_AT + 4, words(32), ROOT_AT), "block-outside", MAIN_AT),
    "file-head-is-a-directory": (lambda: damaged(MAIN_AT + 4, words(2), ROOT_AT), "block-twice", MAIN_AT),
    "two-files-share-a-block": (lambda: damaged(MAIN_AT + 4, words(7), ROOT_AT), "block-twice", None),
    "file-size-needs-more-blocks": (lambda: damaged(BIG_AT + 8, words(4000), USR_AT), None, None),
    "file-chain-is-a-ring": (lambda: damaged(8 * BLOCK, words(9)), "block-twice", 8 * BLOCK),
    "file-chain-leaves-image": (lambda: damaged(9 * BLOCK, words(0xFFFFFFFF)), "block-outside", 9 * BLOCK),
    "skip-pointer-wrong": (lambda: damaged(9 * BLOCK + 4, words(8)), "pointer", 9 * BLOCK),
    "directory-is-its-own-child": (
        lambda: damaged(USR_ENTRY_AT + 4, words(3, 2), ROOT_AT),
        "block-twice",
        USR_ENTRY_AT,
    ),
    "directory-pair-outside": (
        lambda: damaged(USR_ENTRY_AT + 4, words(99, 98), ROOT_AT),
        "block-outside",
        USR_ENTRY_AT,
    ),
    "directory-pair-is-data": (lambda: damaged(USR_ENTRY_AT + 4, words(7, 8), ROOT_AT), "pair", 7 * BLOCK),
    "directory-continues-in-itself": (lambda: continued(USR_AT, (5, 6)), "thread", None),
    "thread-is-a-ring": (lambda: damaged(USR_AT + 8, words(3, 2), USR_AT), "thread", USR_AT + 8),
    "thread-outside": (lambda: damaged(USR_AT + 8, words(77, 78), USR_AT), "block-outside", USR_AT + 8),
}


@pytest.mark.parametrize("name", BROKEN)
def test_read_when_image_breaks_a_rule_then_names_rule_and_offset(name):
    make, rule, offset = BROKEN[name]
    with pytest.raises((BadFormat, UnknownFormat)) as refused:
        read_image(bytes(make()))
    if rule:
        assert refused.value.facts["rule"] == rule, str(refused.value)
    if offset is not None:
        assert refused.value.facts["offset"] in {offset, offset + BLOCK}, str(refused.value)


@pytest.mark.parametrize(("version", "shown"), [(0x00020000, "2.0"), (0x00010002, "1.2")])
def test_read_when_disk_version_is_another_then_unsupported(version, shown):
    with pytest.raises(Unsupported) as refused:
        read_image(bytes(both_superblocks(36, words(version))))
    assert shown in refused.value.message()


def expected() -> tuple:
    return read_image(bytes(sound())).entries


@pytest.mark.parametrize("block", [0, 1])
def test_read_when_one_superblock_is_lost_then_other_is_used(block):
    image = sound()
    image[block * BLOCK : (block + 1) * BLOCK] = b"\xff" * BLOCK
    assert read_image(bytes(image)).entries == expected()


def test_read_when_newest_generation_is_torn_then_older_one_is_used():
    image = sound()
    image[ROOT_AT + 20] ^= 0xFF
    paths = [path for path, _ in read_image(bytes(image)).entries]
    assert paths == ["main.py"], "the generation before usr was made"


def test_read_when_revision_wraps_around_then_newer_is_chosen():
    image = sound()
    other = 2 * BLOCK + 3 * BLOCK - ROOT_AT
    struct.pack_into("<I", image, ROOT_AT, 0)
    struct.pack_into("<I", image, other, 0xFFFFFFFF)
    for at in (ROOT_AT, other):
        seal(image, at)
    assert read_image(bytes(image)).entries == expected()


def test_read_when_image_is_trimmed_behind_its_content_then_value():
    found = read_image(bytes(sound()[: 10 * BLOCK]))
    assert (found.entries, found.geometry.block_count) == (expected(), 32)


def test_read_when_image_is_trimmed_within_its_content_then_refused():
    with pytest.raises(BadFormat):
        read_image(bytes(sound()[: 9 * BLOCK]))


def test_read_when_entry_is_marked_moving_and_not_found_elsewhere_then_is_shown():
    image = damaged(MAIN_AT, b"\x91", ROOT_AT)
    found = read_image(bytes(image))
    assert (found.entries, found.unsettled) == (expected(), 1)


def test_read_when_moved_entry_is_found_elsewhere_then_is_shown_there_only():
    """A rename cut between its two halves: usr/big.bin already has the blocks of main.py."""
    image = damaged(MAIN_AT, b"\x91", ROOT_AT)
    image[BIG_AT + 4 : BIG_AT + 12] = image[MAIN_AT + 4 : MAIN_AT + 12]
    seal(image, USR_AT)
    found = read_image(bytes(image))
    assert (found.entries, found.unsettled) == ((("usr", None), ("usr/big.bin", b"print(1)\n")), 1)


def test_read_when_name_is_not_utf8_then_survives_a_round_trip():
    image = damaged(MAIN_AT + 12, b"\xc4\xe3.py\xff", ROOT_AT)
    found = read_image(bytes(image))
    again = read_image(write_image(found.entries, found.geometry))
    assert again.entries == found.entries
    assert found.entries[0][0].encode("utf-8", "surrogateescape") == b"\xc4\xe3.py\xffy"


def test_read_when_directories_are_nested_by_hundreds_then_value():
    entries = [("d/" * 300 + "leaf", b"x")]
    image = write_image(entries, FsGeometry("lfs1", 128, 2000, 32, 32))
    assert read_image(image).entries[-1] == entries[0]


def test_read_when_bytes_are_another_format_then_unknown():
    for data in (b"", b"PK\x03\x04" + bytes(5000), b"\xff" * 204800, bytes(204800), b"littlefs" * 9):
        with pytest.raises(UnknownFormat):
            read_image(data)


def test_read_when_kind_is_forced_and_wrong_then_refused():
    with pytest.raises(BadFormat):
        read_image(bytes(sound()), "lfs2")
    with pytest.raises(BadFormat):
        read_image(write_image(trees.small(), FsGeometry("lfs2", 512, 64, 32, 32)), "lfs1")

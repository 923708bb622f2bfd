"""littlefs version 2 on disk, as far as a reader needs it: the log of tags in a pair of blocks.

::

    metadata block:  revision u32 | commit | commit | ... | erased
    commit:          tag data  tag data ...  check-tag check padding
    tag (32 bits, big-endian, XORed with the tag before it; the first with FFFFFFFF):

        31      30 .......... 20   19 .... 10   9 ....... 0
        valid=0 type (3 + 8 bits)  id (10 bits) size (10 bits, 3FF: deleted, no data)

What an entry is follows from all its tags in all commits: a create tag moves the entries behind it up, a delete tag
moves them down, name and structure tags replace older ones.

Source: platform-eigencomm 1 (which modules); littlefs' public specification of disk version 2.1.
"""

from __future__ import annotations

import zlib
from typing import Final, NamedTuple

from moduline.formats.record import Field, RecordTable

MAGIC: Final = b"littlefs"
MAGIC_AT: Final = 8  # the superblock's name is the first data of block 0 and block 1

NAME: Final = 0x000  # the upper three bits of a type; the lower eight say which
NAME_FILE: Final = 0x001
NAME_DIRECTORY: Final = 0x002
NAME_SUPERBLOCK: Final = 0x0FF
STRUCTURE: Final = 0x200
STRUCTURE_DIRECTORY: Final = 0x200
STRUCTURE_INLINE: Final = 0x201
STRUCTURE_BLOCKS: Final = 0x202
SPLICE: Final = 0x400
CREATE: Final = 0x401
DELETE: Final = 0x4FF
CHECK: Final = 0x500  # with the lower two bits free; bit 0 is the valid bit of the next commit's tags
TAIL: Final = 0x600
TAIL_HARD: Final = 0x601  # continues the same directory; 0x600 only threads to the next one
MOVE_STATE: Final = 0x7FF
NO_PAIR: Final = (0xFFFF_FFFF, 0xFFFF_FFFF)

SUPERBLOCK: Final = RecordTable(
    "littlefs 2 superblock",
    (
        Field("version", "u32", "0x00020000 or 0x00020001: major in the upper half"),
        Field("block_bytes", "u32", "size of a block", "bytes"),
        Field("block_count", "u32", "number of blocks; a module refuses any other than its own", "blocks"),
        Field("name_bytes_max", "u32", "longest name", "bytes"),
        Field("file_bytes_max", "u32", "largest file", "bytes"),
        Field("attribute_bytes_max", "u32", "largest attribute", "bytes"),
    ),
    total_bytes=24,
)


class Tag(NamedTuple):
    """One tag of a metadata log and where its data stands."""

    type: int
    id: int
    size: int  # bytes of data; 0 when the tag says "deleted"
    at: int  # offset of the data within the block
    is_deleted: bool

    @property
    def family(self) -> int:
        """The upper three bits of the type."""
        return self.type & 0x700


def check_of(data: bytes | memoryview, start: int = 0xFFFF_FFFF) -> int:
    """CRC-32 without the final inversion, continued from ``start``."""
    return zlib.crc32(data, start ^ 0xFFFF_FFFF) ^ 0xFFFF_FFFF


def committed_tags(block: bytes) -> list[Tag] | None:
    """The tags of all commits of a metadata block whose check is right; ``None`` when there is no such commit."""
    committed: list[Tag] | None = None
    pending: list[Tag] = []
    at, previous, start = 4, 0xFFFF_FFFF, 0
    while at + 4 <= len(block):
        word = int.from_bytes(block[at : at + 4], "big") ^ previous
        size, kind = word & 0x3FF, word >> 20
        is_deleted = size == 0x3FF
        tag = Tag(kind & 0x7FF, word >> 10 & 0x3FF, 0 if is_deleted else size, at + 4, is_deleted)
        end = tag.at + tag.size
        if word >> 31 or end > len(block):
            break
        previous, at = word, end
        if kind & 0x780 != CHECK:
            pending.append(tag)
            continue
        stored = int.from_bytes(block[tag.at : tag.at + 4], "little")
        if tag.size < 4 or check_of(block[start : tag.at]) != stored:
            break
        committed = [] if committed is None else committed
        committed += pending
        pending = []
        previous ^= (kind & 1) << 31
        start = end
    return committed

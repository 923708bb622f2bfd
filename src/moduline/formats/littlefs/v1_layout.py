"""littlefs version 1 on disk: the structures and the arithmetic that reader and writer share.

::

    block 0, 1   superblock pair: one directory block whose only entry names the root
    a pair       two blocks holding two generations of one directory block; the newer valid one counts
    a directory  one pair, or several chained through their tails
    a file       blocks chained backwards from its last one (a skip list)

    directory block                      entry
    +--------------------------+         +------+------------+-----------------+------------+
    | revision  u32            |         | type | entry_bytes| attribute_bytes | name_bytes |  4 x u8
    | size      u32  bit 31: C |         +------+------------+-----------------+------------+
    | tail      u32[2]         |         | place: head, size of a file / pair of a directory |
    | entries ...              |         | attributes ...                                    |
    | check     u32            |         | name ...                                          |
    +--------------------------+         +---------------------------------------------------+

C (continued): the tail is the next block pair of the *same* directory. Without it the tail is the next directory in
the thread that runs from the superblock through every directory; the module walks it to find the blocks in use.

Everything is little-endian. Source: platform-asr 2.2; the layout was checked against the vectors given there.
"""

from __future__ import annotations

import zlib
from typing import Final

from moduline.formats.record import Field, RecordTable

MAGIC: Final = b"littlefs"
MAGIC_AT: Final = 40  # within a superblock's block

TYPE_FILE: Final = 0x11
TYPE_DIRECTORY: Final = 0x22
TYPE_SUPERBLOCK: Final = 0x2E
MOVING: Final = 0x80  # set in the type while a rename is under way
CONTINUED: Final = 0x8000_0000  # set in the size of a directory block that is not the directory's last
NO_BLOCK: Final = 0xFFFF_FFFF
NO_PAIR: Final = (NO_BLOCK, NO_BLOCK)

DIRECTORY_BLOCK: Final = RecordTable(
    "littlefs 1 directory block",
    (
        Field("revision", "u32", "generation; of two valid blocks the newer counts, compared with wrap-around"),
        Field("size", "u32", "bytes in use with header and check; bit 31: continued in the tail", "bytes"),
        Field("tail", "u32[2]", "pair of the next directory block, FFFFFFFF twice at the end", "block numbers"),
    ),
    total_bytes=16,
)
ENTRY_HEAD: Final = RecordTable(
    "littlefs 1 entry",
    (
        Field("type", "u8", "0x11 file, 0x22 directory, 0x2E superblock; bit 7: being moved"),
        Field("entry_bytes", "u8", "size of the place that follows", "bytes"),
        Field("attribute_bytes", "u8", "size of the attributes, 0 on modules", "bytes"),
        Field("name_bytes", "u8", "size of the name", "bytes"),
    ),
    total_bytes=4,
)
FILE_PLACE: Final = RecordTable(
    "littlefs 1 file",
    (
        Field("head", "u32", "last block of the file, FFFFFFFF when empty", "block number"),
        Field("size", "u32", "length of the file", "bytes"),
    ),
    total_bytes=8,
)
DIRECTORY_PLACE: Final = RecordTable(
    "littlefs 1 sub-directory",
    (Field("pair", "u32[2]", "its first block pair", "block numbers"),),
    total_bytes=8,
)
SUPERBLOCK: Final = RecordTable(
    "littlefs 1 superblock",
    (
        Field("root", "u32[2]", "block pair of the root directory", "block numbers"),
        Field("block_bytes", "u32", "size of a block", "bytes"),
        Field("block_count", "u32", "number of blocks", "blocks"),
        Field("version", "u32", "0x00010001: major in the upper half"),
    ),
    total_bytes=20,
)
CHECK_BYTES: Final = 4


def check_of(data: bytes | bytearray | memoryview) -> int:
    """CRC-32 without the final inversion; over a block *with* its stored check it is 0.

    Source: platform-asr 2.2.
    """
    return zlib.crc32(data) ^ 0xFFFF_FFFF


def is_newer(revision: int, than: int) -> bool:
    """Whether a generation is not older than another, as a signed 32-bit difference."""
    return (revision - than) & 0xFFFF_FFFF < 0x8000_0000

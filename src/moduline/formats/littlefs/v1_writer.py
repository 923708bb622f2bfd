"""littlefs version 1, writing: the same bytes as a module that creates the tree entry by entry.

The writer does what the file system itself would do, in the same order: format, then for each entry make the directory
or create the file empty, write its blocks, and commit its place. So block numbers, generations and even the stale
generation left in the other block of a pair are those of a real image, and a tool that compares with the vendor's
packer sees no difference. Blocks are taken in rising order and never given back, hence the capacity is exact: an
image fits if and only if the last block number taken is below the limit.

Source: platform-asr 2.1, 2.2 (test vectors).
"""

from __future__ import annotations

import struct
from typing import Final

from moduline.errors import Text, TooBig
from moduline.formats.littlefs.names import NAME_BYTES_MAX, complete, encode_name
from moduline.formats.littlefs.skiplist import block_content, block_count_of
from moduline.formats.littlefs.v1_layout import (
    CHECK_BYTES,
    CONTINUED,
    DIRECTORY_BLOCK,
    DIRECTORY_PLACE,
    ENTRY_HEAD,
    FILE_PLACE,
    MAGIC,
    NO_BLOCK,
    NO_PAIR,
    SUPERBLOCK,
    TYPE_DIRECTORY,
    TYPE_FILE,
    TYPE_SUPERBLOCK,
    check_of,
)
from moduline.formats.littlefs.volume import DISK_1_1, Entries, FsGeometry

_PAD: Final = 0xFF  # what the driver fills a program unit up with
_OVERHEAD: Final = DIRECTORY_BLOCK.total_bytes + CHECK_BYTES


def write(entries: Entries, geometry: FsGeometry, fill: int = 0xFF) -> bytes:
    """A whole image, ``geometry.total_bytes`` long.

    Args:
        entries: what it shall hold, in the order of creation; parents may be implied.
        fill: content of bytes that are never programmed: 0xFF as erased flash, 0x00 as the vendor's tool.

    Raises:
        BadOption: a path is not allowed or stands there twice.
        TooBig: the content does not fit, or a name is too long.
    """
    image = _Image(geometry, fill)
    superblock = image.new_block()
    root = image.new_block()
    image.commit(root)
    image.format(superblock, root)
    directories = {"": root}  # path: the block at the end of the directory's chain
    for path, data in complete(entries):
        parent, _, name = path.rpartition("/")
        raw = encode_name(name)
        if data is None:
            child = image.new_block()
            child.tail = directories[parent].tail
            image.commit(child)
            directories[parent].tail = child.pair
            head = _entry_head(TYPE_DIRECTORY, raw, geometry) + DIRECTORY_PLACE.pack({"pair": child.pair})
            directories[parent] = image.append(directories[parent], head + raw)
            directories[path] = child
        else:
            head = _entry_head(TYPE_FILE, raw, geometry)
            empty = FILE_PLACE.pack({"head": NO_BLOCK, "size": 0})
            block = directories[parent] = image.append(directories[parent], head + empty + raw)
            if data:
                at = len(block.entries) - len(raw) - FILE_PLACE.total_bytes
                place = FILE_PLACE.pack({"head": image.store_file(data), "size": len(data)})
                block.entries[at : at + FILE_PLACE.total_bytes] = place
                image.commit(block)
    return image.finish()


def _entry_head(kind: int, name: bytes, geometry: FsGeometry) -> bytes:
    size = ENTRY_HEAD.total_bytes + FILE_PLACE.total_bytes + len(name)
    if size > geometry.block_bytes - _OVERHEAD:
        most = min(NAME_BYTES_MAX, geometry.block_bytes - _OVERHEAD - size + len(name))
        what = Text("a name in blocks of this size", "在此块大小下的名称")
        raise TooBig(what=what, need=len(name), have=most)
    values = {"type": kind, "entry_bytes": 8, "attribute_bytes": 0, "name_bytes": len(name)}
    return ENTRY_HEAD.pack(values)


class _Block:
    """One block pair of a directory, as the file system holds it while it works on it."""

    __slots__ = ("entries", "is_continued", "pair", "revision", "tail")

    def __init__(self, pair: tuple[int, int], revision: int) -> None:
        self.pair = pair  # the first is the one last committed
        self.revision = revision
        self.tail = NO_PAIR
        self.is_continued = False
        self.entries = bytearray()


class _Image:
    """The blocks of an image under construction; numbers past the limit are counted but not kept."""

    def __init__(self, geometry: FsGeometry, fill: int) -> None:
        self.geometry = geometry
        self.block_bytes = geometry.block_bytes
        self.fill = bytes([fill])
        self.cells = bytearray(self.fill) * geometry.total_bytes
        self.taken = 0

    def take(self) -> int:
        """The next free block."""
        self.taken += 1
        return self.taken - 1

    def new_block(self) -> _Block:
        """A directory block on a fresh pair; its generation continues what the erased bytes look like."""
        pair = (self.take(), self.take())
        return _Block(pair, (int.from_bytes(self.fill * 4, "little") + 1) & 0xFFFF_FFFF)

    def commit(self, block: _Block) -> None:
        """Write the next generation into the other block of the pair."""
        block.revision = (block.revision + 1) & 0xFFFF_FFFF
        block.pair = (block.pair[1], block.pair[0])
        size = _OVERHEAD + len(block.entries)
        flag = CONTINUED if block.is_continued else 0
        header = {"revision": block.revision, "size": size | flag, "tail": block.tail}
        body = DIRECTORY_BLOCK.pack(header) + block.entries
        self.store(block.pair[0], body + struct.pack("<I", check_of(body)))

    def append(self, block: _Block, entry: bytes) -> _Block:
        """Add an entry behind the last one, on a further pair when this is full; gives the block it went to."""
        if _OVERHEAD + len(block.entries) + len(entry) <= self.block_bytes:
            block.entries += entry
            self.commit(block)
            return block
        further = self.new_block()
        further.tail = block.tail
        further.entries += entry
        self.commit(further)
        block.is_continued = True
        block.tail = further.pair
        self.commit(block)
        return further

    def format(self, superblock: _Block, root: _Block) -> None:
        """Write both generations of the superblock."""
        superblock.tail = root.pair
        values = {"type": TYPE_SUPERBLOCK, "entry_bytes": 20, "attribute_bytes": 0, "name_bytes": len(MAGIC)}
        facts = {
            "root": root.pair,
            "block_bytes": self.block_bytes,
            "block_count": self.geometry.block_count,
            "version": DISK_1_1,
        }
        superblock.entries += ENTRY_HEAD.pack(values) + SUPERBLOCK.pack(facts) + MAGIC
        self.commit(superblock)
        self.commit(superblock)

    def store_file(self, data: bytes) -> int:
        """Write the blocks of a file's content; gives the last one's number."""
        numbers: list[int] = []
        for index in range(block_count_of(len(data), self.block_bytes)):
            number = self.take()
            if number < self.geometry.content_blocks:
                self.store(number, block_content(index, numbers, data, self.block_bytes))
            numbers.append(number)
        return numbers[-1]

    def store(self, number: int, content: bytes | bytearray) -> None:
        """Erase a block and program its content, padded to the program unit."""
        if number >= self.geometry.content_blocks:
            return
        padded = len(content) + -len(content) % self.geometry.program_bytes
        start = number * self.block_bytes
        whole = bytes(content).ljust(padded, bytes([_PAD])).ljust(self.block_bytes, self.fill)
        self.cells[start : start + self.block_bytes] = whole

    def finish(self) -> bytes:
        """The image.

        Raises:
            TooBig: more blocks were taken than may hold content.
        """
        if self.taken > self.geometry.content_blocks:
            raise TooBig(
                what=Text("the file system", "文件系统"),
                need=self.taken * self.block_bytes,
                have=self.geometry.content_blocks * self.block_bytes,
            )
        return bytes(self.cells)

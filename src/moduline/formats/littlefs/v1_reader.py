"""littlefs version 1, reading: what the module would show, or where the image breaks the rules.

The reader trusts nothing. Every block may belong to one owner only, so a cycle of directories or of file blocks ends at
its second visit; sizes are compared with what the image can hold before anything is built from them; the walk uses a
list, not the call stack. What power loss may leave behind is not an error: the older generation of a pair, a rename
half done (an entry marked as moving whose place is already found elsewhere is not shown), a directory that hangs in
the thread only.

Source: platform-asr 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from moduline.errors import BadFormat, Text, Unsupported
from moduline.formats.littlefs.blocks import Blocks
from moduline.formats.littlefs.v1_layout import (
    CHECK_BYTES,
    CONTINUED,
    DIRECTORY_BLOCK,
    DIRECTORY_PLACE,
    ENTRY_HEAD,
    FILE_PLACE,
    MAGIC,
    MAGIC_AT,
    MOVING,
    NO_PAIR,
    SUPERBLOCK,
    TYPE_DIRECTORY,
    TYPE_FILE,
    TYPE_SUPERBLOCK,
    check_of,
    is_newer,
)
from moduline.formats.littlefs.volume import (
    BLOCK_BYTES_MAX,
    BLOCK_BYTES_MIN,
    BLOCK_COUNT_MIN,
    IMAGE_BYTES_MAX,
    LFS1,
    Entry,
    FsGeometry,
    LittleFsImage,
)

_FORMAT: Final = "littlefs 1"
_PLACE_AT: Final = ENTRY_HEAD.total_bytes
_SUPERBLOCK_ENTRY: Final = DIRECTORY_BLOCK.total_bytes
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Generation:
    """One valid block of a directory pair."""

    block: int
    revision: int
    is_continued: bool
    tail: Pair
    content: bytes  # the entries


@dataclass(frozen=True, slots=True)
class _Found:
    """One entry of a directory block."""

    type: int
    place: bytes
    name: bytes
    offset: int  # within the image, for messages


def read(data: bytes) -> LittleFsImage:
    """Everything an image holds.

    Args:
        data: the image; it may be longer or shorter than its superblock says, as long as no content is missing.

    Raises:
        BadFormat: the bytes break a rule of the format.
        Unsupported: another version than 1.0 or 1.1.
    """
    volume = _Volume(data, _block_bytes(data))
    facts = volume.superblock()
    entries, unsettled = volume.walk(facts["root"])
    geometry = FsGeometry(LFS1, volume.block_bytes, facts["block_count"], volume.block_bytes, volume.block_bytes)
    return LittleFsImage(geometry, facts["version"], tuple(entries), volume.taken.count(1), unsettled)


def is_superblock(data: bytes) -> bool:
    """Whether one of the first two blocks looks like the superblock of this version."""
    return bool(_candidates(data))


def _candidates(data: bytes) -> list[int]:
    """Block sizes for which block 0 or block 1 looks like a superblock, block 0 first."""
    sizes = []
    stated_at = _SUPERBLOCK_ENTRY + _PLACE_AT + SUPERBLOCK.offsets["block_bytes"]
    for at in (0, *(1 << power for power in range(7, 21))):
        if data[at + MAGIC_AT : at + MAGIC_AT + len(MAGIC)] == MAGIC and data[at + 16] == TYPE_SUPERBLOCK:
            stated = int.from_bytes(data[at + stated_at : at + stated_at + 4], "little")
            if BLOCK_BYTES_MIN <= stated <= BLOCK_BYTES_MAX and at in {0, stated}:
                sizes.append(stated)
    return sizes


def _block_bytes(data: bytes) -> int:
    """The block size for which the superblock pair is whole."""
    for size in _candidates(data):
        volume = _Volume(data, size)
        if volume.count >= 2 and volume.newest((0, 1)):
            return size
    reason = Text("no valid superblock in blocks 0 and 1", "块 0 与块 1 均无有效的超级块")
    raise BadFormat(format=_FORMAT, reason=reason, offset=0, rule="superblock")


class _Volume(Blocks):
    """An image of this version; remembers the directory blocks it has read."""

    def __init__(self, data: bytes, block_bytes: int) -> None:
        super().__init__(_FORMAT, data, block_bytes)
        self._read: dict[Pair, _Generation] = {}

    # ---- directory blocks ----

    def superblock(self) -> dict[str, Any]:
        """The facts of the superblock, checked.

        Raises:
            BadFormat: it breaks a rule.
            Unsupported: another version.
        """
        self.take(0, 0)
        self.take(1, 0)
        block = self.fetch((0, 1))
        offset = block.block * self.block_bytes + _SUPERBLOCK_ENTRY
        whole = _PLACE_AT + SUPERBLOCK.total_bytes + len(MAGIC)
        is_whole = len(block.content) >= whole and block.content[0] == TYPE_SUPERBLOCK
        if not is_whole or block.content[whole - len(MAGIC) : whole] != MAGIC:
            self.broken(
                Text("the superblock has no littlefs entry", "超级块中没有 littlefs 条目"), offset, "superblock"
            )
        facts = SUPERBLOCK.unpack(block.content, _PLACE_AT)
        if facts["version"] >> 16 != 1 or facts["version"] & 0xFFFF > 1:
            version = f"{facts['version'] >> 16}.{facts['version'] & 0xFFFF}"
            raise Unsupported(
                format=_FORMAT,
                reason=Text(f"disk version {version}", f"磁盘格式版本 {version}"),
                remedy=Text("only 1.0 and 1.1 are known", "仅支持 1.0 与 1.1"),
            )
        is_possible = BLOCK_COUNT_MIN[LFS1] <= facts["block_count"] <= IMAGE_BYTES_MAX // self.block_bytes
        if facts["block_bytes"] != self.block_bytes or not is_possible:
            self.broken(Text("the superblock states impossible sizes", "超级块中的尺寸不可能成立"), offset, "sizes")
        return facts

    def newest(self, pair: Pair) -> _Generation | None:
        """The valid block of a pair with the newer generation, as the module chooses it."""
        best: _Generation | None = None
        for block in pair:
            at = block * self.block_bytes
            header = DIRECTORY_BLOCK.unpack(self.data, at)
            size = header["size"] & ~CONTINUED
            if not DIRECTORY_BLOCK.total_bytes + CHECK_BYTES <= size <= self.block_bytes:
                continue
            if best and not is_newer(header["revision"], best.revision):
                continue
            if check_of(self.data[at : at + size]):
                continue
            content = self.data[at + DIRECTORY_BLOCK.total_bytes : at + size - CHECK_BYTES]
            is_continued = bool(header["size"] & CONTINUED)
            best = _Generation(block, header["revision"], is_continued, header["tail"], content)
        return best

    def fetch(self, pair: Pair, offset: int = 0) -> _Generation:
        """The current generation of a pair that is named at ``offset``.

        Raises:
            BadFormat: outside the image, or neither block is valid.
        """
        if pair in self._read:
            return self._read[pair]
        for number in pair:
            self.check_number(number, offset)
        found = self.newest(pair)
        if found is None:
            reason = Text(
                f"neither block {pair[0]} nor block {pair[1]} is a valid directory block",
                f"块 {pair[0]} 与块 {pair[1]} 均不是有效的目录块",
            )
            self.broken(reason, pair[0] * self.block_bytes, "pair")
        self._read[pair] = found
        return found

    def entries_of(self, block: _Generation) -> list[_Found]:
        """The entries of one directory block, in order.

        Raises:
            BadFormat: an entry is cut off or of no known type.
        """
        found, at, content = [], 0, block.content
        base = block.block * self.block_bytes + DIRECTORY_BLOCK.total_bytes
        while at < len(content):
            if at + _PLACE_AT > len(content):
                self.broken(Text("an entry is cut off", "条目不完整"), base + at, "entry")
            kind, place, attributes, name = content[at : at + _PLACE_AT]
            end = at + _PLACE_AT + place + attributes + name
            if end > len(content) or place < FILE_PLACE.total_bytes:
                self.broken(Text("an entry is cut off", "条目不完整"), base + at, "entry")
            if kind & ~MOVING not in {TYPE_FILE, TYPE_DIRECTORY}:
                reason = Text(f"unknown entry type 0x{kind:02x}", f"未知条目类型 0x{kind:02x}")
                self.broken(reason, base + at, "entry-type")
            stated = content[at + _PLACE_AT : at + _PLACE_AT + FILE_PLACE.total_bytes]
            found.append(_Found(kind, stated, content[end - name : end], base + at))
            at = end
        return found

    # ---- the whole tree ----

    def walk(self, root: Pair) -> tuple[list[Entry], int]:
        """All entries, each directory before its content, and how many moves are unsettled.

        Raises:
            BadFormat: the tree breaks a rule.
        """
        settled = self._settled_places()
        entries: list[Entry] = []
        unsettled = 0
        open_directories = [("", iter(self._directory(root, _SUPERBLOCK_ENTRY + _PLACE_AT)))]
        while open_directories:
            path, rest = open_directories[-1]
            found = next(rest, None)
            if found is None:
                open_directories.pop()
                continue
            if found.type & MOVING:
                unsettled += 1
                if found.place in settled:
                    continue
            inner = self.path_of(path, found.name, found.offset)
            if found.type & ~MOVING == TYPE_DIRECTORY:
                entries.append((inner, None))
                pair = DIRECTORY_PLACE.unpack(found.place)["pair"]
                open_directories.append((inner + "/", iter(self._directory(pair, found.offset))))
            else:
                place = FILE_PLACE.unpack(found.place)
                entries.append((inner, self.file(place["head"], place["size"], found.offset)))
        return entries, unsettled

    def _directory(self, pair: Pair, offset: int) -> list[_Found]:
        """The entries of a directory over all its blocks; takes the blocks."""
        found: list[_Found] = []
        names: set[bytes] = set()
        while True:
            block = self.fetch(pair, offset)
            for number in pair:
                self.take(number, offset)
            for entry in self.entries_of(block):
                if not entry.type & MOVING:
                    if entry.name in names:
                        self.broken(
                            Text("the same name twice in a directory", "目录中有重名"), entry.offset, "name-twice"
                        )
                    names.add(entry.name)
                found.append(entry)
            if not block.is_continued:
                return found
            offset = block.block * self.block_bytes + DIRECTORY_BLOCK.offsets["tail"]
            pair = block.tail

    def _settled_places(self) -> set[bytes]:
        """The places of all entries in the thread that are not being moved; checks that the thread ends."""
        settled: set[bytes] = set()
        seen: set[Pair] = {(0, 1)}
        pair = self.fetch((0, 1)).tail
        offset = DIRECTORY_BLOCK.offsets["tail"]
        while pair != NO_PAIR:
            ordered = (min(pair), max(pair))
            if ordered in seen:
                self.broken(Text("the thread of directories is a ring", "目录链成环"), offset, "thread")
            seen.add(ordered)
            block = self.fetch(pair, offset)
            settled |= {entry.place for entry in self.entries_of(block) if not entry.type & MOVING}
            offset = block.block * self.block_bytes + DIRECTORY_BLOCK.offsets["tail"]
            pair = block.tail
        return settled

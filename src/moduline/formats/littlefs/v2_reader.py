"""littlefs version 2, reading untrusted images without the C code.

The library that writes these images (see ``v2_writer``) is the module's own C code. On a hostile image that code can
run for ever or abort the whole process by an assertion (tried: decision 0002), so nothing of it is run on bytes that
came from outside. This reader takes the same view of an image as the C code does at a mount without a write: newest
valid block of a pair, commits up to the last right check, a move that was cut in two hidden at its source.

Source: littlefs' public specification of disk version 2.1; checked against images of the C code in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from moduline.errors import BadFormat, Text, Unsupported
from moduline.formats.littlefs.blocks import Blocks
from moduline.formats.littlefs.v2_layout import (
    CREATE,
    DELETE,
    MAGIC,
    MAGIC_AT,
    MOVE_STATE,
    NAME,
    NAME_DIRECTORY,
    NAME_FILE,
    NAME_SUPERBLOCK,
    NO_PAIR,
    STRUCTURE,
    STRUCTURE_BLOCKS,
    STRUCTURE_DIRECTORY,
    STRUCTURE_INLINE,
    SUPERBLOCK,
    TAIL,
    TAIL_HARD,
    Tag,
    committed_tags,
)
from moduline.formats.littlefs.volume import (
    BLOCK_BYTES_MAX,
    BLOCK_BYTES_MIN,
    BLOCK_COUNT_MIN,
    IMAGE_BYTES_MAX,
    LFS2,
    Entry,
    FsGeometry,
    LittleFsImage,
)

_FORMAT: Final = "littlefs 2"
_STATED_AT: Final = MAGIC_AT + len(MAGIC) + 4  # the superblock's facts, when they stand first in the log
_FACTS_NEXT: Final = bytes.fromhex("2fe00010")  # the tag between magic and facts, when they stand first
_UNIT: Final = 32  # read and program unit of the interpreter's driver; not stored in an image
_IDS: Final = 0x3FF
Pair = tuple[int, int]


@dataclass(slots=True)
class _Slot:
    """One entry of a directory block, as far as the log has told."""

    type: int = 0
    name: bytes = b""
    structure: int = 0
    place: bytes = b""
    offset: int = 0  # within the image, of its latest tag


@dataclass(slots=True)
class _Metadata:
    """One directory block: what the log of its pair adds up to."""

    pair: Pair
    offset: int
    slots: list[_Slot] = field(default_factory=list)
    tail: Pair = NO_PAIR
    is_continued: bool = False
    move_state: bytes = bytes(12)


def read(data: bytes) -> LittleFsImage:
    """Everything an image holds.

    Args:
        data: the image; it may be longer or shorter than its superblock says, as long as no content is missing.

    Raises:
        BadFormat: the bytes break a rule of the format.
        Unsupported: another version than 2.0 or 2.1.
    """
    volume = _Volume(data, _block_bytes(data))
    facts = volume.mount()
    entries = volume.walk()
    geometry = FsGeometry(LFS2, volume.block_bytes, facts["block_count"], *_units(volume.block_bytes))
    return LittleFsImage(geometry, facts["version"], tuple(entries), volume.taken.count(1), volume.unsettled)


def is_superblock(data: bytes) -> bool:
    """Whether one of the first two blocks looks like the superblock of this version."""
    return bool(_candidates(data)) or _moved_size(data) is not None


def _units(block_bytes: int) -> tuple[int, int]:
    unit = _UNIT if block_bytes % _UNIT == 0 else block_bytes
    return unit, unit


def _candidates(data: bytes) -> list[int]:
    """Block sizes for which block 0 or block 1 looks like a superblock, block 0 first."""
    sizes = []
    stated_at = _STATED_AT + SUPERBLOCK.offsets["block_bytes"]
    for at in (0, *(1 << power for power in range(7, 21))):
        if data[at + MAGIC_AT : at + MAGIC_AT + len(MAGIC)] == MAGIC:
            stated = int.from_bytes(data[at + stated_at : at + stated_at + 4], "little")
            if BLOCK_BYTES_MIN <= stated <= BLOCK_BYTES_MAX and at in {0, stated}:
                sizes.append(stated)
    return sizes


def _moved_size(data: bytes) -> int | None:
    """The block size of a superblock whose facts do not stand first in its log.

    A driver of version 2.1 rewrites the facts of a 2.0 image when it first writes; they then come last, and stay there
    when the log is compacted.
    """
    for size in (1 << power for power in range(7, 21)):
        for at in (0, size):
            if data[at + MAGIC_AT : at + MAGIC_AT + len(MAGIC)] != MAGIC:
                continue
            for tag in reversed(committed_tags(data[at : at + size]) or ()):
                if tag.type == STRUCTURE_INLINE and tag.id == 0 and tag.size >= SUPERBLOCK.total_bytes:
                    place = data[at + tag.at : at + tag.at + SUPERBLOCK.total_bytes]
                    if SUPERBLOCK.unpack(place)["block_bytes"] == size:
                        return size
                    break
    return None


def _block_bytes(data: bytes) -> int:
    """The block size for which the superblock pair is whole."""
    moved = _moved_size(data)
    for size in _candidates(data):
        if any(committed_tags(data[at : at + size]) for at in (0, size)):
            is_first = any(data[at + _STATED_AT - 4 : at + _STATED_AT] == _FACTS_NEXT for at in (0, size))
            return size if is_first or moved is None else moved
    if moved is not None:
        return moved
    reason = Text("no valid superblock in blocks 0 and 1", "块 0 与块 1 均无有效的超级块")
    raise BadFormat(format=_FORMAT, reason=reason, offset=0, rule="superblock")


class _Volume(Blocks):
    """An image of this version; remembers the directory blocks it has read."""

    def __init__(self, data: bytes, block_bytes: int) -> None:
        super().__init__(_FORMAT, data, block_bytes)
        self._read: dict[Pair, _Metadata] = {}
        self._root: Pair = (0, 1)
        self._moved_from: Pair = NO_PAIR
        self._moved_id = _IDS
        self.unsettled = 0

    # ---- one pair ----

    def fetch(self, pair: Pair, offset: int) -> _Metadata:
        """What the pair named at ``offset`` adds up to.

        Raises:
            BadFormat: outside the image, or neither block has a valid commit.
        """
        if pair in self._read:
            return self._read[pair]
        for number in pair:
            self.check_number(number, offset)
        blocks = [self.data[n * self.block_bytes : (n + 1) * self.block_bytes] for n in pair]
        first, second = (int.from_bytes(block[:4], "little") for block in blocks)
        order = (1, 0) if 0 < (second - first) & 0xFFFF_FFFF < 0x8000_0000 else (0, 1)
        logs = ((which, committed_tags(blocks[which])) for which in order)
        which, tags = next(((which, tags) for which, tags in logs if tags is not None), (0, None))
        if tags is None:
            reason = Text(
                f"neither block {pair[0]} nor block {pair[1]} has a valid commit",
                f"块 {pair[0]} 与块 {pair[1]} 均无有效的提交",
            )
            self.broken(reason, pair[0] * self.block_bytes, "pair")
        found = self._replay(pair, pair[which] * self.block_bytes, blocks[which], tags)
        self._read[pair] = found
        return found

    def _replay(self, pair: Pair, base: int, block: bytes, tags: list[Tag]) -> _Metadata:
        """The entries that a log of tags leaves."""
        result = _Metadata(pair, base)
        slots = result.slots
        for tag in tags:
            data = block[tag.at : tag.at + tag.size]
            offset = base + tag.at
            if tag.type == CREATE:
                if tag.id > len(slots):
                    self.broken(Text("an entry is created out of order", "条目创建次序错误"), offset, "splice")
                slots.insert(tag.id, _Slot(offset=offset))
            elif tag.type == DELETE:
                if tag.id >= len(slots):
                    self.broken(Text("an entry is deleted that is not there", "删除了不存在的条目"), offset, "splice")
                del slots[tag.id]
            elif tag.family in {NAME, STRUCTURE}:
                while len(slots) <= tag.id < _IDS:
                    slots.append(_Slot(offset=offset))
                if tag.id >= _IDS:
                    self.broken(Text("a tag without an entry", "标签没有所属条目"), offset, "splice")
                slot = slots[tag.id]
                slot.offset = offset
                if tag.family == NAME:
                    slot.type, slot.name = tag.type, data
                else:
                    slot.structure, slot.place = tag.type, data
            elif tag.family == TAIL:
                result.tail = self._pair_at(data, offset)
                result.is_continued = tag.type == TAIL_HARD
            elif tag.type == MOVE_STATE:
                result.move_state = data.ljust(12, b"\0")[:12]
        return result

    def _pair_at(self, data: bytes, offset: int) -> Pair:
        if len(data) < 8:
            self.broken(Text("a block pair is cut off", "块对不完整"), offset, "entry")
        return int.from_bytes(data[:4], "little"), int.from_bytes(data[4:8], "little")

    # ---- the whole image ----

    def mount(self) -> dict[str, Any]:
        """Walk the thread of all directories as a mount does; gives the facts of the superblock.

        Raises:
            BadFormat: the thread is a ring, or there is no superblock in it.
            Unsupported: another version.
        """
        facts: dict[str, Any] = {}
        seen: set[int] = set()
        move = 0
        pair: Pair = (0, 1)
        offset = 0
        while pair != NO_PAIR:
            metadata = self.fetch(pair, offset)
            if min(pair) in seen:
                self.broken(Text("the thread of directories is a ring", "目录链成环"), offset, "thread")
            seen.add(min(pair))
            if metadata.slots and metadata.slots[0].type == NAME_SUPERBLOCK:
                facts = self._superblock(metadata.slots[0])
                self._root = pair
                for number in pair:
                    if not self.taken[number]:
                        self.take(number, offset)
            move ^= int.from_bytes(metadata.move_state, "little")
            pair, offset = metadata.tail, metadata.offset
        if not facts:
            self.broken(Text("no superblock entry", "没有超级块条目"), 0, "superblock")
        words = move.to_bytes(12, "little")
        tag = int.from_bytes(words[:4], "little")
        if tag >> 20 & 0x700:
            self._moved_from = self._pair_at(words[4:], 0)
            self._moved_id = tag >> 10 & _IDS
        return facts

    def _superblock(self, slot: _Slot) -> dict[str, Any]:
        if slot.structure != STRUCTURE_INLINE or slot.name != MAGIC or len(slot.place) < SUPERBLOCK.total_bytes:
            self.broken(
                Text("the superblock has no littlefs entry", "超级块中没有 littlefs 条目"), slot.offset, "superblock"
            )
        facts = SUPERBLOCK.unpack(slot.place)
        if facts["version"] >> 16 != 2 or facts["version"] & 0xFFFF > 1:
            version = f"{facts['version'] >> 16}.{facts['version'] & 0xFFFF}"
            raise Unsupported(
                format=_FORMAT,
                reason=Text(f"disk version {version}", f"磁盘格式版本 {version}"),
                remedy=Text("only 2.0 and 2.1 are known", "仅支持 2.0 与 2.1"),
            )
        is_possible = BLOCK_COUNT_MIN[LFS2] <= facts["block_count"] <= IMAGE_BYTES_MAX // self.block_bytes
        if facts["block_bytes"] != self.block_bytes or not is_possible:
            self.broken(
                Text("the superblock states impossible sizes", "超级块中的尺寸不可能成立"), slot.offset, "sizes"
            )
        return facts

    def walk(self) -> list[Entry]:
        """All entries, each directory before its content.

        Raises:
            BadFormat: the tree breaks a rule.
        """
        entries: list[Entry] = []
        open_directories = [("", iter(self._directory(self._root, 0, is_taken=True)))]
        while open_directories:
            folder, rest = open_directories[-1]
            slot = next(rest, None)
            if slot is None:
                open_directories.pop()
                continue
            path = self.path_of(folder, slot.name, slot.offset)
            if slot.type == NAME_DIRECTORY and slot.structure == STRUCTURE_DIRECTORY:
                entries.append((path, None))
                pair = self._pair_at(slot.place, slot.offset)
                open_directories.append((path + "/", iter(self._directory(pair, slot.offset))))
            elif slot.type == NAME_FILE and slot.structure == STRUCTURE_INLINE:
                entries.append((path, slot.place))
            elif slot.type == NAME_FILE and slot.structure == STRUCTURE_BLOCKS:
                head, size = self._pair_at(slot.place, slot.offset)
                entries.append((path, self.file(head, size, slot.offset)))
            else:
                reason = Text(
                    f"an entry of type 0x{slot.type:03x} with structure 0x{slot.structure:03x}",
                    f"条目类型 0x{slot.type:03x} 与结构 0x{slot.structure:03x} 不符",
                )
                self.broken(reason, slot.offset, "entry-type")
        return entries

    def _directory(self, pair: Pair, offset: int, *, is_taken: bool = False) -> list[_Slot]:
        """The entries of a directory over all its pairs; takes the blocks, the root's first pair is taken already."""
        found: list[_Slot] = []
        names: set[bytes] = set()
        while True:
            metadata = self.fetch(pair, offset)
            for number in () if is_taken else pair:
                self.take(number, offset)
            is_taken = False
            for number, slot in enumerate(metadata.slots):
                if number == self._moved_id and set(pair) & set(self._moved_from):
                    self.unsettled += 1
                    continue
                if slot.type == NAME_SUPERBLOCK:
                    continue
                if slot.name in names:
                    self.broken(Text("the same name twice in a directory", "目录中有重名"), slot.offset, "name-twice")
                names.add(slot.name)
                found.append(slot)
            if not metadata.is_continued:
                return found
            pair, offset = metadata.tail, metadata.offset

"""What a littlefs image is, as values: its geometry and its entries in order.

Entries are ``(path, data)``: a relative path with ``/`` between names, and the bytes of a file or ``None`` for a
directory. A directory stands before what is in it. Names are UTF-8; bytes that are not become lone surrogates
(``surrogateescape``), so that every name a module can hold survives a round trip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from moduline.errors import BadOption, Text

LFS1: Final = "lfs1"
LFS2: Final = "lfs2"
KINDS: Final = (LFS1, LFS2)

DISK_1_1: Final = 0x00010001  # what every littlefs 1.x writes
DISK_2_0: Final = 0x00020000  # read and written by every littlefs 2.x
DISK_2_1: Final = 0x00020001  # adds forward checks; littlefs 2.6 and later

BLOCK_BYTES_MIN: Final = 128
BLOCK_BYTES_MAX: Final = 1 << 20
# Two superblocks, and for version 1 the pair of the root directory (version 2 keeps the root in the superblocks).
BLOCK_COUNT_MIN: Final = {LFS1: 4, LFS2: 2}
IMAGE_BYTES_MAX: Final = 1 << 30  # far above any module's flash; a larger figure is a typing error or a lie

Entry = tuple[str, bytes | None]
Entries = Sequence[Entry]


@dataclass(frozen=True, slots=True)
class FsGeometry:
    """Sizes of one file system; what the superblock says, and the two units it does not store.

    Attributes:
        kind: "lfs1" or "lfs2".
        block_bytes: erase unit of the file system, 4096 on every known module.
        block_count: blocks of the image, also written into the superblock.
        read_bytes: unit of reads of the driver; not stored on disk.
        program_bytes: unit of programs; not stored on disk, commits of version 2 are padded to it.
        usable_blocks: no content may lie at or behind this block number; ``None`` means ``block_count``. Modules with
            littlefs 1 drive one block less than the partition has.

    Source: platform-asr 2, device-api 5.6.
    """

    kind: str
    block_bytes: int
    block_count: int
    read_bytes: int
    program_bytes: int
    usable_blocks: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            reason = Text(f"'{self.kind}' is not lfs1 or lfs2", f"“{self.kind}” 不是 lfs1 或 lfs2")
            raise BadOption(name="fs", reason=reason)
        self._check("block size", "块大小", self.block_bytes, BLOCK_BYTES_MIN, BLOCK_BYTES_MAX)
        most = IMAGE_BYTES_MAX // self.block_bytes
        self._check("block count", "块数", self.block_count, BLOCK_COUNT_MIN[self.kind], most)
        for en, zh, unit in (("read size", "读单位", self.read_bytes), ("program size", "写单位", self.program_bytes)):
            self._check(en, zh, unit, 1, self.block_bytes)
            if self.block_bytes % unit:
                reason = Text(f"{unit} does not divide the block size", f"{unit} 不能整除块大小")
                raise BadOption(name=Text(en, zh), reason=reason)
        self._check("usable blocks", "可用块数", self.content_blocks, BLOCK_COUNT_MIN[self.kind], self.block_count)

    @property
    def total_bytes(self) -> int:
        """Size of the whole image."""
        return self.block_bytes * self.block_count

    @property
    def content_blocks(self) -> int:
        """How many blocks, from the first on, may hold content."""
        return self.block_count if self.usable_blocks is None else self.usable_blocks

    def _check(self, en: str, zh: str, value: int, least: int, most: int) -> None:
        if not least <= value <= most:
            reason = Text(f"{value} is not within {least}..{most}", f"{value} 不在 {least}..{most} 之间")
            raise BadOption(name=Text(en, zh), reason=reason)


@dataclass(frozen=True, slots=True)
class LittleFsImage:
    """What a reader found.

    Attributes:
        geometry: as the superblock says; read and program units are the usual ones of the kind.
        disk_version: such as 0x00010001.
        entries: all directories and files, each directory before its content.
        used_blocks: blocks that hold directories or files, counted once.
        unsettled: renames that power loss left half done; the entries above are what the module would show.
    """

    geometry: FsGeometry
    disk_version: int
    entries: tuple[Entry, ...]
    used_blocks: int
    unsettled: int = 0

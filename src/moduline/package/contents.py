"""Files inside a part: file systems of scripts, archives that are unpacked on the module, the on-board Python of ours.

Source: platform-unisoc 2.11 (cpio); docs/spec/system-image.md (ROMFS).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from moduline.errors import FormatError
from moduline.formats import cpio, littlefs, romfs
from moduline.package.parts import Part
from moduline.package.versions import own_system

CPIO: Final = "cpio"
ROMFS: Final = "romfs"
_LEAST: Final = 256


@dataclass(frozen=True, slots=True)
class PartFiles:
    """What a part holds.

    Attributes:
        kind: ``lfs1``, ``lfs2``, ``cpio`` or ``romfs``.
        files: content by path; None for a folder; each folder before what is in it.
        block_bytes: erase unit of a file system; 0 for an archive.
        block_count: blocks of a file system; 0 for an archive.
        used_blocks: blocks that hold something.
        disk_version: such as ``1.1``; empty for an archive.
        unsettled: renames that a power cut left half done.
    """

    kind: str
    files: dict[str, bytes | None] = field(repr=False)
    block_bytes: int = 0
    block_count: int = 0
    used_blocks: int = 0
    disk_version: str = ""
    unsettled: int = 0

    @property
    def content_bytes(self) -> int:
        """Sum of all file sizes."""
        return sum(len(data) for data in self.files.values() if data is not None)


def files_in(part: Part) -> PartFiles | None:
    """The files of a part; None where it holds none.

    Raises:
        FormatError: it should hold some, and is damaged.
    """
    if len(part.data) < _LEAST and part.kind != CPIO:
        return None
    if part.kind == CPIO:
        members = cpio.read(part.data).members
        return PartFiles(CPIO, {one.path: one.data for one in members})
    if littlefs.recognise(part.data) is not None:
        found = littlefs.read_image(part.data)
        version = f"{found.disk_version >> 16}.{found.disk_version & 0xFFFF}"
        sizes = found.geometry
        return PartFiles(
            sizes.kind, dict(found.entries), sizes.block_bytes, sizes.block_count, found.used_blocks, version,
            found.unsettled,
        )  # fmt: skip
    own = own_system(part) if part.role == "system" else None
    return PartFiles(ROMFS, dict(romfs.read(own.rom))) if own is not None else None


def files_or_none(part: Part | None) -> PartFiles | None:
    """The same; a damaged file system is none, which ``verify`` reports."""
    try:
        return files_in(part) if part is not None else None
    except FormatError:
        return None

"""An image as values: its tree and its facts, and how two trees differ."""

from __future__ import annotations

from dataclasses import dataclass

from moduline.formats.littlefs import FsGeometry, read_image, write_image
from moduline.image.tree import FileTree


@dataclass(frozen=True, slots=True)
class OpenedImage:
    """What stands in an image.

    Attributes:
        geometry: as the superblock says.
        disk_version: such as 0x00010001.
        tree: all directories and files.
        used_blocks: blocks that hold them.
        unsettled: renames that power loss left half done.
        missing_bytes: how much shorter the bytes are than the superblock says; 0 for a whole image.
        extra_bytes: how much longer.
    """

    geometry: FsGeometry
    disk_version: int
    tree: FileTree
    used_blocks: int
    unsettled: int
    missing_bytes: int
    extra_bytes: int

    @property
    def free_blocks(self) -> int:
        """Blocks that nothing occupies."""
        return max(self.geometry.block_count - self.used_blocks, 0)

    @property
    def version_name(self) -> str:
        """The disk version as people write it, such as "1.1"."""
        return f"{self.disk_version >> 16}.{self.disk_version & 0xFFFF}"


@dataclass(frozen=True, slots=True)
class TreeDifference:
    """How one tree becomes another; paths, in the order of the trees."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def open_image(data: bytes, kind: str | None = None) -> OpenedImage:
    """Tree and facts of an image.

    Args:
        data: the image.
        kind: "lfs1" or "lfs2"; ``None`` recognises it.

    Raises:
        UnknownFormat: no known superblock.
        BadFormat: the bytes break a rule of the format.
        Unsupported: another disk version.
    """
    found = read_image(data, kind)
    stated = found.geometry.total_bytes
    return OpenedImage(
        geometry=found.geometry,
        disk_version=found.disk_version,
        tree=FileTree.of_pairs(found.entries),
        used_blocks=found.used_blocks,
        unsettled=found.unsettled,
        missing_bytes=max(stated - len(data), 0),
        extra_bytes=max(len(data) - stated, 0),
    )


def make_image(tree: FileTree, geometry: FsGeometry, *, fill: int = 0xFF) -> bytes:
    """An image that holds a tree; the same bytes on every run.

    Args:
        tree: what it shall hold, in the order of creation.
        geometry: kind and sizes.
        fill: never-written bytes; 0xFF as erased flash, for littlefs 1 also 0x00 as the vendor's tool.

    Raises:
        TooBig: the content does not fit.
        BadOption: the fill is not possible.
    """
    return write_image(tree.pairs(), geometry, fill=fill)


def compare_trees(old: FileTree, new: FileTree) -> TreeDifference:
    """How ``old`` becomes ``new``; the order of entries does not count."""
    before = dict(old.normal().pairs())
    after = dict(new.normal().pairs())
    return TreeDifference(
        added=tuple(path for path in after if path not in before),
        removed=tuple(path for path in before if path not in after),
        changed=tuple(path for path, data in after.items() if path in before and before[path] != data),
    )

"""From the files of a project to the two images of a production package.

::

    user image    = /usr    apn_cfg.json  checksum.json*  main.py  user files ...
    backup image  = /bak    checksum.json*  backup_restore.json  usr/<copies>*          * only with a backup

The tree begins at the mount point: ``main.py`` at the root of the image is ``/usr/main.py``. Without a backup the
backup image says so with ``{"enable": 0}``, which keeps the boot quiet (docs/decisions/0004).

Source: device-api 2.1, 6.1, 6.5, T01, T18; platform-unisoc 4 step 1; seed S0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from moduline.errors import Text, TooBig
from moduline.formats import checksum
from moduline.formats.littlefs import FsGeometry, read_image, write_image
from moduline.image.tree import FileTree
from moduline.profiles.convention import ConventionProfile
from moduline.profiles.module import BACKUP_FS, USER_FS

COPIES_FOLDER: Final = "usr"


@dataclass(frozen=True, slots=True)
class FsTrees:
    """What the two file systems hold."""

    user: FileTree
    backup: FileTree


@dataclass(frozen=True, slots=True)
class FsImages:
    """The two images.

    Attributes:
        user: bytes of the user file system, as long as its area.
        backup: bytes of the backup file system; empty where the module has none.
        user_free_bytes: room left in the first for what the module itself writes.
        backup_free_bytes: room left in the second.
    """

    user: bytes = field(repr=False)
    backup: bytes = field(repr=False)
    user_free_bytes: int
    backup_free_bytes: int

    def by_role(self) -> dict[str, bytes]:
        """The images by the role of their areas, as ``package.merge`` takes them."""
        return {role: image for role, image in ((USER_FS, self.user), (BACKUP_FS, self.backup)) if image}


def compose(tree: FileTree, backed_up: Iterable[str], convention: ConventionProfile) -> FsTrees:
    """What the two file systems shall hold.

    Args:
        tree: the project's files as they stand in ``/usr``.
        backed_up: paths in ``tree`` to back up, in order; none switches the backup off.
        convention: kind of checksum, stock files, and what an unused backup looks like.

    Raises:
        TooBig: more files are backed up than a module reads checksums of.
    """
    files = tree.files()
    stock = {one.name: files.get(one.name, one.text.encode("utf-8")) for one in convention.stock_files}
    copies = {path: files[path] for path in backed_up}
    rest: dict[str, bytes | None] = {path: data for path, data in tree.pairs() if path not in stock}
    if not copies:
        off = {checksum.SWITCH_NAME: checksum.write_switch(is_on=False)}
        return FsTrees(FileTree.of(stock | rest), FileTree.of(off if convention.backup_off == "disabled" else {}))
    listing = checksum.write(checksum.entries_of(copies, convention.checksum))
    controls = {checksum.LIST_NAME: listing, checksum.SWITCH_NAME: checksum.write_switch(is_on=True)}
    return FsTrees(
        user=FileTree.of(stock | {checksum.LIST_NAME: listing} | rest),
        backup=FileTree.of(controls | {f"{COPIES_FOLDER}/{path}": data for path, data in copies.items()}),
    )


def build(user: FileTree, backup: FileTree, user_geometry: FsGeometry, backup_geometry: FsGeometry | None) -> FsImages:
    """The two images; the same bytes on every run. Without a geometry for it there is no backup image.

    Raises:
        TooBig: a tree does not fit its area; the fact ``mount`` says which.
    """
    user_image, user_free = _image(user, user_geometry, "/usr")
    backup_image, backup_free = _image(backup, backup_geometry, "/bak") if backup_geometry else (b"", 0)
    return FsImages(user_image, backup_image, user_free, backup_free)


def _image(tree: FileTree, geometry: FsGeometry, mount: str) -> tuple[bytes, int]:
    """An image and its free bytes."""
    try:
        image = write_image(tree.pairs(), geometry)
    except TooBig as wrong:
        what = Text("the content of {mount}", "{mount} 的内容")
        raise TooBig(what=what, need=wrong.facts["need"], have=wrong.facts["have"], mount=mount) from wrong
    used = read_image(image, geometry.kind).used_blocks
    return image, max(0, geometry.content_blocks - used) * geometry.block_bytes

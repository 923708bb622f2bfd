"""Files of this computer put into a module's ``/usr`` before it gets power, as a gang programmer does it.

Where ``/usr`` lies and which littlefs it is, is asked of the boot code: what will be mounted is what is written. Files
that are there already stay unless one of the same name is put in. Names that begin with a dot, ``__pycache__`` and
symbolic links are left out.

Source: device-api 2.1, 5.6; image.build.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from moduline.errors import BadOption, NoSuchFile, StorageFailed, Text, TooBig
from moduline.formats.littlefs import FsGeometry, read_image, recognise, write_image
from moduline.image.tree import FileTree
from moduline.vmodule.boot import BootCode, BootSystem
from moduline.vmodule.facts import ModuleIdentity
from moduline.vmodule.flash_file import FlashFile
from moduline.vmodule.interpreter.plan import MountPlan

USER_MOUNT: Final = "/usr"
MAX_FILES: Final = 5000
MAX_BYTES: Final = 16 << 20
_LEFT_OUT: Final = "__pycache__"


def gather(paths: Iterable[Path]) -> dict[str, bytes]:
    """Content by path below ``/usr``: files by their names, folders with all that is in them, later ones win.

    Raises:
        NoSuchFile: one does not exist.
        StorageFailed: one cannot be read.
        TooBig: more than any module holds.
    """
    found: dict[str, bytes] = {}
    total = 0
    for place in paths:
        for path, name in _files(place):
            try:
                data = path.read_bytes()
            except OSError as cause:
                raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause
            total += len(data)
            if total > MAX_BYTES or len(found) >= MAX_FILES:
                raise TooBig(what=str(place), need=total, have=MAX_BYTES)
            found[name] = data
    return found


def put_contents(identity: ModuleIdentity, file: FlashFile, files: dict[str, bytes]) -> None:
    """Write files into the user file system of a module without power.

    Raises:
        BadOption: nothing in the flash would mount ``/usr``.
        TooBig: they do not fit.
        BadFormat: the file system that is there is damaged.
    """
    mount = _user_mount(identity, file)
    image = bytes(file.memory.read(mount.offset, mount.size_bytes))
    tree = FileTree.of_pairs(read_image(image, mount.kind).entries) if recognise(image) == mount.kind else FileTree()
    for path, data in files.items():
        tree = tree.with_entry(path, data)
    geometry = FsGeometry(
        mount.kind,
        mount.block_bytes,
        mount.size_bytes // mount.block_bytes,
        mount.read_bytes,
        mount.program_bytes,
        mount.driven_blocks,
    )
    written = write_image(tree.pairs(), geometry)
    file.memory.erase(mount.offset, mount.size_bytes)
    file.memory.program(mount.offset, written)
    file.release_memory()


def _user_mount(identity: ModuleIdentity, file: FlashFile) -> MountPlan:
    decision = BootCode(identity, file.memory, file.path).decide()
    mounts = decision.mounts if isinstance(decision, BootSystem) else ()
    for mount in mounts:
        if mount.path == USER_MOUNT:
            return mount
    why = Text("no firmware in the flash that has {mount}", "Flash 中没有带 {mount} 的固件")
    raise BadOption(name="contents", reason=why, mount=USER_MOUNT)


def _files(place: Path) -> Iterable[tuple[Path, str]]:
    if place.is_file():
        yield place, place.name
        return
    if not place.is_dir():
        raise NoSuchFile(path=str(place), reason=Text("no such file", "文件不存在"))
    for folder, folders, names in os.walk(place):
        folders[:] = sorted(one for one in folders if not one.startswith(".") and one != _LEFT_OUT)
        for name in sorted(names):
            path = Path(folder) / name
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path, path.relative_to(place).as_posix()

"""Files of the computer that serves the pages, below one folder and nowhere else. Paths are relative, with ``/``."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from moduline.errors import BadOption, NoSuchFile, StorageFailed, Text
from moduline.web.site import site


@dataclass(frozen=True, slots=True)
class HostEntry:
    """A file or folder.

    Args:
        path: below the root, with ``/``.
        is_folder: whether it holds others.
        size_bytes: of a file.
        changed_at: UTC seconds.
    """

    path: str
    is_folder: bool
    size_bytes: int
    changed_at: float

    @property
    def name(self) -> str:
        """Its last part."""
        return PurePosixPath(self.path).name


def resolve(path: str) -> Path:
    """Where a path of a page is on this computer; it need not exist. A link may not lead out of the root.

    Raises:
        BadOption: it is not below the root.
    """
    root = site().root.resolve()
    found = (root / path.lstrip("/")).resolve() if "\0" not in path else root.parent
    if found != root and root not in found.parents:
        raise BadOption(name=path, reason=Text("it is not below the folder of the Studio", "不在工作台的目录之内"))
    return found


def shown(path: Path) -> str:
    """A path on this computer as pages name it."""
    return path.resolve().relative_to(site().root.resolve()).as_posix().removeprefix(".")


def listing(path: str = "") -> list[HostEntry]:
    """What a folder holds: folders first, then files, by name; hidden ones are left out.

    Raises:
        BadOption: it is not below the root.
        NoSuchFile: there is no such folder.
    """
    folder = resolve(path)
    try:
        with os.scandir(folder) as found:
            entries = [_entry(one, path) for one in found if not one.name.startswith(".")]
    except OSError as cause:
        raise NoSuchFile(path=path or "/", reason=cause.strerror or str(cause)) from cause
    return sorted(entries, key=lambda one: (not one.is_folder, one.name.lower()))


def read(path: str) -> bytes:
    """The bytes of a file.

    Raises:
        BadOption: it is not below the root.
        NoSuchFile: it cannot be read.
    """
    try:
        return resolve(path).read_bytes()
    except OSError as cause:
        raise NoSuchFile(path=path, reason=cause.strerror or str(cause)) from cause


async def keep(path: str, pieces: AsyncIterator[bytes]) -> int:
    """Write a file, whole or not at all; how many bytes. Folders above it are made.

    Raises:
        BadOption: it is not below the root.
        StorageFailed: it cannot be written.
    """
    target = resolve(path)
    count = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as opened:
                async for piece in pieces:
                    opened.write(piece)
                    count += len(piece)
            os.chmod(name, 0o644)  # noqa: PTH101  mkstemp lets nobody else read it
            os.replace(name, target)  # noqa: PTH105
        except BaseException:
            os.unlink(name)  # noqa: PTH108
            raise
    except OSError as cause:
        raise StorageFailed(path=path, reason=cause.strerror or str(cause)) from cause
    return count


def remove(path: str) -> None:
    """Remove a file, or a folder with all that is in it.

    Raises:
        BadOption: it is not below the root, or the root itself.
        StorageFailed: it cannot be removed.
    """
    target = resolve(path)
    if target == site().root.resolve():
        raise BadOption(name=path or "/", reason=Text("the whole folder stays", "不能删除整个根目录"))
    try:
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink()
    except OSError as cause:
        raise StorageFailed(path=path, reason=cause.strerror or str(cause)) from cause


def _entry(found: os.DirEntry[str], folder: str) -> HostEntry:
    is_folder = found.is_dir()
    try:
        known = found.stat()
        size, changed = known.st_size, known.st_mtime
    except OSError:  # a link to nothing is still listed
        size, changed = 0, 0.0
    path = f"{folder.strip('/')}/{found.name}".lstrip("/")
    return HostEntry(path, is_folder, 0 if is_folder else size, changed)

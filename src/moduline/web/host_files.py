"""Files of the computer that serves the pages, below one folder and nowhere else. Paths are relative, with ``/``."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from moduline.errors import BadOption, FileChanged, NoSuchFile, StorageFailed, Text
from moduline.release.output import write_whole
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


def take(source: Path, path: str) -> None:
    """Put a file of this computer into its place below the root, whole or not at all; folders above it are made.

    Raises:
        BadOption: it is not below the root.
        StorageFailed: it cannot be written.
    """
    target = resolve(path)
    part = target.with_name(f".{target.name[:40]}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, part)
        part.replace(target)
    except OSError as cause:
        part.unlink(missing_ok=True)
        raise StorageFailed(path=path, reason=cause.strerror or str(cause)) from cause


def replace(path: str, data: bytes, known: bytes | None) -> None:
    """Write a file unless it is something else than the caller believes.

    Args:
        path: of the file.
        data: its new content.
        known: its content as the caller knows it; None: it must not exist.

    Raises:
        BadOption: it is not below the root.
        FileChanged: it holds something else by now; nothing was written.
        StorageFailed: it cannot be written.
    """
    target = resolve(path)
    try:
        now = target.read_bytes() if target.is_file() else None
    except OSError as cause:
        raise StorageFailed(path=path, reason=cause.strerror or str(cause)) from cause
    if now != known:
        raise FileChanged(path=path)
    write_whole(target, data)


def make_folder(path: str) -> None:
    """Make a folder that is not there yet, and those above it.

    Raises:
        BadOption: it is not below the root.
        StorageFailed: it is there, or cannot be made.
    """
    try:
        resolve(path).mkdir(parents=True)
    except OSError as cause:
        raise StorageFailed(path=path, reason=cause.strerror or str(cause)) from cause


def ensure_folder(path: str) -> None:
    """Make a folder, and those above it, where it is not there yet.

    Raises:
        BadOption: it is not below the root.
        StorageFailed: it cannot be made.
    """
    try:
        resolve(path).mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise StorageFailed(path=path, reason=cause.strerror or str(cause)) from cause


def rename(source: str, target: str) -> None:
    """Give a file or folder another name or place; nothing is replaced.

    Raises:
        BadOption: one of them is not below the root.
        StorageFailed: the target is there, or the system refuses.
    """
    before, after = resolve(source), resolve(target)
    try:
        if after.exists():
            raise FileExistsError(0, "exists already")
        before.rename(after)
    except OSError as cause:
        raise StorageFailed(path=target, reason=cause.strerror or str(cause)) from cause


def inside(path: str) -> list[HostEntry]:
    """All that is in a folder at any depth, folders before what is in them; links are left out. A file: itself.

    Raises:
        BadOption: it is not below the root.
        NoSuchFile: there is nothing.
    """
    start = resolve(path)
    if start.is_file():
        known = start.stat()
        return [HostEntry(path, False, known.st_size, known.st_mtime)]
    found: list[HostEntry] = []
    for one in listing(path):
        if is_without_links(one.path):
            found.append(one)
            found += inside(one.path) if one.is_folder else []
    return found


def is_without_links(path: str) -> bool:
    """Whether no link is on the way to a path."""
    place = site().root.resolve() / path.strip("/")
    return place.resolve() == place


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

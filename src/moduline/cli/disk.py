"""A folder of this computer as a file tree, and a file tree as a folder; nothing is ever written outside of it."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PureWindowsPath

from moduline.errors import BadFormat, NoSuchFile, StorageFailed, Text
from moduline.image import FileTree, TreeEntry


def read_file(path: Path) -> bytes:
    """The bytes of a file that the user named.

    Raises:
        NoSuchFile: there is none, or it is a folder.
        StorageFailed: it cannot be read.
    """
    if not path.is_file():
        is_there = path.exists()
        reason = Text("not a file", "不是文件") if is_there else Text("no such file", "文件不存在")
        raise NoSuchFile(path=str(path), reason=reason)
    try:
        return path.read_bytes()
    except OSError as wrong:
        raise StorageFailed(path=str(path), reason=wrong.strerror or str(wrong)) from wrong


def write_file(path: Path, data: bytes) -> None:
    """Write a file as a whole or not at all; missing folders are made.

    Raises:
        StorageFailed: it cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError as wrong:
        part.unlink(missing_ok=True)
        raise StorageFailed(path=str(path), reason=wrong.strerror or str(wrong)) from wrong


def read_folder(folder: Path, exclude: Sequence[str] = ()) -> FileTree:
    """The tree of a folder, sorted by name, so that the same folder gives the same image on every system.

    Args:
        folder: where it is; its own name is not part of the paths.
        exclude: patterns such as ``*.pyc`` or ``__pycache__``; a name or a path that matches is left out.

    Raises:
        NoSuchFile: not a folder.
        StorageFailed: something in it cannot be read, or is neither a file nor a folder.
        TooBig: a name is too long for an image.
    """
    if not folder.is_dir():
        reason = Text("not a folder", "不是文件夹") if folder.exists() else Text("no such folder", "文件夹不存在")
        raise NoSuchFile(path=str(folder), reason=reason)
    try:
        return FileTree(tuple(_entries(folder, exclude)))
    except OSError as wrong:
        raise StorageFailed(path=str(wrong.filename or folder), reason=wrong.strerror or str(wrong)) from wrong


def _entries(root: Path, exclude: Sequence[str]) -> Iterator[TreeEntry]:
    """Everything in a folder, each folder before its content; a list, not the call stack, holds the way down."""
    open_folders = [("", iter(_sorted_scan(root)))]
    while open_folders:
        inside, rest = open_folders[-1]
        entry = next(rest, None)
        if entry is None:
            open_folders.pop()
            continue
        path = inside + entry.name
        if any(fnmatch.fnmatchcase(entry.name, p) or fnmatch.fnmatchcase(path, p) for p in exclude):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield TreeEntry(path)
            open_folders.append((path + "/", iter(_sorted_scan(Path(entry.path)))))
        elif entry.is_file():
            yield TreeEntry(path, Path(entry.path).read_bytes())
        else:
            reason = Text("neither a file nor a folder", "既不是文件也不是文件夹")
            raise StorageFailed(path=entry.path, reason=reason)


def _sorted_scan(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as scan:
        return sorted(scan, key=lambda entry: os.fsencode(entry.name))


def write_folder(tree: FileTree, folder: Path) -> int:
    """Write every file of a tree into a folder; gives the number of files.

    Raises:
        BadFormat: a name that would leave the folder or cannot exist on this system.
        StorageFailed: it cannot be written.
    """
    names_used: dict[str, str] = {}
    for entry in tree:
        _check_name(entry, names_used)
    count = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        root = folder.resolve()
        for entry in tree:
            target = root / entry.path
            parent = target.parent.resolve()
            if not parent.is_relative_to(root) or target.is_symlink():
                reason = Text("a link leads out of the folder", "链接指向文件夹之外")
                raise StorageFailed(path=str(target), reason=reason)
            if entry.data is None:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(entry.data)
            count += 1
    except (OSError, ValueError) as wrong:
        raise StorageFailed(path=str(folder), reason=getattr(wrong, "strerror", None) or str(wrong)) from wrong
    return count


def _check_name(entry: TreeEntry, names_used: dict[str, str]) -> None:
    """Let only names pass that stay where they belong on this system."""
    is_windows = os.name == "nt"
    for name in entry.path.split("/"):
        windows = PureWindowsPath(name)
        is_plain = windows.name == name and not windows.drive and name == name.rstrip(". ") and ":" not in name
        if is_windows and (not is_plain or _is_device(name)):
            reason = Text(f"'{name}' cannot be a file name here", f"“{name}” 不能作为本系统的文件名")
            raise BadFormat(format="image", reason=reason, offset=0, rule="host-name")
    key = entry.path.casefold() if is_windows else entry.path
    other = names_used.setdefault(key, entry.path)
    if other != entry.path:
        reason = Text(
            f"'{other}' and '{entry.path}' are one file here", f"“{other}” 与 “{entry.path}” 在本系统为同一文件"
        )
        raise BadFormat(format="image", reason=reason, offset=0, rule="host-name")


def _is_device(name: str) -> bool:
    stem = name.partition(".")[0].upper()
    return stem in {"CON", "PRN", "AUX", "NUL"} or (stem[:3] in {"COM", "LPT"} and stem[3:].isdigit())

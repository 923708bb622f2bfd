"""A project folder on disk becomes files in memory; nothing outside the folder is ever read.

Source: image.project (what is left out); brief, project rules.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from moduline.errors import NoSuchFile, StorageFailed, Text, TooBig
from moduline.image.project import SETTINGS_NAME, ProjectSettings, read_settings, why_ignored
from moduline.image.remarks import Skipped

MAX_FILE_BYTES: Final = 64 << 20
MAX_TOTAL_BYTES: Final = 256 << 20
MAX_FILES: Final = 20_000
_LINK: Final = Text("a symbolic link; links are not followed", "符号链接，不会跟随")
_SPECIAL: Final = Text("neither file nor folder", "既不是文件也不是目录")
_EMPTY: Final = Text("an empty folder", "空目录")


@dataclass(frozen=True, slots=True)
class FolderContent:
    """What a project folder holds.

    Attributes:
        files: content by path relative to the folder, with ``/``.
        skipped: what was not read, with reasons; folders end in ``/``.
        settings: from its moduline.toml.
    """

    files: dict[str, bytes] = field(repr=False)
    skipped: tuple[Skipped, ...]
    settings: ProjectSettings


def read_folder(folder: Path) -> FolderContent:
    """The content of a project folder.

    Raises:
        NoSuchFile: no such folder.
        StorageFailed: something in it cannot be read.
        TooBig: more files or bytes than any module holds.
        BadRecipe: its moduline.toml is wrong.
    """
    if not folder.is_dir():
        why = Text("not a folder", "不是目录") if folder.exists() else Text("no such folder", "目录不存在")
        raise NoSuchFile(path=str(folder), reason=why)
    reader = _Reader(folder)
    reader.settings = reader.read_settings()
    reader.enter("")
    return FolderContent(reader.files, tuple(reader.skipped), reader.settings)


class _Reader:
    """One walk through a folder, in the order of names."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings = ProjectSettings()
        self.files: dict[str, bytes] = {}
        self.skipped: list[Skipped] = []
        self._total = 0

    def read_settings(self) -> ProjectSettings:
        path = self.root / SETTINGS_NAME
        return read_settings(self._content(path), SETTINGS_NAME) if path.is_file() else ProjectSettings()

    def enter(self, prefix: str) -> None:
        """Read what is below ``prefix`` (empty, or ending in ``/``)."""
        is_empty = True
        for entry in self._listing(self.root / prefix if prefix else self.root):
            is_empty = False
            path = prefix + entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            reason = why_ignored(path, self.settings, is_folder=is_folder)
            if entry.is_symlink() and not reason:
                reason = _LINK
            elif not is_folder and not reason and not entry.is_file(follow_symlinks=False):
                reason = _SPECIAL
            if reason:
                self.skipped.append(Skipped(path + "/" * is_folder, reason))
            elif is_folder:
                self.enter(path + "/")
            else:
                self._take(path, Path(entry.path))
        if is_empty and prefix:
            self.skipped.append(Skipped(prefix, _EMPTY))

    def _take(self, path: str, place: Path) -> None:
        if len(self.files) == MAX_FILES:
            raise TooBig(
                what=Text("the number of files in the project", "工程文件数量"), need=MAX_FILES + 1, have=MAX_FILES
            )
        data = self._content(place)
        self._total += len(data)
        if self._total > MAX_TOTAL_BYTES:
            raise TooBig(what=Text("the project", "工程"), need=self._total, have=MAX_TOTAL_BYTES)
        self.files[path] = data

    def _content(self, place: Path) -> bytes:
        try:
            with place.open("rb") as file:
                status = os.fstat(file.fileno())
                if stat.S_ISREG(status.st_mode) and status.st_size > MAX_FILE_BYTES:
                    raise TooBig(what=str(place), need=status.st_size, have=MAX_FILE_BYTES)
                return file.read(MAX_FILE_BYTES + 1)
        except OSError as wrong:
            raise StorageFailed(path=str(place), reason=wrong.strerror or str(wrong)) from wrong

    @staticmethod
    def _listing(place: Path) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(place) as found:
                yield from sorted(found, key=lambda entry: entry.name)
        except OSError as wrong:
            raise StorageFailed(path=str(place), reason=wrong.strerror or str(wrong)) from wrong

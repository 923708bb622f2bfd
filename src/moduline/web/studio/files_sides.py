"""The two sides of the file manager, with the same acts: this computer below the Studio's folder, and a module."""

from __future__ import annotations

import asyncio
import posixpath
import shutil
from dataclasses import dataclass
from typing import Final, Protocol

from moduline.errors import ModulineError
from moduline.remote.files import HOME, ModuleFiles, RemoteEntry
from moduline.web import host_files
from moduline.web.module_session import with_files

ROOT: Final = "/"


@dataclass(frozen=True, slots=True)
class Row:
    """A file or folder; ``changed_at`` is UTC seconds, None where the file system keeps no times."""

    path: str
    is_folder: bool
    size_bytes: int = 0
    changed_at: float | None = None

    @property
    def name(self) -> str:
        """Its last part."""
        return posixpath.basename(self.path)


@dataclass(frozen=True, slots=True)
class Space:
    """Room of a file system."""

    mount: str
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Look:
    """What a side shows of a folder."""

    rows: tuple[Row, ...]
    spaces: tuple[Space, ...]


class Side(Protocol):
    """One side."""

    name: str
    home: str

    async def look(self, folder: str) -> Look:
        """A folder, and the room there is."""

    async def inside(self, path: str) -> list[Row]:
        """All that is in a folder, at any depth; a file: itself."""

    async def read(self, path: str) -> bytes:
        """The bytes of a file."""

    async def replace(self, path: str, data: bytes, known: bytes | None) -> None:
        """Write a file unless it changed meanwhile."""

    async def make_folder(self, path: str) -> None:
        """Make a folder."""

    async def rename(self, source: str, target: str) -> None:
        """Give something another name or place."""

    async def remove(self, paths: list[str]) -> None:
        """Remove files and folders with all in them."""

    def parent(self, folder: str) -> str | None:
        """The folder above; None at the top."""

    def join(self, folder: str, name: str) -> str:
        """A name in a folder."""


class HostSide:
    """This computer."""

    name = "host"
    home = ""

    async def look(self, folder: str) -> Look:
        """A folder below the root.

        Raises:
            BadOption: it is not below the root.
            NoSuchFile: there is none.
        """
        return await asyncio.to_thread(self._look, folder)

    def _look(self, folder: str) -> Look:
        rows = tuple(_row_of_host(one) for one in host_files.listing(folder))
        room = shutil.disk_usage(host_files.resolve(""))
        return Look(rows, (Space(ROOT, room.free, room.total),))

    async def inside(self, path: str) -> list[Row]:
        """All that is in a folder; a file: itself."""
        return [_row_of_host(one) for one in await asyncio.to_thread(host_files.inside, path)]

    async def read(self, path: str) -> bytes:
        """The bytes of a file."""
        return await asyncio.to_thread(host_files.read, path)

    async def replace(self, path: str, data: bytes, known: bytes | None) -> None:
        """Write a file unless it changed meanwhile."""
        await asyncio.to_thread(host_files.replace, path, data, known)

    async def make_folder(self, path: str) -> None:
        """Make a folder."""
        await asyncio.to_thread(host_files.make_folder, path)

    async def rename(self, source: str, target: str) -> None:
        """Give something another name or place."""
        await asyncio.to_thread(host_files.rename, source, target)

    async def remove(self, paths: list[str]) -> None:
        """Remove files and folders with all in them."""
        for path in paths:
            await asyncio.to_thread(host_files.remove, path)

    def parent(self, folder: str) -> str | None:
        """The folder above; None at the top."""
        return posixpath.dirname(folder) if folder else None

    def join(self, folder: str, name: str) -> str:
        """A name in a folder."""
        return f"{folder}/{name}".lstrip("/")


class ModuleSide:
    """A module.

    Args:
        port: its address.
    """

    name = "module"
    home = HOME

    def __init__(self, port: str) -> None:
        self.port = port

    async def look(self, folder: str) -> Look:
        """A folder, and the room on every mount.

        Raises:
            NoSuchRemoteFile: there is none.
            ModulineError: the module cannot be reached.
        """

        async def work(files: ModuleFiles) -> Look:
            entries = await files.list_folder(folder)
            mounts = entries if folder == ROOT else await files.list_folder(ROOT)
            spaces = []
            for mount in mounts:
                if mount.is_folder:
                    try:
                        spaces.append(Space(mount.path, *await files.free_bytes(mount.path)))
                    except ModulineError:  # a folder of the firmware without room to tell about
                        continue
            rows = sorted(map(_row_of_module, entries), key=lambda one: (not one.is_folder, one.name.lower()))
            return Look(tuple(rows), tuple(spaces))

        return await with_files(self.port, work)

    async def inside(self, path: str) -> list[Row]:
        """All that is in a folder; a file: itself."""
        found = await with_files(self.port, lambda files: files.list_folder(path, is_recursive=True))
        return [_row_of_module(one) for one in found]

    async def read(self, path: str) -> bytes:
        """The bytes of a file."""
        return await with_files(self.port, lambda files: files.read(path))

    async def replace(self, path: str, data: bytes, known: bytes | None) -> None:
        """Write a file unless it changed meanwhile."""
        await with_files(self.port, lambda files: files.replace(path, data, known))

    async def make_folder(self, path: str) -> None:
        """Make a folder."""
        await with_files(self.port, lambda files: files.make_folder(path))

    async def rename(self, source: str, target: str) -> None:
        """Give something another name or place; nothing is replaced."""
        await with_files(self.port, lambda files: files.rename_free(source, target))

    async def remove(self, paths: list[str]) -> None:
        """Remove files and folders with all in them."""

        async def work(files: ModuleFiles) -> None:
            for path in paths:
                await files.remove(path, is_recursive=True)

        await with_files(self.port, work)

    def parent(self, folder: str) -> str | None:
        """The folder above; None at the top."""
        return posixpath.dirname(folder) if folder != ROOT else None

    def join(self, folder: str, name: str) -> str:
        """A name in a folder."""
        return posixpath.join(folder, name)


def _row_of_host(one: host_files.HostEntry) -> Row:
    return Row(one.path, one.is_folder, one.size_bytes, one.changed_at)


def _row_of_module(one: RemoteEntry) -> Row:
    return Row(one.path, one.is_folder, one.size_bytes)

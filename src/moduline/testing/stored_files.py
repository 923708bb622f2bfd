"""The files in a module's flash, read straight from its cells; the module may be dark.

What a script has closed is there. Before the first power-on (and whenever the module is off) files can be put there,
too: the file system is then built anew, as a programmer in the factory would do it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, MutableMapping
from typing import Final

from moduline.errors import BadOption, FormatError, Text
from moduline.formats.littlefs import read_image, write_image
from moduline.profiles.module import BACKUP_FS, USER_FS
from moduline.testing.factory_flash import write_area
from moduline.testing.loop_thread import LoopThread
from moduline.vmodule.module import VirtualModule

ROLES: Final = {"usr": USER_FS, "bak": BACKUP_FS}


class StoredFiles(MutableMapping[str, bytes]):
    """Files by absolute path; ``a.txt`` alone is ``/usr/a.txt``.

    Args:
        module: whose flash.
        loop: where the module lives.
    """

    def __init__(self, module: VirtualModule, loop: LoopThread) -> None:
        self._module = module
        self._loop = loop

    def __getitem__(self, path: str) -> bytes:
        mount, name = _split(path)
        data = self._tree(mount).get(name)
        if data is None:
            raise KeyError(path)
        return data

    def __setitem__(self, path: str, data: bytes | str) -> None:
        mount, name = _split(path)
        tree = self._tree(mount)
        tree[name] = data.encode() if isinstance(data, str) else bytes(data)
        self._store(mount, tree)

    def __delitem__(self, path: str) -> None:
        mount, name = _split(path)
        tree = self._tree(mount)
        if tree.pop(name, None) is None:
            raise KeyError(path)
        self._store(mount, tree)

    def __contains__(self, path: object) -> bool:
        if not isinstance(path, str):
            return False
        mount, name = _split(path)
        return self._tree(mount).get(name) is not None

    def __iter__(self) -> Iterator[str]:
        for mount in ROLES:
            for name, data in self._tree(mount).items():
                if data is not None:
                    yield f"/{mount}/{name}"

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _tree(self, mount: str) -> dict[str, bytes | None]:
        offset, size = self._area(mount)
        data = self._loop.call(lambda: bytes(self._module.file.memory.read(offset, size)))
        try:
            return dict(read_image(data, self._module.identity.profile.fs.kind).entries)
        except FormatError:  # erased, or left torn by a cut before the module has mounted it
            return {}

    def _store(self, mount: str, tree: dict[str, bytes | None]) -> None:
        if self._module.state != "off":
            why = Text(
                "the module runs; write through its REPL, or power it off first", "模组正在运行；请经 REPL 写入或先断电"
            )
            raise BadOption(name="files", reason=why)
        identity = self._module.identity
        _, size = self._area(mount)
        image = write_image(tuple(tree.items()), identity.profile.fs.geometry(size))
        self._loop.call(write_area, self._module.file, identity, ROLES[mount], image)

    def _area(self, mount: str) -> tuple[int, int]:
        partition = self._module.identity.profile.partition(ROLES[mount])
        if partition is None:
            raise BadOption(name=mount, reason=Text("no such file system", "没有该文件系统"))
        return self._module.identity.offset_of(partition), partition.size_bytes


def _split(path: str) -> tuple[str, str]:
    """Mount and path below it."""
    plain = posixpath.normpath("/" + path).lstrip("/")
    mount, _, name = plain.partition("/")
    return (mount, name) if mount in ROLES and name else ("usr", plain)

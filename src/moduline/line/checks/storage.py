"""Checks of what lies on the module: files against what was burnt, free space.

Source: device-api 5 (file system), 6 (files the module itself writes).
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from moduline.errors import Text
from moduline.formats.checksum import LIST_NAME, SWITCH_NAME
from moduline.line.checks.kind import LoadFile
from moduline.line.checks.under_test import Role, UnderTest
from moduline.line.checks.wanted import Key, Measured, Wanted, limit_keys
from moduline.profiles.schema import Table
from moduline.remote.files import ModuleFiles, RemoteDigest

MAX_FILES: Final = 2000
MAX_TOLD: Final = 5
OWN_NAMES: Final = (LIST_NAME, SWITCH_NAME)
"""Files that the module rewrites by itself, wherever they lie."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class FileWanted:
    """One file that must be there.

    Args:
        path: absolute, on the module.
        size: bytes; None: any.
        sha256: of its content, lower-case hex; empty: any.
    """

    path: str
    size: int | None = None
    sha256: str = ""

    def fault_of(self, found: RemoteDigest | None) -> str:
        """What is wrong with the file that was found; empty when nothing is."""
        if found is None:
            return "missing"
        if self.size is not None and found.size_bytes != self.size:
            return f"{found.size_bytes} bytes"
        if self.sha256 and found.value != f"sha256:{self.sha256}":
            return found.value
        return ""


@dataclass(frozen=True, slots=True)
class FilesCheck:
    """Files in ``/usr`` and ``/bak`` are there and hold what was burnt."""

    TITLE: ClassVar[Text] = Text("files", "文件")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key(
            "package",
            Text(
                "all files of the package and of the unit's own data are there with their content",
                "固件包与单元数据中的所有文件均存在且内容一致",
            ),
            "true, without `file`",
        ),
        Key(
            "file",
            Text(
                "list of `{ path, size, sha256 }`; the last two may be left out",
                "`{ path, size, sha256 }` 列表，后两项可省略",
            ),
        ),
        Key(
            "ignore",
            Text("patterns of paths that are not looked at, such as `*.log`", "忽略的路径模式，如 `*.log`"),
            "[]",
        ),
    )
    settle_s: ClassVar[float] = 0.0

    is_as_burnt: bool
    files: tuple[FileWanted, ...]
    ignore: tuple[str, ...]

    @property
    def role(self) -> Role:
        """The REPL."""
        return "repl"

    @classmethod
    def read(cls, table: Table, load: LoadFile) -> FilesCheck:
        """See :class:`~moduline.line.checks.kind.Kind`."""
        del load
        files = tuple(_file(one) for one in table.tables("file", ()))
        if len({one.path for one in files}) != len(files) or len(files) > MAX_FILES:
            table.refuse("file", "a path occurs twice, or too many", "路径重复或过多")
        is_as_burnt = table.flag("package", not files)
        if not files and not is_as_burnt:
            table.refuse("package", "nothing is looked at", "没有要检查的文件")
        return cls(is_as_burnt, files, table.texts("ignore", ()))

    async def measure(self, unit: UnderTest, limit_s: float) -> Measured:
        """Hash them on the module and compare."""
        del limit_s  # the runner's own limit ends it
        burnt: Mapping[str, bytes] = {}
        if self.is_as_burnt:
            if unit.facts.files is None:
                detail = "nobody knows what was burnt: give the package, or name the files"
                return Measured("", "as burnt", is_good=False, detail=detail)
            burnt = {path: data for path, data in unit.facts.files.items() if not self._is_ignored(path)}
        paths = tuple(dict.fromkeys([*burnt, *(one.path for one in self.files)]))
        found = await ModuleFiles(await unit.repl()).digests(paths)
        faults = {one.path: fault for one in self.files if (fault := one.fault_of(found[one.path]))}
        for path, data in burnt.items():
            digest = found[path]
            if digest is None or not digest.matches(data):
                faults[path] = "missing" if digest is None else "differs"
        told = [f"{path} {fault}" for path, fault in list(faults.items())[:MAX_TOLD]]
        if len(faults) > MAX_TOLD:
            told.append(f"and {len(faults) - MAX_TOLD} more")
        return Measured(f"{len(paths) - len(faults)} of {len(paths)} files", "all", not faults, ", ".join(told))

    def _is_ignored(self, path: str) -> bool:
        name = path.rpartition("/")[2]
        return name in OWN_NAMES or any(fnmatch.fnmatchcase(path, one) or fnmatch.fnmatchcase(name, one)
                                        for one in self.ignore)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FreeSpaceCheck:
    """There is room left for what the module will store."""

    TITLE: ClassVar[Text] = Text("free space, bytes", "剩余空间（字节）")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("path", Text("a path of the file system", "文件系统中的路径"), "/usr"),
        *limit_keys("min", "max"),
    )
    settle_s: ClassVar[float] = 0.0

    path: str
    wanted: Wanted

    @property
    def role(self) -> Role:
        """The REPL."""
        return "repl"

    @classmethod
    def read(cls, table: Table, load: LoadFile) -> FreeSpaceCheck:
        """See :class:`~moduline.line.checks.kind.Kind`."""
        del load
        return cls(_path(table, "path", "/usr"), Wanted.read(table, ("min", "max"), is_needed=True))

    async def measure(self, unit: UnderTest, limit_s: float) -> Measured:
        """Ask ``uos.statvfs``."""
        del limit_s  # the runner's own limit ends it
        free, _ = await ModuleFiles(await unit.repl()).free_bytes(self.path)
        return self.wanted.judge(free)


def _path(table: Table, key: str, default: str = "") -> str:
    path = table.text(key, default) if default else table.text(key)
    if not path.startswith("/") or not path.isprintable() or ".." in path.split("/"):
        table.refuse(key, "no absolute path of a module", "不是模组上的绝对路径")
    return path


def _file(table: Table) -> FileWanted:
    path = _path(table, "path")
    size = table.number("size") if table.has("size") else None
    sha256 = table.text("sha256", "").lower()
    if sha256 and not _SHA256.fullmatch(sha256):
        table.refuse("sha256", "it must be 64 hex digits", "应为 64 位十六进制数")
    table.end()
    return FileWanted(path, size, sha256)

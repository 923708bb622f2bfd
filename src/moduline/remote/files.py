"""Files of a running module over its REPL: list, read, write, remove.

A write goes to ``.moduline-part`` beside the target, is compared by size and hash, and only then renamed onto the
target: power may go away at any byte and the module has the old file or the new one. Paths are absolute whatever the
working directory is (``usr/a.py`` is ``/usr/a.py``, nothing at all is ``/usr``).

A module with factory backups puts the old content of a listed file back at the next boot, so its checksum is
refreshed after every write (``Notice`` slug ``remote.checksum-refreshed``).

Source: device-api 4, 5, 6.3.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import posixpath
import re
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from moduline.errors import (
    BadAnswer,
    BadOption,
    FileChanged,
    ModulineError,
    NoSuchRemoteFile,
    RemoteFileDiffers,
    RemoteFileFailed,
    RemoteFull,
    ScriptRaised,
    Text,
)
from moduline.events import Notice, Progress, Reporter, silent
from moduline.remote import snippets
from moduline.remote.repl_session import SILENCE_S, ReplSession

PIECE_BYTES: Final = 1536  # of a file per exchange: 2 KiB of source text, small beside a 512 KiB heap
DIGEST_BATCH: Final = 16  # files hashed per exchange
PART_NAME: Final = ".moduline-part"
HOME: Final = "/usr"

_ERRNO = re.compile(r"OSError: (?:\[Errno )?(-?\d+)")
_REASONS: Final = {
    -2: Text("no such folder", "目录不存在"),
    1: Text("not permitted", "不允许"),
    2: Text("no such file or folder", "文件或目录不存在"),
    5: Text("input/output error", "读写错误"),
    13: Text("not permitted", "不允许"),
    17: Text("exists already", "已存在"),
    19: Text("no such mount", "没有此挂载点"),
    20: Text("not a folder", "不是目录"),
    21: Text("is a folder", "是目录"),
    22: Text("not a valid name", "名称无效"),
    27: Text("too big", "过大"),
    28: Text("no space", "空间不足"),
    30: Text("read-only", "只读"),
    36: Text("name too long", "名称过长"),
    39: Text("folder is not empty", "目录非空"),
    52: Text("file system is corrupt", "文件系统损坏"),
}
_MISSING: Final = frozenset({-2, 2, 19, 20})


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """One file or folder of a module."""

    path: str  # absolute
    is_folder: bool
    size_bytes: int  # 0 for folders

    @property
    def name(self) -> str:
        """Last component of the path."""
        return posixpath.basename(self.path)


@dataclass(frozen=True, slots=True)
class RemoteDigest:
    """Size and hash of a file as the module computes them; ``value`` is ``kind:hex``."""

    size_bytes: int
    value: str

    def matches(self, data: bytes) -> bool:
        """True when ``data`` has this size and this hash."""
        return self.size_bytes == len(data) and self.value == digest_like(self.value, data)


def digest_like(value: str, data: bytes) -> str:
    """Digest of ``data`` of the same kind as ``value``: ``sha256:…``, or ``crc32:…`` of modules without uhashlib."""
    if value.startswith("crc32:"):
        return f"crc32:{zlib.crc32(data):08x}"
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def absolute(path: str) -> str:
    """The absolute module path that a user means, with or without its leading ``:``."""
    path = path.removeprefix(":")
    if not path:
        return HOME
    return posixpath.normpath("/" + path.lstrip("/"))


class ModuleFiles:
    """The files of one module.

    Args:
        repl: an open session.
        report: gets Progress per file and Notices.
    """

    def __init__(self, repl: ReplSession, report: Reporter = silent) -> None:
        self._repl = repl
        self._report = report

    async def list_folder(self, path: str = HOME, *, is_recursive: bool = False) -> tuple[RemoteEntry, ...]:
        """Entries of a folder in the module's own order (of creation); of a file, the file itself.

        Raises:
            NoSuchRemoteFile: it does not exist.
        """
        path = absolute(path)
        entry = await self.stat(path)
        if not entry.is_folder:
            return (entry,)
        return tuple(map(_entry, await self._call(path, "list", snippets.LIST, path, is_recursive)))

    async def stat(self, path: str) -> RemoteEntry:
        """What a path is.

        Raises:
            NoSuchRemoteFile: it does not exist.
        """
        path = absolute(path)
        mode, size_bytes = _numbers(await self._call(path, "stat", snippets.STAT, path))
        is_folder = mode & 0xF000 == 0x4000
        return RemoteEntry(path, is_folder, 0 if is_folder else size_bytes)

    async def find(self, path: str) -> RemoteEntry | None:
        """What a path is; None when it does not exist."""
        try:
            return await self.stat(path)
        except NoSuchRemoteFile:
            return None

    async def free_bytes(self, path: str = HOME) -> tuple[int, int]:
        """Free and total bytes of the file system that holds ``path``."""
        free, total = _numbers(await self._call(path, "statvfs", snippets.FREE, absolute(path)))
        return free, total

    async def read(self, path: str) -> bytes:
        """Content of a file, compared with the hash the module computes.

        Raises:
            NoSuchRemoteFile, RemoteFileFailed: it cannot be read.
            BadAnswer: bytes were lost on the way.
        """
        path = absolute(path)
        texts = await self._call(path, "read", snippets.READ, path)
        try:
            data = b"".join(base64.b64decode(text, validate=True) for text in texts)
        except binascii.Error as error:
            raise BadAnswer(what=Text(f"reading {path}", f"读取 {path}"), answer=str(error)) from error
        digest = await self.digest(path)
        if digest is None or not digest.matches(data):
            raise BadAnswer(what=Text(f"reading {path}", f"读取 {path}"), answer=f"{len(data)} bytes of {digest}")
        return data

    async def digest(self, path: str) -> RemoteDigest | None:
        """Size and hash of one file; None when it cannot be opened."""
        return (await self.digests((path,)))[absolute(path)]

    async def digests(self, paths: tuple[str, ...]) -> dict[str, RemoteDigest | None]:
        """Size and hash of many files, by absolute path; None for a file that cannot be opened."""
        names = [absolute(path) for path in paths]
        found: dict[str, RemoteDigest | None] = {}
        for at in range(0, len(names), DIGEST_BATCH):
            batch = names[at : at + DIGEST_BATCH]
            texts = await self._call(batch[0], "hash", snippets.DIGEST, batch)
            if len(texts) != len(batch):
                raise BadAnswer(
                    what=Text("hashing a file", "计算文件哈希"), answer=f"{len(texts)} answers for {len(batch)} files"
                )
            found |= zip(batch, map(_digest, texts), strict=True)
        return found

    async def write(self, path: str, data: bytes) -> None:
        """Make the file hold exactly ``data``, or leave it as it was.

        Raises:
            NoSuchRemoteFile: the folder does not exist.
            RemoteFileFailed, RemoteFull: the module refuses.
            RemoteFileDiffers: what arrived is not what was sent; the old file is still there.
        """
        path = absolute(path)
        part = _part_of(path)
        try:
            await self._call(path, "write", snippets.BEGIN, part, need=len(data))
            self._report(Progress(path, 0, len(data)))
            for at in range(0, len(data), PIECE_BYTES):
                text = base64.b64encode(data[at : at + PIECE_BYTES]).decode()
                await self._run(path, "write", snippets.piece(text), need=len(data))
                self._report(Progress(path, min(at + PIECE_BYTES, len(data)), len(data)))
            await self._run(path, "write", snippets.END, need=len(data))
            digest = await self.digest(part)
            if digest is None or not digest.matches(data):
                expected = f"{len(data)} bytes, {digest_like(digest.value if digest else '', data)}"
                found = f"{digest.size_bytes} bytes, {digest.value}" if digest else "nothing"
                raise RemoteFileDiffers(path=path, found=found, expected=expected)
            await self._call(path, "rename", snippets.RENAME, part, path)
        except BaseException:  # Ctrl-C too: nothing half-written stays
            with suppress(ModulineError):  # the first failure is the one to tell
                await self._call(path, "remove", snippets.ABANDON, part)
            raise
        await self._refresh_checksums(path)

    async def replace(self, path: str, data: bytes, known: bytes | None) -> None:
        """Write a file unless it is something else than the caller believes; as safe as ``write``.

        Args:
            path: of the file.
            data: its new content.
            known: its content as the caller knows it; None: it must not exist.

        Raises:
            FileChanged: it holds something else by now; nothing was written.
            RemoteFileFailed, RemoteFull, RemoteFileDiffers: as ``write``.
        """
        digest = await self.digest(path)
        is_as_known = digest is None if known is None else digest is not None and digest.matches(known)
        if not is_as_known:
            raise FileChanged(path=absolute(path))
        await self.write(path, data)

    async def copy(self, source: str, target: str) -> None:
        """Copy a file on the module itself; as safe as ``write``."""
        source, target = absolute(source), absolute(target)
        part = _part_of(target)
        try:
            await self._call(source, "copy", snippets.COPY, source, part)
            found = await self.digests((source, part))
            if found[source] is None or found[source] != found[part]:
                raise RemoteFileDiffers(path=target, found=str(found[part]), expected=str(found[source]))
            await self._call(target, "rename", snippets.RENAME, part, target)
        except BaseException:  # Ctrl-C too: nothing half-written stays
            with suppress(ModulineError):  # the first failure is the one to tell
                await self._call(target, "remove", snippets.ABANDON, part)
            raise
        await self._refresh_checksums(target)

    async def rename(self, source: str, target: str) -> None:
        """Rename within one mount; replaces the target."""
        await self._call(absolute(source), "rename", snippets.RENAME, absolute(source), absolute(target))

    async def rename_free(self, source: str, target: str) -> None:
        """Rename within one mount onto a name that is free.

        Raises:
            RemoteFileFailed: the target is there already; nothing was done.
            NoSuchRemoteFile: there is no source.
        """
        if await self.find(target) is not None:
            raise RemoteFileFailed(path=absolute(target), operation="rename", reason=_REASONS[17])
        await self.rename(source, target)

    async def remove(self, path: str, *, is_recursive: bool = False) -> None:
        """Remove a file, an empty folder, or with ``is_recursive`` a folder and all in it.

        Raises:
            BadOption: a mount point would be removed.
            NoSuchRemoteFile, RemoteFileFailed: the module refuses.
        """
        path = absolute(path)
        if path.count("/") < 2:
            raise BadOption(name=path, reason=Text("a mount point cannot be removed", "不能删除挂载点"))
        await self._call(path, "remove", snippets.REMOVE, path, is_recursive)

    async def make_folder(self, path: str, *, with_parents: bool = False) -> None:
        """Make a folder; with ``with_parents`` also what is missing above it, and it may exist.

        Raises:
            NoSuchRemoteFile, RemoteFileFailed, RemoteFull: the module refuses.
        """
        path = absolute(path)
        await self._call(path, "mkdir", snippets.MAKE_DIRECTORIES, path, with_parents)

    async def unlist(self, path: str) -> bool:
        """Take a file off the module's list of protected files; True when it was on it."""
        return bool(await self._call(path, "unlist", snippets.UNLIST, absolute(path)))

    # ---- inside ---------------------------------------------------------------------------------------------

    async def _refresh_checksums(self, path: str) -> None:
        if not path.startswith(HOME + "/") or path == f"{HOME}/checksum.json":
            return
        with suppress(RemoteFileFailed):  # the file itself is written; a module without the checksum module has no list
            for name in await self._call(path, "checksum", snippets.REFRESH_CHECKSUMS, [path]):
                self._report(Notice("remote.checksum-refreshed", facts={"path": _text(name)}))

    async def _call(
        self, path: str, operation: str, definition: str, *arguments: str | bool | list[str], need: int = 0
    ) -> list[str]:
        return await self._run(path, operation, snippets.call(definition, *arguments), need=need)

    async def _run(self, path: str, operation: str, code: str, need: int = 0) -> list[str]:
        try:
            return snippets.frames(await self._repl.exec(code, silence_s=SILENCE_S))
        except ScriptRaised as raised:
            raise _refusal(str(raised.facts["last_line"]), path, operation, need) from raised


def _refusal(last_line: str, path: str, operation: str, need: int) -> ModulineError:
    """What the last line of the module's traceback means to the user."""
    match = _ERRNO.match(last_line)
    number = int(match.group(1)) if match else 0
    reason = _REASONS.get(number, Text(last_line, last_line))
    if number == 28:
        return RemoteFull(path=path, need=need)
    if number in _MISSING:
        return NoSuchRemoteFile(path=path, reason=reason)
    return RemoteFileFailed(path=path, operation=operation, reason=reason)


def _part_of(path: str) -> str:
    return posixpath.join(posixpath.dirname(path), PART_NAME)


def _numbers(texts: list[str]) -> list[int]:
    try:
        first, second = texts[0].split()
        return [int(first), int(second)]
    except (ValueError, IndexError) as error:
        raise BadAnswer(what=Text("two numbers", "两个数字"), answer=repr(texts)[:80]) from error


def _text(digits: str) -> str:
    try:
        return bytes.fromhex(digits).decode()
    except ValueError as error:  # UnicodeDecodeError is one too
        raise BadAnswer(what=Text("the file name", "文件名"), answer=digits[:80]) from error


def _entry(text: str) -> RemoteEntry:
    words = text.split()
    if len(words) != 3 or not (words[0] in "01" and words[1].isdecimal()):
        raise BadAnswer(what=Text("listing a folder", "列出文件夹"), answer=text[:80])
    path = _text(words[2])
    name = posixpath.basename(path)
    if not path.startswith("/") or name in {"", ".", ".."} or "\0" in path:
        raise BadAnswer(what=Text("listing a folder", "列出文件夹"), answer=ascii(path)[:80])
    return RemoteEntry(path, words[0] == "1", int(words[1]))


def _digest(text: str) -> RemoteDigest | None:
    if text == "-":
        return None
    size, _, value = text.partition(" ")
    if not size.isdecimal() or not re.fullmatch(r"sha256:[0-9a-f]{64}|crc32:[0-9a-f]{8}", value):
        raise BadAnswer(what=Text("hashing a file", "计算文件哈希"), answer=text[:80])
    return RemoteDigest(int(size), value)

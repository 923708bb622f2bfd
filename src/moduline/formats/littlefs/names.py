"""Which paths an image can hold; one set of rules for both versions, for reading and for writing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from moduline.errors import BadOption, Text, TooBig
from moduline.formats.littlefs.volume import Entries, Entry

NAME_BYTES_MAX: Final = 255
PATH_BYTES_MAX: Final = 4096
FILE_BYTES_MAX: Final = (1 << 31) - 1


def decode_name(raw: bytes) -> str:
    """A name as text; bytes that are not UTF-8 become lone surrogates."""
    return raw.decode("utf-8", "surrogateescape")


def encode_name(name: str) -> bytes:
    """A name as it stands on disk; the inverse of ``decode_name``.

    Raises:
        BadOption: it has characters that no bytes stand for.
    """
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as wrong:
        shown = name.encode("utf-8", "backslashreplace").decode("utf-8")
        raise BadOption(name=shown, reason=Text("not a Unicode name", "不是有效的 Unicode 名称")) from wrong


def is_name(raw: bytes) -> bool:
    """Whether these bytes can be one name: 1 to 255 bytes, no slash, no zero, neither ``.`` nor ``..``."""
    return 0 < len(raw) <= NAME_BYTES_MAX and raw not in {b".", b".."} and b"/" not in raw and b"\0" not in raw


def check_path(path: str) -> tuple[bytes, ...]:
    """The names of a relative path as they stand on disk.

    Raises:
        BadOption: empty, absolute, with empty names, ``.`` or ``..``, or with a zero character.
        TooBig: a name of more than 255 bytes, or a path of more than 4096.
    """
    names = tuple(encode_name(name) for name in path.split("/"))
    size = sum(map(len, names)) + len(names) - 1
    if size > PATH_BYTES_MAX:
        raise TooBig(what=Text(f"the path '{path[:40]}…'", f"路径“{path[:40]}…”"), need=size, have=PATH_BYTES_MAX)
    for name in names:
        if len(name) > NAME_BYTES_MAX:
            raise TooBig(what=Text(f"a name in '{path}'", f"“{path}”中的名称"), need=len(name), have=NAME_BYTES_MAX)
        if not is_name(name):
            reason = Text(
                "a path inside an image is relative, with plain names between single slashes",
                "镜像内的路径须为相对路径，以单个斜杠分隔普通名称",
            )
            raise BadOption(name=repr(path), reason=reason)
    return names


def complete(entries: Entries) -> Iterator[Entry]:
    """The entries with every directory that is only implied standing before its first content.

    Raises:
        BadOption: a path is not allowed, stands there twice, or goes through a file.
        TooBig: a name, a path or a file is too long.
    """
    seen: dict[str, bool] = {}  # path: whether it was written down, not only implied
    files: set[str] = set()
    for path, data in entries:
        check_path(path)
        at = path.find("/")
        while at >= 0:
            parent = path[:at]
            if parent in files:
                reason = Text(f"'{parent}' is a file, not a directory", f"“{parent}”是文件而非目录")
                raise BadOption(name=repr(path), reason=reason)
            if parent not in seen:
                seen[parent] = False
                yield parent, None
            at = path.find("/", at + 1)
        if seen.get(path) or (path in seen and data is not None):
            raise BadOption(name=repr(path), reason=Text("stands there twice", "重复出现"))
        is_implied = path in seen
        seen[path] = True
        if data is None:
            if not is_implied:
                yield path, None
            continue
        if len(data) > FILE_BYTES_MAX:
            raise TooBig(what=Text(f"'{path}'", f"“{path}”"), need=len(data), have=FILE_BYTES_MAX)
        files.add(path)
        yield path, data

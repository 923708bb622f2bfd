"""ROMFS: the read-only file system that MicroPython mounts straight from memory; writer and reader.

::

    d2 cd 31  length  record record ...            kind and length are variable-length integers, 7 bits a byte,
                      kind length payload          most significant first, bit 7 set on all but the last

    kind 2  data          payload = bytes
    kind 4  directory     payload = name length, name, records
    kind 5  file          payload = name length, name, one data record

The image's total length is even (a leading 0x80 in the length makes it so). Both functions are pure and deterministic:
entries are written in the order of their sorted paths.

The on-board modules of virtual firmware travel in such an image: every ``.py`` of ``onboard/boot``, ``onboard/shims``
and ``onboard/sdk/Qth``, compiled to bytecode version 6 as ``boot/NAME.mpy`` and so on, with the source name
``<rom>/boot/NAME.py``.

Source: MicroPython documentation, library/vfs and the ``VfsRom`` class; checked against the interpreter in tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from moduline.errors import BadFormat, Text

MAGIC: Final = b"\xd2\xcd\x31"
ONBOARD_FOLDERS: Final = ("boot", "shims", "sdk/Qth")
SOURCE_MARK: Final = "<rom>"

_DATA, _DIRECTORY, _FILE = 2, 4, 5
_MAX_DEPTH: Final = 16


def write(files: Mapping[str, bytes]) -> bytes:
    """The image with these files.

    Args:
        files: content by relative POSIX path in ASCII; folders are implied.

    Raises:
        BadFormat: a path that is empty, not ASCII, or both a file and a folder.
    """
    tree: dict[str, object] = {}
    for path in sorted(files):
        _plant(tree, path, files[path])
    body = _records(tree)
    length = _pack_number(len(body))
    if (len(MAGIC) + len(length) + len(body)) % 2:
        length = b"\x80" + length
    return MAGIC + length + body


def read(image: bytes) -> dict[str, bytes]:
    """The files of an image by path; bytes behind its end are ignored.

    Raises:
        BadFormat: not a ROMFS image, truncated or nested too deep.
    """
    if image[:3] != MAGIC:
        raise BadFormat(format="romfs", reason=Text("no ROMFS mark", "没有 ROMFS 标记"), offset=0)
    length, at = _unpack_number(image, 3, len(image))
    if at + length > len(image):
        raise BadFormat(
            format="romfs",
            reason=Text(
                f"{length} bytes promised, {len(image) - at} there", f"声明 {length} 字节，实有 {len(image) - at} 字节"
            ),
            offset=at,
        )
    files: dict[str, bytes] = {}
    _read_records(image, at, at + length, "", files, 0)
    return files


def _plant(tree: dict[str, object], path: str, data: bytes) -> None:
    *folders, name = path.split("/")
    if not path.isascii() or not all([*folders, name]):
        raise BadFormat(
            format="romfs", reason=Text(f"'{path}' cannot be a path in it", f"“{path}” 不能作为其中的路径"), offset=0
        )
    for folder in folders:
        inner = tree.setdefault(folder, {})
        if not isinstance(inner, dict):
            raise BadFormat(
                format="romfs", reason=Text(f"'{path}' runs through a file", f"“{path}” 的上级是文件"), offset=0
            )
        tree = inner
    if name in tree:
        raise BadFormat(format="romfs", reason=Text(f"'{path}' is a folder already", f"“{path}” 已是文件夹"), offset=0)
    tree[name] = data


def _records(tree: dict[str, object]) -> bytes:
    out = bytearray()
    for name, value in tree.items():
        head = _pack_number(len(name)) + name.encode("ascii")
        if isinstance(value, dict):
            out += _record(_DIRECTORY, head + _records(value))
        elif isinstance(value, bytes):
            out += _record(_FILE, head + _record(_DATA, value))
    return bytes(out)


def _record(kind: int, payload: bytes) -> bytes:
    return _pack_number(kind) + _pack_number(len(payload)) + payload


def _pack_number(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(0x80 | (value & 0x7F))
    return bytes(reversed(digits))


def _unpack_number(data: bytes, at: int, end: int) -> tuple[int, int]:
    """(value, offset behind it)."""
    value = 0
    for i in range(at, min(end, at + 6)):
        value = value << 7 | data[i] & 0x7F
        if data[i] < 0x80:
            return value, i + 1
    raise BadFormat(format="romfs", reason=Text("a number does not end", "数字没有结束"), offset=at)


def _read_records(data: bytes, at: int, end: int, prefix: str, files: dict[str, bytes], depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise BadFormat(format="romfs", reason=Text("folders nested too deep", "文件夹嵌套过深"), offset=at)
    while at < end:
        kind, body = _unpack_number(data, at, end)
        size, body = _unpack_number(data, body, end)
        stop = body + size
        if stop > end:
            raise BadFormat(format="romfs", reason=Text("a record runs over its end", "记录越界"), offset=at)
        if kind in {_DIRECTORY, _FILE}:
            name_size, name_at = _unpack_number(data, body, stop)
            inner = name_at + name_size
            if inner > stop or not data[name_at:inner].isascii():
                raise BadFormat(
                    format="romfs", reason=Text("a name runs over its record", "名称超出记录"), offset=name_at
                )
            path = prefix + data[name_at:inner].decode("ascii")
            if kind == _DIRECTORY:
                _read_records(data, inner, stop, path + "/", files, depth + 1)
            else:
                files[path] = _file_data(data, inner, stop)
        at = stop


def _file_data(data: bytes, at: int, end: int) -> bytes:
    kind, body = _unpack_number(data, at, end)
    size, body = _unpack_number(data, body, end)
    if kind != _DATA or body + size > end:
        raise BadFormat(format="romfs", reason=Text("a file without its data", "文件缺少数据"), offset=at)
    return data[body : body + size]

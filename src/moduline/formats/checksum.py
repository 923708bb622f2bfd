"""``checksum.json`` and ``backup_restore.json``: what the module's backup looks at, in both vendor conventions.

::

    sha256 era   [{"name": "/usr/a.py", "sha256": "454f...7e30"}, ...]
    crc32 era    [{"name": "/usr/a.py", "crc32": "0x1c291ca3"}, ...]
    switch       {"enable": 1}

The bytes are those a module's own ``ujson.dumps`` writes: ``", "`` and ``": "`` between, text as UTF-8 without escapes.
The crc32 value is ``hex()`` of CRC-32 continued from 0xFFFFFFFF, so it is not the CRC-32 of the file and has no leading
zeros. An empty file has no checksum and is not listed. Reading is tolerant: unknown keys and entries of either kind.

Source: device-api 6.1, 6.2, seed S1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from moduline.digest import crc32_checksum_json, sha256_hex
from moduline.errors import BadFormat, Text, TooBig

LIST_NAME: Final = "checksum.json"
SWITCH_NAME: Final = "backup_restore.json"
KINDS: Final = ("sha256", "crc32")
LIST_BYTES_MAX: Final = 16384
SWITCH_BYTES_MAX: Final = 64
MOUNT: Final = "/usr/"


@dataclass(frozen=True, slots=True)
class ChecksumEntry:
    """One protected file.

    Attributes:
        name: absolute path on the module, such as ``/usr/a.py``.
        kind: ``sha256`` or ``crc32``.
        value: as the module writes it.
    """

    name: str
    kind: str
    value: str

    def fits(self, data: bytes) -> bool:
        """Whether a file's bytes are the listed ones; numbers are compared as numbers."""
        computed = value_of(data, self.kind)
        if computed is None:
            return False
        return _number(self.value) == _number(computed)


def value_of(data: bytes, kind: str) -> str | None:
    """The checksum of a file as the module writes it; None for an empty file.

    Args:
        data: the file.
        kind: ``sha256`` or ``crc32``.
    """
    if not data:
        return None
    return sha256_hex(data) if kind == "sha256" else hex(crc32_checksum_json(data))


def entries_of(files: Mapping[str, bytes], kind: str) -> tuple[ChecksumEntry, ...]:
    """The list for files by their path below ``/usr``, in that order; empty files are left out."""
    valued = ((path, value_of(data, kind)) for path, data in files.items())
    return tuple(ChecksumEntry(MOUNT + path, kind, value) for path, value in valued if value is not None)


def write(entries: Iterable[ChecksumEntry]) -> bytes:
    """The bytes of ``checksum.json``.

    Raises:
        TooBig: more than the 16384 bytes a module reads.
    """
    rows = [{"name": entry.name, entry.kind: entry.value} for entry in entries]
    data = json.dumps(rows, ensure_ascii=False).encode("utf-8", "surrogateescape")
    if len(data) > LIST_BYTES_MAX:
        raise TooBig(what=LIST_NAME, need=len(data), have=LIST_BYTES_MAX)
    return data


def read(data: bytes) -> tuple[ChecksumEntry, ...]:
    """The entries of a ``checksum.json``; of an entry with both keys the SHA-256 counts.

    Raises:
        BadFormat: no JSON list of objects with a name and one of the two checksums.
    """
    rows = _json(data, LIST_NAME, LIST_BYTES_MAX)
    if not isinstance(rows, list):
        raise _broken(LIST_NAME, "it is no list", "不是列表")
    return tuple(_entry(row) for row in rows)


def write_switch(*, is_on: bool) -> bytes:
    """The bytes of ``backup_restore.json``."""
    return json.dumps({"enable": int(is_on)}).encode("ascii")


def read_switch(data: bytes) -> bool:
    """Whether restoring is switched on.

    Raises:
        BadFormat: no JSON object with ``enable``.
    """
    value = _json(data, SWITCH_NAME, SWITCH_BYTES_MAX)
    if not isinstance(value, dict) or not isinstance(value.get("enable"), int):
        raise _broken(SWITCH_NAME, "it has no 'enable'", "缺少 enable")
    return bool(value["enable"])


def _entry(row: Any) -> ChecksumEntry:
    if isinstance(row, dict) and isinstance(row.get("name"), str):
        for kind in KINDS:
            value = row.get(kind)
            if isinstance(value, str) and _number(value) is not None:
                return ChecksumEntry(row["name"], kind, value)
    raise _broken(LIST_NAME, "an entry has no name or no checksum", "存在缺少名称或校验值的条目")


def _number(value: str) -> int | None:
    try:
        return int(value, 16)
    except ValueError:
        return None


def _json(data: bytes, name: str, most: int) -> Any:
    if len(data) > most:
        raise _broken(name, f"it is longer than the {most} bytes a module reads", f"超过模组可读取的 {most} 字节", most)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as wrong:
        raise _broken(name, "it is no JSON", "不是 JSON", getattr(wrong, "pos", 0)) from wrong


def _broken(name: str, en: str, zh: str, offset: int = 0) -> BadFormat:
    return BadFormat(format=name, reason=Text(en, zh), offset=offset)

"""Zip files of firmware: members listed under limits, read one by one, and written again with some replaced.

A zip is taken as hostile: count, total size and compression ratio are limited before anything is inflated, encrypted
members and compression methods other than stored and deflate are refused, and so is every name that could leave the
folder it is unpacked to. Rewriting keeps order, names, times, attributes, comments and compression of every member;
the same input gives the same bytes.

Source: PKWARE appnote 4.3, 4.4; platform-unisoc 1 (what the shells hold).
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Any, Final

from moduline.errors import BadFormat, Text, Unsupported

SIGNATURES: Final = (b"PK\x03\x04", b"PK\x05\x06")
MAX_MEMBERS: Final = 1000
MAX_TOTAL_BYTES: Final = 128 << 20
RATIO_FREE_BYTES: Final = 32 << 20
MAX_RATIO: Final = 100
EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_FLAG_ENCRYPTED: Final = 0x1
_UNSAFE_NAME: Final = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|[\x00-\x1f\\]")
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    OverflowError,
    KeyError,
    OSError,
)


def is_zip(data: bytes) -> bool:
    """Whether the bytes begin like a zip."""
    return data[:4] in SIGNATURES


def _broken(rule: str, en: str, zh: str, **facts: Any) -> BadFormat:
    return BadFormat(format="zip", reason=Text(en, zh), offset=0, rule=rule, **facts)


@contextmanager
def _open(data: bytes) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield archive
    except _DAMAGE as wrong:
        raise _broken("zip-damaged", "damaged ({why})", "已损坏（{why}）", why=str(wrong)[:80]) from wrong


def list_members(data: bytes) -> list[zipfile.ZipInfo]:
    """The members in the order of the directory, after every check that needs no inflating.

    Raises:
        BadFormat: damaged, beyond a limit, a name used twice, or an unsafe name (facts ``rule``: zip-damaged,
            zip-bomb, zip-duplicate, zip-name).
        Unsupported: an encrypted member, or a compression method other than stored and deflate.
    """
    with _open(data) as archive:
        infos = archive.infolist()
    total = sum(info.file_size for info in infos)
    is_dense = total > RATIO_FREE_BYTES and total > MAX_RATIO * len(data)
    if len(infos) > MAX_MEMBERS or total > MAX_TOTAL_BYTES or is_dense:
        raise _broken(
            "zip-bomb",
            "{count} members of {total} bytes are beyond the limit",
            "{count} 个成员共 {total} 字节，超出限制",
            count=len(infos),
            total=total,
        )
    seen: set[str] = set()
    for info in infos:
        _check_member(info)
        if info.filename in seen:
            raise _broken("zip-duplicate", "'{member}' occurs twice", "“{member}”重复出现", member=info.filename)
        seen.add(info.filename)
    return infos


def _check_member(info: zipfile.ZipInfo) -> None:
    if info.flag_bits & _FLAG_ENCRYPTED:
        raise Unsupported(
            format="zip",
            reason=Text("it is encrypted", "文件已加密"),
            remedy=Text("unpack it with its password first", "请先用密码解压"),
        )
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Unsupported(
            format="zip",
            reason=Text(f"compression method {info.compress_type}", f"压缩方式 {info.compress_type}"),
            remedy=Text("pack it again with deflate", "请用 deflate 重新压缩"),
        )
    if not info.filename or _UNSAFE_NAME.search(info.orig_filename):
        shown = info.orig_filename.encode("ascii", "backslashreplace").decode()[:80]
        raise _broken("zip-name", "unsafe member name '{member}'", "成员名“{member}”不安全", member=shown)


def read_member(data: bytes, name: str) -> bytes:
    """Content of one member, its CRC checked.

    Raises:
        BadFormat: damaged.
    """
    with _open(data) as archive:
        return archive.read(name)


def read_start(data: bytes, name: str, size: int) -> bytes:
    """The first ``size`` bytes of one member.

    Raises:
        BadFormat: damaged.
    """
    with _open(data) as archive, archive.open(name) as member:
        return member.read(size)


def replace_members(data: bytes, changes: Mapping[str, bytes]) -> bytes:
    """The zip with the content of some members replaced and everything else as it was.

    Raises:
        BadFormat: the zip is damaged, or a member to replace is not in it.
    """
    infos = list_members(data)
    missing = sorted(set(changes) - {info.filename for info in infos})
    if missing:
        raise _broken("zip-member", "no member '{member}'", "没有成员“{member}”", member=missing[0])
    with _open(data) as archive:
        members = [(info, changes.get(info.filename)) for info in infos]
        kept = [(info, archive.read(info) if content is None else content) for info, content in members]
        comment = archive.comment
    return _write(kept, comment)


def remove_members(data: bytes, names: AbstractSet[str]) -> bytes:
    """The zip without some members; everything else stays as it was.

    Raises:
        BadFormat: the zip is damaged.
    """
    infos = [info for info in list_members(data) if info.filename not in names]
    with _open(data) as archive:
        return _write([(info, archive.read(info)) for info in infos], archive.comment)


def add_members(data: bytes, members: Sequence[tuple[str, bytes]]) -> bytes:
    """The zip with further members at its end, deflated, dated 1980-01-01; everything else stays as it was.

    Raises:
        BadFormat: the zip is damaged, or already has a member of that name (rule zip-duplicate).
    """
    infos = list_members(data)
    taken = sorted({info.filename for info in infos} & {name for name, _ in members})
    if taken:
        raise _broken("zip-duplicate", "'{member}' occurs twice", "“{member}”重复出现", member=taken[0])
    with _open(data) as archive:
        kept = [(info, archive.read(info)) for info in infos]
        comment = archive.comment
    return _write([*kept, *((_info(name), content) for name, content in members)], comment)


def write_members(members: Sequence[tuple[str, bytes]]) -> bytes:
    """A new zip: members in the given order, deflated, all dated 1980-01-01."""
    return _write([(_info(name), content) for name, content in members], b"")


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    info.create_system = 3
    return info


def _write(members: Sequence[tuple[zipfile.ZipInfo, bytes]], comment: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for old, content in members:
            info = zipfile.ZipInfo(old.filename, old.date_time)
            for name in ("compress_type", "comment", "create_system", "external_attr", "internal_attr"):
                setattr(info, name, getattr(old, name))
            archive.writestr(info, content)
        archive.comment = comment
    return target.getvalue()

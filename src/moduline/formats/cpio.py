"""Old binary cpio, little-endian: what PREPACK, CP and INDELTANV entries hold.

::

    member    26-byte header · name with NUL · pad to even · data · pad to even
    ...
    trailer   a member named TRAILER!!! without data; nothing behind it

Names have no leading slash; a module writes each member to "/" + name.

Source: platform-unisoc 3.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from moduline.errors import BadFormat, Text
from moduline.formats.record import Field, RecordTable

MAGIC: Final = 0x71C7
TRAILER_NAME: Final = b"TRAILER!!!"
MODE_DIRECTORY: Final = 0o040000
MODE_KIND: Final = 0o170000
MAX_MEMBERS: Final = 10_000

HEADER: Final = RecordTable(
    "cpio header",
    (
        Field("magic", "u16", "0x71C7"),
        Field("dev", "u16", "device"),
        Field("ino", "u16", "inode"),
        Field("mode", "u16", "kind and permissions"),
        Field("uid", "u16", "owner"),
        Field("gid", "u16", "group"),
        Field("nlink", "u16", "number of links"),
        Field("rdev", "u16", "device number"),
        Field("mtime", "u16[2]", "time, high word first", "seconds of the Unix epoch"),
        Field("name_bytes", "u16", "size of the name with its NUL", "bytes"),
        Field("data_size", "u16[2]", "size of the data, high word first", "bytes"),
    ),
    total_bytes=26,
)


@dataclass(frozen=True, slots=True)
class CpioMember:
    """One member.

    Attributes:
        name: path without a leading slash, as bytes of the archive.
        mode: as ``stat`` gives it.
        mtime: seconds of the Unix epoch.
        pads: the pad bytes behind name and data, as read; zeros in real files.
    """

    name: bytes
    data: bytes = field(default=b"", repr=False)
    mode: int = 0o100666
    mtime: int = 0
    dev: int = 0
    ino: int = 0
    uid: int = 0
    gid: int = 0
    nlink: int = 1
    rdev: int = 0
    pads: tuple[bytes, bytes] = (b"\0", b"\0")

    @property
    def path(self) -> str:
        """The name as text; undecodable bytes become U+FFFD."""
        return self.name.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class CpioArchive:
    """Members in order, the trailer member, and what stands behind it (nothing in real files)."""

    members: tuple[CpioMember, ...]
    trailer: CpioMember = field(default_factory=lambda: CpioMember(TRAILER_NAME, mode=0))
    tail: bytes = field(default=b"", repr=False)


def read(data: bytes) -> CpioArchive:
    """The archive.

    Raises:
        BadFormat: no magic at a member (rule ``magic``), a member beyond the end (``truncated``), a name without NUL
            (``name``), too many members (``count``).
    """
    members: list[CpioMember] = []
    at = 0
    while len(members) < MAX_MEMBERS:
        member, at = _read_member(data, at)
        if member.name == TRAILER_NAME:
            return CpioArchive(tuple(members), member, data[at:])
        members.append(member)
    raise _broken("count", "too many members", "成员过多", at)


def write(archive: CpioArchive) -> bytes:
    """The bytes of the archive."""
    members = [*archive.members, archive.trailer]
    return b"".join(_write_member(member) for member in members) + archive.tail


def archive_of(files: Sequence[tuple[str, bytes]]) -> CpioArchive:
    """An archive of files, in the given order, all dated 0."""
    return CpioArchive(tuple(CpioMember(name.encode(), data) for name, data in files))


def _broken(rule: str, en: str, zh: str, offset: int) -> BadFormat:
    return BadFormat(format="cpio", reason=Text(en, zh), offset=offset, rule=rule)


def _read_member(data: bytes, at: int) -> tuple[CpioMember, int]:
    start = at
    head = HEADER.unpack(data, at)
    if head["magic"] != MAGIC:
        raise _broken("magic", "no member begins here", "此处不是成员起始", at)
    name, name_pad, at = _take_even(data, at + HEADER.total_bytes, head["name_bytes"])
    if not name.endswith(b"\0") or b"\0" in name[:-1]:
        raise _broken("name", "the name does not end with its NUL", "文件名未以 NUL 结尾", start)
    content, data_pad, at = _take_even(data, at, head["data_size"][0] << 16 | head["data_size"][1])
    kept = {key: head[key] for key in ("mode", "dev", "ino", "uid", "gid", "nlink", "rdev")}
    mtime = head["mtime"][0] << 16 | head["mtime"][1]
    return CpioMember(name[:-1], content, mtime=mtime, pads=(name_pad, data_pad), **kept), at


def _take_even(data: bytes, at: int, size: int) -> tuple[bytes, bytes, int]:
    """``size`` bytes, the pad byte that follows an odd size (else a zero), and the offset behind."""
    end = at + size
    after = end + size % 2
    if after > len(data):
        raise _broken("truncated", "the archive ends too early", "归档过早结束", len(data))
    return data[at:end], data[end:after] or b"\0", after


def _write_member(member: CpioMember) -> bytes:
    name = member.name + b"\0"
    values: dict[str, Any] = {key: getattr(member, key) for key in HEADER.offsets if hasattr(member, key)}
    values |= {
        "magic": MAGIC,
        "mtime": (member.mtime >> 16, member.mtime & 0xFFFF),
        "name_bytes": len(name),
        "data_size": (len(member.data) >> 16, len(member.data) & 0xFFFF),
    }
    name_pad = member.pads[0] if len(name) % 2 else b""
    data_pad = member.pads[1] if len(member.data) % 2 else b""
    return b"".join([HEADER.pack(values), name, name_pad, member.data, data_pad])

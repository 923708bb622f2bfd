"""``preboot.img`` and ``flasher.img`` of ASR chips: an ARM firmware image package (FIP).

::

    0      16       0xAA640001, 0x12345678, flags
    10h    n x 40   entries: uuid, offset, size, flags
           40       zero uuid; its offset is the size of the file
    ...             contents in the order of the entries, padded in between

Every byte between and behind the contents is kept, so ``write(read(data)) == data``. The certificate inside is not
looked into: what the boot ROM checks there is not public.

Source: platform-asr 1.6 (four real files).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from moduline.errors import BadFormat, Text
from moduline.formats.record import Field, RecordTable

MAGIC: Final = 0xAA640001
SERIAL: Final = 0x12345678
FLAGS: Final = 0x100000000
BL2: Final = bytes.fromhex("5ff9ec0b4d223e4da544c39d81c73f0a")
CERTIFICATE: Final = bytes.fromhex("d6e269ea5d63e4118d8c9fbabe9956a5")
MAX_ENTRIES: Final = 32
ALIGNMENT: Final = 4
NAME: Final = "ASR loader image"
ROLES: Final = {BL2: "bl2", CERTIFICATE: "certificate"}

HEADER: Final = RecordTable(
    "ASR FIP header",
    (
        Field("magic", "u32", "0xAA640001"),
        Field("serial", "u32", "0x12345678"),
        Field("flags", "u64", "0x100000000; kept"),
    ),
    total_bytes=16,
)
ENTRY: Final = RecordTable(
    "ASR FIP entry",
    (
        Field("uuid", "bytes:16", "what the content is; zero ends the list"),
        Field("offset", "u64", "where it begins", "bytes"),
        Field("size", "u64", "its length", "bytes"),
        Field("flags", "u64", "0; kept"),
    ),
    total_bytes=40,
)


@dataclass(frozen=True, slots=True)
class FipEntry:
    """One content; ``gap`` is what stands between the one before and this one."""

    uuid: bytes
    data: bytes = field(repr=False)
    flags: int = 0
    gap: bytes = field(default=b"", repr=False)

    @property
    def role(self) -> str:
        """``bl2``, ``certificate`` or empty."""
        return ROLES.get(self.uuid, "")


@dataclass(frozen=True, slots=True)
class Fip:
    """A whole image.

    Attributes:
        entries: in the order of the file.
        tail: bytes behind the last content, within the stated size.
        trailer: bytes behind the stated size.
        serial: second word of the header.
        flags: third word of the header.
        end_size: size field of the entry that ends the list.
        end_flags: flags of that entry.
    """

    entries: tuple[FipEntry, ...]
    tail: bytes = field(default=b"", repr=False)
    trailer: bytes = field(default=b"", repr=False)
    serial: int = SERIAL
    flags: int = FLAGS
    end_size: int = 0
    end_flags: int = 0

    def entry(self, role: str) -> FipEntry | None:
        """The first content of that role."""
        return next((one for one in self.entries if one.role == role), None)


def is_fip(data: bytes) -> bool:
    """Whether the magic stands there."""
    return data[:4] == MAGIC.to_bytes(4, "little")


def read(data: bytes) -> Fip:
    """The image.

    Raises:
        BadFormat: another magic, no end of the list, or contents out of range or order (rules magic, truncated,
            entries, content-range, size).
    """
    head = HEADER.unpack(data)
    if head["magic"] != MAGIC:
        raise _broken("magic", "wrong magic", "魔数错误", 0)
    rows: list[dict[str, Any]] = []
    at = HEADER.total_bytes
    while True:
        row = ENTRY.unpack(data, at)
        at += ENTRY.total_bytes
        if not any(row["uuid"]):
            break
        rows.append(row)
        if len(rows) > MAX_ENTRIES:
            raise _broken("entries", "the list of contents has no end", "内容列表没有结尾", at)
    end = row["offset"]
    if not at <= end <= len(data):
        raise _broken(
            "size", "it says {stated} bytes, there are {actual}", "声明 {stated} 字节，实际 {actual} 字节", at - 40,
            stated=end, actual=len(data),
        )  # fmt: skip
    entries = []
    for number, one in enumerate(rows):
        start, size = one["offset"], one["size"]
        if start < at or start + size > end:
            raise _broken("content-range", "a content is out of range", "内容超出范围", 16 + 40 * number)
        entries.append(FipEntry(one["uuid"], data[start : start + size], one["flags"], data[at:start]))
        at = start + size
    return Fip(tuple(entries), data[at:end], data[end:], head["serial"], head["flags"], row["size"], row["flags"])


def write(fip: Fip) -> bytes:
    """The file; offsets and sizes are computed."""
    at = HEADER.total_bytes + ENTRY.total_bytes * (len(fip.entries) + 1)
    rows: list[bytes] = []
    contents: list[bytes] = []
    for one in fip.entries:
        at += len(one.gap)
        rows.append(ENTRY.pack({"uuid": one.uuid, "offset": at, "size": len(one.data), "flags": one.flags}))
        contents += [one.gap, one.data]
        at += len(one.data)
    end = {"uuid": bytes(16), "offset": at + len(fip.tail), "size": fip.end_size, "flags": fip.end_flags}
    head = HEADER.pack({"magic": MAGIC, "serial": fip.serial, "flags": fip.flags})
    return b"".join([head, *rows, ENTRY.pack(end), *contents, fip.tail, fip.trailer])


def make(bl2: bytes, certificate: bytes) -> bytes:
    """An image of the two contents real ones have, each at a multiple of four."""
    return write(Fip((FipEntry(BL2, bl2), FipEntry(CERTIFICATE, certificate, gap=_pad(bl2))), tail=_pad(certificate)))


def _pad(data: bytes) -> bytes:
    return bytes(-len(data) % ALIGNMENT)


def _broken(rule: str, en: str, zh: str, offset: int, **facts: Any) -> BadFormat:
    return BadFormat(format=NAME, reason=Text(en, zh), offset=offset, rule=rule, **facts)

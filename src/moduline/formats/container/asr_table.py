"""``partition.bin`` of ASR chips: which partition lies where in the flash.

::

    0      8             magic "BTPA", number of entries
    8      32 x 68       slots; those behind the entries are zero
    888h   4             CRC-32 of everything before it

A file of 0x888 to 0x88B bytes has no CRC; the flasher takes it without. Bytes behind the zero of a name, in unused
slots and behind the CRC are kept, so ``write(read(data)) == data``.

Source: platform-asr 1.4 (a real file and the code of a real flasher).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any, Final

from moduline.errors import BadChecksum, BadFormat, Text, TooBig
from moduline.formats.record import Field, RecordTable

MAGIC: Final = b"BTPA"
HEADER_BYTES: Final = 8
SLOT_BYTES: Final = 68
MAX_ENTRIES: Final = 32
TABLE_BYTES: Final = HEADER_BYTES + MAX_ENTRIES * SLOT_BYTES
FILE_BYTES: Final = TABLE_BYTES + 4
FLASH_BASE: Final = 0x80000000
NO_ADDRESS: Final = 0xFFFFFFFF
NAME: Final = "ASR partition table"

HEADER: Final = RecordTable(
    "ASR partition table header",
    (Field("magic", "bytes:4", "BTPA"), Field("count", "u32", "number of entries, at most 32")),
    total_bytes=HEADER_BYTES,
)
SLOT: Final = RecordTable(
    "ASR partition table slot",
    (
        Field("name_field", "bytes:32", "name, padded with zeros"),
        Field("format_field", "bytes:16", "format word, padded with zeros; a second word may stand behind the zero"),
        Field("start", "u32", "offset in the flash", "bytes"),
        Field("size", "u32", "length", "bytes"),
        Field("address", "u32", "0x80000000 + start; 0xFFFFFFFF for 'all'"),
        Field("used", "u32", "size of the image placed there; the length when unknown", "bytes"),
        Field("depth", "u32", "0 all, 1 flash chip, 2 partition, 3 child of a 'part'"),
    ),
    total_bytes=SLOT_BYTES,
)


@dataclass(frozen=True, slots=True)
class AsrPartition:
    """One entry; see ``SLOT`` for the numbers. The two fields have no trailing zeros."""

    name_field: bytes
    format_field: bytes
    start: int
    size: int
    address: int
    used: int
    depth: int

    @classmethod
    def of(cls, name: str, kind: str, start: int, size: int, depth: int = 2, used: int | None = None) -> AsrPartition:
        """An entry of plain values.

        Args:
            name: of the partition.
            kind: its format: group, flash, ubi, part, raw or cust.
            start: offset in the flash.
            size: length in bytes.
            depth: 0 all, 1 flash chip, 2 partition, 3 child.
            used: size of the image there; None when unknown.
        """
        address = NO_ADDRESS if depth == 0 else FLASH_BASE + start
        word = b"flash\x000" if kind == "flash" else kind.encode("ascii")
        return cls(name.encode("ascii"), word, start, size, address, size if used is None else used, depth)

    @property
    def name(self) -> str:
        """The name, such as ``customer_fs``."""
        return _word(self.name_field)

    @property
    def format(self) -> str:
        """The format word, such as ``raw``."""
        return _word(self.format_field)

    @property
    def end(self) -> int:
        """Offset of the first byte behind it."""
        return self.start + self.size


@dataclass(frozen=True, slots=True)
class PartitionTable:
    """A whole ``partition.bin``.

    Attributes:
        entries: at most 32, in the order of the file.
        spare: bytes of the unused slots; empty when they are zero.
        tail: bytes behind the CRC, or the up to three bytes of a file without one.
        has_crc: False for a file that ends before its CRC.
        wrong_crc: the stored CRC where it is wrong and was read on; else None.
    """

    entries: tuple[AsrPartition, ...]
    spare: bytes = field(default=b"", repr=False)
    tail: bytes = field(default=b"", repr=False)
    has_crc: bool = True
    wrong_crc: int | None = None

    def entry(self, name: str) -> AsrPartition | None:
        """The first entry of that name."""
        return next((one for one in self.entries if one.name == name), None)

    @property
    def flash_bytes(self) -> int:
        """Size of the flash it is for: that of the chip's entry; 0 when there is none."""
        return next((one.size for one in self.entries if one.depth == 1), 0)


def read(data: bytes, *, must_check: bool = True) -> PartitionTable:
    """The table, after the checks a flasher makes.

    Args:
        data: the file.
        must_check: False reads on with a wrong CRC.

    Raises:
        BadFormat: shorter than the slots, another magic, or more than 32 entries (rules truncated, magic, count).
        BadChecksum: the CRC is wrong.
    """
    head = HEADER.unpack(data)
    if head["magic"] != MAGIC:
        raise _broken("magic", "wrong magic", "魔数错误", 0)
    if len(data) < TABLE_BYTES:
        raise _broken("truncated", "the data ends too early", "数据过早结束", len(data))
    count = head["count"]
    if count > MAX_ENTRIES:
        raise _broken("count", "{count} entries, at most 32 are allowed", "{count} 个条目，最多 32 个", 4, count=count)
    entries = tuple(_entry(SLOT.unpack(data, HEADER_BYTES + SLOT_BYTES * index)) for index in range(count))
    spare = data[HEADER_BYTES + SLOT_BYTES * count : TABLE_BYTES]
    spare = spare if any(spare) else b""
    if len(data) < FILE_BYTES:
        return PartitionTable(entries, spare, data[TABLE_BYTES:], has_crc=False)
    stored = int.from_bytes(data[TABLE_BYTES:FILE_BYTES], "little")
    computed = zlib.crc32(data[:TABLE_BYTES])
    if stored != computed and must_check:
        raise BadChecksum(format=NAME, name="CRC-32", found=f"0x{stored:08x}", expected=f"0x{computed:08x}")
    return PartitionTable(entries, spare, data[FILE_BYTES:], wrong_crc=stored if stored != computed else None)


def write(table: PartitionTable) -> bytes:
    """The file; count and CRC are computed.

    Raises:
        TooBig: more than 32 entries, or a text or number that does not fit its field.
    """
    if len(table.entries) > MAX_ENTRIES:
        raise TooBig(what=NAME, need=len(table.entries), have=MAX_ENTRIES)
    slots = [SLOT.pack(_padded(one)) for one in table.entries]
    body = HEADER.pack({"magic": MAGIC, "count": len(slots)}) + b"".join(slots)
    body = (body + table.spare).ljust(TABLE_BYTES, b"\0")[:TABLE_BYTES]
    if not table.has_crc:
        return body + table.tail
    crc = zlib.crc32(body) if table.wrong_crc is None else table.wrong_crc
    return body + crc.to_bytes(4, "little") + table.tail


def describe(table: PartitionTable) -> list[tuple[str, ...]]:
    """Rows (name, format, start, size, depth) for people."""
    return [(one.name, one.format, f"0x{one.start:x}", f"0x{one.size:x}", str(one.depth)) for one in table.entries]


def _entry(values: dict[str, Any]) -> AsrPartition:
    fields: dict[str, Any] = {
        key: value.rstrip(b"\0") if isinstance(value, bytes) else value for key, value in values.items()
    }
    return AsrPartition(**fields)


def _padded(one: AsrPartition) -> dict[str, Any]:
    return {
        "name_field": one.name_field.ljust(32, b"\0"),
        "format_field": one.format_field.ljust(16, b"\0"),
        "start": one.start,
        "size": one.size,
        "address": one.address,
        "used": one.used,
        "depth": one.depth,
    }


def _word(field_bytes: bytes) -> str:
    """The text before the first zero; undecodable bytes are shown as escapes."""
    return field_bytes.partition(b"\0")[0].decode("ascii", "backslashreplace")


def _broken(rule: str, en: str, zh: str, offset: int, **facts: Any) -> BadFormat:
    return BadFormat(format=NAME, reason=Text(en, zh), offset=offset, rule=rule, **facts)

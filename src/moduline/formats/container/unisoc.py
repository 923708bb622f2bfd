"""The ``.pac`` container of UNISOC chips, read and written byte for byte.

::

    0                   header      2124 bytes, CRC1 over its first 2120
    header.first_record n records   2580 bytes each
    then                contents    in record order, back to back;  CRC2 over everything behind the header

Entry order is the order of execution on the module. A record is either a content (flag 1), an operation such as an
erase (flag 0; where it acts and how long it is stands in the XML), or the XML itself (flag 2). The reader checks in
the order of the specification and names the rule that failed in the fact ``rule``. Bytes without a meaning (behind
strings, reserved, between and behind contents) are kept and written back, so ``write(read(data)) == data``. What the
layout decides (counts, offsets, sizes, both CRCs) is never kept, always computed.

Not accepted although a lenient reader could: contents that overlap or stand out of record order. No real file does.

Source: platform-unisoc 2.1 to 2.5, 2.11.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from moduline.digest import crc16_arc
from moduline.errors import BadChecksum, BadFormat, Text, Unsupported
from moduline.formats.record import Field, RecordTable, WideText

MAGIC: Final = 0xFFFAFFFA
HEADER_BYTES: Final = 2124
RECORD_BYTES: Final = 2580
MAX_RECORDS: Final = 200
VERSION_1: Final = "BP_R1.0.0"
VERSION_2: Final = "BP_R2.0.1"

FLAG_OPERATION: Final = 0
FLAG_CONTENT: Final = 1
FLAG_XML: Final = 2

HEADER: Final = RecordTable(
    "pac header",
    (
        Field("version", "utf16:48", "format version, BP_R1.0.0"),
        Field("size", "u32", "size of the whole file", "bytes"),
        Field("product", "utf16:512", "product name"),
        Field("product_version", "utf16:512", "product version"),
        Field("record_count", "u32", "number of records, the XML's included"),
        Field("first_record", "u32", "offset of the first record", "bytes"),
        Field("mode", "u32", "mode, 0"),
        Field("flash_type", "u32", "1 for 8910, 0 for 8850"),
        Field("nand_strategy", "u32", "NAND strategy, 1"),
        Field("nv_backup", "u32", "1 when the XML asks for an NV backup"),
        Field("nand_page_type", "u32", "NAND page type, 0"),
        Field("alias", "utf16:200", "product alias: the build target"),
        Field("omadm_flag", "u32", "OMA-DM product flag, 0"),
        Field("is_omadm", "u32", "is OMA-DM, 1"),
        Field("is_preload", "u32", "is preload, 1"),
        Field("reserved", "bytes:800", "zero; kept"),
        Field("magic", "u32", "0xFFFAFFFA"),
        Field("crc1", "u16", "CRC-16/ARC of bytes 0 to 2119"),
        Field("crc2", "u16", "CRC-16/ARC of bytes 2124 to the end"),
    ),
    total_bytes=HEADER_BYTES,
)

RECORD: Final = RecordTable(
    "pac record",
    (
        Field("record_bytes", "u32", "size of this record, 2580", "bytes"),
        Field("id", "utf16:512", "the key, such as AP; empty for the XML"),
        Field("file_name", "utf16:512", "base name of the source file; empty for operations"),
        Field("file_version", "utf16:512", "empty"),
        Field("size", "u32", "content size; 0 for operations", "bytes"),
        Field("flag", "u32", "0 operation, 1 content, 2 the XML"),
        Field("check", "u32", "1 done by default, 0 off by default"),
        Field("offset", "u32", "absolute offset of the content", "bytes"),
        Field("can_omit", "u32", "1 for operations and NV"),
        Field("address_count", "u32", "number of addresses, 1"),
        Field("addresses", "u32[5]", "first is the target address"),
        Field("reserved", "bytes:996", "zero; kept"),
    ),
    total_bytes=RECORD_BYTES,
)
_CRC1_AT: Final = HEADER.offsets["crc1"]


@dataclass(frozen=True, slots=True)
class PacHeader:
    """What the header says beyond the layout; see ``HEADER`` for the meanings."""

    product: WideText
    product_version: WideText
    alias: WideText
    flash_type: int
    version: WideText = field(default_factory=lambda: WideText.of(VERSION_1))
    mode: int = 0
    nand_strategy: int = 1
    nv_backup: int = 0
    nand_page_type: int = 0
    omadm_flag: int = 0
    is_omadm: int = 1
    is_preload: int = 1
    reserved: bytes = field(default=bytes(800), repr=False)


@dataclass(frozen=True, slots=True)
class PacEntry:
    """One record and its content.

    Attributes:
        data: the content; empty for operations.
        gap: bytes between the content before and this one, empty in every real file.
        stray_offset: the offset field of an entry without content where it is not the running offset; else None.
    """

    id: WideText
    flag: int
    check: int
    can_omit: int
    addresses: tuple[int, ...]
    data: bytes = field(default=b"", repr=False)
    file_name: WideText = field(default_factory=WideText)
    file_version: WideText = field(default_factory=WideText)
    address_count: int = 1
    reserved: bytes = field(default=bytes(996), repr=False)
    gap: bytes = field(default=b"", repr=False)
    stray_offset: int | None = None

    @classmethod
    def of(
        cls, name: str, *, flag: int, check: int, can_omit: int, address: int, data: bytes = b"", file_name: str = ""
    ) -> PacEntry:
        """An entry of plain values, as a pac generator writes it."""
        return cls(
            id=WideText.of(name),
            flag=flag,
            check=check,
            can_omit=can_omit,
            addresses=(address, 0, 0, 0, 0),
            data=data,
            file_name=WideText.of(file_name),
        )


@dataclass(frozen=True, slots=True)
class WrongCheck:
    """A stored CRC that does not match; both as numbers."""

    name: str
    stored: int
    computed: int


@dataclass(frozen=True, slots=True)
class Pac:
    """A whole ``.pac`` file; ``entries`` are in the order of execution and include the XML."""

    header: PacHeader
    entries: tuple[PacEntry, ...]
    header_gap: bytes = field(default=b"", repr=False)
    tail: bytes = field(default=b"", repr=False)
    wrong_checks: tuple[WrongCheck, ...] = field(default=(), compare=False)

    @property
    def xml(self) -> bytes:
        """Content of the XML entry."""
        return next(entry.data for entry in self.entries if entry.flag == FLAG_XML)

    def with_xml(self, xml: bytes) -> Pac:
        """The same package with another XML."""
        changed = (replace(e, data=xml) if e.flag == FLAG_XML else e for e in self.entries)
        return replace(self, entries=tuple(changed))

    def with_entries(self, entries: Iterable[PacEntry]) -> Pac:
        """The same package with other entries."""
        return replace(self, entries=tuple(entries))


def is_pac(data: bytes) -> bool:
    """Whether the magic of a ``.pac`` stands in its place."""
    at = HEADER.offsets["magic"]
    return data[at : at + 4] == MAGIC.to_bytes(4, "little")


def read(data: bytes, *, must_check: bool = True) -> Pac:
    """The package in ``data``, after every check of the container itself; the XML's content is not read here.

    Args:
        must_check: False reads on with wrong CRCs and lists them in ``wrong_checks``.

    Raises:
        BadFormat: a rule is broken; the fact ``rule`` is one of truncated, magic, size, records, record-size,
            content-range, duplicate-id, xml.
        BadChecksum: CRC1 or CRC2 is wrong, named in the fact ``name``.
        Unsupported: the second header form (BP_R2.0.1).

    Source: platform-unisoc 2.11, steps 1 to 4.
    """
    head = _read_header(data)
    wrong = _wrong_checks(data, head)
    if wrong and must_check:
        first = wrong[0]
        raise BadChecksum(
            format="pac", name=first.name, found=f"0x{first.stored:04x}", expected=f"0x{first.computed:04x}"
        )
    entries, tail = _read_entries(data, head)
    names = {name: head[name] for name in PacHeader.__dataclass_fields__}
    return Pac(PacHeader(**names), entries, data[HEADER_BYTES : head["first_record"]], tail, wrong)


def write(pac: Pac) -> bytes:
    """The file; counts, offsets, sizes and both CRCs are computed.

    Raises:
        TooBig: a text or number does not fit its field.
    """
    first = HEADER_BYTES + len(pac.header_gap)
    offset = first + RECORD_BYTES * len(pac.entries)
    records: list[bytes] = []
    contents: list[bytes] = []
    for entry in pac.entries:
        offset += len(entry.gap)
        stands_at = offset if entry.stray_offset is None else entry.stray_offset
        record = {name: getattr(entry, name) for name in PacEntry.__dataclass_fields__ if name in RECORD.offsets}
        records.append(
            RECORD.pack(record | {"record_bytes": RECORD_BYTES, "size": len(entry.data), "offset": stands_at})
        )
        contents += [entry.gap, entry.data]
        offset += len(entry.data)
    body = b"".join([pac.header_gap, *records, *contents, pac.tail])
    head: dict[str, Any] = {name: getattr(pac.header, name) for name in PacHeader.__dataclass_fields__}
    head |= {"size": HEADER_BYTES + len(body), "record_count": len(pac.entries), "first_record": first}
    start = HEADER.pack(head | {"magic": MAGIC, "crc1": 0, "crc2": 0})[:_CRC1_AT]
    return b"".join([start, crc16_arc(start).to_bytes(2, "little"), crc16_arc(body).to_bytes(2, "little"), body])


def _broken(rule: str, en: str, zh: str, offset: int, **facts: Any) -> BadFormat:
    return BadFormat(format="pac", reason=Text(en, zh), offset=offset, rule=rule, **facts)


def _read_header(data: bytes) -> dict[str, Any]:
    head = HEADER.unpack(data)
    if head["magic"] != MAGIC:
        raise _broken("magic", "wrong magic", "魔数错误", HEADER.offsets["magic"], found=f"0x{head['magic']:08x}")
    if head["version"].text == VERSION_2:
        raise Unsupported(
            format="pac",
            reason=Text(
                f"format version {VERSION_2} is not documented for these modules", f"不支持格式版本 {VERSION_2}"
            ),
            remedy=Text(f"supply the package in format {VERSION_1}", f"请提供 {VERSION_1} 格式的固件包"),
        )
    if head["size"] != len(data):
        raise _broken(
            "size",
            "the header says {stated} bytes, the file has {actual},",
            "头部声明 {stated} 字节，文件实际为 {actual} 字节，",
            HEADER.offsets["size"],
            stated=head["size"],
            actual=len(data),
        )
    first, count = head["first_record"], head["record_count"]
    if not 0 < count < MAX_RECORDS or first < HEADER_BYTES or first + count * RECORD_BYTES > len(data):
        raise _broken(
            "records",
            "{count} records at {first} do not fit",
            "{count} 条记录（起始于 {first}）超出范围",
            HEADER.offsets["record_count"],
            count=count,
            first=first,
        )
    return head


def _wrong_checks(data: bytes, head: dict[str, Any]) -> tuple[WrongCheck, ...]:
    found = (
        WrongCheck("CRC1", head["crc1"], crc16_arc(data[:_CRC1_AT])),
        WrongCheck("CRC2", head["crc2"], crc16_arc(data[HEADER_BYTES:])),
    )
    return tuple(check for check in found if check.stored != check.computed)


def _read_entries(data: bytes, head: dict[str, Any]) -> tuple[tuple[PacEntry, ...], bytes]:
    """Entries and the bytes behind the last content; contents must follow each other."""
    entries: list[PacEntry] = []
    seen: set[str] = set()
    running = head["first_record"] + head["record_count"] * RECORD_BYTES
    for index in range(head["record_count"]):
        at = head["first_record"] + index * RECORD_BYTES
        values = RECORD.unpack(data, at)
        name, size, offset = values["id"].text, values["size"], values["offset"]
        if values.pop("record_bytes") != RECORD_BYTES:
            raise _broken("record-size", "a record of another size", "记录长度错误", at)
        if name in seen:
            raise _broken("duplicate-id", "the id '{id}' occurs twice", "标识“{id}”重复出现", at, id=name)
        seen.add(name)
        gap, stray = b"", None
        if size:
            if offset < running or offset + size > len(data):
                raise _broken(
                    "content-range",
                    "the content of '{id}' ({size} bytes at {start}) is out of range",
                    "“{id}”的内容（{start} 起 {size} 字节）超出范围",
                    at,
                    id=name,
                    size=size,
                    start=offset,
                )
            gap, running = data[running:offset], offset + size
        elif offset != running:
            stray = offset
        del values["size"], values["offset"]
        entries.append(PacEntry(data=data[offset : offset + size], gap=gap, stray_offset=stray, **values))
    if sum(entry.flag == FLAG_XML for entry in entries) != 1:
        raise _broken("xml", "not exactly one XML entry", "XML 条目数量不为一", head["first_record"])
    return tuple(entries), data[running:]

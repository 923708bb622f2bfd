"""``.binpkg`` of EigenComm chips: images with their places, one behind the other, each with its SHA-256.

::

    header        52 bytes (40 in version 105)
    [records]     3 x 140 bytes, only in packages whose first record is called "pkgmode"
    entry         364 bytes (352 in version 105)
    data          as many bytes as the entry says
    entry, data ...

Everything is kept as read: names with what stands behind their zero, the stored hash, the fields nobody knows, and what
follows the last entry. An unchanged package is written byte for byte; an entry with another content gets another hash
and size, and the places of the entries behind it move along.

Which records stand between header and entries is known for "pkgmode" packages only (two independent readers, no real
file); with other records the beginning of the entries is unknown, and such a package is refused instead of guessed at.

Source: platform-eigencomm 1.3 (three real files), 1.4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any, Final

from moduline.errors import BadChecksum, BadFormat, Text, TooBig, Unsupported
from moduline.formats.record import Field, RecordTable

NAME: Final = "binpkg"
MAGIC: Final = b"bpkg"
MAGIC_AT: Final = 8
VERSION_105: Final = "105"
VERSION_106: Final = "106"
VERSION_111: Final = "111"
VERSIONS: Final = (VERSION_105, VERSION_106, VERSION_111)
HASH_NAME: Final = "SHA256"
MAX_ENTRIES: Final = 64
MODE_WORD: Final = b"pkgmode"
MODE_RECORDS: Final = 3
MODE_TEXT_RECORD: Final = 2
KINDS: Final = ("BL", "AP", "CP", "FLX")
"""What the type of an entry begins with: bootloader, system, modem, any other file."""

HEADER: Final = RecordTable(
    "binpkg header",
    (
        Field("version", "bytes:8", "version as text, 106"),
        Field("magic", "bytes:4", "bpkg"),
        Field("made_at", "u32", "when it was made", "s since 1970"),
        Field("entry_count", "u32", "number of entries"),
        Field("hash_name", "bytes:8", "SHA256"),
        Field("variant_type", "u16", "not 0 when records follow"),
        Field("variant_size", "u16", "meaning unknown; kept"),
        Field("reserved", "bytes:16", "four numbers, 0; kept"),
        Field("pointer", "u32", "0; kept"),
    ),
    total_bytes=52,
)
HEADER_105: Final = RecordTable(
    "binpkg header, version 105",
    (
        Field("version", "bytes:8", "version as text, 105"),
        Field("made_at", "u32", "when it was made", "s since 1970"),
        Field("entry_count", "u32", "number of entries"),
        Field("hash_name", "bytes:8", "SHA256"),
        Field("reserved", "bytes:16", "0; kept"),
    ),
    total_bytes=40,
)
ENTRY: Final = RecordTable(
    "binpkg entry",
    (
        Field("name_field", "bytes:64", "name, padded with zeros"),
        Field("address", "u32", "where it goes"),
        Field("room_bytes", "u32", "size of the area there", "bytes"),
        Field("offset", "u32", "where this entry stands in the file", "bytes"),
        Field("data_bytes", "u32", "size of the content", "bytes"),
        Field("hash_field", "bytes:256", "SHA-256 of the content, 64 upper-case hex characters, padded with zeros"),
        Field("kind_field", "bytes:16", "BL, AP, CP or FLX..., padded with zeros"),
        Field("rest", "bytes:12", "variant type and size, two numbers, 0; kept"),
    ),
    total_bytes=364,
)
ENTRY_105: Final = RecordTable(
    "binpkg entry, version 105",
    (
        Field("name_field", "bytes:64", "name, padded with zeros"),
        Field("address", "u32", "where it goes"),
        Field("offset", "u32", "where this entry stands in the file", "bytes"),
        Field("data_bytes", "u32", "size of the content", "bytes"),
        Field("hash_field", "bytes:256", "SHA-256 of the content, 64 upper-case hex characters, padded with zeros"),
        Field("kind_field", "bytes:16", "BL, AP, CP or FLX..., padded with zeros"),
        Field("rest", "bytes:4", "0; kept"),
    ),
    total_bytes=352,
)
RECORD: Final = RecordTable(
    "binpkg record",
    (
        Field("type", "u16", "1 word and number, 2 two words, 3 two words with numbers, 4 old tool, 5 end"),
        Field("padding", "u16", "0; kept"),
        Field("first", "bytes:64", "first word of types 1 and 2, padded with zeros"),
        Field("second", "bytes:64", "second word of type 2; in others what the type says; kept"),
        Field("rest", "bytes:8", "kept"),
    ),
    total_bytes=140,
)


@dataclass(frozen=True, slots=True)
class BinEntry:
    """One image.

    Attributes:
        name_field: its name, 64 bytes as they stand in the file.
        address: where it goes: an offset in the flash on EC618, a bus address on newer chips.
        room_bytes: size of the area there; 0 in version 105, which does not say it.
        data: the content.
        kind_field: "BL", "AP", "CP" or "FLX...", 16 bytes.
        hash_field: the stored hash, 256 bytes.
        offset: where the file says the entry stands.
        rest: what follows, 12 bytes or 4.
    """

    name_field: bytes
    address: int
    room_bytes: int
    data: bytes = field(repr=False)
    kind_field: bytes
    hash_field: bytes = field(repr=False)
    offset: int
    rest: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """Such as ``ap_at_command``."""
        return _word(self.name_field)

    @property
    def kind(self) -> str:
        """Such as ``AP``."""
        return _word(self.kind_field)

    @property
    def is_hash_right(self) -> bool:
        """Whether the stored hash is that of the content, letters of either case."""
        return _word(self.hash_field).upper() == _sha256(self.data)


@dataclass(frozen=True, slots=True)
class BinPackage:
    """A package.

    Attributes:
        version: "105", "106" or "111".
        made_at: when it was made, in seconds of the Unix epoch.
        entries: in the order of the file.
        header: every field of the header, by name.
        records: what stands between header and entries, as bytes.
        tail: what follows the last entry.
    """

    version: str
    made_at: int
    entries: tuple[BinEntry, ...]
    header: dict[str, Any] = field(repr=False)
    records: bytes = field(default=b"", repr=False)
    tail: bytes = field(default=b"", repr=False)

    @property
    def product(self) -> str:
        """Product text of a "pkgmode" package, such as ``EC718PV``; empty in others."""
        if not self.records:
            return ""
        return _word(RECORD.unpack(self.records, MODE_TEXT_RECORD * RECORD.total_bytes)["second"])

    def entry(self, name: str) -> BinEntry | None:
        """The entry of that name."""
        return next((one for one in self.entries if one.name == name), None)


def is_binpkg(data: bytes) -> bool:
    """Whether the bytes begin like a package; version 105 has no magic, only its version and the name of its hash."""
    return data.startswith(MAGIC, MAGIC_AT) or (
        data[:8] == VERSION_105.encode().ljust(8, b"\0") and data.startswith(b"SHA256\0\0", 16)
    )


def read(data: bytes, *, must_check: bool = True) -> BinPackage:
    """The package in a file.

    Args:
        data: the file.
        must_check: False reads on with wrong hashes; see ``BinEntry.is_hash_right``.

    Raises:
        BadFormat: not a package, truncated, or with more entries than any has.
        BadChecksum: the hash of a content is wrong.
        Unsupported: another version, another hash, or records whose length is not documented.
    """
    if not is_binpkg(data):
        raise _broken("magic", 0, "this is no binpkg", "不是 binpkg")
    version = _word(data[:8])
    if version not in VERSIONS:
        raise _unknown("version '{version}' is not documented", "版本“{version}”没有公开文档", version=version[:16])
    header_table, entry_table = _tables(version)
    header = header_table.unpack(data)
    if _word(header["hash_name"]) != HASH_NAME:
        raise _unknown("hash '{name}' is not documented", "哈希“{name}”没有公开文档", name=_word(header["hash_name"]))
    if header["entry_count"] > MAX_ENTRIES:
        raise _broken("entry-count", 16, "{count} entries", "{count} 个条目", count=header["entry_count"])
    at = header_table.total_bytes
    records = _records(data, header, at)
    at += len(records)
    entries = []
    for _ in range(header["entry_count"]):
        entry = _entry(data, at, entry_table)
        if must_check and not entry.is_hash_right:
            name = Text("the hash of '{entry}'", "“{entry}”的哈希")
            found, wanted = _word(entry.hash_field)[:64], _sha256(entry.data)
            raise BadChecksum(format=NAME, name=name, found=found, expected=wanted, entry=entry.name)
        entries.append(entry)
        at += entry_table.total_bytes + len(entry.data)
    return BinPackage(version, header["made_at"], tuple(entries), header, records, bytes(data[at:]))


def write(package: BinPackage) -> bytes:
    """The file."""
    header_table, entry_table = _tables(package.version)
    count = {"entry_count": len(package.entries), "made_at": package.made_at}
    pieces = [header_table.pack(package.header | count), package.records]
    for one in package.entries:
        values = {name: getattr(one, name) for name in BinEntry.__dataclass_fields__ if name != "data"}
        pieces += [entry_table.pack(values | {"data_bytes": len(one.data)}), one.data]
    return b"".join([*pieces, package.tail])


def make(entries: Sequence[tuple[str, str, int, int, bytes]], made_at: int, version: str = VERSION_106) -> BinPackage:
    """A new package.

    Args:
        entries: name, kind ("BL", "AP", "CP", "FLX"), address, room and content of each.
        made_at: seconds of the Unix epoch.
        version: "106", or "105", which stores no room.

    Raises:
        Unsupported: a version that can only be read.
        TooBig: a name or a number that does not fit its field.
    """
    if version not in {VERSION_105, VERSION_106}:
        raise _unknown("version '{version}' can only be read", "版本“{version}”仅支持读取", version=version[:16])
    header_table, entry_table = _tables(version)
    texts = {"version": _field(version, 8), "hash_name": _field(HASH_NAME, 8)}
    known = {"magic": MAGIC, "made_at": made_at, "entry_count": len(entries), **texts}
    empty = {one.name: bytes(int(one.kind[6:])) if one.kind.startswith("bytes") else 0 for one in header_table.fields}
    header = {name: known.get(name, value) for name, value in empty.items()}
    rest = bytes(12 if version != VERSION_105 else 4)
    sizes = (entry_table.total_bytes + len(data) for *_, data in entries)
    places = accumulate(sizes, initial=header_table.total_bytes)
    made = tuple(
        BinEntry(_field(name, 64), address, room, data, _field(kind, 16), _hash_field(data), at, rest)
        for (name, kind, address, room, data), at in zip(entries, places, strict=False)
    )
    return BinPackage(version, made_at, made, header)


def with_data(package: BinPackage, index: int, data: bytes) -> BinPackage:
    """The package with another content of one entry; hash, size and the places behind it follow.

    Raises:
        TooBig: the content is larger than the area the entry names.
    """
    old = package.entries[index]
    if old.data == data:
        return package
    if old.room_bytes and len(data) > old.room_bytes:
        raise TooBig(what=old.name, need=len(data), have=old.room_bytes)
    shift = len(data) - len(old.data)
    changed = replace(old, data=data, hash_field=_hash_field(data))
    behind = (replace(one, offset=(one.offset + shift) & 0xFFFFFFFF) for one in package.entries[index + 1 :])
    return replace(package, entries=(*package.entries[:index], changed, *behind))


def misplaced(package: BinPackage) -> list[str]:
    """Names of the entries that do not stand where the file says."""
    header_table, entry_table = _tables(package.version)
    start = header_table.total_bytes + len(package.records)
    places = accumulate((entry_table.total_bytes + len(one.data) for one in package.entries), initial=start)
    return [one.name for one, at in zip(package.entries, places, strict=False) if one.offset != at]


def _tables(version: str) -> tuple[RecordTable, RecordTable]:
    return (HEADER_105, ENTRY_105) if version == VERSION_105 else (HEADER, ENTRY)


def _records(data: bytes, header: dict[str, Any], at: int) -> bytes:
    """The records behind the header.

    Raises:
        BadFormat: the file ends within them.
        Unsupported: there are records whose number is not documented.
    """
    word_at = at + RECORD.offsets["first"]
    if header["version"][:3] != VERSION_105.encode() and data.startswith(MODE_WORD, word_at):
        end = at + MODE_RECORDS * RECORD.total_bytes
        if end > len(data):
            raise _broken("truncated", len(data), "the data ends too early", "数据过早结束")
        return bytes(data[at:end])
    if header.get("variant_type"):
        raise _unknown(
            "records of type {kind} behind the header, of which only the 'pkgmode' form is documented",
            "头部之后有类型为 {kind} 的记录，目前仅“pkgmode”形式有公开文档",
            kind=header["variant_type"],
        )
    return b""


def _entry(data: bytes, at: int, table: RecordTable) -> BinEntry:
    values = table.unpack(data, at)
    start = at + table.total_bytes
    size = values.pop("data_bytes")
    if start + size > len(data):
        raise _broken(
            "truncated", at, "'{name}' has {size} bytes, the file ends before", "“{name}”有 {size} 字节，文件提前结束",
            name=_word(values["name_field"]), size=size,
        )  # fmt: skip
    return BinEntry(data=bytes(data[start : start + size]), **({"room_bytes": 0} | values))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest().upper()


def _hash_field(data: bytes) -> bytes:
    return _field(_sha256(data), 256)


def _field(text: str, width: int) -> bytes:
    encoded = text.encode("utf-8")
    if len(encoded) > width:
        raise TooBig(what=Text(f"the name '{text[:40]}'", f"名称“{text[:40]}”"), need=len(encoded), have=width)
    return encoded.ljust(width, b"\0")


def _word(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "replace")


def _broken(rule: str, at: int, en: str, zh: str, **facts: Any) -> BadFormat:
    return BadFormat(format=NAME, reason=Text(en, zh), offset=at, rule=rule, **facts)


def _unknown(en: str, zh: str, **facts: Any) -> Unsupported:
    remedy = Text("use a package of version 105 or 106", "请使用 105 或 106 版本的固件包")
    return Unsupported(format=NAME, reason=Text(en, zh), remedy=remedy, **facts)

"""Messages of the topic ``ota``: offer, firmware information, report, request.

::

    0x0111 down  Offer           what is to be upgraded, and under which conditions
    0x0112 up    Confirmation    old form of accepting; read, not sent by today's devices
    0x0113 down  Firmware        where the file is, or the files are
    0x0114 up    Report          how far the device is
    0x0115 up    Request         the device asks, and says its versions

Source: ota-semantics 7.1, 11.4, 11.5; vectors of section 14.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Final

from moduline.errors import BadOption, Text
from moduline.wire.quecthing import rows, ttlv
from moduline.wire.quecthing.rows import Kind, Row

MODULE: Final = 0  # component type: the module's own firmware or its scripts (FOTA)
MCU: Final = 1  # component type: what hangs on the module (SOTA)

LONGEST_COMPONENT_BYTES: Final = 32
LONGEST_VERSION_BYTES: Final = 64
LONGEST_MCU_VERSIONS_BYTES: Final = 512
MOST_COMPONENTS: Final = 20
MOST_FILES: Final = 5
SHA256_WANTED: Final = "sha256"


class StatusCode(IntEnum):
    """Status codes of 0x0114; 7 and 10 do not exist. The names are the SDK's words, misspelt as it sends them."""

    REVICEPLAN = 1
    SUBMITOTA = 2
    REFUSEDOTA = 3
    DOWNLOADSTART = 4
    DOWNLOADING = 5
    DOWNLOADERROR = 6
    DOWNLOADSUCCESS = 8
    UPDATING = 9
    UPDATESUCCESS = 11
    UPDATEERROR = 12


@dataclass(frozen=True, slots=True)
class OfferedComponent:
    """One component of an offer.

    Attributes:
        component: identifier, 1..32 bytes.
        target: version it is to have, 1..64 bytes.
        type: `MODULE` or `MCU`.
        source: version it must have; None for whole packages.
        battery_percent: at least this much.
        space_bytes: at least this much.
        signal_dbm: at least this strong; negative.
        handling: "accept without asking the application"; without effect in SDK 2.9.0 (trap 14).
        extra: fields no table names.
    """

    component: str
    target: str
    type: int
    source: str | None = None
    battery_percent: int | None = None
    space_bytes: int | None = None
    signal_dbm: int | None = None
    handling: int | None = None
    extra: ttlv.Fields = ()


OFFERED_ROWS: Final = (
    Row(4, "component", Kind.TEXT, is_required=True),
    Row(5, "source", Kind.TEXT),
    Row(6, "target", Kind.TEXT, is_required=True),
    Row(7, "type", Kind.INTEGER, is_required=True),
    Row(8, "battery_percent", Kind.INTEGER),
    Row(9, "space_bytes", Kind.INTEGER),
    Row(10, "signal_dbm", Kind.INTEGER),
    Row(27, "handling", Kind.INTEGER),
)
_GROUP_ID: Final = 28


@dataclass(frozen=True, slots=True)
class Offer:
    """0x0111: what the device is offered.

    Attributes:
        components: 1..20; one is sent flat, several as an array under id 28.
        is_grouped: an array was or is used even for one.
    """

    components: tuple[OfferedComponent, ...]
    is_grouped: bool = False


@dataclass(frozen=True, slots=True)
class Confirmation:
    """0x0112: old form of accepting and refusing.

    Attributes:
        accepts: id 11.
        delay_s: id 12, when to come again.
        extra: fields no table names.
    """

    accepts: bool
    delay_s: int | None = None
    extra: ttlv.Fields = ()


CONFIRMATION_ROWS: Final = (
    Row(11, "accepts", Kind.FLAG, is_required=True),
    Row(12, "delay_s", Kind.INTEGER),
)


@dataclass(frozen=True, slots=True)
class FirmwareFile:
    """One file of a list.

    Attributes:
        index: place in the list.
        url: where to fetch it.
        size_bytes: of the file.
        md5: 32 lower-case hex digits.
        extra: fields no table names.
    """

    index: int
    url: str
    size_bytes: int
    md5: str
    extra: ttlv.Fields = ()


FILE_ROWS: Final = (
    Row(30, "index", Kind.INTEGER, is_required=True),
    Row(1, "url", Kind.TEXT, is_required=True),
    Row(2, "size_bytes", Kind.INTEGER, is_required=True),
    Row(3, "md5", Kind.TEXT, is_required=True),
)


@dataclass(frozen=True, slots=True)
class Firmware:
    """0x0113: where the firmware is. Either one file (url, size_bytes, md5, crc) or a list, never both.

    Attributes:
        component: identifier.
        target: version.
        type: `MODULE` or `MCU`; lists are for modules only.
        url: plain ASCII, at most 200 characters.
        size_bytes: of the file.
        md5: 32 lower-case hex digits; the device compares texts (trap 10).
        crc: CRC-32/MPEG-2 as hex text; without it the device fails at once (trap 10).
        sha256: 64 hex digits, if the device asked.
        files: 1..5, instead of the former.
        extra: fields no table names.
    """

    component: str
    target: str
    type: int
    url: str | None = None
    size_bytes: int | None = None
    md5: str | None = None
    crc: str | None = None
    sha256: str | None = None
    files: tuple[FirmwareFile, ...] = ()
    extra: ttlv.Fields = ()


FIRMWARE_ROWS: Final = (
    Row(1, "url", Kind.TEXT),
    Row(2, "size_bytes", Kind.INTEGER),
    Row(3, "md5", Kind.TEXT),
    Row(4, "component", Kind.TEXT, is_required=True),
    Row(6, "target", Kind.TEXT, is_required=True),
    Row(7, "type", Kind.INTEGER, is_required=True),
    Row(15, "crc", Kind.TEXT),
    Row(16, "sha256", Kind.TEXT),
)
_FILES_ID: Final = 20


@dataclass(frozen=True, slots=True)
class Report:
    """0x0114: how far an upgrade is.

    Attributes:
        code: a `StatusCode`; others are kept.
        word: the SDK's own text; stored, never judged.
        type: `MODULE` or `MCU`.
        component: identifier.
        digest: `SHA256_WANTED` with code 2.
        module_version: with codes 11 and 12.
        mcu_versions: with codes 11 and 12, ``name:version;...``.
        extra: fields no table names.
    """

    code: int
    word: str | None = None
    type: int | None = None
    component: str | None = None
    digest: str | None = None
    module_version: str | None = None
    mcu_versions: str | None = None
    extra: ttlv.Fields = ()


REPORT_ROWS: Final = (
    Row(13, "code", Kind.INTEGER, is_required=True),
    Row(14, "word", Kind.TEXT),
    Row(7, "type", Kind.INTEGER),
    Row(4, "component", Kind.TEXT),
    Row(19, "digest", Kind.TEXT),
    Row(25, "module_version", Kind.TEXT),
    Row(26, "mcu_versions", Kind.TEXT),
)


@dataclass(frozen=True, slots=True)
class Request:
    """0x0115: is there anything for me?

    Attributes:
        module_version: what runs now.
        mcu_versions: ``name:version;...``.
        extra: fields no table names.
    """

    module_version: str | None = None
    mcu_versions: str | None = None
    extra: ttlv.Fields = ()


REQUEST_ROWS: Final = (
    Row(25, "module_version", Kind.TEXT),
    Row(26, "mcu_versions", Kind.TEXT),
)


def write_offer(offer: Offer) -> ttlv.Fields:
    """The fields of 0x0111.

    Raises:
        BadOption: no component, or more than 20.
    """
    if not 0 < len(offer.components) <= MOST_COMPONENTS:
        raise BadOption(name="components", reason=Text("1..20 components", "须有 1 至 20 个组件"))
    written = [rows.write(OFFERED_ROWS, one, one.extra) for one in offer.components]
    if len(written) == 1 and not offer.is_grouped:
        return written[0]
    return (ttlv.Field(_GROUP_ID, ttlv.array(map(ttlv.Struct, written))),)


def read_offer(found: ttlv.Fields) -> Offer:
    """What `write_offer` was given.

    Raises:
        BadFormat: a component without identifier, target or type.
    """
    group = ttlv.first(found, _GROUP_ID)
    if not isinstance(group, ttlv.Struct):
        return Offer((OfferedComponent(**rows.read(OFFERED_ROWS, found)),))
    members = _structs(group, MOST_COMPONENTS)
    return Offer(tuple(OfferedComponent(**rows.read(OFFERED_ROWS, member)) for member in members), is_grouped=True)


def write_firmware(firmware: Firmware) -> ttlv.Fields:
    """The fields of 0x0113.

    Raises:
        BadOption: neither one file nor a list, both, or a list for an MCU.
    """
    single = (firmware.url, firmware.size_bytes, firmware.md5, firmware.crc)
    if firmware.files:
        is_right = single == (None,) * 4 and firmware.sha256 is None and firmware.type == MODULE
        if not is_right or len(firmware.files) > MOST_FILES:
            raise BadOption(
                name="files",
                reason=Text(
                    "a list of 1..5 files, for a module, without fields of one",
                    "文件列表须为 1 至 5 个，仅用于模组，不得含单文件字段",
                ),
            )
        listed = ttlv.array(ttlv.Struct(rows.write(FILE_ROWS, one, one.extra)) for one in firmware.files)
        return rows.write(FIRMWARE_ROWS, firmware, (ttlv.Field(_FILES_ID, listed), *firmware.extra))
    if None in single:
        raise BadOption(name="url", reason=Text("URL, size, MD5 and CRC are needed", "需要 URL、大小、MD5 与 CRC"))
    return rows.write(FIRMWARE_ROWS, firmware, firmware.extra)


def read_firmware(found: ttlv.Fields) -> Firmware:
    """What `write_firmware` was given, or an incomplete one: a device must see that the CRC is missing.

    Raises:
        BadFormat: no component, target or type, or a broken list.
    """
    listed = ttlv.first(found, _FILES_ID)
    values = rows.read(FIRMWARE_ROWS, tuple(field for field in found if field.id != _FILES_ID))
    if not isinstance(listed, ttlv.Struct):
        return Firmware(**values)
    members = _structs(listed, MOST_FILES)
    return Firmware(**values, files=tuple(FirmwareFile(**rows.read(FILE_ROWS, member)) for member in members))


def mcu_versions(text: str) -> dict[str, str]:
    """Versions by component out of ``name:version;name:version``, a last ``;`` or not; the first of a name counts."""
    found: dict[str, str] = {}
    for entry in text.split(";"):
        name, separator, version = entry.partition(":")
        if separator and name and version:
            found.setdefault(name, version)
    return found


def mcu_versions_text(versions: dict[str, str]) -> str:
    """``name:version`` joined by ``;``, without a last one.

    Raises:
        BadOption: longer than 512 bytes, or a name or version with ``:`` or ``;``.
    """
    text = ";".join(f"{name}:{version}" for name, version in versions.items())
    if mcu_versions(text) != versions or len(text.encode()) > LONGEST_MCU_VERSIONS_BYTES:
        raise BadOption(name="mcu_versions", reason=Text("not sayable as name:version;...", "无法表示为 名称:版本;…"))
    return text


def _structs(array: ttlv.Struct, most: int) -> list[ttlv.Fields]:
    members = [item.fields for item in array.items() if isinstance(item, ttlv.Struct)]
    if not 0 < len(members) <= most or len(members) != len(array.fields):
        raise rows.bad(f"a list of {len(array.fields)}", f"列表含 {len(array.fields)} 项")
    return members


assert all(
    {row.name for row in table} | {"extra"} >= {field.name for field in fields(cls)} - {"files"}
    for cls, table in (
        (OfferedComponent, OFFERED_ROWS),
        (Confirmation, CONFIRMATION_ROWS),
        (FirmwareFile, FILE_ROWS),
        (Firmware, FIRMWARE_ROWS),
        (Report, REPORT_ROWS),
        (Request, REQUEST_ROWS),
    )
)

"""``flashinfo.bin`` of ASR chips: which flash chips a module may have, and how they are driven.

::

    0     144      block: id, name, type, sizes, number of devices
    90h   n x 72   devices: id, name
    ...            up to two further blocks where byte 89h is not zero (combined flashes)

There is no check value. Source: platform-asr 1.5 (a real file and the code of a real flasher).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final

from moduline.errors import BadFormat, Text
from moduline.formats.record import Field, RecordTable

MAGIC: Final = b"FNIF"
BLOCK_BYTES: Final = 0x90
DEVICE_BYTES: Final = 72
MAX_BLOCKS: Final = 3
NAME: Final = "ASR flash list"

BLOCK: Final = RecordTable(
    "ASR flash list block",
    (
        Field("magic", "bytes:4", "FNIF"),
        Field("id", "u32", "device id in the upper, vendor id in the lower half"),
        Field("name_field", "bytes:64", "name, padded with zeros"),
        Field("type_field", "bytes:32", "QSPI_NOR, QSPI_NAND, EMMC or DUMMY, padded with zeros"),
        Field("min_io_bytes", "u32", "smallest read or write", "bytes"),
        Field("erase_bytes", "u32", "erase block", "bytes"),
        Field("page_bytes", "u32", "program page", "bytes"),
        Field("sector_bytes", "u32", "sector", "bytes"),
        Field("block_bytes", "u32", "large erase block", "bytes"),
        Field("reserved_1", "u32", "0; kept"),
        Field("size_bytes", "u32", "size of the flash", "bytes"),
        Field("reserved_2", "u32", "0; kept"),
        Field("erased_value", "u8", "value of an erased byte, 0xFF"),
        Field("has_next", "u8", "not 0 when another block follows"),
        Field("reserved_3", "u16", "0; kept"),
        Field("device_count", "u32", "number of devices"),
    ),
    total_bytes=BLOCK_BYTES,
)
DEVICE: Final = RecordTable(
    "ASR flash list device",
    (
        Field("id", "u32", "device id in the upper, vendor id in the lower half"),
        Field("reserved", "u32", "0; kept"),
        Field("name_field", "bytes:64", "name, padded with zeros"),
    ),
    total_bytes=DEVICE_BYTES,
)


@dataclass(frozen=True, slots=True)
class FlashDevice:
    """One accepted flash chip."""

    id: int
    name_field: bytes
    reserved: int = 0

    @property
    def name(self) -> str:
        """Such as ``GD25LQ64C``."""
        return _word(self.name_field)


@dataclass(frozen=True, slots=True)
class FlashBlock:
    """One kind of flash and the chips of this kind; see ``BLOCK`` for the numbers."""

    id: int
    name_field: bytes
    size_bytes: int
    devices: tuple[FlashDevice, ...]
    type_field: bytes = b"QSPI_NOR"
    min_io_bytes: int = 1
    erase_bytes: int = 0x1000
    page_bytes: int = 0x100
    sector_bytes: int = 0x1000
    block_bytes: int = 0x10000
    reserved_1: int = 0
    reserved_2: int = 0
    erased_value: int = 0xFF
    has_next: int = 0
    reserved_3: int = 0

    @property
    def name(self) -> str:
        """Such as ``GD25LQ64C``."""
        return _word(self.name_field)


@dataclass(frozen=True, slots=True)
class FlashList:
    """A whole ``flashinfo.bin``: one block, or up to three of a combined flash, and what stands behind."""

    blocks: tuple[FlashBlock, ...]
    tail: bytes = field(default=b"", repr=False)


def read(data: bytes) -> FlashList:
    """The list.

    Raises:
        BadFormat: it ends too early, has another magic, or chains more than three blocks (rules truncated, magic,
            blocks).
    """
    blocks: list[FlashBlock] = []
    at = 0
    while not blocks or blocks[-1].has_next:
        if len(blocks) == MAX_BLOCKS:
            raise _broken("blocks", "more than three blocks", "超过三个块", at)
        head = BLOCK.unpack(data, at)
        if head.pop("magic") != MAGIC:
            raise _broken("magic", "wrong magic", "魔数错误", at)
        at += BLOCK_BYTES
        count = head.pop("device_count")
        if at + count * DEVICE_BYTES > len(data):
            raise _broken("truncated", "{count} devices do not fit", "{count} 个器件超出范围", at - 4, count=count)
        devices = tuple(FlashDevice(**_stripped(DEVICE.unpack(data, at + DEVICE_BYTES * n))) for n in range(count))
        at += count * DEVICE_BYTES
        blocks.append(FlashBlock(devices=devices, **_stripped(head)))
    return FlashList(tuple(blocks), data[at:])


def write(flash_list: FlashList) -> bytes:
    """The file; counts and the chain are computed.

    Raises:
        TooBig: a text or number does not fit its field.
    """
    last = len(flash_list.blocks) - 1
    return b"".join(_block(one, is_last=n == last) for n, one in enumerate(flash_list.blocks)) + flash_list.tail


def _block(block: FlashBlock, *, is_last: bool) -> bytes:
    values = {one.name: getattr(block, one.name) for one in fields(block) if one.name != "devices"}
    has_next = 0 if is_last else block.has_next or 1
    head = BLOCK.pack(_padded(values) | {"magic": MAGIC, "has_next": has_next, "device_count": len(block.devices)})
    rows = [
        DEVICE.pack(_padded({one.name: getattr(device, one.name) for one in fields(device)}))
        for device in block.devices
    ]
    return b"".join([head, *rows])


_WIDTHS: Final = {"name_field": 64, "type_field": 32}


def _padded(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value.ljust(_WIDTHS[key], b"\0") if key in _WIDTHS else value for key, value in values.items()}


def _stripped(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value.rstrip(b"\0") if isinstance(value, bytes) else value for key, value in values.items()}


def _word(field_bytes: bytes) -> str:
    return field_bytes.partition(b"\0")[0].decode("ascii", "backslashreplace")


def _broken(rule: str, en: str, zh: str, offset: int, **facts: Any) -> BadFormat:
    return BadFormat(format=NAME, reason=Text(en, zh), offset=offset, rule=rule, **facts)

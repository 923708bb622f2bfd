"""The fixed NV block of UNISOC modules: calibration and IMEI live here.

::

    0   CRC-16/ARC of bytes 2 to the end, big-endian      the templates inside packages carry a stale one
    2   stamp, 2 bytes
    4   items: id u16, size u16, data, padded to 4        little-endian
    ..  id 0xFFFF, then 0xFF to the end of the block

Source: platform-unisoc 3.5, 6.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from moduline.digest import crc16_arc
from moduline.errors import BadFormat, BadOption, Text, TooBig

END_ID: Final = 0xFFFF
IMEI_ID: Final = 5
IMEI_IDS: Final = (5, 0x179, 0x186, 0x1E4)
IMEI_DIGITS: Final = 15
LAST_LIST_ID: Final = 0xFFFE
MAX_BLOCK_BYTES: Final = 0x28000
_FIRST_ITEM: Final = 4
_ALIGN: Final = 4


@dataclass(frozen=True, slots=True)
class NvEntry:
    """One item; ``pad`` holds the bytes that fill it to a multiple of 4, as read."""

    id: int
    data: bytes
    pad: bytes = b""


@dataclass(frozen=True, slots=True)
class NvBlock:
    """A whole block.

    Attributes:
        size: block size: 0x20000 on 8910, 0x28000 on 8850; bytes.
        stamp: the two reserved bytes behind the CRC.
        rest: what stands behind the end mark; 0xFF throughout in real blocks.
        stored_crc: the CRC as read; ``write`` computes a new one.
    """

    size: int
    entries: tuple[NvEntry, ...]
    stamp: bytes = b"\0\0"
    rest: bytes = field(default=b"", repr=False)
    stored_crc: int = 0

    def item(self, number: int) -> bytes | None:
        """Data of the first item of that id."""
        return next((entry.data for entry in self.entries if entry.id == number), None)

    def with_item(self, number: int, data: bytes) -> NvBlock:
        """The block with an item's data replaced, or added behind the last one."""
        if self.item(number) is None:
            return replace(self, entries=(*self.entries, NvEntry(number, data)))
        changed = (NvEntry(number, data) if entry.id == number else entry for entry in self.entries)
        return replace(self, entries=tuple(changed))

    @property
    def imei(self) -> str:
        """The IMEI of item 5; "" when it is missing or not one."""
        data = self.item(IMEI_ID)
        return decode_imei(data) if data else ""


def stored_crc(block: bytes) -> int:
    """The CRC that stands in the block."""
    return int.from_bytes(block[:2], "big")


def is_crc_right(block: bytes) -> bool:
    """Whether the block would be accepted by a module."""
    return len(block) > _FIRST_ITEM and stored_crc(block) == crc16_arc(block[2:])


def with_right_crc(block: bytes) -> bytes:
    """The same block with its CRC recomputed, as a host must send it."""
    return crc16_arc(block[2:]).to_bytes(2, "big") + block[2:]


def read(block: bytes) -> NvBlock:
    """The items of a block; its CRC is not judged here, see ``is_crc_right``.

    Raises:
        BadFormat: an item goes beyond the block, no end mark, or too large (rules ``item``, ``end``, ``size``).
    """
    if len(block) > MAX_BLOCK_BYTES:
        raise _broken("size", "larger than any NV block", "超过 NV 数据块的最大长度", MAX_BLOCK_BYTES)
    at = _FIRST_ITEM
    entries: list[NvEntry] = []
    while at + 2 <= len(block):
        number = int.from_bytes(block[at : at + 2], "little")
        if number == END_ID:
            return NvBlock(len(block), tuple(entries), block[2:4], block[at + 2 :], stored_crc(block))
        size = int.from_bytes(block[at + 2 : at + 4], "little")
        end = at + 4 + size
        padded = end + -end % _ALIGN
        if end > len(block):
            raise _broken("item", "item 0x{id:x} goes beyond the block", "条目 0x{id:x} 超出数据块", at, id=number)
        entries.append(NvEntry(number, block[at + 4 : end], block[end:padded]))
        at = padded
    raise _broken("end", "no end mark", "缺少结束标记", len(block))


def write(block: NvBlock) -> bytes:
    """The bytes of the block, CRC right, filled with 0xFF.

    Raises:
        TooBig: the items do not fit the block.
    """
    parts = [block.stamp]
    for entry in block.entries:
        pad = entry.pad or bytes(-len(entry.data) % _ALIGN)
        parts.append(entry.id.to_bytes(2, "little") + len(entry.data).to_bytes(2, "little") + entry.data + pad)
    parts.append(END_ID.to_bytes(2, "little"))
    body = b"".join(parts)
    room = block.size - 2
    if len(body) > room:
        raise TooBig(what=Text("the NV block", "NV 数据块"), need=len(body), have=room)
    rest = block.rest if len(block.rest) == room - len(body) else b""
    body += rest or b"\xff" * (room - len(body))
    return crc16_arc(body).to_bytes(2, "big") + body


@dataclass(frozen=True, slots=True)
class Carried:
    """A new NV block with what was carried over from the module's own, and what the module lacked; ids."""

    block: bytes = field(repr=False)
    taken: tuple[int, ...]
    missing: tuple[int, ...]


def carry_over(template: bytes, device: bytes, ids: Iterable[int]) -> Carried:
    """The package's template with the module's own IMEI and the listed items put into it; CRC right.

    Args:
        template: the NV block of the package.
        device: the block read from the module; it must have a right CRC.
        ids: list ids of the XML; ids from 0xFFFE on mean nothing and are skipped.

    Raises:
        BadFormat: a block cannot be read.
        TooBig: the items do not fit the template's size.

    Source: platform-unisoc 6.3, step 2.
    """
    block, own = read(template), read(device)
    taken: list[int] = []
    missing: list[int] = []
    for number in dict.fromkeys([IMEI_ID, *(number for number in ids if number < LAST_LIST_ID)]):
        data = own.item(number)
        if data is None:
            missing.append(number)
            continue
        block = block.with_item(number, data)
        taken.append(number)
    return Carried(write(block), tuple(taken), tuple(missing))


def encode_imei(imei: str) -> bytes:
    """The 8 bytes of an IMEI item.

    Raises:
        BadOption: not 15 digits.
    """
    if len(imei) != IMEI_DIGITS or not (imei.isascii() and imei.isdecimal()):
        raise BadOption(name="IMEI", reason=Text("it must have 15 digits", "应为 15 位数字"))
    first = int(imei[0]) << 4 | 0xA
    pairs = (int(imei[i]) | int(imei[i + 1]) << 4 for i in range(1, IMEI_DIGITS, 2))
    return bytes([first, *pairs])


def decode_imei(data: bytes) -> str:
    """The IMEI in an item's 8 bytes; "" when they hold none."""
    if len(data) != 8 or data[0] & 0xF != 0xA:
        return ""
    nibble: Callable[[int], tuple[int, int]] = lambda byte: (byte & 0xF, byte >> 4)  # noqa: E731
    digits = [data[0] >> 4, *(digit for byte in data[1:] for digit in nibble(byte))]
    return "".join(map(str, digits)) if max(digits) <= 9 else ""


def _broken(rule: str, en: str, zh: str, offset: int, **facts: int) -> BadFormat:
    return BadFormat(format=Text("NV block", "NV 数据块"), reason=Text(en, zh), offset=offset, rule=rule, **facts)

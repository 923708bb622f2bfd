"""What the flasher of ASR chips is told before it writes: which flash chips are accepted, and what lies where.

::

    partition.bin  "BTPA", count <= 32, 32 slots; CRC-32 at 0x888 from 0x88C bytes on, below that the short form without
    flashinfo.bin  "FNIF", 0x90 bytes, n devices of 72 bytes; byte 0x89 says that another of at most three follows

Where Quectel's boot code keeps the table in the flash is not public, only that its own image (``bootloader.ubi``) has a
volume for it. So here the table in force is whichever stands, with a right CRC, inside the partition ``bootloader``;
the flasher puts what it was told into the last sector of that partition, unless an image brings its own.

Source: platform-asr 1.2, 1.4, 1.5, 4.2 (texts of the flasher; only their wording is known, not their punctuation).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from moduline.errors import BadFormat
from moduline.formats.container.asr_flash_list import BLOCK, DEVICE
from moduline.formats.container.asr_table import HEADER, SLOT
from moduline.nor.flash import Flash
from moduline.nor.geometry import ERASED

TABLE_MAGIC: Final = b"BTPA"
LIST_MAGIC: Final = b"FNIF"
MAX_SLOTS: Final = 32
CRC_AT: Final = 0x888
TABLE_BYTES: Final = 0x88C
MAX_BLOCKS: Final = 3
BOOT_PARTITION: Final = "bootloader"
WRITABLE: Final = frozenset({"ubi", "raw", "part", "cust", "flash"})
"""Formats of partitions that can be written; ``group`` is only a frame around others."""
_GIGADEVICE: Final = 0x600000C8


class ImageRefused(Exception):  # noqa: N818  not an error of ours: what the flasher answers
    """The flasher does not take an image; ``text`` is what it says."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True, slots=True)
class Place:
    """One partition.

    Attributes:
        name: such as ``customer_fs``.
        format: ``group``, ``flash``, ``ubi``, ``part``, ``raw`` or ``cust``.
        start: offset in the flash, bytes.
        size: length, bytes.
    """

    name: str
    format: str
    start: int
    size: int


Places = Mapping[str, Place]


def read_places(image: bytes) -> Places:
    """The partitions of a ``partition.bin``, by name; of equal names the first counts.

    Raises:
        ImageRefused: the flasher would not take it.
    """
    if not image.startswith(TABLE_MAGIC):
        raise ImageRefused("ptable: invalid magic")
    if len(image) < CRC_AT:
        raise ImageRefused("ptable: size too small")
    if len(image) >= TABLE_BYTES and crc_of(image) != int.from_bytes(image[CRC_AT:TABLE_BYTES], "little"):
        raise ImageRefused("ptable: crc not match")
    count = HEADER.unpack(image)["count"]
    if count > MAX_SLOTS:
        raise ImageRefused("ptable: count > MAX")
    places: dict[str, Place] = {}
    for number in range(count):
        slot = SLOT.unpack(image, HEADER.total_bytes + number * SLOT.total_bytes)
        name = _word(slot["name_field"])
        places.setdefault(name, Place(name, _word(slot["format_field"]), slot["start"], slot["size"]))
    return places


def crc_of(image: bytes) -> int:
    """CRC of a partition table's slots."""
    return zlib.crc32(image[:CRC_AT])


def flash_id(capacity_bytes: int) -> int:
    """What a virtual flash of that size answers: device in the upper, vendor in the lower half.

    The family of the chip in a real 8 MB file (GD25LQ64C, 0x601700C8), whose second byte is the size's logarithm.
    """
    return _GIGADEVICE | (capacity_bytes.bit_length() - 1) << 16


def check_flash_list(image: bytes, this_flash: int) -> None:
    """See that a ``flashinfo.bin`` names this flash.

    Raises:
        ImageRefused: it does not, or the flasher would not take it.
    """
    at, blocks, names = 0, 0, set()
    while True:
        try:
            block = BLOCK.unpack(image, at)
        except BadFormat:
            raise ImageRefused("flash info image too small") from None
        if block["magic"] != LIST_MAGIC:
            raise ImageRefused("flash info: invalid magic")
        at, blocks, count = at + BLOCK.total_bytes, blocks + 1, block["device_count"]
        if at + count * DEVICE.total_bytes > len(image):
            raise ImageRefused("flash info image too small")
        names |= {block["id"], *(DEVICE.unpack(image, at + n * DEVICE.total_bytes)["id"] for n in range(count))}
        at += count * DEVICE.total_bytes
        if not block["has_next"]:
            break
        if blocks == MAX_BLOCKS:
            raise ImageRefused("flash info: too many blocks")
    if this_flash not in names:
        raise ImageRefused(f"flash 0x{this_flash:08x} not found in flash info")


# ---- the table in the flash -----------------------------------------------------------------------------------------


def stored_table(flash: Flash, start: int, room: int) -> bytes | None:
    """The partition table inside a range of the flash; None when none with a right CRC is there.

    Raises:
        FlashCut: the power went away.
    """
    unit = flash.geometry.erase_bytes
    last = flash.read(start + room - unit, unit)
    if last.startswith(TABLE_MAGIC) and _is_whole(last):
        return last[:TABLE_BYTES]
    content = flash.read(start, room)
    at = content.find(TABLE_MAGIC)
    while at >= 0:
        if _is_whole(content[at:]):
            return content[at : at + TABLE_BYTES]
        at = content.find(TABLE_MAGIC, at + 1)
    return None


def keep_table(flash: Flash, table: bytes) -> bool:
    """Put a table that was accepted into the flash it is for, unless it is there.

    Gives:
        Whether it is in force now; False where the table has no place for itself.

    Raises:
        FlashCut: the power went away.
    """
    home, unit = read_places(table).get(BOOT_PARTITION), flash.geometry.erase_bytes
    if home is None or home.size < 2 * unit or (home.start | home.size) % unit:
        return False
    if home.start + home.size > flash.geometry.capacity_bytes:
        return False
    whole = table[:CRC_AT] + crc_of(table).to_bytes(4, "little")
    if stored_table(flash, home.start, home.size) != whole:
        at = home.start + home.size - unit
        flash.erase(at, unit)
        flash.program(at, whole)
    return True


def _is_whole(image: bytes) -> bool:
    if len(image) < TABLE_BYTES:
        return False
    try:
        read_places(image)
    except ImageRefused:
        return False
    return True


def _word(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("latin-1")


def is_blank(data: bytes) -> bool:
    """Whether nothing was ever programmed there."""
    return data.count(ERASED) == len(data)

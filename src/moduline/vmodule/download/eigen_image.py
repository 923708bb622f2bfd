"""What an agentboot makes of one image: the rules for its head, and its body written block by block.

::

    id     default offset   head kept at   other burn addresses
    BL     AP 0x4000        AP 0x0000      (not looked at)
    AP     AP 0x20000       AP 0x2000      low byte 0, from 0x4000 on
    CP     CP 0             -              the same
    FLEX   (none)           -              the same

A kept head goes into 8 KiB that are erased first, and is read back. A block is erased when it is whole, never before;
so a power cut leaves a new beginning, at most one torn block, and the old rest.

Where the reference is silent: a head that does not begin as one, or has another id, is 0x98; more than one image, an
unknown hash mode, a burn address or a flash that is not allowed are 0x82; an image that is empty, too long or does not
fit is 0x94; in the modes AA and DD a wrong hash of the head is 0x9A, one of the body 0x33.

Source: platform-eigencomm 3.2, 3.4.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from moduline.errors import BadFormat
from moduline.vmodule.download.eigen_flash import ChipFlashes, FlashArea
from moduline.wire.download.eigen import AP_FLASH, BLOCK_BYTES, CP_FLASH, Code
from moduline.wire.download.eigen_head import (
    HEAD_BYTES,
    MAX_IMAGE_BYTES,
    HashMode,
    ImageHead,
    ImageId,
    is_hash_right,
    unpack_head,
)

MAX_HEAD_BYTES: Final = 0x2000
"""Head and extended head together."""
EXTRA_MAGIC: Final = b"HTPO"
"""At 256 of a head that an extended head follows; its length stands behind."""
LOAD_SKIPPED: Final = 1
LEAST_BURN_ADDRESS: Final = 0x4000
_DEFAULTS: Final[dict[int, int]] = {ImageId.BOOT: 0x4000, ImageId.AP: 0x20000, ImageId.CP: 0}
_HEAD_PLACES: Final[dict[int, int]] = {ImageId.BOOT: 0x0000, ImageId.AP: 0x2000}
IMAGES: Final = frozenset((ImageId.BOOT, ImageId.AP, ImageId.CP, ImageId.FLEX))
"""Ids that BURN_ONE knows."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an accepted image goes.

    Attributes:
        head: its head.
        area: AP or CP flash.
        offset: of the body in the area.
    """

    head: ImageHead
    area: FlashArea
    offset: int

    @property
    def bus_address(self) -> int:
        """Where the chip will see the body."""
        return self.area.bus_address + self.offset


def area_for(flashes: ChipFlashes, image_id: int, selector: bytes) -> FlashArea | Code:
    """The flash of a BURN_ONE; without a selector, a CP image goes to the CP flash if there is one, others to the AP.

    Args:
        flashes: both.
        image_id: what is to be burnt.
        selector: two bytes, or none.
    """
    if image_id not in IMAGES:
        return Code.WRONG_IMAGE
    if selector not in {b"", AP_FLASH, CP_FLASH}:
        return Code.BAD_PARAMETER
    has_cp = flashes.cp.size_bytes > 0
    is_cp = selector == CP_FLASH if selector else image_id == ImageId.CP and has_cp
    if is_cp and (image_id in _HEAD_PLACES or not has_cp):
        return Code.BAD_PARAMETER
    return flashes.cp if is_cp else flashes.ap


def check_head(data: bytes, image_id: int, area: FlashArea) -> Destination | Code:
    """What a whole head, extension included, says; or the code it is refused with."""
    try:
        head = unpack_head(data[:HEAD_BYTES])
    except BadFormat:
        return Code.WRONG_IMAGE
    extra_bytes = int.from_bytes(head.extra[4:8], "little") if head.extra[:4] == EXTRA_MAGIC else 0
    if len(data) != HEAD_BYTES + extra_bytes:
        return Code.BAD_EXTRA_HEAD
    if head.image_id != image_id or head.load_type == LOAD_SKIPPED:
        return Code.WRONG_IMAGE
    if head.count != 1 or head.hash_mode not in set(HashMode):
        return Code.BAD_PARAMETER
    if head.hash_mode != HashMode.NOT_CHECKED and not is_hash_right(data[:HEAD_BYTES]):
        return Code.BAD_CHECK
    offset = _offset_of(head, area)
    if offset is None:
        return Code.BAD_PARAMETER
    if not 0 < head.size_bytes <= MAX_IMAGE_BYTES or not area.has(offset, head.size_bytes):
        return Code.SIZE_OUT_OF_RANGE
    return Destination(head, area, offset)


def _offset_of(head: ImageHead, area: FlashArea) -> int | None:
    if head.image_id == ImageId.BOOT or head.burn_address == 0:
        return _DEFAULTS.get(head.image_id)
    offset = area.offset_of(head.burn_address)
    return offset if offset >= LEAST_BURN_ADDRESS and offset & 0xFF == 0 else None


def keep_head(destination: Destination, data: bytes) -> Code | None:
    """Write the head of a BL or AP image to its place; None when that went well.

    Raises:
        FlashCut: the power went away.
    """
    place = _HEAD_PLACES.get(destination.head.image_id)
    if place is None:
        return None
    destination.area.erase_sectors(place, MAX_HEAD_BYTES)
    destination.area.program(place, data)
    return None if destination.area.read(place, len(data)) == data else Code.FLASH_VERIFY


class Body:
    """The body of an image on its way into the flash.

    Args:
        destination: where it goes.
    """

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._written = 0
        self._erased_to = destination.offset
        self._hash = hashlib.sha256()

    @property
    def next_bytes(self) -> int:
        """Length of the block that is wanted next; 0 when all are there."""
        return min(BLOCK_BYTES, self._destination.head.size_bytes - self._written)

    def write(self, block: bytes) -> Code | None:
        """Erase, program, read back; behind the last block also check the hash. None when all went well.

        Raises:
            FlashCut: the power went away.
        """
        area, at = self._destination.area, self._destination.offset + self._written
        unit = area.flash.geometry.erase_bytes
        end = at + len(block)
        if end > self._erased_to:
            area.erase_sectors(self._erased_to, end - self._erased_to)
            self._erased_to = -(-end // unit) * unit
        area.program(at, block)
        if area.read(at, len(block)) != block:
            return Code.FLASH_VERIFY
        self._written += len(block)
        self._hash.update(block)
        head = self._destination.head
        is_checked = head.hash_mode != HashMode.NOT_CHECKED and not self.next_bytes
        return Code.FLASH_VERIFY if is_checked and self._hash.digest() != head.image_sha256 else None

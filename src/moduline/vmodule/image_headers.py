"""What stands before boot code and system in the flash, by the kind of header a chip has; pure reading.

::

    uimage   64 bytes, big-endian, two CRC-32 (8910)
    sihr     256 bytes, little-endian, two CRC-32 (8850)
    none     the image begins with its first byte (ASR, EigenComm: no public header); only our own has a length

Source: platform-unisoc 3.1, 3.2; platform-asr 1.2; platform-eigencomm 1.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from moduline.digest import crc32
from moduline.formats import sihr, system_image, uimage
from moduline.nor.flash import Flash
from moduline.nor.geometry import ERASED

_READ_BYTES: Final = 0x10000
LEAD_BYTES: Final = {"uimage": uimage.HEADER_BYTES, "sihr": sihr.HEADER_BYTES, "none": 0}
"""Length of each header."""


@dataclass(frozen=True, slots=True)
class ImagePlace:
    """A range of the flash that an image with a header may stand in.

    Attributes:
        flash: the flash.
        start: offset of the range.
        room: its length.
        header: ``uimage``, ``sihr`` or ``none``.
    """

    flash: Flash
    start: int
    room: int
    header: str

    @property
    def content_start(self) -> int:
        """Offset of what stands behind the header."""
        return self.start + LEAD_BYTES[self.header]

    def fault(self) -> str | None:
        """``erased``, ``invalid``, or None for an image that may be run as far as its header tells."""
        head = self.flash.read(self.start, LEAD_BYTES[self.header] or uimage.HEADER_BYTES)
        if head.count(ERASED) == len(head):
            return "erased"
        if self.header == "none":
            return None
        stated = _uimage_head(head) if self.header == "uimage" else _sihr_head(head)
        if stated is None or stated[0] > self.room - len(head):
            return "invalid"
        size, right_crc = stated
        check = 0
        for piece in self._pieces(self.content_start, size):
            check = crc32(piece, check)
        return None if check == right_crc else "invalid"

    def content(self) -> bytes:
        """What stands behind the header of an image without fault; without a header, our own image or all there is."""
        head = self.flash.read(self.start, max(LEAD_BYTES[self.header], system_image.HEADER.total_bytes))
        if self.header == "uimage":
            size = int.from_bytes(head[12:16], "big")
        elif self.header == "sihr":
            size = sihr.HEADER.unpack(head)["total_bytes"] - sihr.HEADER_BYTES
        elif system_image.is_system_image(head):
            fields = system_image.HEADER.unpack(head)
            size = fields["rom_offset"] + fields["rom_bytes"]
        else:
            size = self.room
        return self.flash.read(self.content_start, min(size, self.room - LEAD_BYTES[self.header]))

    def stamp(self) -> bytes:
        """A few bytes that change with the image: the header's check value, or its beginning."""
        return self.flash.read(self.start, LEAD_BYTES[self.header] or uimage.HEADER_BYTES)

    def _pieces(self, start: int, size: int) -> Iterator[bytes]:
        for at in range(start, start + size, _READ_BYTES):
            yield self.flash.read(at, min(_READ_BYTES, start + size - at))


def _uimage_head(head: bytes) -> tuple[int, int] | None:
    """Length and CRC of the data; None for a header that is none, or damaged."""
    if not uimage.is_uimage(head) or crc32(head[:4] + bytes(4) + head[8:]) != int.from_bytes(head[4:8], "big"):
        return None
    return int.from_bytes(head[12:16], "big"), int.from_bytes(head[24:28], "big")


def _sihr_head(head: bytes) -> tuple[int, int] | None:
    """The same for the other header."""
    if not sihr.is_sihr(head):
        return None
    fields = sihr.HEADER.unpack(head)
    if fields["header_crc"] != crc32(head[sihr.CHECKED_FROM :]) or fields["total_bytes"] < sihr.HEADER_BYTES:
        return None
    return fields["total_bytes"] - sihr.HEADER_BYTES, fields["payload_crc"]

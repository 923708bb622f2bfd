"""Sparse images as the flasher of ASR1601 takes them: chunk by chunk, straight into the partition.

::

    header   >= 28 bytes: magic, version, its size, chunk header's size, block size, total blocks, chunks, (checksum)
    chunk    >= 12 bytes: type, 0, blocks, total
    RAW      total = header + blocks x block size
    FILL     total = header + 8: pattern, and four bytes that nobody looks at
    SKIP     (DONT_CARE) total not looked at, no data
    CRC      total = header + 4: CRC-32 of all RAW and FILL data so far; the four bytes are not stepped over

What is wrong in a chunk is found when it is reached: the chunks before it are in the flash by then. The flasher prints
``flashing raw partition image not continous`` under conditions nobody has published; they are not imitated.

Where the code of the real one is not known: data that ends inside a chunk is ``size too low``, a sum of blocks that is
not the total is ``sparse image write failure``. Sectors that are written in part keep the rest of what they held.

Source: platform-asr 4.2 (texts), 4.3 (rules of the machine code).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Final

from moduline.formats.container.asr_sparse import CHUNK, HEADER
from moduline.nor.flash import Flash
from moduline.vmodule.download.asr_tables import ImageRefused, Place

MAGIC: Final = b"\x3a\xff\x26\xed"
RAW: Final = 0xCAC1
FILL: Final = 0xCAC2
DONT_CARE: Final = 0xCAC3
CRC: Final = 0xCAC4
CRC_BYTES: Final = 4
FILL_BYTES: Final = 8
PATTERN_BYTES: Final = 4
PIECE_BYTES: Final = 0x10000
_ERASED: Final = b"\xff"


class PartitionWriter:
    """Writes into one partition, sector by sector: erase, then program.

    Args:
        flash: the chip.
        place: the partition; inside the chip.
    """

    def __init__(self, flash: Flash, place: Place) -> None:
        self._flash = flash
        self.start = place.start
        self.size = place.size

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Put ``data`` at an offset of the partition; the rest of sectors it shares with others stays as it is.

        Raises:
            FlashCut: the power went away.
        """
        unit, at, end = self._flash.geometry.erase_bytes, self.start + offset, self.start + offset + len(data)
        while at < end:
            sector = at // unit * unit
            stop = min(sector + unit, end)
            piece = bytes(data[at - end + len(data) : stop - end + len(data)])
            if len(piece) < unit:
                old = self._flash.read(sector, unit)
                piece = old[: at - sector] + piece + old[stop - sector :]
            self._flash.erase(sector, unit)
            if content := piece.rstrip(_ERASED):
                self._flash.program(sector, content)
            at = stop


class SparseImage:
    """One sparse image on its way into a partition.

    Args:
        image: the bytes.
        writer: of the partition.
        on_progress: told the percentage after every chunk.

    Attributes:
        written_bytes: content of RAW and FILL chunks that is in the flash.

    Raises:
        ImageRefused: the header is wrong.
    """

    def __init__(self, image: bytes, writer: PartitionWriter, on_progress: Callable[[int], None]) -> None:
        if not image.startswith(MAGIC):
            raise ImageRefused("not a sparse file image")
        if len(image) < HEADER.total_bytes:
            raise ImageRefused("size too low")
        head = HEADER.unpack(image)
        if head["header_bytes"] < HEADER.total_bytes:
            raise ImageRefused("sparse header size mismatch")
        if head["chunk_header_bytes"] < CHUNK.total_bytes:
            raise ImageRefused("chunk header size mismatch")
        self._block_bytes: int = head["block_bytes"]
        if not self._block_bytes or self._block_bytes % 4:
            raise ImageRefused("Invalid block size")
        self._total_blocks: int = head["total_blocks"]
        if self._block_bytes * self._total_blocks > writer.size:
            raise ImageRefused("size too large")
        self._image = memoryview(image)
        self._writer = writer
        self._on_progress = on_progress
        self._at: int = head["header_bytes"]
        self._lead: int = head["chunk_header_bytes"]
        self._chunks: int = head["chunk_count"]
        self._block = 0
        self._crc = 0
        self.written_bytes = 0

    def write(self) -> None:
        """Take all chunks.

        Raises:
            ImageRefused: one is wrong; those before it are written.
            FlashCut: the power went away.
        """
        for _ in range(self._chunks):
            self._take_chunk()
            self._on_progress(min(100 * self._block // max(self._total_blocks, 1), 99))
        if self._block != self._total_blocks:
            raise ImageRefused("sparse image write failure")

    def _take_chunk(self) -> None:
        if self._at + max(self._lead, CHUNK.total_bytes) > len(self._image):
            raise ImageRefused("size too low")
        head = CHUNK.unpack(bytes(self._image[self._at : self._at + CHUNK.total_bytes]))
        self._at += self._lead
        kind, blocks, data_bytes = head["type"], head["blocks"], head["total_bytes"] - self._lead
        room = blocks * self._block_bytes
        if kind == RAW:
            self._check(data_bytes == room, "Bogus chunk size for chunk type Raw")
            self._check_room(room)
            self._take(room, self._raw_pieces(room))
            self._at += room
        elif kind == FILL:
            self._check(data_bytes == FILL_BYTES, "Bogus chunk size for chunk type FILL")
            self._check_room(room)
            self._check(self._at + FILL_BYTES <= len(self._image), "size too low")
            self._take(room, _filled(bytes(self._image[self._at : self._at + PATTERN_BYTES]), room))
            self._at += FILL_BYTES
        elif kind == CRC:
            self._check(data_bytes == CRC_BYTES, "Bogus chunk size for chunk type CRC")
            stored = bytes(self._image[self._at : self._at + CRC_BYTES])
            self._check(stored == self._crc.to_bytes(CRC_BYTES, "little"), "invalid sparse crc")
        elif kind != DONT_CARE:
            raise ImageRefused("Unknown chunk type")
        self._block += blocks

    def _raw_pieces(self, room: int) -> Iterator[bytes | memoryview]:
        self._check(self._at + room <= len(self._image), "size too low")
        for at in range(self._at, self._at + room, PIECE_BYTES):
            yield self._image[at : min(at + PIECE_BYTES, self._at + room)]

    def _check_room(self, room: int) -> None:
        self._check(
            self._block * self._block_bytes + room <= self._writer.size, "Chunk data size exceeds partition size"
        )

    def _take(self, room: int, pieces: Iterator[bytes | memoryview]) -> None:
        offset = self._block * self._block_bytes
        for piece in pieces:
            self._crc = zlib.crc32(piece, self._crc)
            self._writer.write(offset, piece)
            offset += len(piece)
        self.written_bytes += room

    @staticmethod
    def _check(is_right: bool, text: str) -> None:
        if not is_right:
            raise ImageRefused(text)


def _filled(pattern: bytes, room: int) -> Iterator[bytes]:
    whole = pattern * (min(room, PIECE_BYTES) // PATTERN_BYTES)
    for at in range(0, room, PIECE_BYTES):
        yield whole[: room - at]

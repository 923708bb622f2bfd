"""Every digest that some family of devices asks for, in one pass over a file.

QuecThing modules want MD5 and CRC-32/MPEG-2 (both, or they fail the upgrade at once), the DDI wants SHA-1 and SHA-256.
MD5 is lower-case hex: the device compares text.

Source: ota-semantics 2, 11.5, 14 (``123456789`` has CRC-32/MPEG-2 ``0376e6e7``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import fastcrc

SLICE_BYTES: Final = 256 * 1024
"""A piece that stays in the processor's cache while five digests read it."""


@dataclass(frozen=True, slots=True)
class FileDigests:
    """What is known of one file of an artifact.

    Args:
        size_bytes: length.
        md5: 32 lower-case hex digits.
        sha1: 40 of them.
        sha256: 64 of them; also the key of the file in the store.
        crc32_mpeg2: 8 of them.
    """

    size_bytes: int
    md5: str
    sha1: str
    sha256: str
    crc32_mpeg2: str


def crc32_mpeg2(data: bytes, start: int = 0xFFFFFFFF) -> int:
    """CRC-32/MPEG-2 (polynomial 0x04C11DB7, MSB first, init all ones, no final inversion).

    Args:
        data: bytes.
        start: the value after the bytes before.
    """
    return int(fastcrc.crc32.mpeg_2(data, start))


@dataclass(slots=True)
class Digester:
    """Takes a file piece by piece, of any size, and gives its digests at the end."""

    size_bytes: int = 0
    _crc: int = 0xFFFFFFFF
    _hashes: tuple[hashlib._Hash, hashlib._Hash, hashlib._Hash] = field(
        default_factory=lambda: (
            hashlib.md5(usedforsecurity=False),
            hashlib.sha1(usedforsecurity=False),
            hashlib.sha256(),
        )
    )

    def take(self, data: bytes | bytearray | memoryview) -> None:
        """The next bytes of the file."""
        view = memoryview(data).cast("B")
        for at in range(0, len(view), SLICE_BYTES):
            piece = view[at : at + SLICE_BYTES]
            for one in self._hashes:
                one.update(piece)
            self._crc = crc32_mpeg2(bytes(piece), self._crc)
        self.size_bytes += len(view)

    def give(self) -> FileDigests:
        """Digests of all that was taken; more may be taken afterwards."""
        md5, sha1, sha256 = (one.hexdigest() for one in self._hashes)
        return FileDigests(self.size_bytes, md5, sha1, sha256, f"{self._crc:08x}")


def digests_of(pieces: Iterable[bytes]) -> FileDigests:
    """Digests of a file that is at hand."""
    digester = Digester()
    for piece in pieces:
        digester.take(piece)
    return digester.give()

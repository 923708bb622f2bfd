"""Content that is kept LZMA- or XZ-compressed: recognised, unpacked for the difference, packed again on this computer.

What a burner sends is what lies in the flash, so a part that is compressed in a package is compressed on the module.
A difference is taken between unpacked images; a module that applied it would have to compress the result to the same
bytes again, which no boot code here does. So such a part travels whole, unless the user says that the module keeps it
plain.

Source: seed S1 (why differences are taken before compression); delta.md 4 (parts stored compressed in flash).
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass, field
from typing import Any, Final

from moduline.formats import sihr, uimage

MAX_BYTES: Final = 64 << 20
_XZ_MAGIC: Final = b"\xfd7zXZ\0"
_ALONE_HEAD_BYTES: Final = 13
_MAX_PROPERTIES: Final = 9 * 5 * 5
_MAX_DICTIONARY: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Packed:
    """Content in a known compression.

    Attributes:
        packing: ``LZMA`` or ``XZ``.
        content: unpacked.
        is_bare: nothing stands before the stream; False behind the header of an image.
    """

    packing: str
    content: bytes = field(repr=False)
    is_bare: bool = True


def unpacked(data: bytes) -> Packed | None:
    """The content of a compressed part, also behind the header of an image; None where it is not compressed."""
    lead = _header_bytes(data)
    found = _stream(data[lead:])
    return Packed(*found, is_bare=not lead) if found is not None else None


def packed_again(content: bytes, like: bytes) -> bytes:
    """Content compressed as another stream is; what unpacks to the same, not the same bytes as a vendor's packer gives.

    Args:
        content: what to compress.
        like: a stream without a header before it, whose kind and properties are taken.
    """
    if like.startswith(_XZ_MAGIC):
        return lzma.compress(content, lzma.FORMAT_XZ, preset=9)
    properties = like[0]
    filters: list[dict[str, Any]] = [
        {
            "id": lzma.FILTER_LZMA1,
            "preset": 9,
            "lc": properties % 9,
            "lp": properties // 9 % 5,
            "pb": properties // 45,
            "dict_size": int.from_bytes(like[1:5], "little"),
        }
    ]
    return lzma.compress(content, lzma.FORMAT_ALONE, filters=filters)


def _header_bytes(data: bytes) -> int:
    if uimage.is_uimage(data):
        return uimage.HEADER_BYTES
    return sihr.HEADER_BYTES if sihr.is_sihr(data) else 0


def _stream(data: bytes) -> tuple[str, bytes] | None:
    """Kind and content of a whole stream; None for anything else, also for a broken one."""
    if data.startswith(_XZ_MAGIC):
        kind, name = lzma.FORMAT_XZ, "XZ"
    elif _is_alone(data):
        kind, name = lzma.FORMAT_ALONE, "LZMA"
    else:
        return None
    reader = lzma.LZMADecompressor(kind, memlimit=2 * _MAX_DICTIONARY)
    try:
        content = reader.decompress(data, MAX_BYTES)
    except lzma.LZMAError:
        return None
    return (name, content) if reader.eof and not reader.unused_data.strip(b"\0\xff") else None


def _is_alone(data: bytes) -> bool:
    """Whether the 13 bytes at the start can be the head of an LZMA stream of a packer."""
    if len(data) <= _ALONE_HEAD_BYTES or data[0] >= _MAX_PROPERTIES:
        return False
    dictionary, size = int.from_bytes(data[1:5], "little"), int.from_bytes(data[5:13], "little")
    is_rounded = dictionary.bit_count() in {1, 2} and 4096 <= dictionary <= _MAX_DICTIONARY
    return is_rounded and (size == (1 << 64) - 1 or 0 < size <= MAX_BYTES) and data[13] == 0

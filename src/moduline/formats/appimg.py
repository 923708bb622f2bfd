"""The application image of the 8910 (APPIMG): recognised and checked.

::

    0   header  32 bytes: magic "2PPA", total size, CRC-32, kind, two entry addresses
    32  body    to the stated size;  behind it nothing or a signature block

The CRC covers the whole stated size with its own field 0.

Source: platform-unisoc 3.3; the signature block and the addresses were seen in a real package.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from moduline.digest import crc32
from moduline.errors import BadChecksum, BadFormat, Text
from moduline.formats.record import Field, RecordTable

MAGIC: Final = b"2PPA"
HEADER_BYTES: Final = 32

HEADER: Final = RecordTable(
    "APPIMG header",
    (
        Field("magic", "bytes:4", "2PPA"),
        Field("total_bytes", "u32", "size of header and body", "bytes"),
        Field("crc", "u32", "CRC-32 of header and body with this field 0"),
        Field("kind", "u32", "0x10000 in the file seen"),
        Field("entry_addresses", "u32[2]", "addresses within the image"),
        Field("reserved", "bytes:8", "zero"),
    ),
    total_bytes=HEADER_BYTES,
)
_CRC_AT: Final = HEADER.offsets["crc"]


@dataclass(frozen=True, slots=True)
class AppImage:
    """A checked application image; ``body`` is what follows the header, ``trailer`` what follows the image."""

    total_bytes: int
    kind: int
    entry_addresses: tuple[int, int]
    body: bytes = field(repr=False)
    reserved: bytes = field(default=bytes(8), repr=False)
    trailer: bytes = field(default=b"", repr=False)


def is_appimg(data: bytes) -> bool:
    """Whether the magic stands at the start."""
    return data.startswith(MAGIC)


def read(data: bytes) -> AppImage:
    """The image, its CRC checked.

    Raises:
        BadFormat: no magic, or a size beyond the data.
        BadChecksum: the CRC is wrong.
    """
    head = HEADER.unpack(data)
    if head["magic"] != MAGIC:
        raise BadFormat(format="APPIMG", reason=Text("wrong magic", "魔数错误"), offset=0, rule="magic")
    total = head["total_bytes"]
    if not HEADER_BYTES <= total <= len(data):
        why = Text("the size is out of range", "长度超出范围")
        raise BadFormat(format="APPIMG", reason=why, offset=HEADER.offsets["total_bytes"], rule="size")
    computed = _crc(data[:total])
    if head["crc"] != computed:
        raise BadChecksum(format="APPIMG", name="CRC", found=f"0x{head['crc']:08x}", expected=f"0x{computed:08x}")
    return AppImage(
        total, head["kind"], head["entry_addresses"], data[HEADER_BYTES:total], head["reserved"], data[total:]
    )


def write(image: AppImage) -> bytes:
    """The bytes of the image; size and CRC are computed."""
    values = {
        "magic": MAGIC,
        "total_bytes": HEADER_BYTES + len(image.body),
        "crc": 0,
        "kind": image.kind,
        "entry_addresses": image.entry_addresses,
        "reserved": image.reserved,
    }
    values["crc"] = _crc(HEADER.pack(values) + image.body)
    return HEADER.pack(values) + image.body + image.trailer


def _crc(image: bytes) -> int:
    return crc32(image[_CRC_AT + 4 :], crc32(bytes(4), crc32(image[:_CRC_AT])))

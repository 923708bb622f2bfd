"""The U-Boot header of 8910 images (fdl1, fdl2, boot, AP): read, checked, written.

::

    0    header   64 bytes, big-endian
    64   data     header.data_bytes
    ...  trailer  nothing, or padding of 0xFF and a signature block of 0x260 bytes that begins with RDASEdB2

Source: platform-unisoc 3.1, which names the signature RDASVDB2: both are accepted. The padding before a signature and
RDASEdB2 were seen in a real package.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from moduline.digest import crc32
from moduline.errors import BadChecksum, BadFormat, Text
from moduline.formats.record import Field, RecordTable

MAGIC: Final = 0x27051956
HEADER_BYTES: Final = 64
SIGNATURE_MAGICS: Final = (b"RDASEdB2", b"RDASVDB2")
SIGNATURE_BYTES: Final = 0x260

HEADER: Final = RecordTable(
    "uImage header",
    (
        Field("magic", "u32be", "0x27051956"),
        Field("header_crc", "u32be", "CRC-32 of the header with this field 0"),
        Field("time", "u32be", "time of the build", "seconds of the Unix epoch"),
        Field("data_bytes", "u32be", "size of the data", "bytes"),
        Field("load_address", "u32be", "where the data is loaded"),
        Field("entry_address", "u32be", "where execution begins"),
        Field("data_crc", "u32be", "CRC-32 of the data"),
        Field("os", "u8", "operating system, 5"),
        Field("arch", "u8", "architecture, 2"),
        Field("type", "u8", "image type, 1"),
        Field("compression", "u8", "compression, 0"),
        Field("name", "bytes:32", "build name, NUL-padded"),
    ),
    total_bytes=HEADER_BYTES,
)


@dataclass(frozen=True, slots=True)
class UImage:
    """One image; sizes and CRCs are not part of it, they follow from the data."""

    load_address: int
    entry_address: int
    data: bytes = field(repr=False)
    name: bytes = bytes(32)
    time: int = 0
    os: int = 5
    arch: int = 2
    type: int = 1
    compression: int = 0
    trailer: bytes = field(default=b"", repr=False)

    @property
    def is_signed(self) -> bool:
        """Whether a signature block ends the image."""
        return self.trailer[-SIGNATURE_BYTES:].startswith(SIGNATURE_MAGICS)

    @property
    def label(self) -> str:
        """The build name as text."""
        return self.name.partition(b"\0")[0].decode("ascii", "replace")


def is_uimage(data: bytes) -> bool:
    """Whether the magic stands at the start."""
    return data[:4] == MAGIC.to_bytes(4, "big")


def read(data: bytes) -> UImage:
    """The image, both CRCs checked; what stands behind the data becomes the trailer.

    Raises:
        BadFormat: no magic, or the data ends too early.
        BadChecksum: the header's or the data's CRC is wrong.
    """
    head = HEADER.unpack(data)
    if head["magic"] != MAGIC:
        raise BadFormat(format="uImage", reason=Text("wrong magic", "魔数错误"), offset=0, rule="magic")
    _check("header CRC", head["header_crc"], _header_crc(data[:HEADER_BYTES]))
    end = HEADER_BYTES + head["data_bytes"]
    if end > len(data):
        why = Text("the data ends too early", "数据过早结束")
        raise BadFormat(format="uImage", reason=why, offset=len(data), rule="truncated")
    content = data[HEADER_BYTES:end]
    _check("data CRC", head["data_crc"], crc32(content))
    names = {name: head[name] for name in UImage.__dataclass_fields__ if name in HEADER.offsets}
    return UImage(data=content, trailer=data[end:], **names)


def write(image: UImage) -> bytes:
    """The bytes of the image; sizes and both CRCs are computed."""
    values: dict[str, Any] = {name: getattr(image, name) for name in HEADER.offsets if hasattr(image, name)}
    values |= {"magic": MAGIC, "header_crc": 0, "data_bytes": len(image.data), "data_crc": crc32(image.data)}
    values["header_crc"] = crc32(HEADER.pack(values))
    return HEADER.pack(values) + image.data + image.trailer


def _header_crc(header: bytes) -> int:
    return crc32(header[:4] + bytes(4) + header[8:])


def _check(name: str, stored: int, computed: int) -> None:
    if stored != computed:
        raise BadChecksum(format="uImage", name=name, found=f"0x{stored:08x}", expected=f"0x{computed:08x}")

"""The SIHR header of 8850 images: read, checked, and written without certificates.

A real chip refuses an image without its maker's certificates; what is written here is for virtual modules.

::

    0     header    256 bytes, little-endian; two CRC-32
    256   payload   data, then certificates

Source: platform-unisoc 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from moduline.digest import crc32
from moduline.errors import BadChecksum, BadFormat, Text, Unsupported
from moduline.formats.record import Field, RecordTable

MAGIC: Final = b"SIHR"
HEADER_BYTES: Final = 256
CHECKED_FROM: Final = 36
CHECK_METHODS: Final = 0xF
"""The bits of ``flags`` that name the checksum method; only CRC-32, method 0, is documented."""

HEADER: Final = RecordTable(
    "SIHR header",
    (
        Field("magic", "bytes:4", "SIHR"),
        Field("header_crc", "u32", "CRC-32 of bytes 36 to 255"),
        Field("header_crc_rest", "bytes:28", "zero"),
        Field("total_bytes", "u32", "size of the image, header included", "bytes"),
        Field("name", "bytes:64", "build name, NUL-terminated"),
        Field("format_version", "u16[4]", "format version, patch, minor, major"),
        Field("revision", "u32", "revision"),
        Field("platform", "u32", "platform, 1"),
        Field("time", "u32", "time of the build", "seconds of the Unix epoch"),
        Field("header_bytes", "u32", "size of this header", "bytes"),
        Field("flags", "u32", "bits 3:0 checksum method, 0 is CRC-32"),
        Field("payload_crc", "u32", "CRC-32 of bytes 256 to the end"),
        Field("payload_crc_rest", "bytes:28", "zero"),
        Field("data_offset", "u32", "offset of the data", "bytes"),
        Field("data_bytes", "u32", "size of the data", "bytes"),
        Field("data_flags", "u32", "encryption"),
        Field("load_address", "u32[2]", "load address, low and high"),
        Field("entry_address", "u32[2]", "entry address, low and high"),
        Field("private_data", "u32[3]", "private data: offset, size, flags"),
        Field("certificates", "u32[10]", "five pairs of offset and size"),
        Field("reserved", "bytes:12", "zero"),
    ),
    total_bytes=HEADER_BYTES,
)


@dataclass(frozen=True, slots=True)
class SihrImage:
    """What a checked header says; addresses are the low words."""

    name: str
    total_bytes: int
    time: int
    load_address: int
    entry_address: int
    data: bytes = field(repr=False)
    is_signed: bool = False


def is_sihr(data: bytes) -> bool:
    """Whether the magic stands at the start."""
    return data.startswith(MAGIC)


def read(data: bytes) -> SihrImage:
    """The image, both CRCs checked; bytes behind its stated size are ignored.

    Raises:
        BadFormat: no magic, or a size or offset beyond the data.
        BadChecksum: the header's or the payload's CRC is wrong.
        Unsupported: a checksum method that is not documented.
    """
    head = HEADER.unpack(data)
    if head["magic"] != MAGIC:
        raise BadFormat(format="SIHR image", reason=Text("wrong magic", "魔数错误"), offset=0, rule="magic")
    _check("header CRC", head["header_crc"], crc32(data[CHECKED_FROM:HEADER_BYTES]))
    if head["flags"] & CHECK_METHODS:
        raise Unsupported(
            format="SIHR image",
            reason=Text("checksum method {method} is not documented", "校验方式 {method} 无公开资料"),
            remedy=Text("take an image with CRC-32 (method 0)", "请使用 CRC-32（方式 0）的镜像"),
            method=head["flags"] & CHECK_METHODS,
        )
    end = head["data_offset"] + head["data_bytes"]
    if not HEADER_BYTES <= head["total_bytes"] <= len(data) or end > head["total_bytes"]:
        why = Text("a size is out of range", "长度超出范围")
        raise BadFormat(format="SIHR image", reason=why, offset=HEADER.offsets["total_bytes"], rule="size")
    _check("payload CRC", head["payload_crc"], crc32(data[HEADER_BYTES : head["total_bytes"]]))
    return SihrImage(
        name=head["name"].partition(b"\0")[0].decode("ascii", "replace"),
        total_bytes=head["total_bytes"],
        time=head["time"],
        load_address=head["load_address"][0],
        entry_address=head["entry_address"][0],
        data=data[head["data_offset"] : end],
        is_signed=any(head["certificates"]),
    )


def write(data: bytes, name: str, time: int, load_address: int) -> bytes:
    """An image around ``data``, both CRCs right, without certificates.

    Args:
        data: the payload.
        name: build name, at most 63 characters of ASCII.
        time: seconds of the Unix epoch.
        load_address: where the payload lies when it runs; also its entry.
    """
    head = dict.fromkeys(HEADER.offsets, 0) | {
        "magic": MAGIC,
        "header_crc_rest": bytes(28),
        "total_bytes": HEADER_BYTES + len(data),
        "name": name.encode("ascii").ljust(64, b"\0"),
        "format_version": (1, 0, 1, 1),
        "platform": 1,
        "time": time,
        "header_bytes": HEADER_BYTES,
        "payload_crc": crc32(data),
        "payload_crc_rest": bytes(28),
        "data_offset": HEADER_BYTES,
        "data_bytes": len(data),
        "load_address": (load_address, 0),
        "entry_address": (load_address, 0),
        "private_data": (0,) * 3,
        "certificates": (0,) * 10,
        "reserved": bytes(12),
    }
    head["header_crc"] = crc32(HEADER.pack(head)[CHECKED_FROM:])
    return HEADER.pack(head) + data


def _check(name: str, stored: int, computed: int) -> None:
    if stored != computed:
        raise BadChecksum(format="SIHR image", name=name, found=f"0x{stored:08x}", expected=f"0x{computed:08x}")

"""The 272-byte image head that goes before every image, and the ids of images; for both ends.

::

    0   u32 10000001  "HMIT"  u32 20180507  0 | count 1 | mode EE, load type, baud control, options, 0
    32  SHA-256 of these 272 bytes with this field zero
    64  u32 image id, burn address, load address, image size | 16 zero bytes
    96  SHA-256 of the image
    128 signature 64, public key 64 | "HTPO" and the extra length, or 16 zero bytes

In mode EE neither ROM nor agentboot looks at any hash; what they make of the other modes is not known.

Source: platform-eigencomm 3.4.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from moduline.errors import BadFormat, Text

HEAD_BYTES: Final = 0x110
MAX_IMAGE_BYTES: Final = 0x3FC000
"""Largest image that an agentboot takes."""
LOAD_ADDRESS: Final = 0x04010000
BAUD_FLAG: Final = 0x8000
HASH_AT: Final = 32
HASH_BYTES: Final = 32

_MAGIC = struct.pack("<4I", 0x10000001, 0x54494D48, 0x20180507, 0)
_HEAD = struct.Struct("<16sIBBHII32s4I16s32s128s16s")
if _HEAD.size != HEAD_BYTES:
    raise AssertionError(_HEAD.size)


class ImageId(IntEnum):
    """What an image is, as a u32 that reads as text on the wire."""

    HEAD = 0x54494D48
    """A head is expected; only as an answer to SEL_IMAGE."""
    BOOT = 0x4F424D49
    """Agentboot or bootloader."""
    AP = 0x444B4249
    CP = 0x43504249
    FLEX = 0x464C5849
    """Any other file."""


class HashMode(IntEnum):
    """Who checks the hash of the image."""

    NOT_CHECKED = 0xEE
    SOFTWARE = 0xAA
    HARDWARE = 0xDD


@dataclass(frozen=True, slots=True)
class ImageHead:
    """One image head.

    Attributes:
        image_id: an :class:`ImageId`, or any other number a peer sends.
        burn_address: offset in its flash; 0 = where the loader puts it by itself.
        size_bytes: of the image.
        image_sha256: of the image, 32 bytes.
        baud_control: 0x8000 + line speed / 100; 0 = as it is.
        options: bit 0 pull up QSPI, bit 1 dribble download, bit 2 current valid.
        load_address: for the loader's own use.
        hash_mode: a :class:`HashMode`.
        load_type: 1 = the loader skips this image.
        count: number of images; 1.
        reserved: the u32 at 28.
        padding: the 16 bytes at 80.
        signature: signature and public key, 128 bytes.
        extra: "HTPO" and a u32 when an extended head follows, 16 bytes.
    """

    image_id: int
    burn_address: int
    size_bytes: int
    image_sha256: bytes
    baud_control: int = 0
    options: int = 0
    load_address: int = LOAD_ADDRESS
    hash_mode: int = HashMode.NOT_CHECKED
    load_type: int = 0
    count: int = 1
    reserved: int = 0
    padding: bytes = bytes(16)
    signature: bytes = field(default=bytes(128), repr=False)
    extra: bytes = bytes(16)

    @property
    def baud(self) -> int:
        """The line speed from now on; 0 = as it is."""
        return (self.baud_control - BAUD_FLAG) * 100 if self.baud_control > BAUD_FLAG else 0


def head_of(image_id: int, burn_address: int, image: bytes, *, baud: int = 0, options: int = 0) -> ImageHead:
    """The head of ``image``, hash included."""
    digest = hashlib.sha256(image).digest()
    return ImageHead(image_id, burn_address, len(image), digest, encode_baud(baud), options)


def pack_head(head: ImageHead) -> bytes:
    """The 272 bytes, with their own SHA-256 put in."""
    plain = _HEAD.pack(
        _MAGIC,
        head.count,
        head.hash_mode,
        head.load_type,
        head.baud_control,
        head.options,
        head.reserved,
        bytes(HASH_BYTES),
        head.image_id,
        head.burn_address,
        head.load_address,
        head.size_bytes,
        head.padding,
        head.image_sha256,
        head.signature,
        head.extra,
    )
    return plain[:HASH_AT] + hashlib.sha256(plain).digest() + plain[HASH_AT + HASH_BYTES :]


def unpack_head(data: bytes) -> ImageHead:
    """The head in exactly 272 bytes; its hash is not looked at (see :func:`is_hash_right`).

    Raises:
        BadFormat: another length, or the first sixteen bytes are not those of a head.
    """
    if len(data) != HEAD_BYTES:
        reason = Text("{size} bytes are no image head", "{size} 字节不是镜像头")
        raise BadFormat(format=Text("image head", "镜像头"), reason=reason, offset=0, size=len(data))
    magic, count, mode, load_type, baud, options, reserved, _, *rest = _HEAD.unpack(data)
    if magic != _MAGIC:
        reason = Text("it does not begin as an image head", "开头不是镜像头")
        raise BadFormat(format=Text("image head", "镜像头"), reason=reason, offset=0)
    image_id, burn_address, load_address, size_bytes, padding, digest, signature, extra = rest
    return ImageHead(
        image_id,
        burn_address,
        size_bytes,
        digest,
        baud,
        options,
        load_address,
        mode,
        load_type,
        count,
        reserved,
        padding,
        signature,
        extra,
    )


def is_hash_right(data: bytes) -> bool:
    """Whether the 272 bytes carry the SHA-256 of themselves."""
    plain = data[:HASH_AT] + bytes(HASH_BYTES) + data[HASH_AT + HASH_BYTES :]
    return hashlib.sha256(plain).digest() == data[HASH_AT : HASH_AT + HASH_BYTES]


def encode_baud(baud: int) -> int:
    """The baud control field of a line speed; 0 = no change. 921600 gives 0xA400."""
    return BAUD_FLAG + baud // 100 if baud else 0

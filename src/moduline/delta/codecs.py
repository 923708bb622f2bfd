"""Codecs of the update container: how a data block, and perhaps the old content, give the new content.

::

    0  raw        the block is the new content
    1  deflate    a zlib stream of it
    2 ..          kept for codecs that read the old content (delta.md 4)

A codec that needs no old content is *whole*: applying it again after any interruption gives the same flash, because
everything new is in the package. The boot code applies whole codecs without a spare area; ``is_whole`` says which.

Source: docs/spec/patch.md; delta.md 4 (codecs of one container).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

from moduline.digest import sha256_hex
from moduline.errors import BadChecksum, BadFormat, Text, Unsupported
from moduline.formats.patch import NAME, PatchRegion

RAW: Final = 0
DEFLATE: Final = 1
_LEVEL: Final = 9


@dataclass(frozen=True, slots=True)
class Codec:
    """One codec.

    Attributes:
        number: in the container.
        name: for people.
        is_whole: it gives the new content without the old one.
    """

    number: int
    name: str
    is_whole: bool


CODECS: Final = {one.number: one for one in (Codec(RAW, "raw", True), Codec(DEFLATE, "deflate", True))}


def codec_of(number: int) -> Codec:
    """The codec of that number.

    Raises:
        Unsupported: it is not known here.
    """
    found = CODECS.get(number)
    if found is None:
        raise Unsupported(
            format=NAME,
            reason=Text("codec {number} is not known", "未知的编码 {number}"),
            remedy=Text("update Moduline", "请升级 Moduline"),
            number=number,
        )
    return found


def encode(new: bytes) -> tuple[int, bytes]:
    """(codec, block) of the smallest whole encoding; the same content gives the same block."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL)
    packed = packer.compress(new) + packer.flush()
    return (DEFLATE, packed) if len(packed) < len(new) else (RAW, new)


def decode(region: PatchRegion) -> bytes:
    """The new content of a region, compared with its SHA-256; never more bytes than the region says.

    Raises:
        Unsupported: an unknown codec.
        BadFormat: the block is damaged, gives too much or too little.
        BadChecksum: it gives other bytes than it should.
    """
    codec = codec_of(region.codec)
    if region.codec_facts.strip(b"\0"):
        raise _broken("codec facts where there are none", "存在多余的编码参数")
    new = region.data if codec.number == RAW else _inflated(region)
    if len(new) != region.new_bytes:
        raise _broken("the block gives another length", "数据块解出的长度不符")
    if sha256_hex(new) != region.new_sha256.hex():
        raise BadChecksum(
            format=NAME, name=f"{region.role} SHA-256", found=sha256_hex(new), expected=region.new_sha256.hex()
        )
    return new


def _inflated(region: PatchRegion) -> bytes:
    stream = zlib.decompressobj()
    try:
        new = stream.decompress(region.data, region.new_bytes + 1)
    except zlib.error as wrong:
        raise _broken("the block is no zlib stream", "数据块不是 zlib 流") from wrong
    if not stream.eof or stream.unused_data:
        raise _broken("the stream does not end with the block", "数据流未在块末尾结束")
    return new


def _broken(en: str, zh: str) -> BadFormat:
    return BadFormat(format=NAME, reason=Text(en, zh), offset=0, rule="codec")

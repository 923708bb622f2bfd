"""Android sparse images as the flasher of ASR chips takes them, and as the vendor's host cuts them.

::

    header 28 or 32 bytes, then chunks, each behind a header of 12 or 16 bytes

    DONT_CARE  n blocks up to the segment       nothing; the blocks stay as they are
    RAW        up to 255 blocks                 the bytes
    DONT_CARE  n blocks up to the end           nothing
    CRC32                                       CRC-32 of all RAW and FILL bytes so far

``total_blocks`` is the whole partition in every segment, so an image of more than 255 blocks goes as several files with
an ever larger first DONT_CARE; a DONT_CARE of no blocks is left out. Differences from the public Android format: a FILL
chunk has eight bytes of data, the CRC is checked, and it must come last because the flasher does not step over it.

Source: platform-asr 4.3 (machine code of a real ASR1601 flasher; layout of the vendor's host).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from moduline.errors import BadChecksum, BadFormat, Text, TooBig
from moduline.formats.record import Field, RecordTable

MAGIC: Final = 0xED26FF3A
RAW: Final = 0xCAC1
FILL: Final = 0xCAC2
DONT_CARE: Final = 0xCAC3
CRC32: Final = 0xCAC4
SHORT_HEADERS: Final = (28, 12)
LONG_HEADERS: Final = (32, 16)
BLOCK_BYTES: Final = 4096
SEGMENT_BLOCKS: Final = 255
FILL_BYTES: Final = 8
ERASED: Final = b"\xff"
MAX_EXPANDED_BYTES: Final = 64 << 20
NAME: Final = "sparse image"
_FILL_STEP: Final = 1 << 16

HEADER: Final = RecordTable(
    "sparse header",
    (
        Field("magic", "u32", "0xED26FF3A"),
        Field("major", "u16", "major version, 1"),
        Field("minor", "u16", "minor version, 0"),
        Field("header_bytes", "u16", "size of this header: 28, or 32 in the vendor's layout", "bytes"),
        Field("chunk_header_bytes", "u16", "size of a chunk's header: 12, or 16", "bytes"),
        Field("block_bytes", "u32", "block size, a multiple of four", "bytes"),
        Field("total_blocks", "u32", "blocks of the whole partition"),
        Field("chunk_count", "u32", "number of chunks"),
        Field("checksum", "u32", "ignored by the flasher"),
    ),
    total_bytes=28,
)
CHUNK: Final = RecordTable(
    "sparse chunk",
    (
        Field("type", "u16", "0xCAC1 raw, 0xCAC2 fill, 0xCAC3 don't care, 0xCAC4 CRC"),
        Field("reserved", "u16", "0; kept"),
        Field("blocks", "u32", "blocks of the partition it stands for"),
        Field("total_bytes", "u32", "header and data", "bytes"),
    ),
    total_bytes=12,
)


@dataclass(frozen=True, slots=True)
class SparseChunk:
    """One chunk; ``data`` is what stands in the file, ``extra`` the header's bytes behind the public twelve."""

    type: int
    blocks: int
    data: bytes = field(default=b"", repr=False)
    extra: bytes = b""
    reserved: int = 0
    stated_bytes: int | None = None
    """The stated size of a DONT_CARE chunk where it is not that of its header; nobody checks it."""


@dataclass(frozen=True, slots=True)
class Sparse:
    """A whole sparse image; ``extra`` are the header's bytes behind the public 28, ``tail`` what follows the chunks."""

    block_bytes: int
    total_blocks: int
    chunks: tuple[SparseChunk, ...]
    header_bytes: int = LONG_HEADERS[0]
    chunk_header_bytes: int = LONG_HEADERS[1]
    extra: bytes = bytes(4)
    checksum: int = 0
    major: int = 1
    minor: int = 0
    tail: bytes = field(default=b"", repr=False)

    @property
    def expanded_bytes(self) -> int:
        """Size of the partition it stands for; bytes."""
        return self.block_bytes * self.total_blocks


def is_sparse(data: bytes) -> bool:
    """Whether the magic stands there."""
    return data[:4] == MAGIC.to_bytes(4, "little")


def read(data: bytes, partition_bytes: int = MAX_EXPANDED_BYTES) -> Sparse:
    """The image, after every check the flasher makes; its own words are in the facts as ``flasher``.

    Args:
        data: the file.
        partition_bytes: room of the partition it is for.

    Raises:
        BadFormat: a rule is broken (fact ``rule``).
        BadChecksum: the CRC chunk does not fit the data before it.
    """
    if len(data) < HEADER.total_bytes:
        raise _broken("size", "it ends too early", "数据过早结束", len(data), "size too low")
    head = HEADER.unpack(data)
    _check_header(head, partition_bytes)
    at, total, crc = head["header_bytes"], 0, 0
    chunks: list[SparseChunk] = []
    if at > len(data):
        raise _broken("size", "it ends too early", "数据过早结束", len(data), "size too low")
    for number in range(head["chunk_count"]):
        chunk, length = _chunk(data, at, head)
        if chunk.type == CRC32:
            if number + 1 != head["chunk_count"]:
                raise _broken("crc-last", "the CRC is not the last chunk", "CRC 块不在最后", at, "Unknown chunk type")
            _check_crc(chunk, crc)
        total += chunk.blocks
        if total > head["total_blocks"]:
            raise _broken(
                "blocks", "more blocks than the image has", "块数超出镜像", at, "Chunk data size exceeds partition size"
            )
        crc = _crc_after(crc, chunk, head["block_bytes"])
        chunks.append(chunk)
        at += length
    if total != head["total_blocks"]:
        raise _broken("blocks", "its chunks do not cover it", "块未覆盖整个镜像", at, "sparse image write failure")
    extra = data[HEADER.total_bytes : head["header_bytes"]]
    kept = {key: head[key] for key in ("header_bytes", "chunk_header_bytes", "checksum", "major", "minor")}
    return Sparse(head["block_bytes"], total, tuple(chunks), extra=extra, tail=data[at:], **kept)


def write(image: Sparse) -> bytes:
    """The file; counts and sizes are computed."""
    head = {
        "magic": MAGIC,
        "major": image.major,
        "minor": image.minor,
        "header_bytes": image.header_bytes,
        "chunk_header_bytes": image.chunk_header_bytes,
        "block_bytes": image.block_bytes,
        "total_blocks": image.total_blocks,
        "chunk_count": len(image.chunks),
        "checksum": image.checksum,
    }
    parts = [HEADER.pack(head), image.extra]
    for one in image.chunks:
        length = image.chunk_header_bytes + len(one.data) if one.stated_bytes is None else one.stated_bytes
        values = {"type": one.type, "reserved": one.reserved, "blocks": one.blocks, "total_bytes": length}
        extra = one.extra.ljust(image.chunk_header_bytes - CHUNK.total_bytes, b"\0")
        parts += [CHUNK.pack(values), extra, one.data]
    return b"".join([*parts, image.tail])


def split(
    data: bytes, partition_bytes: int, *, block_bytes: int = BLOCK_BYTES, segment_blocks: int = SEGMENT_BLOCKS
) -> list[bytes]:
    """The files a host sends for a raw image, in the vendor's layout; one for at most 255 blocks each.

    Args:
        data: the image; its last block is filled up with 0xFF.
        partition_bytes: size of the partition, a multiple of the block size.
        block_bytes: block size.
        segment_blocks: most blocks in one file.

    Raises:
        TooBig: the image is larger than the partition.
    """
    if len(data) > partition_bytes:
        raise TooBig(what=NAME, need=len(data), have=partition_bytes)
    total = partition_bytes // block_bytes
    padded = data + ERASED * (-len(data) % block_bytes)
    blocks = len(padded) // block_bytes
    files = []
    for first in range(0, max(blocks, 1), segment_blocks):
        count = min(segment_blocks, blocks - first)
        raw = padded[first * block_bytes : (first + count) * block_bytes]
        chunks = [
            SparseChunk(DONT_CARE, first),
            SparseChunk(RAW, count, raw),
            SparseChunk(DONT_CARE, total - first - count),
            SparseChunk(CRC32, 0, zlib.crc32(raw).to_bytes(4, "little")),
        ]
        kept = tuple(one for one in chunks if one.blocks or one.type == CRC32)
        files.append(write(Sparse(block_bytes, total, kept)))
    return files


def pieces(image: Sparse) -> Iterator[tuple[int, bytes]]:
    """What is written, as (offset in the partition, bytes); skipped blocks give nothing."""
    at = 0
    for one in image.chunks:
        length = one.blocks * image.block_bytes
        if one.type == RAW:
            yield at, one.data
        elif one.type == FILL:
            yield at, one.data[:4] * (length // 4)
        at += length


def expand(image: Sparse, before: bytes = b"") -> bytes:
    """The partition after the image was written over ``before``; blank where nothing is known."""
    result = bytearray(before.ljust(image.expanded_bytes, ERASED))
    for at, content in pieces(image):
        result[at : at + len(content)] = content
    return bytes(result)


def _check_header(head: dict[str, Any], partition_bytes: int) -> None:
    if head["magic"] != MAGIC:
        raise _broken("magic", "wrong magic", "魔数错误", 0, "not a sparse file image")
    if head["header_bytes"] < SHORT_HEADERS[0]:
        raise _broken("header-size", "its header is too small", "头部过小", 8, "sparse header size mismatch")
    if head["chunk_header_bytes"] < SHORT_HEADERS[1]:
        raise _broken(
            "chunk-header-size", "its chunk headers are too small", "块头部过小", 10, "chunk header size mismatch"
        )
    if not head["block_bytes"] or head["block_bytes"] % 4:
        raise _broken(
            "block-size", "its block size is no multiple of four", "块大小不是 4 的倍数", 12, "Invalid block size"
        )
    if head["block_bytes"] * head["total_blocks"] > partition_bytes:
        raise _broken("too-large", "it is larger than its partition", "镜像大于分区", 16, "size too large")


def _chunk(data: bytes, at: int, head: dict[str, Any]) -> tuple[SparseChunk, int]:
    """The chunk at an offset, and how many bytes of the file it takes."""
    lead = head["chunk_header_bytes"]
    if at + lead > len(data):
        raise _broken("truncated", "it ends within a chunk", "在块内结束", len(data), "size too low")
    values = CHUNK.unpack(data, at)
    kind, blocks, stated = values["type"], values["blocks"], values["total_bytes"]
    extra = data[at + CHUNK.total_bytes : at + lead]
    if kind == DONT_CARE:
        odd = stated if stated != lead else None
        return SparseChunk(kind, blocks, b"", extra, values["reserved"], odd), lead
    wanted = {RAW: blocks * head["block_bytes"], FILL: FILL_BYTES, CRC32: 4}.get(kind)
    if wanted is None:
        raise _broken("chunk-type", "unknown chunk type {found}", "未知的块类型 {found}", at, "Unknown chunk type",
                      found=f"0x{kind:04x}")  # fmt: skip
    if stated != lead + wanted:
        word = {RAW: "Raw", FILL: "FILL", CRC32: "CRC"}[kind]
        raise _broken("chunk-size", "a chunk of another size than its kind has", "块大小与类型不符", at,
                      "Bogus chunk size for chunk type " + word)  # fmt: skip
    if at + stated > len(data):
        raise _broken("truncated", "it ends within a chunk", "在块内结束", len(data), "size too low")
    return SparseChunk(kind, blocks, data[at + lead : at + stated], extra, values["reserved"]), stated


def _crc_after(crc: int, chunk: SparseChunk, block_bytes: int) -> int:
    """The running CRC behind a chunk."""
    if chunk.type == RAW:
        return zlib.crc32(chunk.data, crc)
    if chunk.type == FILL:
        left = chunk.blocks * block_bytes
        pattern = chunk.data[:4] * (min(left, _FILL_STEP) // 4)
        while left:
            crc = zlib.crc32(pattern[: min(left, _FILL_STEP)], crc)
            left -= min(left, _FILL_STEP)
    return crc


def _check_crc(chunk: SparseChunk, crc: int) -> None:
    stored = int.from_bytes(chunk.data, "little")
    if stored != crc:
        raise BadChecksum(format=NAME, name="CRC-32", found=f"0x{stored:08x}", expected=f"0x{crc:08x}")


def _broken(rule: str, en: str, zh: str, offset: int, flasher: str, **facts: Any) -> BadFormat:
    return BadFormat(format=NAME, reason=Text(en, zh), offset=offset, rule=rule, flasher=flasher, **facts)

"""Codecs of the update container: how a data block, and perhaps the old content, give the new content.

::

    0  raw        the block is the new content
    1  deflate    a zlib stream of it
    2  mapped     an in-place plan, and a stream that reads the old content (docs/spec/in-place.md, delta-stream.md)
    3  window     the same with another stream (window-stream.md)

A codec that needs no old content is *whole*: applying it again after any interruption gives the same flash, because
everything new is in the package. The boot code applies whole codecs without a spare area; ``is_whole`` says which.

A codec is one row of ``CODECS``; what chooses among them (``delta.choice``) and what applies them ask nothing else.

Source: docs/spec/patch.md; delta.md 4 (codecs of one container).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from moduline.delta import inplace, mapped, window, window_plan
from moduline.delta.inplace import InPlacePatch
from moduline.digest import sha256_hex
from moduline.errors import BadChecksum, BadFormat, Text, Unsupported
from moduline.formats.patch import NAME, PatchRegion

RAW: Final = 0
DEFLATE: Final = 1
MAPPED: Final = 2
WINDOW: Final = 3
_LEVEL: Final = 9


class MakesInPlace(Protocol):
    """Gives plan and stream of a codec that reads the old content."""

    def __call__(self, old: bytes, new: bytes, *, block_bytes: int, spare_bytes: int | None = None) -> InPlacePatch:
        """The patch; ``spare_bytes`` None for as little as does not wear the flash."""


class PlansAgain(Protocol):
    """Gives the same stream with a plan for less spare flash."""

    def __call__(self, old: bytes, patch: InPlacePatch, spare_bytes: int) -> InPlacePatch:
        """The patch."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One codec.

    Attributes:
        number: in the container.
        name: for people, and for ``--codec``.
        decode: gives the new content of a region, given the old one; lengths and hashes are compared by ``decode``.
        make: plan and stream; None for a codec that gives the new content without the old one.
        plan_again: the same stream for less spare flash.
        may_beat: whether it could give less than so many bytes for old and new; None: it has to be tried.
    """

    number: int
    name: str
    decode: Callable[[PatchRegion, bytes], bytes]
    make: MakesInPlace | None = None
    plan_again: PlansAgain | None = None
    may_beat: Callable[[bytes, bytes, int], bool] | None = None

    @property
    def is_whole(self) -> bool:
        """It gives the new content without the old one."""
        return self.make is None


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


def reading() -> tuple[Codec, ...]:
    """The codecs that read the old content, in the order of their numbers."""
    return tuple(one for one in CODECS.values() if not one.is_whole)


def encode(new: bytes) -> tuple[int, bytes]:
    """(codec, block) of the smallest whole encoding; the same content gives the same block."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL)
    packed = packer.compress(new) + packer.flush()
    return (DEFLATE, packed) if len(packed) < len(new) else (RAW, new)


def in_place(region: PatchRegion) -> InPlacePatch:
    """Plan and stream of a region that reads the old content.

    Raises:
        FormatError: the block is damaged, or for images of other sizes.
    """
    found = InPlacePatch.of(region.data, region.old_sha256, region.new_sha256)
    if (found.plan.old_bytes, found.plan.new_bytes) != (region.old_bytes, region.new_bytes):
        raise _broken("the plan is for other sizes", "升级计划的大小不符")
    return found


def spare_bytes(region: PatchRegion) -> int:
    """Spare flash that a region takes while it is applied.

    Raises:
        FormatError: the block is damaged.
    """
    return 0 if codec_of(region.codec).is_whole else in_place(region).plan.spare_bytes


def decode(region: PatchRegion, old: bytes = b"") -> bytes:
    """The new content of a region, compared with its SHA-256; never more bytes than the region says.

    Args:
        region: of the container.
        old: what is there before; only codecs that are not whole look at it.

    Raises:
        Unsupported: an unknown codec.
        BadFormat: the block is damaged, gives too much or too little.
        BadChecksum: it gives other bytes than it should.
    """
    codec = codec_of(region.codec)
    if region.codec_facts.strip(b"\0"):
        raise _broken("codec facts where there are none", "存在多余的编码参数")
    new = codec.decode(region, old)
    if len(new) != region.new_bytes:
        raise _broken("the block gives another length", "数据块解出的长度不符")
    if sha256_hex(new) != region.new_sha256.hex():
        raise BadChecksum(
            format=NAME, name=f"{region.role} SHA-256", found=sha256_hex(new), expected=region.new_sha256.hex()
        )
    return new


def _plain(region: PatchRegion, _: bytes) -> bytes:
    return region.data


def _mapped(region: PatchRegion, old: bytes) -> bytes:
    if len(old) != region.old_bytes:
        raise _broken("the old content has another length", "旧内容长度不符")
    found = in_place(region)
    plan = found.plan
    return mapped.apply(old, found.stream, plan.new_bytes, plan.block_bytes if plan.is_descending else 0)


def _window(region: PatchRegion, old: bytes) -> bytes:
    if len(old) != region.old_bytes:
        raise _broken("the old content has another length", "旧内容长度不符")
    found = in_place(region)
    plan = found.plan
    given = window.apply(old, found.stream, plan.new_bytes)
    return window_plan.in_place_order(given, plan.block_bytes, plan.is_descending)


def _make_mapped(old: bytes, new: bytes, *, block_bytes: int, spare_bytes: int | None = None) -> InPlacePatch:
    return inplace.make(old, new, block_bytes=block_bytes, spare_bytes=spare_bytes)


def _plan_again(old: bytes, patch: InPlacePatch, spare_bytes: int) -> InPlacePatch:
    plan = patch.plan
    again = inplace.plan_for(old, patch.stream, plan.new_bytes, plan.block_bytes, plan.is_descending, spare_bytes)
    return replace(patch, plan=again)


def _inflated(region: PatchRegion, _: bytes) -> bytes:
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


CODECS: Final[Mapping[int, Codec]] = {
    one.number: one
    for one in (
        Codec(RAW, "raw", _plain),
        Codec(DEFLATE, "deflate", _inflated),
        Codec(MAPPED, "mapped", _mapped, _make_mapped, inplace.plan_again),
        Codec(WINDOW, "window", _window, window_plan.make, _plan_again, window.may_beat),
    )
}

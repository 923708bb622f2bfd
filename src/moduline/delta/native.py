"""The C coder of differences, called from Python: search for covers, encoding, decoding.

The library is compiled when Moduline is installed, from the same files that go into a boot loader (``native/delta``).
Nothing here knows what an image means; see ``delta.mapped``.

Source: docs/spec/delta-stream.md.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

from moduline.delta.native_decoder import READ, ReadAt, StreamDecoder, load, must_fit
from moduline.errors import BadFormat, Text, TooBig

NAME: Final = "delta stream"
MAX_RANGES: Final = 16
_KINDS: Final = (
    "", "call", "branch wide", "load wide", "load", "address", "branch", "branch if", "branch zero", "move low",
    "move high", "pointer", "ram word", "", "", "",
)  # fmt: skip
CATEGORIES: Final = (
    "covers: gap", "covers: repeat", "covers: shift", "covers: bytes", "covers: map", "same", "changed",
    "fresh: high", "fresh: low", "fresh: known call", *[""] * 6,
    *(f"guesses: {kind}" for kind in _KINDS), *(f"operands: {kind}" for kind in _KINDS),
)  # fmt: skip
"""What the bits of a stream are spent on; those of one group begin alike, up to the colon."""


class CCover(ctypes.Structure):
    """A run of the new image that is an old run, more or less; offsets and length in bytes."""

    _fields_ = (
        ("fresh", ctypes.c_uint32),
        ("old", ctypes.c_uint32),
        ("bytes", ctypes.c_uint32),
        ("in_map", ctypes.c_uint8),
    )


class _CCosts(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_int32) for name in ("fresh", "miss", "near_miss", "again", "hit", "hit_after", "moved", "kept")
    )


class _CChoice(ctypes.Structure):
    _fields_ = (
        *(
            (name, ctypes.c_uint32)
            for name in ("base", "covers", "flags", "slot_kib", "log_flags", "log_block", "ranges")
        ),
        ("range", (ctypes.c_uint32 * 2) * MAX_RANGES),
    )


class _CIo(ctypes.Structure):
    _fields_ = (
        ("context", ctypes.c_void_p),
        ("read_old", READ),
        ("read_patch", READ),
        ("old_bytes", ctypes.c_uint32),
        ("patch_bytes", ctypes.c_uint32),
        ("new_bytes", ctypes.c_uint32),
    )


@dataclass(frozen=True, slots=True)
class Costs:
    """What the search takes a choice to cost, in sixteenths of a bit.

    Attributes:
        fresh: a halfword outside covers.
        miss: a halfword of a cover that differs.
        near_miss: one of which only the low byte differs.
        again: a miss behind a miss costs so much more.
        hit: a halfword of a cover that does not differ.
        hit_after: likewise, behind a miss.
        moved: a cover with a new shift.
        kept: a cover with one of the last four shifts.
    """

    fresh: int = 190
    miss: int = 230
    near_miss: int = 120
    again: int = 40
    hit: int = 1
    hit_after: int = 16
    moved: int = 500
    kept: int = 300


@dataclass(frozen=True, slots=True)
class Choice:
    """How a stream is coded.

    Attributes:
        base: address at which both images run.
        ranges: addresses of RAM words, ``(first, behind the last)`` each; at most 16.
        is_thumb: whether operands of Thumb code are guessed.
        slot_kib: RAM for histories, KiB.
        log_flags: RAM for single chances, 2 bytes << this.
        descending_block: 0: the image comes in order; else blocks of so many bytes come last first.
    """

    base: int = 0
    ranges: tuple[tuple[int, int], ...] = ()
    is_thumb: bool = True
    slot_kib: int = 26
    log_flags: int = 11
    descending_block: int = 0


def _ranges(choice: Choice) -> Any:
    if len(choice.ranges) > MAX_RANGES:
        raise TooBig(what=Text("ranges of RAM words", "RAM 地址范围"), need=len(choice.ranges), have=MAX_RANGES)
    table = ((ctypes.c_uint32 * 2) * MAX_RANGES)()
    for row, (first, end) in zip(table, choice.ranges, strict=False):
        row[0], row[1] = first, end
    return table


class View:
    """An image, what stands at each of its halfwords, and how it looks to the search.

    Args:
        image: the bytes.
        old_bytes: length of the old image: pointers lead into it.
        choice: base and ranges.
    """

    def __init__(self, image: bytes, old_bytes: int, choice: Choice) -> None:
        self.image = image
        self.base = choice.base
        self._kinds = ctypes.create_string_buffer(len(image) // 2 + 2)
        if choice.is_thumb:
            size, base = ctypes.c_uint32(len(image)), ctypes.c_uint32(choice.base)
            count = ctypes.c_uint32(len(choice.ranges))
            load(NAME).mdl_classify(image, size, base, ctypes.c_uint32(old_bytes), _ranges(choice), count, self._kinds)

    def blanked(self) -> bytes:
        """The image with its operands taken out."""
        to = ctypes.create_string_buffer(len(self.image) + 4)
        load(NAME).mdl_blank(self.image, ctypes.c_uint32(len(self.image)), self._kinds, to)
        return to.raw[: len(self.image)]

    def resolved(self, covers: Covers | None, new: bytes | None = None) -> bytes:
        """The image with its operands as places in ``new``, by ``covers``; both are None for the new one itself."""
        to = ctypes.create_string_buffer(len(self.image) + 4)
        table, count = (covers.table, covers.count) if covers is not None else (None, 0)
        size, base = ctypes.c_uint32(len(self.image)), ctypes.c_uint32(self.base)
        number, new_bytes = ctypes.c_uint32(count), ctypes.c_uint32(len(new or b""))
        if load(NAME).mdl_resolve(self.image, size, self._kinds, base, table, number, new, new_bytes, to):
            raise MemoryError
        return to.raw[: len(self.image)]


@dataclass(slots=True)
class Covers:
    """Covers in the order of the new image."""

    table: Any
    count: int

    def choose_map(self, old_bytes: int, limit: int) -> int:
        """Mark those that count for the address map, the longest first; gives how many."""
        chosen = int(
            load(NAME).mdl_choose_map(
                self.table, ctypes.c_uint32(self.count), ctypes.c_uint32(old_bytes), ctypes.c_uint32(limit)
            )
        )
        if chosen < 0:
            raise MemoryError
        return chosen

    def rows(self) -> list[tuple[int, int, int]]:
        """``(new offset, old offset, bytes)`` of each."""
        return [(one.fresh, one.old, one.bytes) for one in self.table[: self.count]]

    def split(self, block_bytes: int, new_bytes: int) -> Covers:
        """The same in the order of descending blocks: none crosses a block, offsets count along the stream."""
        last = (new_bytes - 1) // block_bytes
        behind = (new_bytes - last * block_bytes + 1) & ~1
        pieces: list[tuple[int, int, int]] = []
        for fresh, old, size in self.rows():
            at, left = fresh, size
            while left:
                block = at // block_bytes
                part = min(left, (block + 1) * block_bytes - at)
                before = 0 if block == last else behind + (last - 1 - block) * block_bytes
                pieces.append((before + at % block_bytes, old + at - fresh, part))
                at += part
                left -= part
        return covers_of(sorted(pieces))


def covers_of(rows: Sequence[tuple[int, int, int]]) -> Covers:
    """Covers from ``(new offset, old offset, bytes)``."""
    return Covers((CCover * max(len(rows), 1))(*[CCover(*row, 0) for row in rows]), len(rows))


def search(old: bytes, new: bytes, suffixes: Any, costs: Costs) -> Covers:
    """The cheapest covers of ``new`` by ``old``.

    Args:
        old: as the search is to see it.
        new: likewise.
        suffixes: the suffix array of ``old``: a contiguous array of 32-bit numbers that has ``ctypes``.
        costs: of the choices.
    """
    room = len(new) // 2 + 1
    table = (CCover * room)()
    place = suffixes.ctypes.data_as(ctypes.c_void_p)
    sizes = ctypes.c_uint32(len(old)), ctypes.c_uint32(len(new))
    what = _CCosts(*astuple(costs))
    count = int(
        load(NAME).mdl_search(old, sizes[0], new, sizes[1], place, ctypes.byref(what), table, ctypes.c_uint32(room))
    )
    if count < 0:
        raise MemoryError
    return Covers(table, count)


def encode(old: bytes, new: bytes, covers: Covers, choice: Choice) -> tuple[bytes, dict[str, float]]:
    """The stream that makes ``new`` of ``old``, and the bytes spent on each category.

    Raises:
        TooBig: an image, or the number of covers, is beyond what the format holds.
    """
    must_fit(len(old), len(new))
    flags = int(choice.is_thumb) | 2 * bool(choice.descending_block)
    log_block = choice.descending_block.bit_length() - 1 if choice.descending_block else 12
    what = _CChoice(choice.base, covers.count, flags, choice.slot_kib, choice.log_flags, log_block, len(choice.ranges))
    what.range = _ranges(choice)
    room = len(new) + len(new) // 8 + 65536
    out, spent = ctypes.create_string_buffer(room), (ctypes.c_double * len(CATEGORIES))()
    sizes = ctypes.c_uint32(len(old)), ctypes.c_uint32(len(new))
    size = load(NAME).mdl_encode(
        old, sizes[0], new, sizes[1], covers.table, ctypes.byref(what), out, ctypes.c_uint32(room), spent
    )
    if not size:
        raise TooBig(what=Text("delta stream", "差分数据"), need=room + 1, have=room)
    return out.raw[:size], {name: bits / 8 for name, bits in zip(CATEGORIES, spent, strict=True) if bits}


def pack(start: bytes, state: bytes) -> bytes:
    """A decoder's state, packed for a checkpoint.

    Args:
        start: the state with which decoding began.
        state: the state now, as long.
    """
    room = len(state) + len(state) // 32 + 64
    to = ctypes.create_string_buffer(room)
    size = int(load(NAME).mdl_pack(start, state, ctypes.c_uint32(len(state)), to, ctypes.c_uint32(room)))
    assert size <= room  # what cannot be packed grows by a fiftieth
    return to.raw[:size]


def unpack(start: bytes, packed: bytes) -> bytes:
    """The state that ``pack`` made ``packed`` of.

    Raises:
        BadFormat: it is none.
    """
    to = ctypes.create_string_buffer(max(len(start), 1))
    if load(NAME).mdl_unpack(packed, ctypes.c_uint32(len(packed)), start, to, ctypes.c_uint32(len(start))):
        raise BadFormat(format=NAME, reason=Text("a damaged checkpoint", "检查点已损坏"), offset=0, rule="packed")
    return to.raw[: len(start)]


class Decoder(StreamDecoder):
    """Gives a new image from an old one and a stream, in the order of the stream.

    Args:
        read_old: gives bytes of the old image: offset, length.
        old_bytes: its length.
        stream: from ``encode``.
        new_bytes: length of the new image.

    Raises:
        BadFormat: the stream breaks a rule of the format.
        TooBig: an image is beyond what the format holds.
    """

    name = NAME
    prefix = "mdl_delta_"

    def __init__(self, read_old: ReadAt, old_bytes: int, stream: bytes, new_bytes: int) -> None:
        must_fit(old_bytes, new_bytes)
        read_patch = self._reader(lambda at, count: stream[at : at + count])
        super().__init__(_CIo(None, self._reader(read_old), read_patch, old_bytes, len(stream), new_bytes))

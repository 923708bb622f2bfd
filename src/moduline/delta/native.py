"""The C coder of differences, called from Python: search for covers, encoding, decoding.

The library is compiled when Moduline is installed, from the same files that go into a boot loader (``native/delta``).
Nothing here knows what an image means; see ``delta.mapped``.

Source: docs/spec/delta-stream.md.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any, Final

from moduline.errors import BadFormat, Text, TooBig, Unsupported

NAME: Final = "delta stream"
LIBRARIES: Final = ("mdl_delta.so", "mdl_delta.dylib", "mdl_delta.dll")
MAX_IMAGE_BYTES: Final = 1 << 24
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

ReadAt = Callable[[int, int], bytes]


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


_READ = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint8), ctypes.c_uint32
)


class _CIo(ctypes.Structure):
    _fields_ = (
        ("context", ctypes.c_void_p),
        ("read_old", _READ),
        ("read_patch", _READ),
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


@cache
def _library() -> Any:
    """The loaded library.

    Raises:
        Unsupported: it was not compiled.
    """
    folder = files("moduline.delta")
    for name in LIBRARIES:
        found = folder / name
        if found.is_file():
            with as_file(found) as path:
                library = ctypes.CDLL(str(path))
            library.mdl_encode.restype = ctypes.c_uint32
            library.mdl_search.restype = ctypes.c_int32
            library.mdl_pack.restype = ctypes.c_uint32
            return library
    raise Unsupported(
        format=NAME,
        reason=Text("the native coder was not compiled", "本地编码库未编译"),
        remedy=Text("install a C compiler and install Moduline again", "请安装 C 编译器后重新安装 Moduline"),
    )


def is_there() -> bool:
    """Whether the library was compiled."""
    return any((files("moduline.delta") / name).is_file() for name in LIBRARIES)


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
            _library().mdl_classify(image, size, base, ctypes.c_uint32(old_bytes), _ranges(choice), count, self._kinds)

    def blanked(self) -> bytes:
        """The image with its operands taken out."""
        to = ctypes.create_string_buffer(len(self.image) + 4)
        _library().mdl_blank(self.image, ctypes.c_uint32(len(self.image)), self._kinds, to)
        return to.raw[: len(self.image)]

    def resolved(self, covers: Covers | None, new: bytes | None = None) -> bytes:
        """The image with its operands as places in ``new``, by ``covers``; both are None for the new one itself."""
        to = ctypes.create_string_buffer(len(self.image) + 4)
        table, count = (covers.table, covers.count) if covers is not None else (None, 0)
        size, base = ctypes.c_uint32(len(self.image)), ctypes.c_uint32(self.base)
        number, new_bytes = ctypes.c_uint32(count), ctypes.c_uint32(len(new or b""))
        if _library().mdl_resolve(self.image, size, self._kinds, base, table, number, new, new_bytes, to):
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
            _library().mdl_choose_map(
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
        _library().mdl_search(old, sizes[0], new, sizes[1], place, ctypes.byref(what), table, ctypes.c_uint32(room))
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
    size = _library().mdl_encode(
        old, sizes[0], new, sizes[1], covers.table, ctypes.byref(what), out, ctypes.c_uint32(room), spent
    )
    if not size:
        raise TooBig(what=Text("delta stream", "差分数据"), need=room + 1, have=room)
    return out.raw[:size], {name: bits / 8 for name, bits in zip(CATEGORIES, spent, strict=True) if bits}


def must_fit(*sizes: int) -> None:
    """Refuse images that the format cannot hold.

    Raises:
        TooBig: one is larger than 16 MiB.
    """
    if max(sizes) > MAX_IMAGE_BYTES:
        raise TooBig(what=Text("image", "镜像"), need=max(sizes), have=MAX_IMAGE_BYTES)


def pack(start: bytes, state: bytes) -> bytes:
    """A decoder's state, packed for a checkpoint.

    Args:
        start: the state with which decoding began.
        state: the state now, as long.
    """
    room = len(state) + len(state) // 32 + 64
    to = ctypes.create_string_buffer(room)
    size = int(_library().mdl_pack(start, state, ctypes.c_uint32(len(state)), to, ctypes.c_uint32(room)))
    assert size <= room  # what cannot be packed grows by a fiftieth
    return to.raw[:size]


def unpack(start: bytes, packed: bytes) -> bytes:
    """The state that ``pack`` made ``packed`` of.

    Raises:
        BadFormat: it is none.
    """
    to = ctypes.create_string_buffer(max(len(start), 1))
    if _library().mdl_unpack(packed, ctypes.c_uint32(len(packed)), start, to, ctypes.c_uint32(len(start))):
        raise BadFormat(format=NAME, reason=Text("a damaged checkpoint", "检查点已损坏"), offset=0, rule="packed")
    return to.raw[: len(start)]


class Decoder:
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

    def __init__(self, read_old: ReadAt, old_bytes: int, stream: bytes, new_bytes: int) -> None:
        must_fit(old_bytes, new_bytes)
        self._failure: BaseException | None = None

        def old_of(_: Any, at: int, to: Any, count: int) -> int:
            return self._copy(lambda: read_old(at, count), to, count)

        def patch_of(_: Any, at: int, to: Any, count: int) -> int:
            return self._copy(lambda: stream[at : at + count], to, count)

        self._io = _CIo(None, _READ(old_of), _READ(patch_of), old_bytes, len(stream), new_bytes)
        need = ctypes.c_uint32()
        self._check(_library().mdl_delta_need(ctypes.byref(self._io), ctypes.byref(need)))
        self.ram_bytes = need.value
        """RAM that decoding takes."""
        self._ram = (ctypes.c_uint32 * ((self.ram_bytes + 3) // 4))()
        self._check(_library().mdl_delta_begin(self._ram, need, ctypes.byref(self._io)))

    @property
    def left(self) -> int:
        """Bytes not given yet."""
        return int(_library().mdl_delta_left(self._ram))

    def read(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            BadFormat: the stream breaks a rule of the format, or holds fewer.
        """
        to = ctypes.create_string_buffer(max(count, 1))
        self._check(_library().mdl_delta_read(self._ram, ctypes.byref(self._io), to, ctypes.c_uint32(count)))
        return to.raw[:count]

    def state(self) -> bytes:
        """All that decoding needs to go on from here, with the same images, stream and kind of computer.

        Keep a check value beside it: ``restore`` only refuses what could do harm.
        """
        return bytes(self._ram)

    def restore(self, state: bytes) -> None:
        """Go on from a state.

        Raises:
            BadFormat: it is none of this stream.
        """
        if len(state) != len(bytes(self._ram)):
            raise BadFormat(
                format=NAME, reason=Text("a state of another stream", "状态不属于此数据"), offset=0, rule="state"
            )
        kept = bytes(self._ram)
        ctypes.memmove(self._ram, state, len(state))
        try:
            self._check(_library().mdl_delta_resume(self._ram, ctypes.c_uint32(self.ram_bytes), ctypes.byref(self._io)))
        except BadFormat:
            ctypes.memmove(self._ram, kept, len(kept))
            raise

    def _copy(self, get: Callable[[], bytes], to: Any, count: int) -> int:
        """Fill a buffer of the library; what fails is raised once the library has come back."""
        try:
            data = get()
        except Exception as failure:  # noqa: BLE001  it must not unwind through C; raised in _check
            self._failure = failure
            return 1
        if len(data) != count:
            return 1
        ctypes.memmove(to, data, count)
        return 0

    def _check(self, result: int) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if result == 0:
            return
        reasons = {
            1: Text("it breaks a rule of the format", "违反格式规则"),
            2: Text("no state of this stream", "状态无效"),
            3: Text("bytes could not be read", "无法读取数据"),
            4: Text("it holds fewer bytes", "数据不足"),
        }
        raise BadFormat(format=NAME, reason=reasons[result], offset=0, rule="stream")
